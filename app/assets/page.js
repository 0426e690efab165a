// The page's own behavior beside Gradio: theme, enlarged frames, unplayable videos, storage per tab.
const revisit = (() => {
  const KEPT = "revisit-conversation", THEME = "revisit-theme";

  // A tab's own storage: a reload keeps it, another tab never sees it, closing the tab deletes it.
  // What is typed now wins over the stored draft: after a restart of the server the page asks again.
  const kept = () => {
    const stored = sessionStorage.getItem(KEPT) || "";
    const typed = document.querySelector("#composer textarea")?.value;
    return typed ? JSON.stringify({ ...JSON.parse(stored || "{}"), draft: typed }) : stored;
  };
  const keep = (text) => { if (text) sessionStorage.setItem(KEPT, text); };

  const save = (text) => {
    const turns = JSON.parse(text || "{}").turns || [];
    const lines = turns.map((t) => [...t.files.map((f) => `[${f}]`), t.question, "", t.answer].join("\n"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n\n---\n\n") + "\n"], { type: "text/plain" }));
    link.download = "conversation.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  const focus = () => setTimeout(() => {
    document.querySelector("#composer textarea")?.focus({ preventScroll: true });
    [...document.querySelectorAll("#chat .error")].pop()?.scrollIntoView({ block: "nearest" });
  }, 60);

  // Names on the thumbnails of the text box.
  const label = (typed) => setTimeout(() => {
    document.querySelectorAll("#composer .thumbnail-item").forEach((item, index) => {
      const file = typed?.files?.[index];
      item.dataset.name = item.title = file?.orig_name || file?.path?.split("/").pop() || "";
    });
  }, 60);

  // A file dropped anywhere on the page goes to the text box; the browser would leave the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("#composer") || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    const input = document.querySelector("#composer input[type=file]");
    if (!input) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  const isDark = () => document.body.classList.contains("dark");
  const labelTheme = () => {
    const button = document.querySelector("#theme");
    if (button) button.textContent = isDark() ? "Light" : "Dark";
  };
  const theme = () => {
    document.body.classList.toggle("dark");
    localStorage.setItem(THEME, isDark() ? "dark" : "light");
    labelTheme();
  };
  const startTheme = () => {
    const chosen = localStorage.getItem(THEME);
    if (chosen) document.body.classList.toggle("dark", chosen === "dark");
    labelTheme();
  };

  // A picture of a strip opens large; arrow keys go along its strip, Escape closes.
  const enlarge = (frame) => {
    const frames = [...frame.closest(".frames").querySelectorAll("a.frame")];
    let at = frames.indexOf(frame);
    const dialog = document.createElement("dialog");
    dialog.id = "enlarged";
    dialog.innerHTML = '<button class="previous" aria-label="Previous picture">‹</button><figure><img><figcaption></figcaption></figure>'
      + '<button class="next" aria-label="Next picture">›</button><button class="close" aria-label="Close">×</button>';
    const show = (index) => {
      at = (index + frames.length) % frames.length;
      dialog.querySelector("img").src = frames[at].href;
      dialog.querySelector("img").alt = frames[at].querySelector("img").alt;
      dialog.querySelector("figcaption").textContent = frames[at].querySelector("img").alt;
    };
    dialog.addEventListener("click", (event) => {
      if (event.target.matches(".previous")) show(at - 1);
      else if (event.target.matches(".next")) show(at + 1);
      else if (!event.target.matches("img")) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") show(at - 1);
      if (event.key === "ArrowRight") show(at + 1);
    });
    dialog.addEventListener("close", () => { dialog.remove(); frames[at].focus(); });
    document.body.append(dialog);
    if (frames.length < 2) dialog.querySelectorAll(".previous, .next").forEach((button) => button.remove());
    show(at);
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const frame = event.target.closest?.("a.frame");
    if (frame && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      enlarge(frame);
    }
  });

  // "Show boxes" exchanges a strip's frames with those that have the experts' boxes drawn on them.
  const showBoxes = (strip, shown) => strip.querySelectorAll("a.frame[data-boxes]").forEach((frame) => {
    frame.dataset.plain ||= frame.getAttribute("href");
    const address = shown ? frame.dataset.boxes : frame.dataset.plain;
    frame.setAttribute("href", address);
    frame.querySelector("img").src = address;
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("#chat input.boxes")) showBoxes(event.target.closest(".strip"), event.target.checked);
  });

  // Some recordings (HEVC, ProRes) are read by the model but not played by the browser: say so instead of a grey box.
  document.addEventListener("error", (event) => {
    const video = event.target;
    if (video.tagName !== "VIDEO" || !video.closest("#chat") || video.dataset.told) return;
    video.dataset.told = "yes";
    const note = document.createElement("p");
    note.className = "file";
    note.textContent = "Your browser cannot play this kind of video; below is what the model saw.";
    video.style.display = "none";
    video.parentElement.append(note);
  }, true);

  const whenReady = () => {
    if (!document.querySelector("#theme")) return setTimeout(whenReady, 50);
    startTheme();
    new MutationObserver(labelTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  };
  whenReady();
  return { kept, keep, save, focus, label, theme };
})();
window.revisit = revisit;
