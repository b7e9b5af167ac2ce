// The console: one stream of what happens comes in, acts of both sides go out.

import { Desk } from "./desk.js";
import { element } from "./dom.js";
import { Phone } from "./phone.js";
import { Recorder } from "./recorder.js";
import { showState, Weather } from "./weather.js";
import { Way } from "./way.js";

const problem = document.getElementById("problem");
let hidesProblem;

/** Do something on the server; what is refused is shown, with the server's own words. */
export async function act(name, values = {}) {
  const answer = await fetch(`acts/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
  }).catch(() => null);
  const said = answer ? await answer.json().catch(() => ({})) : {};
  if (answer?.ok && !said.error) return said.result;
  const why = said.error ?? "the sandbox does not answer; is it still running?";
  showProblem(`${name}: ${why}`);
  return undefined;
}

function showProblem(text) {
  problem.textContent = text;
  problem.hidden = false;
  clearTimeout(hidesProblem);
  hidesProblem = setTimeout(() => { problem.hidden = true; }, 8000);
}

const setting = await (await fetch("setting")).json();
if (setting.reads_only) new Recorder(setting, showProblem);
else play();

/** A sandbox: both sides are played, and its feed tells what happens. */
function play() {
  const parts = {
    phone: new Phone(act, setting),
    desk: new Desk(act, setting),
    way: new Way(act),
  };
  new Weather(act, setting);

  const takes = {
    hop: (entry) => parts.way.addHop(entry),
    callback: (entry) => parts.phone.addCallback(entry),
    sent: (entry) => { parts.phone.addSent(entry); parts.way.addSent(entry); },
    conversation: (entry) => { parts.desk.take(entry); },
    state: (entry) => showState(entry),
  };

  const link = document.getElementById("link");
  const stream = new EventSource("feed");
  stream.addEventListener("open", () => { link.textContent = "live"; });
  stream.addEventListener("error", () => { link.textContent = "not connected: trying again"; });
  stream.addEventListener("message", (message) => {
    const entry = JSON.parse(message.data);
    takes[entry.kind]?.(entry);
  });
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") { problem.hidden = true; document.getElementById("detail").hidden = true; }
});

document.body.append(element("span", { id: "ready", hidden: true }));
