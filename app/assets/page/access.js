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
  all(".user-row button:has(img)").forEach((button) => {
    const { alt } = button.querySelector("img");
    if (button.dataset.opens === alt || (button.ariaLabel && !("opens" in button.dataset))) return;
    button.dataset.opens = alt;
    button.setAttribute("aria-label", `Open ${alt || "the picture"}`);
  });
};

export const startAccess = () => {
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["alt"] });
  mend();
};
