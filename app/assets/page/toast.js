// A sentence at the foot of the page, for a while, with at most one thing to do about it.

let leaving;

export const toast = (sentence, label, act) => {
  document.querySelector("#toast")?.remove();
  clearTimeout(leaving);
  const element = document.createElement("div");
  element.id = "toast";
  element.setAttribute("role", "status");
  element.append(sentence);
  if (label) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => { element.remove(); act(); });
    element.append(button);
  }
  document.body.append(element);
  leaving = setTimeout(() => element.remove(), label ? 15_000 : 6_000);
};
