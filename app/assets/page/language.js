// The page in the browser's language. `texts.json` has each text once, in English, with its
// translations. {0} stands for what differs and stays as it is, {#0} for a number, {*0} for
// another text of the table. What a person or the model wrote is not translated.

const LANGUAGES = ["de", "es", "zh"];  // the columns of the table
const ATTRIBUTES = ["title", "aria-label", "placeholder", "alt"];
// In the chat only these are the page's own words.
const OWN = ".tools, .phase, .facts, .note, .error, .strip, .placeholder, .examples, .suggestions, .marks";
const FOREIGN = "textarea, script, style, code, #chats .chat, #composer .thumbnail-item, #chat .read li, #chat .file";
const HOLE = /\{([#*]?)(\d)\}/g;
const KINDS = { "": "(.+?)", "#": "(\\d[\\d.,]*)", "*": "(.+?)" };

const chosen = () => {
  for (const language of navigator.languages) {
    const short = language.toLowerCase().split("-")[0];
    if (short === "en") return "en";
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
};

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// A text with holes, as the expression that it matches, and the kind and number of each hole.
const patternOf = (english, translation) => {
  const holes = [...english.matchAll(HOLE)], parts = english.split(/\{[#*]?\d\}/);
  const source = parts.map((part, index) => escaped(part) + (index < holes.length ? KINDS[holes[index][1]] : "")).join("");
  return { expression: new RegExp(`^${source}$`), holes: holes.map(([, kind, number]) => [kind, number]), translation, length: parts.join("").length + holes.filter(([, kind]) => kind).length / 10 };
};

// Returns a function from a text to its translation, null if it is not in the table. Sentences
// and parts of a list are also found one by one.
export const translator = (table, column, language) => {
  const exact = new Map(), patterns = [];
  for (const [english, translations] of Object.entries(table)) {
    if (english.search(HOLE) < 0) exact.set(english, translations[column]);
    else patterns.push(patternOf(english, translations[column]));
  }
  patterns.sort((one, other) => other.length - one.length);  // the most particular first
  const numberOf = (digits) => {
    const fraction = /\.(\d+)$/.exec(digits)?.[1].length ?? 0, value = Number(digits.replaceAll(",", ""));
    return Number.isNaN(value) ? digits : value.toLocaleString(language, { minimumFractionDigits: fraction });
  };
  const filled = ({ holes, translation }, found) => {
    const values = new Map();
    for (const [index, [kind, number]] of holes.entries()) {
      const given = found[index + 1], value = kind === "*" ? translate(given) : kind === "#" ? numberOf(given) : given;
      if (value === null) return null;
      values.set(number, value);
    }
    return translation.replace(HOLE, (_, kind, number) => values.get(number));
  };
  const whole = (text) => {
    if (exact.has(text)) return exact.get(text);
    for (const pattern of patterns) {
      const found = pattern.expression.exec(text), words = found && filled(pattern, found);
      if (words !== null) return words;
    }
    return null;
  };
  const inList = (text, between) => {
    const parts = text.split(between), found = parts.length > 1 ? parts.map(translate) : [];
    return found.some((part) => part !== null) ? found.map((part, index) => part ?? parts[index]).join(between) : null;
  };
  // The longest beginning that is in the table, and what follows it.
  const bySentence = (text) => {
    const ends = [...text.matchAll(/[.!?…] /g)].map((end) => end.index + 1).reverse();
    for (const end of ends) {
      const first = whole(text.slice(0, end)), rest = text.slice(end + 1);
      if (first !== null) return `${first} ${translate(rest) ?? rest}`;
    }
    for (const end of ends) {
      const last = whole(text.slice(end + 1));
      if (last !== null) return `${text.slice(0, end)} ${last}`;
    }
    return null;
  };
  const inParts = (text) => inList(text, " · ") ?? bySentence(text) ?? inList(text, "; ");
  const translate = (text) => whole(text) ?? inParts(text);
  return (text) => {
    const lines = text.trim().split("\n").map((line) => line.trim().replace(/\s+/g, " "));
    const together = whole(lines.join(" "));
    if (together !== null || lines.length === 1) return together ?? inParts(lines[0]);
    const found = lines.map(translate);
    return found.every((line) => line === null) ? null : found.map((line, index) => line ?? lines[index]).join("\n");
  };
};

export const isOwn = (element) => element && !element.closest(FOREIGN)
  && (!element.closest("#chat") || element.matches(".message-row") || element.closest(OWN));

let translate = () => null;

// Returns a text in the page's language, for what is not an element of the page.
export const say = (text) => translate(text) ?? text;

export const startLanguage = async () => {
  const language = chosen();
  document.documentElement.lang = language;
  if (language === "en") return;
  translate = translator(await (await fetch("page/texts.json")).json(), LANGUAGES.indexOf(language), language);
  const ofText = (node) => {
    const found = isOwn(node.parentElement) ? translate(node.data) : null;
    if (found !== null && found !== node.data.trim()) node.data = node.data.replace(/\S(?:[\s\S]*\S)?/, () => found);
  };
  const ofElement = (element) => {
    for (const name of ATTRIBUTES) {
      const value = element.getAttribute(name), found = value && (isOwn(element) || element.matches("textarea")) ? translate(value) : null;
      if (found !== null && found !== value) element.setAttribute(name, found);
    }
  };
  const ofAll = (root) => {
    if (root.nodeType === Node.TEXT_NODE) return ofText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return undefined;
    ofElement(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) (walker.currentNode.nodeType === Node.TEXT_NODE ? ofText : ofElement)(walker.currentNode);
    return undefined;
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "characterData") ofText(change.target);
      else if (change.type === "attributes") ofElement(change.target);
      else change.addedNodes.forEach(ofAll);
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
  ofAll(document.body);
};
