// A conversation as Markdown, as JSON or as one page with its pictures; and JSON back again.
// What is read from a file is as hostile as a model's answer: it is checked here, gets keys of its
// own, and is sanitized where it is shown.

import { say } from "./language.js";
import { cleanTurns, framesOf, newId, shownPath, titleOf } from "./records.js";

const FORMAT = "revisit-conversation", VERSION = 1;
const MOST = 50 * 2 ** 20;  // bytes of files in one export
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+);base64,([A-Za-z0-9+/]*={0,2})$/;
const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

const clock = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
};

const seen = (strip) => {
  const times = strip.times ? `: ${strip.times.map(clock).join(", ")}` : "";
  return say(`${strip.count} ${strip.count === 1 ? "picture" : "pictures"} seen of ${strip.name}`) + times;
};

const versionOf = (turn) => (turn.versions > 1 ? ` ${say(`(version ${turn.place} of ${turn.versions})`)}` : "");

export const toMarkdown = (record) => {
  const parts = shownPath(record.turns).map((turn) => [
    `## ${turn.question.replace(/\s+/g, " ").trim() || say("(no question)")}${versionOf(turn)}`,
    ...turn.files.map((file) => `*${file.name}*`),
    turn.answer.trim() || `*${say("(no answer)")}*`,
    ...turn.strips.map((strip) => `> ${seen(strip)}`),
    ...turn.notes.map((note) => `> ${say(note)}`),
  ].join("\n\n"));
  return `# ${record.title}\n\n${parts.join("\n\n")}\n`;
};

const dataUrl = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(blob);
});

// Returns key -> data URL of what is stored, until it is too much for one file; and what was left out.
const stored = async (store, keys) => {
  const found = {}, left = [];
  let size = 0;
  for (const key of new Set(keys)) {
    const blob = await store.file(key);
    if (!blob) continue;
    size += blob.size;
    if (size > MOST) left.push(key);
    else found[key] = await dataUrl(blob);
  }
  return { found, left };
};

export const toJson = async (store, record) => {
  const frames = record.turns.flatMap((turn) => turn.strips.flatMap(framesOf));
  const files = record.turns.flatMap((turn) => turn.files.map((file) => file.key));
  const { found, left } = await stored(store, [...frames, ...files]);
  const turns = record.turns.map((turn) => ({
    ...turn,
    files: turn.files.map(({ key, name }) => ({ key, name })),
  }));
  const { title, named, created, updated } = record;
  return JSON.stringify({ format: FORMAT, version: VERSION, title, named, created, updated, turns, stored: found, left_out: left }, null, 1);
};

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const figure = (strip, found) => {
  const [width, height] = strip.size;
  const shape = width && height && (strip.kind === "video" || strip.count === 1) ? ` style="aspect-ratio:${width / height}"` : "";
  const cells = framesOf(strip).map((key, index) => {
    const url = found[key], label = strip.times ? clock(strip.times[index]) : "";
    if (!url || !PICTURE.test(DATA_URL.exec(url)?.[1])) return "";
    return `<div><img${shape} alt="${escape(`${strip.name} ${label}`)}" src="${url}"><small>${label}</small></div>`;
  });
  return `<figure><figcaption>${escape(seen(strip))}</figcaption><div class="frames">${cells.join("")}</div></figure>`;
};

const STYLE = `body{font:16px/1.55 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em;color:#1c1917;background:#fbfaf8}
h2{font-size:1em;background:#f1efeb;border-radius:12px;padding:.6em .9em;white-space:pre-wrap}.answer{white-space:pre-wrap}
.frames{display:flex;flex-wrap:wrap;gap:6px}.frames img{display:block;height:90px;border-radius:6px}.frames small,figcaption,.note{color:#6b655f;font-size:13px}figure{margin:1em 0}
@media(prefers-color-scheme:dark){body{color:#ece9e4;background:#1a1816}h2{background:#2b2825}}`;

// One page that asks nothing of anybody: its policy allows only its own pictures and style.
export const toHtml = async (store, record) => {
  const path = shownPath(record.turns);
  const { found } = await stored(store, path.flatMap((turn) => turn.strips.flatMap(framesOf)));
  const parts = path.map((turn) => `<h2>${escape(turn.question)}${escape(versionOf(turn))}</h2>
${turn.files.map((file) => `<p class="note">${escape(file.name)}</p>`).join("")}<div class="answer">${escape(turn.answer)}</div>
${turn.strips.map((strip) => figure(strip, found)).join("")}${turn.notes.map((note) => `<p class="note">${escape(say(note))}</p>`).join("")}`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escape(record.title)}</title><style>${STYLE}</style><h1>${escape(record.title)}</h1>
${parts.join("\n")}</html>
`;
};

const blobOf = (url) => {
  const match = DATA_URL.exec(url);
  if (!match) return null;
  return new Blob([Uint8Array.from(atob(match[2]), (sign) => sign.charCodeAt(0))], { type: match[1] });
};

// Returns a record with keys of its own and what it stores. Throws a sentence if it is not an export.
export const fromJson = (text, name) => {
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Error(`${name} is not JSON; choose a file that Export as JSON wrote.`);
  }
  if (given?.format !== FORMAT || given.version !== VERSION) {
    throw new Error(`${name} is not a conversation of this page; choose a file that Export as JSON wrote.`);
  }
  let turns;
  try {
    turns = cleanTurns(given.turns);
  } catch {
    throw new Error(`${name} is damaged: its turns cannot be read.`);
  }
  const renamed = new Map(), files = [];
  const copy = (key, fresh) => {
    renamed.set(key, fresh);
    const blob = typeof given.stored?.[key] === "string" ? blobOf(given.stored[key]) : null;
    if (blob) files.push([fresh, blob]);
  };
  const folder = newId();
  for (const turn of turns) {
    for (const file of turn.files) {
      if (!renamed.has(file.key)) copy(file.key, `${folder}-${renamed.size}/${file.name.replaceAll("/", "_")}`);
      Object.assign(file, { key: renamed.get(file.key), path: null });
    }
    for (const strip of turn.strips) {
      const key = newId();
      framesOf(strip).forEach((old, index) => copy(old, `${key}/${index}`));
      Object.assign(strip, { key, here: false, source: renamed.get(strip.source) ?? "" });
    }
  }
  const now = Date.now(), title = String(given.title ?? "").slice(0, 200) || titleOf(turns);
  const record = { id: newId(), title, named: given.named === true || title !== titleOf(turns), created: now, updated: now, revision: 1, session: "", turns, draft: { text: "", files: [] } };
  return { record, files };
};

export const download = (content, type, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name.replace(/[^\p{L}\p{N} ._-]+/gu, "_").slice(0, 80) || "conversation";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
