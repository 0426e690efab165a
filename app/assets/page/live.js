// The live picture of a camera or a screen: one frame a second goes to this page's server, as raw
// pixels, so that questions can be asked about it at any moment. A red light shows while it runs.

const EVERY = 1000;  // milliseconds between frames
const LONGEST = 448;  // pixels of a frame's longer side

const frameOf = (video, canvas) => {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  const width = Math.max(1, Math.round(video.videoWidth * scale));
  const height = Math.max(1, Math.round(video.videoHeight * scale));
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) pixels.set(data.subarray(from, from + 3), to);
  return { width, height, pixels };
};

const post = async (address, body) => {
  const answer = await fetch(address, { method: "POST", body });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.detail ?? "");
  return content;
};

const seconds = (count) => (count < 90 ? `${Math.round(count)} s` : `${Math.round(count / 60)} min`);

export class Live {
  constructor(press, toast) {
    Object.assign(this, { press, toast, media: null, name: "", isPaused: false });
    this.canvas = document.createElement("canvas");
    const bar = document.querySelector("#live");
    [this.video, this.status, this.form] = ["video", "[role=status]", "form"].map((name) => bar.querySelector(name));
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button[data-live]");
      if (button) this.do(button.dataset.live, button);
    });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.watch(); });
  }

  do(what, button) {
    if (what === "stop") this.stop();
    else if (what === "pause") this.pause(button);
    else this.start(what);
  }

  async start(what) {
    this.stop();
    try {
      const devices = navigator.mediaDevices;
      this.media = what === "screen" ? await devices.getDisplayMedia({ video: true })
        : await devices.getUserMedia({ video: { width: { ideal: 640 } } });
    } catch {
      this.toast("Your browser gave no picture. It asks for permission, and needs HTTPS on other machines.");
      return;
    }
    this.media.getTracks().forEach((track) => track.addEventListener("ended", () => this.stop()));
    this.video.srcObject = this.media;
    await this.video.play();
    this.status.textContent = "";
    document.body.classList.add("live");
    this.press("live");
  }

  // The server's answer to "live": the name of the stream, or why there is none.
  began(answer) {
    if (!answer) return;
    const { name, error } = JSON.parse(answer);
    if (error) { this.stop(); this.toast(error); return; }
    Object.assign(this, { name, first: performance.now() });
    this.next(name);
  }

  async next(name) {
    if (this.name !== name) return;
    const began = performance.now();
    try {
      if (!this.isPaused && this.video.videoWidth) await this.send(name, (began - this.first) / 1000);
    } catch (error) {
      if (this.name === name) { this.stop(); this.toast(error.message || "The live picture ended: the server did not answer."); }
      return;
    }
    setTimeout(() => this.next(name), Math.max(0, EVERY - (performance.now() - began)));
  }

  async send(name, time) {
    const { width, height, pixels } = frameOf(this.video, this.canvas);
    const report = await post(`live/${name}/frame?width=${width}&height=${height}&time=${time.toFixed(3)}`, pixels);
    if (this.name === name && !this.isPaused) this.show(report, time);
  }

  show({ seen, kept, since, probability, found }, time) {
    const sentence = `${seen} seen; the last ${kept} are kept (${seconds(time - since)}).`;
    const share = probability === undefined ? "" : ` “${this.question}” ${Math.round(100 * probability)} %`;
    this.status.textContent = sentence + share;
    if (!found) return;
    this.toast(`Now: ${this.question} (${Math.round(100 * probability)} %)`);
    post(`live/${this.name}/watch`, "null").catch(() => {});
  }

  async watch() {
    const [question, threshold] = ["question", "threshold"].map((name) => this.form.elements[name].value);
    this.question = question.trim();
    const wanted = this.question ? { question: this.question, threshold: Number(threshold) / 100 } : null;
    try {
      await post(`live/${this.name}/watch`, JSON.stringify(wanted));
    } catch (error) {
      this.toast(error.message);
    }
  }

  // The camera rests meanwhile; what was seen stays.
  pause(button) {
    this.isPaused = !this.isPaused;
    this.media?.getTracks().forEach((track) => { track.enabled = !this.isPaused; });
    document.body.classList.toggle("live-paused", this.isPaused);
    button.textContent = this.isPaused ? "Resume" : "Pause";
    if (this.isPaused) this.status.textContent = "Paused; what was seen can be asked about.";
  }

  stop() {
    this.media?.getTracks().forEach((track) => track.stop());
    if (this.name) fetch(`live/${this.name}/end`, { method: "POST", keepalive: true }).catch(() => {});
    if (this.isPaused) this.pause(document.querySelector("[data-live=pause]"));
    Object.assign(this, { media: null, name: "" });
    this.video.srcObject = null;
    document.body.classList.remove("live");
  }
}
