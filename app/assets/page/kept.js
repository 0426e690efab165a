// Keeps the files and frames of conversations in the browser, and brings them back to a server that
// has lost them.

import { fileKeysOf, framesOf } from "./records.js";

const LARGEST = 300 * 2 ** 20;  // bytes of a file that is kept
const PICTURES = /^image\/(png|jpeg|gif|webp|bmp|avif)$/;

const address = (path) => `gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`;

const hasRoom = async (size) => {
  const { quota = 0, usage = 0 } = await navigator.storage?.estimate?.() ?? {};
  return size <= LARGEST && (!quota || usage + 2 * size < quota);
};

const keepOne = async (store, key, url) => {
  const answer = await fetch(url);
  if (!answer.ok || !(await hasRoom(Number(answer.headers.get("content-length")) || 0))) return;
  await store.putFile(key, await answer.blob());
};

// Stores what the record shows and the browser does not hold yet.
export const capture = async (store, record) => {
  const held = new Set(await store.fileKeys());
  for (const turn of record.turns) {
    const wanted = turn.files.filter((file) => file.path).map((file) => [file.key, address(file.path)]);
    const onServer = turn.strips.filter((strip) => strip.here).flatMap(framesOf);
    const frames = onServer.map((key) => [key, `frames/${key}.jpg`]);
    for (const [key, url] of [...wanted, ...frames]) {
      if (held.has(key)) continue;
      try {
        await keepOne(store, key, url);
      } catch { /* the browser is full, or the server is gone: the conversation stays without it */ }
    }
  }
};

// Asks the server which of the paths it still holds for this browser.
const stillHeld = async (paths) => {
  if (!paths.length) return new Set();
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("held", { method: "POST", headers, body: JSON.stringify(paths) });
  return new Set(answer.ok ? await answer.json() : []);
};

const send = async (blob, name) => {
  const form = new FormData();
  form.append("files", blob, name);
  const answer = await fetch("gradio_api/upload", { method: "POST", body: form });
  return answer.ok ? (await answer.json())[0] : null;
};

// Returns the record with the path of each file that the server holds, after sending those that
// only the browser has.
export const bringBack = async (store, record, announce = () => {}) => {
  const files = [...record.turns.flatMap((turn) => turn.files), ...record.draft.files];
  const held = await stillHeld([...new Set(files.map((file) => file.path).filter(Boolean))]);
  const paths = new Map(files.filter((file) => held.has(file.path)).map((file) => [file.key, file.path]));
  for (const file of files) {
    if (paths.has(file.key)) continue;
    paths.set(file.key, null);
    try {
      const blob = await store.file(file.key);
      if (!blob) continue;
      announce(`Bringing back ${file.name}…`);
      paths.set(file.key, await send(blob, file.name));
    } catch { /* it stays missing */ }
  }
  const found = (file) => ({ ...file, path: paths.get(file.key) ?? null });
  return {
    ...record,
    turns: record.turns.map((turn) => ({ ...turn, files: turn.files.map(found) })),
    draft: { ...record.draft, files: record.draft.files.map(found) },
  };
};

// Removes files that no conversation shows.
export const removeUnused = async (store, records) => {
  const used = new Set(records.flatMap((record) => [...fileKeysOf(record)]));
  for (const key of await store.fileKeys()) if (!used.has(key)) await store.removeFile(key);
};

// A picture from storage as an address. Its type is set here: a stored page must never open as one.
const picture = async (store, key) => {
  const blob = await store.file(key);
  if (!(blob instanceof Blob) || (blob.type && !PICTURES.test(blob.type))) return null;
  return URL.createObjectURL(new Blob([blob], { type: blob.type || "image/jpeg" }));
};

const filling = new WeakMap();  // element -> the key that is on its way

// Fills an element. Gradio keeps the elements of a chat for the next one and exchanges their
// attributes, so an element can have another key by the time its picture is there.
const fillOne = async (store, element, keyOf, show) => {
  const key = keyOf(element);
  if (filling.get(element) === key) return;
  filling.set(element, key);
  try {
    const url = await picture(store, key);
    if (keyOf(element) === key) show(url);
  } catch { /* the storage failed: tried again at the next change */
  } finally {
    if (filling.get(element) === key) filling.delete(element);
  }
};

const frameKey = (frame) => frame.dataset.kept?.replace(/^frames\//, "").replace(/\.jpg$/, "");

const fillFrame = (store, frame) => fillOne(store, frame, frameKey, (url) => {
  frame.removeAttribute("data-kept");
  frame.closest(".cell")?.classList.toggle("gone", !url);
  if (url) frame.href = frame.querySelector("img").src = url;
});

const fileKey = (label) => (label.dataset.filled ? undefined : label.dataset.key);

const fillFile = (store, label) => fillOne(store, label, fileKey, (url) => {
  label.dataset.filled = "yes";
  if (!url) return;
  const image = new Image();
  image.alt = "";
  image.src = url;
  label.prepend(image);
});

// Fills in the pictures that only the browser holds, as they appear. The whole page is observed:
// while it is loading, Gradio may replace the chat.
export const fillIn = (store) => {
  const fill = () => {
    document.querySelectorAll("#chat a.frame[data-kept]").forEach((frame) => fillFrame(store, frame));
    document.querySelectorAll("#chat .file[data-key]:not([data-filled])").forEach((label) => fillFile(store, label));
  };
  const attributeFilter = ["data-kept", "data-key", "data-filled"];
  new MutationObserver(fill).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter });
  fill();
};
