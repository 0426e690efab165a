// The text box: names on thumbnails, files dropped anywhere, the bar above it while editing.

// Puts the cursor into the box, unless someone types elsewhere by now.
export const focus = () => setTimeout(() => {
  const elsewhere = document.activeElement?.matches("input, textarea, dialog *");
  if (!elsewhere) document.querySelector("#composer textarea")?.focus({ preventScroll: true });
  [...document.querySelectorAll("#chat .error")].pop()?.scrollIntoView({ block: "nearest" });
}, 60);

export const nameThumbnails = (typed) => setTimeout(() => {
  document.querySelectorAll("#composer .thumbnail-item").forEach((item, index) => {
    const file = typed?.files?.[index];
    item.dataset.name = item.title = file?.orig_name || file?.path?.split("/").pop() || "";
  });
}, 60);

export const typeIn = (words) => {
  const area = document.querySelector("#composer textarea");
  if (!area || area.disabled) return;
  area.value = words;
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
  area.setSelectionRange(words.length, words.length);
};

export const setEditing = (isEditing) => document.body.classList.toggle("editing", isEditing);

// A file dropped anywhere on the page goes to the text box; the browser would leave the page.
export const acceptDrops = () => {
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", carriesFiles(event));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (event.target.closest?.("#composer") || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    const input = document.querySelector("#composer input[type=file]");
    if (!input) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
};
