/**
 * Both halves of a channel, in TypeScript.
 *
 * Needs Node.js 20 and `npm install standardwebhooks`. What is typed is sent as a consumer's text;
 * what agents say is printed. Settings: see README.md beside this folder.
 */

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { Webhook } from "standardwebhooks";

const setting = (name: string, otherwise = ""): string => process.env[name] ?? otherwise;
const consumer = encodeURIComponent(setting("CONSUMER", "+4915112345678"));
const events = `${setting("API")}/accounts/${setting("ACCOUNT")}/consumers/${consumer}/events`;
const NOT_NOW = new Set([408, 425, 429, 500, 502, 503, 504]);

type Event = { id: string; type: string; [field: string]: unknown };
type Callback = { type: string; content?: { text?: string; fallback_text?: string; url?: string } };

/** Send an event until it is accepted. A repeat with the same id does no harm. */
async function send(event: Event): Promise<void> {
  for (let pause = 1; ; pause = Math.min(2 * pause, 60)) {
    const wait = await tryOnce(event);
    if (wait === null) return;
    await sleep(1000 * (wait < 0 ? pause : wait));
  }
}

/** Return null once the event is accepted, else how long to wait; -1 if it was not said. */
async function tryOnce(event: Event): Promise<number | null> {
  let answer: Response;
  try {
    answer = await fetch(events, {
      method: "POST",
      headers: { "Content-Type": "application/json", "x-api-key": setting("KEY") },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(30_000),
    });
  } catch {
    return -1; // no connection, no answer, a broken one
  }
  if (answer.ok) return null;
  if (!NOT_NOW.has(answer.status)) {
    throw new Error(`refused with ${answer.status}: ${await answer.text()}`);
  }
  const after = answer.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(after) ? Number(after) : -1;
}

const webhook = new Webhook(setting("SECRET"));
const seen = new Set<string>(); // keep it for a week, in a database

/** Take a callback: verify the bytes, drop what was seen; return the status to answer. */
function take(headers: Record<string, string>, body: Buffer): number {
  try {
    webhook.verify(body.toString("utf8"), headers);
  } catch {
    return 401;
  }
  const id = headers["webhook-id"] ?? "";
  if (!seen.has(id)) {
    seen.add(id);
    show(JSON.parse(body.toString("utf8")) as Callback);
  }
  return 204;
}

/** Print what an agent said; ignore what you do not know. */
function show(callback: Callback): void {
  const { text, fallback_text, url } = callback.content ?? {};
  const said = text || fallback_text || url;
  console.log(said ? `agent: ${said}` : `(${callback.type})`);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  response.writeHead(take(request.headers as Record<string, string>, body)).end();
});
server.listen(Number(setting("PORT")), "127.0.0.1");

for await (const line of createInterface({ input: process.stdin })) {
  await send({ id: randomUUID(), type: "text", text: line.trim() });
  console.log("sent");
}
process.exit(0);
