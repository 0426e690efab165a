// The strips below the answers: a frame opens large, boxes of the experts are shown.

const PARTS = '<button class="previous" aria-label="Previous picture">‹</button>'
  + "<figure><img><figcaption></figcaption></figure>"
  + '<button class="next" aria-label="Next picture">›</button><button class="square">As the model sees it</button>'
  + '<button class="close" aria-label="Close">×</button>';

// A picture of a strip opens large; arrow keys go along its strip, Escape closes. It is shown in its
// own proportions; the button shows the square that the model sees.
export const enlarge = (frame) => {
  const frames = [...frame.closest(".frames").querySelectorAll("a.frame")];
  let at = frames.indexOf(frame);
  const dialog = document.createElement("dialog");
  dialog.id = "enlarged";
  dialog.innerHTML = PARTS;
  const [image, caption, square] = ["img", "figcaption", ".square"].map((name) => dialog.querySelector(name));
  const shape = () => {
    const isSquare = dialog.classList.contains("as-seen");
    const ratio = frames[at].querySelector("img").style.aspectRatio;
    image.style.aspectRatio = isSquare ? "1" : ratio;
    image.style.setProperty("--shape", isSquare ? 1 : parseFloat(ratio) || 1);
    image.style.objectFit = ratio && !isSquare ? "fill" : "contain";
    square.textContent = isSquare ? "In its proportions" : "As the model sees it";
    square.hidden = !ratio;
  };
  const show = (index) => {
    at = (index + frames.length) % frames.length;
    image.src = frames[at].href;
    image.alt = caption.textContent = frames[at].querySelector("img").alt;
    shape();
  };
  dialog.addEventListener("click", (event) => {
    if (event.target.matches(".previous")) show(at - 1);
    else if (event.target.matches(".next")) show(at + 1);
    else if (event.target === square) { dialog.classList.toggle("as-seen"); shape(); }
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

// "Show boxes" exchanges a strip's frames with those that have the experts' boxes drawn on them.
const showBoxes = (strip, shown) => strip.querySelectorAll("a.frame[data-boxes]").forEach((frame) => {
  frame.dataset.plain ||= frame.getAttribute("href");
  const address = shown ? frame.dataset.boxes : frame.dataset.plain;
  frame.setAttribute("href", address);
  frame.querySelector("img").src = address;
});

// Some recordings (HEVC, ProRes) are read by the model but not played by the browser.
const explainUnplayable = (event) => {
  const video = event.target;
  if (video.tagName !== "VIDEO" || !video.closest("#chat") || video.dataset.told) return;
  video.dataset.told = "yes";
  const note = document.createElement("p");
  note.className = "file";
  note.textContent = "Your browser cannot play this kind of video; below is what the model saw.";
  video.style.display = "none";
  video.parentElement.append(note);
};

// The element may get the film of another chat.
const showPlayable = ({ target: video }) => {
  if (!video.dataset?.told) return;
  delete video.dataset.told;
  video.style.display = "";
  video.parentElement.querySelector(":scope > p.file")?.remove();
};

// Where another chat takes over the elements of a strip, its frames come without boxes.
const uncheckBoxes = (changes) => changes.forEach(({ target }) => {
  const input = target.matches("a.frame[data-boxes]") && target.closest(".strip")?.querySelector("input.boxes");
  if (input && target.getAttribute("href") !== target.dataset.boxes) input.checked = false;
});

export const startFrames = () => {
  new MutationObserver(uncheckBoxes).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["href"] });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("#chat input.boxes")) showBoxes(event.target.closest(".strip"), event.target.checked);
  });
  document.addEventListener("error", explainUnplayable, true);
  document.addEventListener("loadedmetadata", showPlayable, true);
};
