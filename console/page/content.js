// Structured content of LivePerson as the page draws it.

import { element } from "./dom.js";

/** What a message shows beside its choices. */
export function titleOf(content) {
  if (content.type === "file") {
    return element("span", { textContent: `[${content.file_type}] ${content.caption ?? ""} ${content.url ?? ""}` });
  }
  return element("span", { textContent: content.text ?? content.fallback_text ?? `[${content.type}]` });
}

/** Every choice of a message, in order: text, metadata, title; links have a url. */
export function choicesOf(content) {
  return [...walk(content.content), ...walk(content.quick_replies)];
}

function* walk(value) {
  if (Array.isArray(value)) { for (const each of value) yield* walk(each); return; }
  if (!value || typeof value !== "object") return;
  const action = value.click?.actions?.[0];
  if (action) {
    const title = value.title ?? value.alt ?? value.tooltip ?? action.text ?? "";
    if (action.type === "publishText") yield { title, text: action.text ?? title, metadata: value.click.metadata ?? [{ type: "ExternalId", id: title }] };
    else if (action.type === "link" && /^https?:/.test(action.uri ?? "")) yield { title, url: action.uri };
  }
  for (const name of ["elements", "items", "sections", "replies", "cards", "content"]) yield* walk(value[name]);
}
