// The consumer's phone: what the channel was called back with, and what the consumer does.

import { addOption, append, element, newId } from "./dom.js";
import { choicesOf, titleOf } from "./content.js";

const screen = document.getElementById("screen");
const consumers = document.getElementById("consumer");
const skins = document.getElementById("skin");

export class Phone {
  constructor(act, setting) {
    this.act = act;
    this.said = new Map(); // by consumer: what is on the screen
    this.last = new Map(); // by consumer: the last message of the brand's side
    this.seen = new Set();
    for (const { id, name } of setting.skins) addOption(skins, id, name);
    for (const each of setting.consumers) addOption(consumers, each);
    consumers.addEventListener("change", () => this.draw());
    skins.addEventListener("change", () => this.draw());
    document.getElementById("new-consumer").addEventListener("click", () => this.newConsumer());
    document.getElementById("write").addEventListener("submit", (event) => this.write(event));
    document.getElementById("picture").addEventListener("change", (event) => this.picture(event));
    document.getElementById("rating").addEventListener("change", (event) => this.rate(event));
    for (const button of document.querySelectorAll("[data-event]")) {
      button.addEventListener("click", () => this[button.dataset.event]());
    }
  }

  get consumer() { return consumers.value; }

  send(event) {
    return this.act("consumer", { consumer: this.consumer, event: { id: newId("c"), ...event } });
  }

  newConsumer() {
    const name = newId("consumer");
    addOption(consumers, name);
    consumers.value = name;
    this.draw();
    document.getElementById("words").focus();
  }

  write(event) {
    event.preventDefault();
    const words = document.getElementById("words");
    if (!words.value.trim()) return;
    this.send({ type: "text", text: words.value });
    words.value = "";
  }

  async picture(event) {
    const [file] = event.target.files;
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    const type = { "image/png": "PNG", "image/gif": "GIF" }[file.type] ?? "JPEG";
    this.send({ type: "file", file_type: type, caption: file.name, content_base64: btoa(text) });
    event.target.value = "";
  }

  rate(event) {
    if (event.target.value) this.send({ type: "rating", csat: Number(event.target.value), resolved: true });
    event.target.value = "";
  }

  typing() { this.send({ type: "typing", state: "composing" }); }

  read() {
    const last = this.last.get(this.consumer);
    if (last) this.send({ type: "receipt", status: "read", sequences: [last.sequence], dialog_id: last.dialog_id });
  }

  close() { this.send({ type: "close", survey: true }); }

  choose(callback, choice) {
    this.send({
      type: "reply", text: choice.text, metadata: choice.metadata, to_sequence: callback.sequence,
      dialog_id: callback.dialog_id,
    });
  }

  addSent(entry) {
    this.put(entry.consumer, { mine: true, event: entry.event, status: entry.status });
  }

  addCallback(entry) {
    const callback = entry.body;
    if (!entry.accepted || this.seen.has(entry.webhook_id) || !callback?.consumer_id) return;
    this.seen.add(entry.webhook_id);
    if (callback.type === "message") this.last.set(callback.consumer_id, callback);
    this.put(callback.consumer_id, { callback, looks: entry.looks ?? {} });
  }

  put(consumer, item) {
    addOption(consumers, consumer);
    if (!this.said.has(consumer)) this.said.set(consumer, []);
    this.said.get(consumer).push(item);
    if (consumer === this.consumer) append(screen, this.item(item));
  }

  draw() {
    screen.replaceChildren(...(this.said.get(this.consumer) ?? []).map((each) => this.item(each)));
    screen.scrollTop = screen.scrollHeight;
  }

  item({ mine, event, status, callback, looks }) {
    if (mine) return this.ownItem(event, status);
    if (callback.type !== "message") return element("li", { className: "event", textContent: wordsOf(callback) });
    const look = looks[skins.value];
    const made = element("li", { className: "theirs" });
    if (look) made.append(...look.map((piece) => this.piece(callback, piece)));
    else made.append(titleOf(callback.content), this.choices(callback, choicesOf(callback.content)));
    return made;
  }

  ownItem(event, status) {
    const said = event.text ?? { file: `[picture: ${event.caption ?? ""}]` }[event.type];
    const refused = status >= 300 ? element("small", { className: "bad", textContent: `refused with ${status}` }) : null;
    if (said === undefined) return element("li", { className: "event", textContent: `you: ${event.type}` }, refused);
    return element("li", { className: "mine", textContent: said }, refused);
  }

  piece(callback, piece) {
    const made = element("div", {}, piece.text ?? "");
    if (piece.choices?.length) {
      const known = choicesOf(callback.content).filter((each) => !each.url);
      made.append(this.choices(callback, piece.choices.map((each) =>
        ({ text: each.title, metadata: [], ...known[each.index], title: each.title, url: each.url }))));
    }
    return made;
  }

  choices(callback, choices) {
    return element("div", { className: "choices" }, ...choices.map((choice) => choice.url
      ? element("a", { href: choice.url, textContent: choice.title, rel: "noreferrer", target: "_blank" })
      : element("button", { type: "button", textContent: choice.title, onclick: () => this.choose(callback, choice) })));
  }
}

function wordsOf(callback) {
  if (callback.type === "conversation") return `conversation ${callback.event}`;
  if (callback.type === "typing") return callback.state === "composing" ? "the agent is typing …" : "the agent stopped typing";
  if (callback.type === "receipt") return `${callback.status}: ${callback.sequences.join(", ")}`;
  if (callback.type === "failed") return `not delivered: ${callback.message}`;
  return callback.type;
}
