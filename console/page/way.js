// The way of each message: one row a message, one chip a hop; a hop in detail on a click.

import { append, element, time } from "./dom.js";

const hops = document.getElementById("hops");
const detail = document.getElementById("detail");

// Outcome words of the functions' log lines. A failure that is tried again says when.
const GOOD = new Set(["accepted", "accepted_current_secret", "accepted_previous_secret", "sent",
  "conversation_opened", "confirmed_by_echo", "typing_sent", "delivered", "told_conversation",
  "typing_told", "refreshed", "redriven", "breaker_closed"]);
const BAD = new Set(["dead_lettered", "untrusted_webhook", "unreadable", "unreadable_webhook",
  "invalid_event", "told_failed", "unexpected", "breaker_opened", "not_queued"]);

/** So many messages are shown. */
export const MOST = 300;

export class Way {
  constructor(act) {
    this.act = act;
    this.rows = new Map(); // by correlation id
    this.names = new Map(); // what a message is called, by event id
  }

  clear() { this.rows.clear(); hops.replaceChildren(); detail.hidden = true; }

  addSent(entry) { this.names.set(entry.event.id, `${entry.consumer}: ${entry.event.type}`); }

  addHop(entry) {
    const row = this.row(entry);
    const name = this.names.get(entry.details.event_id);
    if (name) row.what.textContent = `${time(row.at)} ${name}`;
    const after = Math.round((entry.at - row.at) * 1000);
    const chip = element("button", {
      type: "button",
      className: colour(entry),
      textContent: `${entry.function} · ${entry.outcome} · +${after} ms`,
      onclick: () => this.show(entry),
    });
    row.chips.append(chip);
  }

  row(entry) {
    const key = entry.trace || `${entry.function} ${entry.at}`;
    if (!this.rows.has(key)) {
      const what = element("div", { className: "what", textContent: `${time(entry.at)} ${entry.function}` });
      const chips = element("div", { className: "hops" });
      append(hops, element("li", {}, what, chips), MOST);
      this.rows.set(key, { at: entry.at, what, chips });
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

function colour({ outcome, details }) {
  if (GOOD.has(outcome)) return "good";
  if (BAD.has(outcome)) return "bad";
  const waits = "next_try_in_seconds" in details || /^(withheld|waiting|retry|ambiguous)/.test(outcome);
  return waits ? "wait" : "";
}
