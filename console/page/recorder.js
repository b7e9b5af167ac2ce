// A deployed stack, which can only be read: where a message went, and what fails now.

import { element, time } from "./dom.js";
import { becameOf } from "./verdict.js";
import { MOST, Way } from "./way.js";
import { showState } from "./weather.js";

const LOOKS_EVERY_MS = 30_000;

const byId = (id) => document.getElementById(id);

export class Recorder {
  constructor(setting, showProblem) {
    this.showProblem = showProblem;
    this.way = new Way(async () => []); // what went over the wire is kept nowhere
    document.body.classList.add("reads-only");
    for (const id of ["phone", "desk", "weather"]) byId(id).remove();
    byId("find").hidden = false;
    byId("link").textContent = `stack ${setting.stack}, read-only`;
    byId("search").addEventListener("submit", (event) => { event.preventDefault(); this.find(); });
    byId("wanted").focus();
    this.look();
    setInterval(() => { if (!document.hidden) this.look(); }, LOOKS_EVERY_MS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.look(); });
  }

  async find() {
    const wanted = byId("wanted").value.trim();
    byId("found").textContent = "Searching the logs …";
    const said = await this.get(`find?minutes=${byId("within").value}`, { "X-Wanted": encodeURIComponent(wanted) });
    this.way.clear();
    const hops = said?.hops ?? [];
    for (const hop of hops) this.way.addHop(hop);
    this.tell(hops);
    if (said) byId("found").textContent = summary(hops);
    else byId("found").textContent = "The search did not succeed.";
  }

  /** Say in each message's row what became of it. */
  tell(hops) {
    for (const [key, row] of this.way.rows) {
      const own = hops.filter((each) => each.trace === key);
      row.what.textContent = `${new Date(row.at * 1000).toLocaleDateString()} ${time(row.at)}  ${becameOf(own)}`;
    }
  }

  async look() {
    const said = await this.get("now");
    if (!said) { byId("asked").textContent = "It is not known what fails: the last look did not succeed."; return; }
    showState(said);
    const none = said.problems.length + said.failures.length === 0;
    byId("asked").textContent = none
      ? `Nothing. No failure in the last ${said.minutes} minutes (as of ${time(said.at)}).`
      : `As of ${time(said.at)}; failures of the last ${said.minutes} minutes.`;
    byId("failing").replaceChildren(...said.problems.map(problem), ...said.failures.map(failure));
  }

  async get(path, headers = {}) {
    const answer = await fetch(path, { headers }).catch(() => null);
    const said = answer ? await answer.json().catch(() => ({})) : {};
    if (answer?.ok) return said;
    this.showProblem(said.error ? `${said.error}; do: ${said.fix}` : "the console does not answer; does `connector console` still run?");
    return undefined;
  }
}

function summary(hops) {
  const messages = new Set(hops.map((each) => each.trace)).size;
  if (messages === 0) return "The logs of this time do not mention it: the channel API did not accept it, or it is older. Search a longer time.";
  const shown = messages > MOST ? ` The latest ${MOST} are shown.` : "";
  return `${counted(messages, "message")}, ${counted(hops.length, "hop")}.${shown}`;
}

function counted(number, noun) { return `${number} ${noun}${number === 1 ? "" : "s"}`; }

function problem({ problem: text, since, fix }) {
  return element("li", {},
    element("span", { className: "bad", textContent: text }),
    element("small", { textContent: `${since ? `since ${day(since)}` : "since when is not known"} · do: ${fix}` }));
}

function failure({ what, function: name, account_id: account, problem: text, since, last, count }) {
  const when = count === 1 ? `at ${day(since)}` : `${count} times since ${day(since)}, last at ${day(last)}`;
  return element("li", {},
    element("span", { className: "wait", textContent: `${name} · ${what}` }),
    element("small", { textContent: `${when}${account ? ` · account ${account}` : ""}${text ? ` · ${text}` : ""}` }));
}

function day(seconds) {
  const then = new Date(seconds * 1000);
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? time(seconds) : `${then.toLocaleDateString()} ${time(seconds)}`;
}
