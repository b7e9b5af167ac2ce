// Small helpers for building the page. Text is only ever set as text, never as HTML.

/** Make an element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((each) => each !== null && each !== undefined));
  return made;
}

/** Append to a list, keep to its end if it was there, and drop what is too old to be looked at. */
export function append(list, item, most = 1000) {
  const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (wasAtEnd) list.scrollTop = list.scrollHeight;
}

/** Add an option to a select unless it has it; return whether it is new. */
export function addOption(select, value, text = value) {
  const known = [...select.options].find((each) => each.value === value);
  if (known) {
    if (known.textContent !== text) known.textContent = text;
    return false;
  }
  select.append(element("option", { value, textContent: text }));
  return true;
}

/** Ids for events: unique, and short enough to read. */
export function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return `${prefix}-${[...bytes].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
}

export function time(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
