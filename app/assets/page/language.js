// The page in the browser's language. `texts.json` has each text once, in English, with its
// translations; {0} stands for what differs. What a person or the model wrote stays as it is.

const LANGUAGES = ["de", "es", "zh"];  // the columns of the table
const ATTRIBUTES = ["title", "aria-label", "placeholder"];
// In the chat only these are the page's own words.
const OWN = ".tools, .phase, .facts, .note, .error, figcaption, .placeholder, .read, .suggestions, .marks, .enlarge";
const FOREIGN = "textarea, script, style, #chats .chat, .read li, .suggestions button";

const chosen = () => {
  for (const language of navigator.languages) {
    const short = language.toLowerCase().split("-")[0];
    if (short === "en") return "en";
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
};

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// Returns a function from a text to its translation; a text that is not in the table stays.
const translator = (table, column) => {
  const exact = new Map(), patterns = [];
  for (const [english, translations] of Object.entries(table)) {
    const parts = english.split(/\{\d\}/);
    if (parts.length === 1) exact.set(english, translations[column]);
    else patterns.push([new RegExp(`^${parts.map(escaped).join("(.+?)")}$`), translations[column]]);
  }
  return (text) => {
    const trimmed = text.trim().replace(/\s+/g, " ");
    if (exact.has(trimmed)) return exact.get(trimmed);
    for (const [pattern, translation] of patterns) {
      const found = pattern.exec(trimmed);
      if (found) return translation.replace(/\{(\d)\}/g, (_, number) => found[Number(number) + 1]);
    }
    return null;
  };
};

const isOwn = (element) => element && !element.closest(FOREIGN)
  && (!element.closest("#chat") || element.matches(".message-row") || element.closest(OWN));

export const startLanguage = async () => {
  const language = chosen();
  document.documentElement.lang = language;
  if (language === "en") return;
  const translate = translator(await (await fetch("page/texts.json")).json(), LANGUAGES.indexOf(language));
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
