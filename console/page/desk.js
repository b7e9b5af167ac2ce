// The agent's desk: conversations as the simulated LivePerson has them, and what agents do.

import { addOption, append, element } from "./dom.js";

const list = document.getElementById("conversation");
const transcript = document.getElementById("transcript");
const gallery = document.getElementById("gallery");
const words = document.getElementById("agent-words");

export class Desk {
  constructor(act, setting) {
    this.act = act;
    this.known = new Map(); // by conversation: its record
    this.shown = { id: "", count: 0 };
    this.cards = setting.gallery;
    for (const name of Object.keys(this.cards)) addOption(gallery, name);
    list.addEventListener("change", () => this.draw(true));
    document.getElementById("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say("agent_text");
    });
    document.getElementById("send-card").addEventListener("click", () => this.card());
    const does = {
      note: () => this.say("private_note"),
      join: () => this.do("agent_joins"),
      typing: () => this.do("agent_typing"),
      read: () => this.read(),
      file: () => this.do("agent_picture"),
      transfer: () => this.do("transfer", { skill_id: "4711" }),
      survey: () => this.do("start_survey"),
      close: () => this.do("close"),
    };
    for (const button of document.querySelectorAll("[data-agent]")) {
      button.addEventListener("click", () => does[button.dataset.agent]());
    }
  }

  do(name, values = {}) {
    if (!list.value) return this.act("nothing", {});
    return this.act(name, { conversation_id: list.value, ...values });
  }

  say(name) {
    if (!words.value.trim()) return;
    this.do(name, { text: words.value });
    words.value = "";
  }

  read() {
    const theirs = (this.known.get(list.value)?.messages ?? []).filter((each) => each.role === "CONSUMER");
    if (theirs.length) this.do("agent_receipt", { status: "READ", sequences: [theirs.at(-1).sequence] });
  }

  card() { this.do("agent_card", { name: gallery.value }); }

  take(entry) {
    this.known.set(entry.conversation_id, entry);
    const title = `${entry.state === "OPEN" ? "●" : "○"} ${entry.conversation_id.slice(0, 8)}`;
    const isNew = addOption(list, entry.conversation_id, title);
    if (isNew && entry.state === "OPEN") { list.value = entry.conversation_id; this.draw(true); return; }
    if (list.value === entry.conversation_id) this.draw(false);
  }

  draw(anew) {
    const entry = this.known.get(list.value);
    if (!entry) return;
    if (anew || this.shown.id !== list.value) {
      transcript.replaceChildren();
      this.shown = { id: list.value, count: 0 };
    }
    for (const message of entry.messages.slice(this.shown.count)) append(transcript, item(message));
    this.shown.count = entry.messages.length;
  }
}

function item(message) {
  const mine = message.role !== "CONSUMER";
  const className = message.is_event ? "event" : `${mine ? "mine" : "theirs"}${message.is_note ? " note" : ""}`;
  return element("li", { className, textContent: message.text },
    message.is_event ? null : element("small", { textContent: `${message.role} · ${message.sequence}${message.is_note ? " · agents only" : ""}` }));
}
