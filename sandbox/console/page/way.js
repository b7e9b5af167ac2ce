// The way of each message: one row a message, one chip a hop; a hop in detail on a click.

import { append, element, time } from "./dom.js";

const hops = document.getElementById("hops");
const detail = document.getElementById("detail");

const GOOD = new Set(["accepted", "sent", "queued", "delivered", "told_conversation", "confirmed_by_echo",
  "conversation_opened", "typing_sent", "typing_told", "dead_letter_redriven", "refreshed"]);
const BAD = new Set(["dead_lettered", "refused", "unexpected_error", "signature_rejected"]);

export class Way {
  constructor(act) {
    this.act = act;
    this.rows = new Map(); // by correlation id
    this.names = new Map(); // what a message is called, by event id
  }

  addSent(entry) { this.names.set(entry.event.id, `${entry.consumer}: ${entry.event.type}`); }

  addHop(entry) {
    const row = this.row(entry);
    const name = this.names.get(entry.details.event_id);
    if (name) row.what.textContent = `${time(row.at)} ${name}`;
    const after = Math.round((entry.at - row.at) * 1000);
    const chip = element("button", {
      type: "button",
      className: colour(entry.outcome),
      textContent: `${entry.function} · ${entry.outcome} · +${after} ms`,
      onclick: () => this.show(entry),
    });
    row.chips.append(chip);
  }

  addCall(entry) {
    for (const row of [...this.rows.values()].reverse()) {
      if (row.ids.has(entry.conversation_id)) { row.calls.push(entry); return; }
    }
  }

  row(entry) {
    const key = entry.trace || `${entry.function} ${entry.at}`;
    if (!this.rows.has(key)) {
      const what = element("div", { className: "what", textContent: `${time(entry.at)} ${entry.function}` });
      const chips = element("div", { className: "hops" });
      append(hops, element("li", {}, what, chips), 300);
      this.rows.set(key, { at: entry.at, what, chips, calls: [], ids: new Set() });
      if (this.rows.size > 600) this.rows.delete(this.rows.keys().next().value);
    }
    return this.rows.get(key);
  }

  async show(entry) {
    const wire = await this.act("wire", { trace: entry.trace, function: entry.function, at: entry.at, details: entry.details });
    detail.replaceChildren(
      element("h3", { textContent: `${entry.function}: ${entry.outcome}` }),
      element("pre", { textContent: JSON.stringify(entry.details, null, 2) }),
      ...(wire ?? []).map((each) => call(each)),
      element("button", { type: "button", textContent: "Hide", onclick: () => { detail.hidden = true; } }),
    );
    detail.hidden = false;
    detail.focus();
  }
}

function call(wire) {
  return element("details", { open: true },
    element("summary", { textContent: `${wire.method} ${wire.address} → ${wire.status}` }),
    ...(wire.checks ?? []).map((each) => element("div", { className: each.ok ? "good" : "bad", textContent: `${each.ok ? "✓" : "✗"} ${each.what}` })),
    element("pre", { textContent: Object.entries(wire.headers).map(([name, value]) => `${name}: ${value}`).join("\n") }),
    element("pre", { textContent: wire.body }),
    element("button", { type: "button", textContent: "Copy as curl", onclick: () => navigator.clipboard.writeText(curl(wire)) }),
  );
}

function curl(wire) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(wire.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return ["curl", "-X", wire.method, quoted(wire.address), ...headers, "--data-raw", quoted(wire.body)].join(" ");
}

function colour(outcome) {
  if (GOOD.has(outcome)) return "good";
  if (BAD.has(outcome) || outcome.endsWith("refused")) return "bad";
  return /^(retry|waiting|withheld|early|ambiguous|held)/.test(outcome) ? "wait" : "";
}
