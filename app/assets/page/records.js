// Conversations as records: checked when they come out of storage or a file, and read.
//
// {id, title, named, created, updated, revision, session, turns, draft, deleted}. The turns are a
// flat list; each has the number of the one before it (parent, -1: none). Turns of one parent are
// versions of each other, of which one is shown.

const MAX_TURNS = 1000, MAX_TEXT = 2_000_000, MAX_FILES = 20, MAX_FRAMES = 1024;
const FRAMES_KEY = /^[\w-]{22}$/;

export const newId = (length = 22) => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => letters[byte & 63]).join("");
};

const text = (value, longest = MAX_TEXT) => String(value ?? "").slice(0, longest);
const list = (value, most) => (Array.isArray(value) ? value.slice(0, most) : []);
const number = (value, least = 0, most = 1e13) =>
  (Number.isFinite(value) ? Math.min(Math.max(value, least), most) : least);

const cleanFile = (file) => {
  const key = text(file?.key, 300) || text(file?.name, 200);
  return { key, name: text(file?.name, 200) || key, path: typeof file?.path === "string" ? file.path : null };
};

const cleanStrip = (strip) => {
  const count = strip?.count, times = strip?.times;
  if (!FRAMES_KEY.test(strip?.key) || !Number.isInteger(count) || count < 1 || count > MAX_FRAMES) return [];
  return [{
    key: strip.key,
    name: text(strip.name, 300),
    kind: strip.kind === "video" ? "video" : "image",
    count,
    here: strip.here === true,  // the server has its frames
    times: Array.isArray(times) && times.length === count ? times.map((time) => number(time, 0, 1e7)) : null,
    size: [0, 1].map((i) => number(strip.size?.[i], 0, 1e6)),
    grid: [0, 1].map((i) => number(strip.grid?.[i], 1, 100)),
    source: text(strip.source, 300),
    warnings: list(strip.warnings, 100).map((line) => text(line, 300)),
    words: list(strip.words, 100).map((line) => text(line, 300)),
  }];
};

const cleanUsage = (usage) => {
  if (!usage || typeof usage !== "object") return null;
  return Object.fromEntries(Object.entries(usage).slice(0, 20).map(([name, value]) => [text(name, 40), number(value, 0, 1e12)]));
};

const cleanTurn = (turn, index) => {
  const parent = turn?.parent;
  if (!Number.isInteger(parent) || parent < -1 || parent >= index) throw new Error("a turn has no place");
  const span = turn.span;
  return {
    parent,
    shown: turn.shown === true,
    question: text(turn.question),
    answer: text(turn.answer),
    files: list(turn.files, MAX_FILES).map(cleanFile),
    strips: list(turn.strips, MAX_FILES).flatMap(cleanStrip),
    notes: list(turn.notes, 100).map((note) => text(note, 1000)),
    stopped: turn.stopped === true,
    usage: cleanUsage(turn.usage),
    again: number(turn.again, 0, 64),
    span: Array.isArray(span) && span.length === 2 ? span.map((time) => number(time, 0, 1e7)) : null,
  };
};

// Throws if the turns are not those of a conversation.
export const cleanTurns = (turns) => {
  if (!Array.isArray(turns) || turns.length > MAX_TURNS) throw new Error("not a conversation");
  return turns.map(cleanTurn);
};

// Returns null for a record that is not one.
export const cleanRecord = (record) => {
  try {
    return {
      id: text(record.id, 40),
      title: text(record.title, 200),
      named: record.named === true,
      created: number(record.created),
      updated: number(record.updated),
      revision: number(record.revision),
      session: text(record.session, 40),
      turns: cleanTurns(record.turns),
      draft: { text: text(record.draft?.text, 100_000), files: list(record.draft?.files, MAX_FILES).map(cleanFile) },
      ...(record.deleted ? { deleted: number(record.deleted) } : {}),
    };
  } catch {
    return null;
  }
};

// Returns the turns that are shown, in order, each with its number and its place among its versions.
export const shownPath = (turns) => {
  const following = new Map();
  turns.forEach((turn, index) => {
    if (!following.has(turn.parent)) following.set(turn.parent, []);
    following.get(turn.parent).push(index);
  });
  const path = [];
  for (let versions = following.get(-1); versions; versions = following.get(path.at(-1).index)) {
    const index = versions.find((i) => turns[i].shown) ?? versions.at(-1);
    path.push({ ...turns[index], index, place: versions.indexOf(index) + 1, versions: versions.length });
  }
  return path;
};

export const titleOf = (turns) => {
  const first = turns[0];
  if (!first) return "New chat";
  const words = first.question.replace(/\s+/g, " ").trim() || first.files[0]?.name || "New chat";
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
};

// Every word of the query is in the title, a question, an answer or a file's name.
export const matches = (record, query) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const all = [record.title, ...record.turns.flatMap((turn) => [turn.question, turn.answer, ...turn.files.map((file) => file.name)])];
  const haystack = all.join("\n").toLowerCase();
  return words.every((word) => haystack.includes(word));
};

// What of the turns a person would call a change.
export const fingerprint = (turns) =>
  JSON.stringify(turns.map((turn) => [turn.parent, turn.shown, turn.question, turn.answer]));

export const fileKeysOf = (record) => new Set([
  ...record.turns.flatMap((turn) => turn.files.map((file) => file.key)),
  ...record.draft.files.map((file) => file.key),
  ...record.turns.flatMap((turn) => turn.strips.flatMap((strip) => framesOf(strip))),
]);

export const framesOf = (strip) => Array.from({ length: strip.count }, (_, index) => `${strip.key}/${index}`);
