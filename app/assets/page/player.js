// The film in the chat: a frame or a time that is clicked moves it there, its bar marks what was seen.

import { enlarge } from "./frames.js";

const films = () => [...document.querySelectorAll("#chat video")].filter((video) => !video.dataset.told);

const addressOf = (video) => {
  try {
    return decodeURIComponent(video.currentSrc || video.src);
  } catch {
    return "";
  }
};

export const filmOf = (source) => source && films().find((video) => addressOf(video).endsWith(`/${source}`));

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const seek = (video, time) => {
  video.pause();
  video.currentTime = time;
  video.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
};

// A frame moves its film there; where there is no film to move, it opens large.
const clickFrame = (frame) => {
  const strip = frame.closest(".strip"), film = filmOf(strip.dataset.source);
  if (!film || !frame.dataset.time) return enlarge(frame);
  strip.querySelectorAll(".frame.at").forEach((other) => other.classList.remove("at"));
  frame.classList.add("at");
  seek(film, Number(frame.dataset.time));
};

// A time in an answer belongs to the last film before it.
const clickTime = (link) => {
  const before = films().filter((film) => film.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING);
  if (before.length) seek(before.at(-1), Number(link.hash.slice(3)));
};

const mark = (bar, film, times) => {
  bar.replaceChildren();
  for (const time of times) {
    const tick = document.createElement("i");
    tick.style.left = `${100 * Math.min(time / film.duration, 1)}%`;
    bar.append(tick);
  }
  const now = document.createElement("b");
  bar.append(now);
  const move = () => { now.style.left = `${100 * Math.min(film.currentTime / film.duration, 1)}%`; };
  film.addEventListener("timeupdate", move);
  film.addEventListener("seeked", move);
  move();
};

const timesSeen = (film) => {
  const address = addressOf(film);
  const strips = [...document.querySelectorAll("#chat .strip[data-kind=video]")];
  const own = strips.filter((strip) => strip.dataset.source && address.endsWith(`/${strip.dataset.source}`));
  const frames = own.flatMap((strip) => [...strip.querySelectorAll("a.frame[data-time]")]);
  return [...new Set(frames.map((frame) => Number(frame.dataset.time)))].sort((a, b) => a - b);
};

const markAll = () => films().forEach((film) => {
  const times = timesSeen(film), signature = times.join();
  const old = film.parentElement.querySelector(".marks");
  if (!times.length) old?.remove();  // of a film that was here before
  if (!(film.duration > 0) || !times.length || old?.dataset.times === signature) return;
  old?.remove();
  const bar = document.createElement("div");
  bar.className = "marks";
  bar.dataset.times = signature;
  bar.title = "Moments the model saw";
  bar.addEventListener("click", (event) => {
    const { left, width } = bar.getBoundingClientRect();
    const clicked = film.duration * (event.clientX - left) / width;
    const nearest = times.reduce((best, time) => (Math.abs(time - clicked) < Math.abs(best - clicked) ? time : best));
    seek(film, nearest);
  });
  film.after(bar);
  mark(bar, film, times);
});

export const startPlayer = () => {
  document.addEventListener("click", (event) => {
    const large = event.target.closest?.("#chat .enlarge");
    if (large) return enlarge(large.closest(".cell").querySelector("a.frame"));
    const time = event.target.closest?.('#chat a[href^="#t="]');
    if (time) { event.preventDefault(); return clickTime(time); }
    const frame = event.target.closest?.("a.frame");
    if (!frame || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    clickFrame(frame);
  });
  document.addEventListener("loadedmetadata", (event) => { if (event.target.closest?.("#chat")) markAll(); }, true);
  new MutationObserver(markAll).observe(document.body, { childList: true, subtree: true });
};
