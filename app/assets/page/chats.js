// Which conversation is open, and what happens to it: opened, stored, renamed, deleted, brought back.
// No elements of the page here: `view` shows what changed.

import { bringBack, capture, removeUnused } from "./kept.js";
import { say } from "./language.js";
import { cleanRecord, cleanTurns, fingerprint, newId, titleOf } from "./records.js";

const TAB = "revisit-chat", DRAFT = "revisit-draft";
const UNDO = 60_000;  // milliseconds a deleted conversation can come back
const EMPTY = { text: "", files: [] };

export class Chats {
  // view: {changed(), announce(sentence), press(name, request), typed(), stop()}
  constructor(store, view) {
    this.store = store;
    this.view = view;
    this.current = { id: newId(), revision: 0 };
    this.saved = { turns: [], draft: EMPTY };  // what the page shows
    this.busy = false;  // an answer is on its way
    this.editing = false;
    this.opening = new Map();  // revisions of the records that the page is about to show
    this.waiting = [];
    this.work = Promise.resolve();  // what is stored is stored one after the other
  }

  // -- lists

  async all() {
    const records = (await this.store.chats()).map(cleanRecord).filter(Boolean);
    return records.filter((record) => !record.deleted).sort((a, b) => b.updated - a.updated);
  }

  async get(id) {
    const record = await this.store.chat(id);
    return record ? cleanRecord(record) : null;
  }

  // -- the page's events

  // Returns what the server needs to show the conversation that this tab had open.
  async started() {
    await this.forgetDeleted();
    const id = sessionStorage.getItem(TAB), typed = this.view.typed();
    const record = id ? await this.get(id) : null;
    const draft = typed || (record ? record.draft.text : sessionStorage.getItem(DRAFT)) || "";
    return this.request(record?.deleted ? null : record, draft);
  }

  // Opens a conversation; null for a new one.
  async open(id) {
    if (this.busy) await this.stopped();
    await this.storeDraft();
    const record = id === null ? null : await this.get(id);
    if (id !== null && !record) return;
    sessionStorage.removeItem(DRAFT);
    this.view.press("open", await this.request(record));
  }

  async request(record, draftText) {
    const found = record && await bringBack(this.store, record, (words) => this.view.announce(words));
    const { turns, draft, session } = found ?? { turns: [], draft: EMPTY, session: "" };
    const conversation = record?.id ?? newId();
    this.opening.set(conversation, record?.revision ?? 0);
    this.editing = false;
    return { conversation, session, turns, draft: { ...draft, text: draftText ?? draft.text } };
  }

  // Stores what the server returned after a change.
  keep(text) {
    if (!text) return;
    const saved = JSON.parse(text);
    if (this.opening.has(saved.conversation)) {
      this.current = { id: saved.conversation, revision: this.opening.get(saved.conversation) };
      this.opening.delete(saved.conversation);
      sessionStorage.setItem(TAB, this.current.id);
    }
    this.saved = saved;
    this.busy = saved.running === true;
    this.editing = saved.editing !== null && saved.editing !== undefined;
    if (!this.busy) this.waiting.splice(0).forEach((resolve) => resolve());
    const opened = this.current;
    this.work = this.work.then(() => this.write(opened, saved))
      .catch(() => this.view.announce("This browser could not store the conversation."));
    this.view.changed();
  }

  async write(opened, saved) {
    const turns = cleanTurns(saved.turns);
    if (!turns.length) return;
    let before = await this.get(opened.id);
    const isSame = before && fingerprint(before.turns) === fingerprint(turns);
    if (before && !isSame && before.revision !== opened.revision) {
      opened.id = newId();  // another tab went on with it: this one becomes a copy
      if (opened === this.current) sessionStorage.setItem(TAB, opened.id);
      before = { ...before, title: `${before.title} ${say("(copy)")}`, named: true };
    }
    const now = Date.now();
    opened.revision = isSame ? before.revision : (before?.revision ?? 0) + 1;
    const record = {
      id: opened.id,
      title: before?.named ? before.title : titleOf(turns),
      named: before?.named ?? false,
      created: before?.created ?? now,
      updated: isSame ? before.updated : now,
      revision: opened.revision,
      session: saved.session,
      turns,
      draft: saved.running ? before?.draft ?? EMPTY : cleanRecord({ turns: [], draft: saved.draft }).draft,
    };
    await this.store.putChat(record);
    this.view.changed();
    if (!saved.running) capture(this.store, record);
  }

  // Notes what is typed, so that it is there again when the conversation is opened.
  typed(draft) {
    this.draft = { text: draft?.text ?? "", files: (draft?.files ?? []).map((file) => {
      const parts = (file.path ?? "").split("/");
      return { key: parts.slice(-2).join("/"), name: parts.at(-1), path: file.path ?? null };
    }) };
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.storeDraft(), 500);
  }

  async storeDraft() {
    clearTimeout(this.typing);
    if (this.editing || this.busy || !this.draft) return;
    const draft = this.draft;
    this.draft = null;
    this.work = this.work.then(async () => {
      const record = await this.get(this.current.id);
      if (record) await this.store.putChat({ ...record, draft });
      else sessionStorage.setItem(DRAFT, draft.text);
    }).catch(() => {});
    await this.work;
  }

  // Stops the answer and waits until what there is of it is stored.
  async stopped() {
    const ended = new Promise((resolve) => { this.waiting.push(resolve); setTimeout(resolve, 20_000); });
    this.view.stop();
    await ended;
    await this.work;
  }

  // -- the list's commands

  async rename(id, title) {
    const record = await this.get(id);
    if (!record || !title.trim()) return;
    await this.store.putChat({ ...record, title: title.trim().slice(0, 200), named: true });
    this.view.changed();
  }

  // Hides conversations; `restore` brings them back within a minute.
  async remove(ids) {
    for (const id of ids) {
      const record = await this.get(id);
      if (record) await this.store.putChat({ ...record, deleted: Date.now() });
    }
    const wasOpen = ids.includes(this.current.id);
    if (wasOpen) await this.open(null);
    this.view.changed();
    setTimeout(() => this.forgetDeleted(), UNDO + 1000);
    return wasOpen;
  }

  async restore(ids) {
    for (const id of ids) {
      const record = await this.get(id);
      if (!record) continue;
      delete record.deleted;
      await this.store.putChat(record);
    }
    this.view.changed();
  }

  async forgetDeleted() {
    const records = await this.store.chats();
    const gone = records.filter((record) => record.deleted && record.deleted < Date.now() - UNDO);
    for (const record of gone) await this.store.removeChat(record.id);
    if (gone.length) await removeUnused(this.store, (await this.store.chats()).map(cleanRecord).filter(Boolean));
  }

  async add({ record, files }) {
    for (const [key, blob] of files) await this.store.putFile(key, blob);
    await this.store.putChat(record);
    this.view.changed();
  }
}
