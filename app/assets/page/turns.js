// The buttons at questions and answers: edit, try again, other versions, copy.

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

export const startTurns = (chats, shown, press) => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#chat .tools button[data-do]");
    if (!button) return;
    const turn = Number(button.closest(".tools").dataset.turn), act = button.dataset.do;
    if (act === "copy") {
      copyText(shown()[turn]?.answer ?? "").then(() => note(button, "Copied"));
      return;
    }
    if (chats.busy) return;
    press(act, { turn, place: Number(button.dataset.place) });
  });
};
