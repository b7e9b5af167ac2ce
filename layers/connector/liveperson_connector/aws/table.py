"""
A DynamoDB table with one key: plain values in, plain values out.

Every item has ``expires_at`` (seconds since 1970). DynamoDB removes expired items in its own
time, so an expired item is treated as absent when read. Writes are values, :class:`Put`,
:class:`Update` and :class:`Delete`, which :meth:`Table.write` makes alone and
:meth:`Table.transact` all or none of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ..domain.clock import Clock
from .clients import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TTL_ATTRIBUTE = "expires_at"

Item = dict[str, Any]
Values = Mapping[str, object]

_ALL_NEW = {"ReturnValues": "ALL_NEW"}


@dataclass(frozen=True)
class Put:
    """Write a whole item, if ``condition`` holds with ``values``."""

    item: Values
    condition: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    """
    Set ``attributes`` of the item ``pk`` and leave its others, if ``condition`` holds.

    ``once`` are set only where the item has none, for example because it is new. ``added`` are
    added to counters and sets.
    """

    pk: str
    attributes: Values
    condition: str = ""
    values: Values = field(default_factory=dict)
    once: Values = field(default_factory=dict)
    added: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Delete:
    """Remove the item ``pk``, if ``condition`` holds with ``values``."""

    pk: str
    condition: str = ""
    values: Values = field(default_factory=dict)


Write = Put | Update | Delete


class Table:
    """One table; errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, name: str, *, clock: Clock = time.time) -> None:
        self._client = client
        self._table = name
        self._clock = clock

    def get(self, pks: Sequence[str]) -> dict[str, Item]:
        """Read items by key, all with one call; expired ones are absent."""
        keys = [{"pk": {"S": pk}} for pk in pks]
        with aws_errors("reading the table"):
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
            items = [_plain(each) for each in answer["Responses"].get(self._table, [])]
            if unread := answer.get("UnprocessedKeys", {}).get(self._table):
                items += self._get_each(unread["Keys"])
        now = self._clock()
        return {item["pk"]: item for item in items if item.get(TTL_ATTRIBUTE, now + 1) > now}

    def _get_each(self, keys: Sequence[Item]) -> list[Item]:
        """Read one by one what a throttled batch left out: a gap must not pass for an absence."""
        answers = [
            self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            for key in keys
        ]
        return [_plain(answer["Item"]) for answer in answers if "Item" in answer]

    def write(self, write: Write) -> bool:
        """Make one write; return False if its condition does not hold."""
        calls: dict[type, Callable[..., Any]] = {
            Put: self._client.put_item,
            Update: self._client.update_item,
            Delete: self._client.delete_item,
        }
        return self._attempt(calls[type(write)], self._request(write)) is not None

    def update(self, update: Update) -> Item:
        """Make an update and return what the item has become; empty if the condition fails."""
        answer = self._attempt(self._client.update_item, {**self._request(update), **_ALL_NEW})
        return {} if answer is None else _plain(answer["Attributes"])

    def put_new(self, item: Values) -> bool:
        """Write an item unless there is one that has not expired; return False if there is."""
        absent = "attribute_not_exists(pk) OR expires_at <= :now"
        return self.write(Put(item, absent, {":now": int(self._clock())}))

    def transact(self, writes: Sequence[Write]) -> None:
        """Make all of some writes, or none, with one call."""
        requests: list[Any] = [{type(each).__name__: self._request(each)} for each in writes]
        with aws_errors("writing to the table"):
            self._client.transact_write_items(TransactItems=requests)

    @staticmethod
    def _attempt(call: Callable[..., Any], request: Item) -> Any:
        """Call DynamoDB; return None if the condition does not hold."""
        with aws_errors("writing to the table"):
            try:
                return call(**request)
            except ClientError as failure:
                if error_code(failure) == "ConditionalCheckFailedException":
                    return None
                raise

    def _request(self, write: Write) -> Item:
        request: Item = {"TableName": self._table}
        values = {**write.values}
        if isinstance(write, Put):
            request["Item"] = _stored(write.item)
        else:
            request["Key"] = {"pk": {"S": write.pk}}
        if isinstance(write, Update):
            written = {**write.attributes, **write.once, **write.added}
            request["UpdateExpression"] = _expression(write)
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in written}
            values.update({f":{name}": value for name, value in written.items()})
        if write.condition:
            request["ConditionExpression"] = write.condition
        if values:
            request["ExpressionAttributeValues"] = _stored(values)
        return request


def number(value: float) -> Decimal:
    """Write a time as DynamoDB takes it."""
    return Decimal(str(round(value, 3)))


def _expression(update: Update) -> str:
    sets = [f"#{name} = :{name}" for name in update.attributes]
    sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in update.once]
    added = ", ".join(f"#{name} :{name}" for name in update.added)
    return "SET " + ", ".join(sets) + (f" ADD {added}" if added else "")


def _stored(values: Values) -> Item:
    return {name: _typed(value) for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _untyped(value) for name, value in item.items()}


# boto3's own conversion would load all of boto3 at each cold start
# (docs/decisions/0054-dynamodb-values-are-converted-here.md).


def _typed(value: object) -> dict[str, Any]:
    """
    Write a value by DynamoDB's types, or raise :class:`TypeError`: a float has none.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case str():
            return {"S": value}
        case None | bool():
            return {"NULL": True} if value is None else {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case Mapping():
            return {"M": _stored(value)}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case set() | frozenset() if value and all(isinstance(each, str) for each in value):
            return {"SS": list(value)}
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _untyped(value: Mapping[str, Any]) -> Any:
    """Read a value of one of the types that :func:`_typed` writes."""
    ((kind, written),) = value.items()
    match kind:
        case "S" | "BOOL":
            return written
        case "N":
            return Decimal(written)
        case "NULL":
            return None
        case "M":
            return _plain(written)
        case "L":
            return [_untyped(each) for each in written]
        case "SS":
            return set(written)
    raise TypeError(f"nothing here writes DynamoDB's type {kind}")
