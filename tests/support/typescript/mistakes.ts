// Each line is a mistake that the compiler notices; where it does not, it refuses this file.

import type { components } from "./api.js";

type Schemas = components["schemas"];
type ConsumerEvent = Schemas["ConsumerEvent"];
const id = "m-1";

export const mistakes: ConsumerEvent[] = [
  // @ts-expect-error A text has words.
  { id, type: "text" },
  // @ts-expect-error There is no such type.
  { id, type: "dance" },
  // @ts-expect-error A file has a type.
  { id, type: "file", url: "https://files.example.com/a.png" },
  // @ts-expect-error And that is one of a few.
  { id, type: "file", file_type: "PDF", url: "https://files.example.com/a.pdf" },
  // @ts-expect-error A reply names what was chosen.
  { id, type: "reply", text: "Yes", to_sequence: 1 },
  // @ts-expect-error Five is a number.
  { id, type: "rating", csat: "5" },
  // @ts-expect-error A text has no typing error in a field's name.
  { id, type: "text", txt: "Hello" },
  // @ts-expect-error Features have names.
  { id, type: "text", text: "Hello", conversation: { features: ["TELEPATHY"] } },
];

// The type of a callback says which fields it has.
export function words(callback: Schemas["Callback"]): string {
  switch (callback.type) {
    case "message":
      return callback.content.type === "file" ? callback.content.url : saying(callback.content);
    case "typing":
      return callback.state;
    case "receipt":
      return callback.sequences.join();
    case "conversation":
      return callback.reason ?? callback.event;
    case "failed":
      return callback.message;
    case "ping":
      return callback.sent_at;
  }
}

function saying(content: Schemas["TextContent"] | Schemas["RichContent"]): string {
  return content.type === "text" ? content.text : content.fallback_text;
}
