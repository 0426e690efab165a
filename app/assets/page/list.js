// The list of conversations: a column beside the chat, on a narrow window a drawer over it.
// Titles are only ever set as text.

import { download, fromJson, toHtml, toJson, toMarkdown } from "./export.js";
import { matches } from "./records.js";

const OPEN = "revisit-list";
const WIDE = matchMedia("(min-width: 1040px)");

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const day = (time) => {
  const then = new Date(time), today = new Date();
  if (then.toDateString() === today.toDateString()) {
    return then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
  return then.toLocaleDateString([], { day: "numeric", month: "short" });
};

export class List {
  constructor(chats, toast) {
    this.chats = chats;
    this.toast = toast;
    this.search = make("input", { type: "search", placeholder: "Search", ariaLabel: "Search all chats" });
    this.items = make("ul");
    this.empty = make("p", { className: "empty" });
    this.file = make("input", { type: "file", accept: ".json,application/json", hidden: true });
    const fresh = make("button", { className: "fresh", textContent: "New chat" });
    const bringIn = make("button", { textContent: "Import" });
    const clear = make("button", { textContent: "Delete all" });
    this.element = make("aside", { id: "chats", ariaLabel: "Chats" },
      make("div", { className: "head" }, this.search, fresh), this.items, this.empty,
      make("div", { className: "foot" }, make("p", { textContent: "Stored in this browser only." }), bringIn, clear), this.file);
    this.veil = make("div", { id: "chats-veil" });
    document.body.append(this.element, this.veil);
    this.search.addEventListener("input", () => this.render());
    fresh.addEventListener("click", () => { this.chats.open(null); this.closeDrawer(); });
    bringIn.addEventListener("click", () => this.file.click());
    clear.addEventListener("click", async () => this.remove((await this.chats.all()).map((record) => record.id)));
    this.file.addEventListener("change", () => this.import());
    this.veil.addEventListener("click", () => this.toggle(false));
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") this.closeDrawer(); });
    document.addEventListener("click", (event) => { if (!event.target.closest?.(".menu, .more")) this.closeMenu(); });
    this.toggle(WIDE.matches && localStorage.getItem(OPEN) !== "closed", false);
  }

  toggle(open = !document.body.classList.contains("with-chats"), remember = true) {
    document.body.classList.toggle("with-chats", open);
    this.element.inert = !open;
    document.querySelector("#chats-button")?.setAttribute("aria-expanded", String(open));
    if (remember && WIDE.matches) localStorage.setItem(OPEN, open ? "open" : "closed");
    if (open) this.render();
    if (open && remember) this.search.focus();
  }

  closeDrawer() {
    if (!WIDE.matches) this.toggle(false);
  }

  async render() {
    const records = await this.chats.all();
    const found = records.filter((record) => matches(record, this.search.value));
    this.items.replaceChildren(...found.map((record) => this.item(record)));
    this.empty.textContent = found.length ? "" : records.length ? "No chat has these words." : "Chats appear here.";
  }

  item(record) {
    const open = make("button", { className: "chat", title: record.title },
      make("span", { textContent: record.title }), make("small", { textContent: day(record.updated) }));
    const more = make("button", { className: "more", textContent: "⋯", ariaLabel: `More for ${record.title}`, ariaHasPopup: "menu" });
    const item = make("li", {}, open, more);
    if (record.id === this.chats.current.id) open.setAttribute("aria-current", "true");
    open.addEventListener("click", () => { this.chats.open(record.id); this.closeDrawer(); });
    more.addEventListener("click", () => this.menu(item, record));
    return item;
  }

  closeMenu() {
    this.element.querySelector(".menu")?.remove();
  }

  menu(item, record) {
    const isOpen = item.querySelector(".menu");
    this.closeMenu();
    if (isOpen) return;
    const choice = (label, act) => {
      const button = make("button", { textContent: label, role: "menuitem" });
      button.addEventListener("click", () => { this.closeMenu(); act(); });
      return button;
    };
    const menu = make("div", { className: "menu", role: "menu" },
      choice("Rename", () => this.rename(item, record)),
      choice("Export as Markdown", () => this.export(record.id, "md")),
      choice("Export as JSON", () => this.export(record.id, "json")),
      choice("Export as web page", () => this.export(record.id, "html")),
      choice("Delete", () => this.remove([record.id])));
    item.append(menu);
    menu.scrollIntoView({ block: "nearest" });
    menu.querySelector("button").focus();
  }

  rename(item, record) {
    const input = make("input", { value: record.title, maxLength: 200, ariaLabel: "Title of the chat" });
    item.replaceChildren(input);
    input.focus();
    input.select();
    let isOver = false;
    const end = async (keep) => {
      if (isOver) return;
      isOver = true;
      if (keep) await this.chats.rename(record.id, input.value);
      this.render();
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    input.addEventListener("blur", () => end(true));
  }

  async export(id, kind) {
    const record = await this.chats.get(id), { store } = this.chats;
    if (kind === "md") download(toMarkdown(record), "text/markdown", `${record.title}.md`);
    if (kind === "json") download(await toJson(store, record), "application/json", `${record.title}.json`);
    if (kind === "html") download(await toHtml(store, record), "text/html", `${record.title}.html`);
  }

  async import() {
    const [file] = this.file.files;
    this.file.value = "";
    if (!file) return;
    try {
      const found = fromJson(await file.text(), file.name);
      await this.chats.add(found);
      await this.chats.open(found.record.id);
      this.closeDrawer();
    } catch (error) {
      this.toast(error.message);
    }
  }

  async remove(ids) {
    if (!ids.length) return;
    const open = this.chats.current.id, wasOpen = await this.chats.remove(ids);
    this.toast(ids.length === 1 ? "Chat deleted." : `${ids.length} chats deleted.`, "Undo", async () => {
      await this.chats.restore(ids);
      if (wasOpen) await this.chats.open(open);
    });
  }
}
