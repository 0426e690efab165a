// Settings stay in this browser. Only what differs from the beginning is kept.

const SETTINGS = "revisit-settings";

export const keepSettings = ([names, defaults], values) => {
  const changed = names.map((name, index) => [name, values[index]]).filter(([, value], index) => value !== defaults[index]);
  if (changed.length) localStorage.setItem(SETTINGS, JSON.stringify(Object.fromEntries(changed)));
  else localStorage.removeItem(SETTINGS);
};

export const keptSettings = () => {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS)) ?? {};
  } catch {
    return {};  // not ours
  }
};
