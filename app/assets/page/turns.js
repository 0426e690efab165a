// The buttons at questions and answers: edit, try again, other versions, copy, look again.

import { typeIn } from "./composer.js";
import { filmOf } from "./player.js";

const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // without HTTPS a browser has no clipboard for scripts
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};

const note = (button, words) => {
  const before = button.textContent;
  button.textContent = words;
  setTimeout(() => { button.textContent = before; }, 1500);
};

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

// Begins a question about the part of the film around the moment that it shows.
const askCloser = (button) => {
  const strips = [...button.closest(".message, .bot").querySelectorAll(".strip[data-kind=video]")];
  const frames = strips.flatMap((strip) => [...strip.querySelectorAll("a.frame[data-time]")]);
  const times = frames.map((frame) => Number(frame.dataset.time));
  const film = filmOf(strips[0]?.dataset.source);
  const end = film?.duration > 0 ? film.duration : Math.max(1, ...times);
  const now = film?.currentTime || Number(frames.find((frame) => frame.matches(".at"))?.dataset.time) || end / 2;
  const half = Math.max(1, end / 8);
  const from = Math.floor(Math.max(0, now - half)), to = Math.ceil(Math.min(end, now + half));
  typeIn(`Look closer between ${clock(from)} and ${clock(Math.max(to, from + 1))}: `);
};

export const startTurns = (chats, shown, press) => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#chat button[data-do]");
    if (!button) return;
    const turn = Number(button.closest(".tools")?.dataset.turn), act = button.dataset.do;
    if (act === "copy") {
      copyText(shown()[turn]?.answer ?? "").then(() => note(button, "Copied"));
      return;
    }
    if (act === "closer") return askCloser(button);
    if (chats.busy) return;
    press(act, act === "suggested" ? { text: button.dataset.question } : { turn, place: Number(button.dataset.place) });
  });
};
