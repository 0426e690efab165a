// The browser's own storage (IndexedDB): conversations, and the files and frames they show.
// Nothing of it leaves the browser. Where storage is off, all of it lasts as long as the tab.

const NAME = "revisit", CHATS = "chats", FILES = "files";

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const openDatabase = () => new Promise((resolve, reject) => {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(CHATS, { keyPath: "id" });
    request.result.createObjectStore(FILES);
  };
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// The same calls on maps in memory.
const inMemory = () => {
  const chats = new Map(), files = new Map();
  return {
    lasting: false,
    chats: async () => [...chats.values()],
    chat: async (id) => chats.get(id),
    putChat: async (chat) => { chats.set(chat.id, structuredClone(chat)); },
    removeChat: async (id) => { chats.delete(id); },
    file: async (key) => files.get(key),
    fileKeys: async () => [...files.keys()],
    putFile: async (key, blob) => { files.set(key, blob); },
    removeFile: async (key) => { files.delete(key); },
  };
};

export const openStore = async () => {
  let database;
  try {
    database = await openDatabase();
  } catch {
    return inMemory();
  }
  const on = (name, mode, act) => done(act(database.transaction(name, mode).objectStore(name)));
  return {
    lasting: true,
    chats: () => on(CHATS, "readonly", (chats) => chats.getAll()),
    chat: (id) => on(CHATS, "readonly", (chats) => chats.get(id)),
    putChat: (chat) => on(CHATS, "readwrite", (chats) => chats.put(chat)),
    removeChat: (id) => on(CHATS, "readwrite", (chats) => chats.delete(id)),
    file: (key) => on(FILES, "readonly", (files) => files.get(key)),
    fileKeys: () => on(FILES, "readonly", (files) => files.getAllKeys()),
    putFile: (key, blob) => on(FILES, "readwrite", (files) => files.put(blob, key)),
    removeFile: (key) => on(FILES, "readwrite", (files) => files.delete(key)),
  };
};
