// Above: what can be made to fail, and the state that answers it.

import { element } from "./dom.js";

const state = document.getElementById("state");

export class Weather {
  constructor(act, setting) {
    const toolbar = document.getElementById("weather");
    for (const { name, title, lasts } of setting.weather) {
      const button = element("button", { type: "button", textContent: title });
      if (lasts) button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", async () => {
        const wanted = button.getAttribute("aria-pressed") !== "true";
        const done = await act("weather", { name, on: wanted });
        if (lasts && done !== undefined) button.setAttribute("aria-pressed", String(wanted));
      });
      toolbar.append(button);
    }
  }
}

/** Show the state as the server tells it: name and value, and whether it is well. */
export function showState(entry) {
  state.replaceChildren(...entry.values.map(({ name, value, is }) => element("div", {},
    element("dt", { textContent: name }),
    element("dd", { textContent: value, className: is ?? "" }))));
}
