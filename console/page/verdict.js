// What became of a message, in a sentence, from the outcome words of its hops.

const FROM = {
  message_intake: "From the consumer",
  provider_intake: "From the consumer",
  webhook_intake: "From LivePerson",
};

const BECAME = {
  accepted: "waits in the queue",
  accepted_current_secret: "waits in the queue",
  accepted_previous_secret: "waits in the queue",
  sent: "arrived at LivePerson",
  confirmed_by_echo: "arrived at LivePerson, as its echo shows",
  typing_sent: "arrived at LivePerson",
  delivered: "arrived at the channel",
  told_conversation: "the channel was told about the conversation",
  typing_told: "arrived at the channel",
  told_failed: "the channel was told that LivePerson refused it",
  retry_later: "waits for its next try",
  waiting: "waits: the other side is down",
  paused: "waits: the account is paused",
  dead_lettered: "was given up: it is a dead letter",
  redriven: "was a dead letter, and is on its way again",
  withheld_echo: "is the consumer's own message, so the channel does not get it",
  withheld_not_for_consumers: "is for agents only, so the channel does not get it",
  withheld_unknown_sender: "is of an unknown sender, so the channel does not get it",
  withheld_unknown_kind: "is of an unknown kind, so the channel does not get it",
  foreign_conversation: "belongs to another channel",
  repeat_ignored: "is a repeat, and was ignored",
  not_wanted: "the channel does not want this kind",
  invalid_event: "was refused: the event is invalid",
  untrusted_webhook: "was refused: the webhook's signature is wrong",
  not_queued: "was refused: it could not be queued, and the sender is to try again",
};

/** Describe what one request brought, by its hops in order: of each message the last word counts. */
export function becameOf(hops) {
  const from = FROM[hops[0]?.function] ?? hops[0]?.function ?? "";
  const last = new Map(); // by what a webhook with several changes, or an event, calls its message
  for (const { outcome, details } of hops) {
    if (outcome in BECAME) last.set(details.event_id ?? details.sequence ?? "", BECAME[outcome]);
  }
  if (last.size > 1) last.delete(""); // what is said of the request as a whole
  return `${from}: ${[...new Set(last.values())].join("; ") || "see its hops"}`;
}
