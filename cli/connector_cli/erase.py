"""``connector consumer erase``: a consumer leaves every store; a receipt says what was where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click
from boto3.dynamodb.types import TypeDeserializer

from liveperson_connector.domain.pseudonyms import consumer_key, short
from liveperson_connector.domain.queue_messages import stable_id

from . import output
from .groups import Commands
from .letters import DeadLetters, Letter
from .options import as_json, on_a_stack, yes
from .parameters import Parameters, checked_account_id
from .stack import Stack

ERASED = {"consumer", "lp-consumer", "conversation", "event", "notification", "hold"}
"""The kinds of the table's items that are a consumer's."""

NAMELESS = {"outage", "tries", "lease", "sought"}
"""Those that name nobody: an account, a message's own id, a task. They expire in days at most."""

_deserialize = TypeDeserializer().deserialize


@dataclass
class Receipt:
    """What there was of a consumer, by store; what stays, and until when."""

    account_id: str
    consumer: str
    at: datetime
    items: dict[str, int] = field(default_factory=dict)
    files: int = 0
    dead_letters: int = 0
    stays: list[str] = field(default_factory=list)

    def told(self, *, dry_run: bool) -> dict[str, Any]:
        """Return it as JSON; the consumer is named by pseudonym alone."""
        return {
            "erased": not dry_run,
            "account_id": self.account_id,
            "consumer": self.consumer,
            "at": self.at,
            "table": self.items,
            "files": self.files,
            "dead_letters": self.dead_letters,
            "stays": self.stays,
        }


@dataclass(frozen=True)
class Traces:
    """Everything that the stores have of a consumer."""

    keys: list[str]
    conversations: set[str]
    files: list[str]
    letters: list[Letter]


@click.group(cls=Commands)
def consumer() -> None:
    """See to the data of one consumer."""


@consumer.command()
@click.argument("consumer_id")
@click.option("--account", "account_id", required=True, help="The LivePerson account.")
@click.option("--dry-run", is_flag=True, help="Say what there is, and leave it.")
@yes
@as_json
@on_a_stack
def erase(
    stack: Stack, consumer_id: str, account_id: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """
    Remove CONSUMER_ID, the channel's own id, from every store of the connector.

    The table is read through twice, since it is not ordered by consumer. What LivePerson and the
    channel have of the consumer is theirs to erase.
    """
    checked_account_id(account_id)
    Parameters(stack).of(account_id)
    key = consumer_key(stack.consumer_id_salt, account_id, consumer_id)
    letters = DeadLetters(stack)
    with letters.borrowed() as borrowed:
        found = _search(stack, account_id, consumer_id, key, borrowed)
        receipt = _receipt(stack, account_id, key, found)
        hidden = letters.count() - len(borrowed)
        if hidden > 0:
            receipt.stays.append(f"dead letters: {hidden} not seen; redrive, and erase again")
        if not dry_run:
            count = sum(receipt.items.values()) + receipt.files + receipt.dead_letters
            things = output.counted(count, "thing")
            output.confirm(f"Erase {things} of consumer {short(key)}?", yes=yes)
            _erase(stack, found, letters)
    if as_json:
        output.data(receipt.told(dry_run=dry_run))
    else:
        _show(receipt, dry_run)


def _search(
    stack: Stack, account_id: str, consumer_id: str, key: str, borrowed: list[Letter]
) -> Traces:
    items = list(_items_of(stack, account_id, key))
    conversations = _conversations(items)
    groups = {
        stable_id(account_id, key),
        stable_id(account_id, consumer_id, "failed"),
        *(stable_id(account_id, each) for each in conversations),
    }
    keys = [
        *(item["pk"] for item in items),
        *_parts_and_notifications(stack, account_id, conversations),
        *(f"hold#{group}" for group in groups),
    ]
    return Traces(
        _that_exist(stack, keys),
        conversations,
        _files_of(stack, account_id, key),
        [
            each
            for each in borrowed
            if each.account_id == account_id
            and (each.consumer_id == consumer_id or each.conversation_id in conversations)
        ],
    )


def _items_of(stack: Stack, account_id: str, key: str) -> Iterator[Mapping[str, Any]]:
    """Find what names the consumer: itself, its events, its conversations, LivePerson's id."""
    yield from _scan(
        stack,
        "begins_with(pk, :consumer) OR begins_with(pk, :event) OR consumer_key = :key",
        {
            ":consumer": f"consumer#{account_id}#{key}",
            ":event": f"event#{account_id}#{key}#",
            ":key": key,
        },
    )


def _conversations(items: list[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the consumer's conversations and of the surveys in them."""
    found = set()
    for item in items:
        kind, _, rest = item["pk"].partition("#")
        if kind == "conversation":
            found.add(rest.partition("#")[2])
        for name in ("conversation_id", "last_conversation_id", "survey_dialog_id"):
            found.add(str(item.get(name) or ""))
    return found - {""}


def _parts_and_notifications(
    stack: Stack, account_id: str, conversations: set[str]
) -> Iterator[str]:
    """Find the surveys' own items, and what was delivered of the conversations."""
    wanted = sorted(conversations)
    for start in range(0, len(wanted), 40):
        conditions, values = [], {}
        for index, each in enumerate(wanted[start : start + 40]):
            values[f":n{index}"] = f"notification#{account_id}#{each}:"
            values[f":c{index}"] = each
            conditions += [f"begins_with(pk, :n{index})", f"part_of = :c{index}"]
        for item in _scan(stack, " OR ".join(conditions), values):
            yield item["pk"]


def _scan(stack: Stack, condition: str, values: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.table,
            FilterExpression=condition,
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            ConsistentRead=True,
        )
    )
    for page in pages:
        for item in page["Items"]:
            yield {name: _deserialize(value) for name, value in item.items()}


def _that_exist(stack: Stack, keys: list[str]) -> list[str]:
    client, found = stack.client("dynamodb"), []
    for key in dict.fromkeys(keys):
        answer = client.get_item(
            TableName=stack.table, Key={"pk": {"S": key}}, ProjectionExpression="pk"
        )
        if "Item" in answer:
            found.append(key)
    return found


def _files_of(stack: Stack, account_id: str, key: str) -> list[str]:
    """Find the agents' files that were kept for the consumer."""
    s3, bucket = stack.client("s3"), stack.output("FilesBucketName")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{account_id}/")
    return [
        each["Key"]
        for page in pages
        for each in page.get("Contents", [])
        if s3.head_object(Bucket=bucket, Key=each["Key"])["Metadata"].get("consumer") == key
    ]


def _erase(stack: Stack, found: Traces, letters: DeadLetters) -> None:
    for letter in found.letters:
        letters.discard(letter)
    s3, bucket = stack.client("s3"), stack.output("FilesBucketName")
    for file in found.files:
        s3.delete_object(Bucket=bucket, Key=file)
    dynamodb = stack.client("dynamodb")
    for key in found.keys:
        dynamodb.delete_item(TableName=stack.table, Key={"pk": {"S": key}})


def _receipt(stack: Stack, account_id: str, key: str, found: Traces) -> Receipt:
    receipt = Receipt(account_id, short(key), datetime.now(UTC))
    for pk in found.keys:
        kind = pk.partition("#")[0]
        receipt.items[kind] = receipt.items.get(kind, 0) + 1
    receipt.files = len(found.files)
    receipt.dead_letters = len(found.letters)
    receipt.stays = list(_stays(stack))
    return receipt


def _stays(stack: Stack) -> Iterator[str]:
    """Say what is not erased, and why."""
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
                "taken out. Erase again when the queue is empty"
            )
    days = stack.parameters.get("LogRetentionDays", "?")
    yield f"logs: the consumer's pseudonym, for {days} days"
    yield "table: digests of conversation changes and counts of tries, for days; they name nobody"
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
