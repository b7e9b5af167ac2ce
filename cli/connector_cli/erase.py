"""``connector consumer erase``: erase one consumer from every store, and print a receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from liveperson_connector.domain.pseudonyms import consumer_key, short
from liveperson_connector.flows.dead_letter_redrive import comes_back

from . import output
from .consumer_data import ConsumerFiles, ConsumerTable, KnownConsumer, names_no_consumer
from .dead_letters.queues import DeadLetter, DeadLetters
from .groups import Commands
from .options import as_json, on_a_stack, yes
from .parameters import checked_account_id
from .stack import Stack

ERASED = {
    *("consumer", "lp-consumer", "conversation", "event", "notification", "hold"),
    *("person", "provider-message", "delivery"),
}
"""The kinds of table items that belong to a consumer."""

NAMELESS = {"agent", "outage", "tries", "lease", "sought"}
"""The kinds that name no consumer: an agent, an account, a message id, a task; gone within days."""

# Data may arrive during the erasure, so search again; report it if some is left after this many.
_ROUNDS = 3


@dataclass
class Receipt:
    """What each store had of a consumer; what is not erased, and until when it stays."""

    account_id: str
    consumer: str
    at: datetime
    items: Counter[str] = field(default_factory=Counter)
    files: int = 0
    dead_letters: int = 0
    stays: list[str] = field(default_factory=list)
    is_complete: bool = True
    """Whether another run of this command would find nothing more to erase."""

    @property
    def count(self) -> int:
        """The number of all erased things."""
        return self.items.total() + self.files + self.dead_letters

    def to_json(self, *, dry_run: bool) -> dict[str, Any]:
        """Return the receipt for JSON; it names the consumer by pseudonym only."""
        return {
            "erased": not dry_run,
            "complete": self.is_complete and not dry_run,
            "account_id": self.account_id,
            "consumer": self.consumer,
            "at": self.at,
            "table": dict(self.items),
            "files": self.files,
            "dead_letters": self.dead_letters,
            "stays": self.stays,
        }


@click.group(cls=Commands)
def consumer() -> None:
    """Erase one consumer's data."""


@consumer.command()
@click.argument("consumer_id")
@click.option("--account", "account_id", required=True, help="The LivePerson account.")
@click.option("--channel", metavar="NAME", help="The consumer's ready channel, if it is one's.")
@click.option("--dry-run", is_flag=True, help="Print what would be erased; erase nothing.")
@yes
@as_json
@on_a_stack
def erase(
    stack: Stack,
    consumer_id: str,
    account_id: str,
    channel: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """
    Erase CONSUMER_ID, the channel's own id of a consumer, from every store of the connector.

    For a person of a ready channel, name it with --channel; CONSUMER_ID is the provider's id.

    The command searches until it finds nothing more. Run it again after an interruption. It works
    for accounts that were removed, too. It reads the whole table several times, because the table
    is not sorted by consumer. LivePerson and the channel erase their own records.
    """
    eraser = Eraser(stack, checked_account_id(account_id), consumer_id, channel or "")
    receipt = eraser.preview()
    if not dry_run:
        things = output.counted(receipt.count, "thing")
        output.confirm(f"Erase {things} of consumer {receipt.consumer}?", yes=yes)
        receipt = eraser.erase()
    if as_json:
        output.data(receipt.to_json(dry_run=dry_run))
    else:
        _show(receipt, dry_run)
    click.get_current_context().exit(0 if receipt.is_complete else 1)


class Eraser:
    """Finds and erases one consumer's data."""

    def __init__(self, stack: Stack, account_id: str, consumer_id: str, channel: str = "") -> None:
        self._stack = stack
        if channel:
            consumer_id = f"{channel}:{consumer_id.removeprefix(f'{channel}:')}"
        key = consumer_key(stack.consumer_id_salt, account_id, consumer_id, channel)
        self._known = KnownConsumer(account_id, consumer_id, key, channel=channel)
        self._table = ConsumerTable(stack)
        self._files = ConsumerFiles(stack)
        self._letters = DeadLetters(stack)

    def preview(self) -> Receipt:
        """Return a receipt of what would be erased; change nothing."""
        receipt, known = self._receipt(), self._table.find(self._known)
        found = self._letters.read()
        receipt.items = _kinds(self._table.keys_of(known))
        receipt.files = len(self._files.of(known))
        receipt.dead_letters = sum(map(known.is_about, found.letters))
        if found.unseen:
            receipt.stays.append(
                f"dead letters: {found.unseen} not seen, which may be the consumer's; "
                "SQS shows only the first of a group, and the erasure uncovers the others"
            )
        receipt.stays += _stays(self._stack)
        return receipt

    def erase(self) -> Receipt:
        """Erase until a search finds nothing more."""
        receipt = self._receipt()
        for _ in range(_ROUNDS):
            before = receipt.count
            in_flight, nameless = self._erase_once(receipt)
            if receipt.count == before:
                break
        else:
            self._incomplete(receipt, "new data arrived during the erasure; run this again")
        if in_flight:
            letters = output.counted(in_flight, "dead letter")
            self._incomplete(
                receipt, f"another reader has {letters}; run this again in ten minutes"
            )
        if nameless:
            receipt.stays.append(self._about_nameless(nameless))
        receipt.stays += _stays(self._stack)
        return receipt

    def _erase_once(self, receipt: Receipt) -> tuple[int, int]:
        """
        Erase what one search finds; delete last the items that lead to the others.

        Return how many dead letters another reader has received, and how many name no consumer.
        """
        self._known = known = self._table.find(self._known)
        nameless: set[str] = set()

        def is_selected(letter: DeadLetter) -> bool:
            if known.is_about(letter):
                return True
            if names_no_consumer(letter) and letter.account_id in ("", known.account_id):
                nameless.add(letter.id)
            return False

        found = self._letters.discard(None, is_selected, _may_go_behind)
        receipt.dead_letters += len(found.letters)
        for name in self._files.of(known):
            self._files.delete(name)
            receipt.files += 1
        for pk in self._table.keys_of(known):
            self._table.delete(pk)
            receipt.items += _kinds([pk])
        return found.in_flight, len(nameless)

    def _receipt(self) -> Receipt:
        return Receipt(self._known.account_id, short(self._known.key), datetime.now(UTC))

    @staticmethod
    def _incomplete(receipt: Receipt, why: str) -> None:
        receipt.is_complete = False
        receipt.stays.append(why)

    def _about_nameless(self, count: int) -> str:
        letters = output.counted(count, "unreadable dead letter")
        discard = "connector dead-letters discard --reason unreadable --account"
        return (
            f"{letters} without an id that identifies a consumer: deleted after 14 days, "
            f"or by {discard} {self._known.account_id}"
        )


def _may_go_behind(letter: DeadLetter) -> bool:
    """Whether a dead letter may be sent behind others: only one that names no consumer may."""
    return names_no_consumer(letter) and not comes_back(letter.received)


def _kinds(keys: list[str]) -> Counter[str]:
    return Counter(pk.partition("#")[0] for pk in keys)


def _stays(stack: Stack) -> Iterator[str]:
    """Yield what is not erased, and why."""
    sqs = stack.client("sqs")
    for logical in ("ConsumerEventsQueue", "NotificationsQueue"):
        numbers = sqs.get_queue_attributes(
            QueueUrl=stack.physical(logical), AttributeNames=["All"]
        )["Attributes"]
        waiting = int(numbers["ApproximateNumberOfMessages"]) + int(
            numbers["ApproximateNumberOfMessagesNotVisible"]
        )
        if waiting:
            yield (
                f"{logical}: {output.counted(waiting, 'message')} of any consumer, which cannot be "
                "removed. Run this again when the queue is empty"
            )
    days = stack.parameters.get("LogRetentionDays", "?")
    yield f"logs: the consumer's pseudonym, for {days} days"
    yield "table: digests of changes and counts of tries, for days; they name no consumer"
    yield "table: backups of it (point-in-time recovery), for 35 days"
    yield "LivePerson and the channel: their own records"


def _show(receipt: Receipt, dry_run: bool) -> None:
    verb = "found" if dry_run else "erased"
    output.say(f"consumer {receipt.consumer} of account {receipt.account_id}")
    for kind, count in sorted(receipt.items.items()):
        output.say(f"  {verb:<7}{count:>4}  {kind} in the table")
    output.say(f"  {verb:<7}{receipt.files:>4}  files")
    output.say(f"  {verb:<7}{receipt.dead_letters:>4}  dead letters")
    for each in receipt.stays:
        output.say(f"  stays        {each}")
