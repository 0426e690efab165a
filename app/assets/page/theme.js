// Light or dark: as the system, until one is chosen.

const THEME = "revisit-theme";
const isDark = () => document.body.classList.contains("dark");

const labelButton = () => {
  const button = document.querySelector("#theme");
  if (button) button.textContent = isDark() ? "Light" : "Dark";
};

export const changeTheme = () => {
  document.body.classList.toggle("dark");
  localStorage.setItem(THEME, isDark() ? "dark" : "light");
  labelButton();
};

export const startTheme = () => {
  const chosen = localStorage.getItem(THEME);
  if (chosen) document.body.classList.toggle("dark", chosen === "dark");
  labelButton();
  new MutationObserver(labelButton).observe(document.body, { attributes: true, attributeFilter: ["class"] });
};
