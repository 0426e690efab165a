// What Gradio's own elements lack for screen readers: who speaks, and names of its buttons.

const mend = () => {
  const all = (selector) => document.querySelectorAll(`#chat ${selector}`);
  all(".examples[role=list]").forEach((list) => list.removeAttribute("role"));  // it has buttons, no items
  all(".message-row:not([role])").forEach((row) => {
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", row.matches(".user-row") ? "You" : "Revisit");
  });
  all("[data-testid][aria-label]:not([role])").forEach((part) => {
    if (part.tagName === "DIV") part.setAttribute("role", "group");
  });
  all(".user-row button:not([aria-label])").forEach((button) => {
    const image = button.querySelector("img");
    if (image) button.setAttribute("aria-label", `Open ${image.alt || "the picture"}`);
  });
};

export const startAccess = () => {
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  mend();
};
