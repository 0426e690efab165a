// The page's own behavior beside Gradio. Gradio's events call what `revisit` has.

import { startAccess } from "./access.js";
import { Chats } from "./chats.js";
import { acceptDrops, focus, nameThumbnails, setEditing } from "./composer.js";
import { startFrames } from "./frames.js";
import { fillIn } from "./kept.js";
import { startLanguage } from "./language.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { startPlayer } from "./player.js";
import { shownPath } from "./records.js";
import { keepSettings, keptSettings } from "./settings.js";
import { openStore } from "./store.js";
import { changeTheme, startTheme } from "./theme.js";
import { toast } from "./toast.js";
import { startTurns } from "./turns.js";

const ready = (selector) => new Promise((resolve) => {
  const look = () => {
    const found = document.querySelector(selector);
    if (found) resolve(found);
    else setTimeout(look, 50);
  };
  look();
});

let request = null, list = null, live = null;

// Presses a hidden button of Gradio's, whose event asks `asking` for the request.
const press = (name, what = null) => {
  request = what;
  if (name === "edit") { chats.editing = true; setEditing(true); }
  document.querySelector(`#do-${name}`)?.click();
};

const view = {
  changed: () => { setEditing(chats.editing); list?.render(); },
  announce: (sentence) => toast(sentence),
  press,
  typed: () => document.querySelector("#composer textarea")?.value ?? "",
  stop: () => document.querySelector("#composer .stop-button")?.click(),
};

const chats = new Chats(await openStore(), view);

// Escape stops an answer or an edit, the up key in an empty box edits the last question, Ctrl-K begins anew.
const cancelEdit = () => {
  chats.editing = false;
  setEditing(false);
  press("cancel");
};

const keys = (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const inBox = event.target.matches?.("#composer textarea");
  if (event.key === "Escape" && chats.busy) view.stop();
  else if (event.key === "Escape" && inBox && chats.editing) cancelEdit();
  else if (event.key === "ArrowUp" && inBox && !event.target.value && !chats.busy) {
    const last = shownPath(chats.saved.turns).length - 1;
    if (last >= 0) press("edit", { turn: last });
  } else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
    event.preventDefault();
    chats.open(null);
  }
};

const start = async () => {
  await Promise.all(["#chat", "#theme", "#live"].map(ready));  // Gradio adds its parts one after another
  startTheme();
  list = new List(chats, toast);
  fillIn(chats.store);
  startFrames();
  startPlayer();
  startAccess();
  acceptDrops();
  live = new Live(press, toast);
  startTurns(chats, () => shownPath(chats.saved.turns), press);
  document.addEventListener("click", (event) => { if (event.target.closest?.("#cancel-edit")) cancelEdit(); });
  document.addEventListener("keydown", keys);
};
const begun = start();
startLanguage();

export const revisit = {
  begun,
  chats,
  focus,
  theme: changeTheme,
  started: async () => [await chats.started()],
  asking: (...given) => { given[given.length - 1] = request; return given; },
  opening: () => [request],
  keep: (text) => chats.keep(text),
  typed: (draft) => { nameThumbnails(draft); chats.typed(draft); },
  keepSettings,
  liveBegan: (answer) => live?.began(answer),
  keptSettings: () => [keptSettings()],
  fresh: () => { chats.open(null); },
  showChats: async () => { await begun; list.toggle(); },
};
