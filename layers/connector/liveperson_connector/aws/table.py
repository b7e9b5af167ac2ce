"""
How a DynamoDB table with one key is read and written: plain values in, plain values out.

Every item has ``expires_at`` (seconds since 1970). DynamoDB removes expired items in its own
time, so an expired item is treated as absent when read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from ..domain.clock import Clock
from .clients import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TTL_ATTRIBUTE = "expires_at"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

Item = dict[str, Any]

_ALL_NEW = {"ReturnValues": "ALL_NEW"}


class Table:
    """One table; errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, name: str, *, clock: Clock = time.time) -> None:
        self._client = client
        self._table = name
        self.clock = clock

    def get(self, pks: list[str]) -> dict[str, Item]:
        """Read items by key, all with one call; expired ones are absent."""
        with aws_errors("reading the table"):
            answer = self._client.batch_get_item(
                RequestItems={
                    self._table: {"Keys": [_key(pk) for pk in pks], "ConsistentRead": True}
                }
            )
            items = [_plain(each) for each in answer["Responses"].get(self._table, [])]
            unread = answer.get("UnprocessedKeys", {}).get(self._table, {"Keys": []})
            items += self._get_each(unread["Keys"])
        now = self.clock()
        return {item["pk"]: item for item in items if item.get(TTL_ATTRIBUTE, now + 1) > now}

    def _get_each(self, keys: Sequence[Item]) -> list[Item]:
        """Read one by one what a throttled batch left out: a gap must not pass for an absence."""
        answers = [
            self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            for key in keys
        ]
        return [_plain(answer["Item"]) for answer in answers if "Item" in answer]

    def putting(
        self, item: Item, condition: str = "", values: Mapping[str, object] | None = None
    ) -> Item:
        """Make a write that puts a whole item, if ``condition`` holds."""
        request: Item = {"TableName": self._table, "Item": _stored(item)}
        return {"Put": _with(request, condition, values)}

    def add(
        self,
        pk: str,
        added: Mapping[str, object],
        others: Mapping[str, object],
        condition: str = "",
        *,
        once: Mapping[str, object] | None = None,
    ) -> Item:
        """
        Add to counters and sets, set other attributes, and return what the item has become.

        If ``condition`` does not hold nothing is changed, and what is returned is empty. ``once``
        is as in :meth:`setting`.
        """
        update = self.setting(pk, others, condition, once=once)["Update"]
        update["UpdateExpression"] += " ADD " + ", ".join(f"#{name} :{name}" for name in added)
        update["ExpressionAttributeNames"].update({f"#{name}": name for name in added})
        update["ExpressionAttributeValues"].update(
            _stored({f":{name}": value for name, value in added.items()})
        )
        try:
            with aws_errors("writing to the table"):
                answer = self._attempt(self._client.update_item, {**update, **_ALL_NEW})
        except _ConditionFailed:
            return {}
        return _plain(answer["Attributes"])

    def delete(
        self, pk: str, condition: str = "", values: Mapping[str, object] | None = None
    ) -> bool:
        """Remove an item, if it is there and ``condition`` holds; false if it does not."""
        request: Item = {"TableName": self._table, "Key": _key(pk)}
        return self.write({"Delete": _with(request, condition, values)})

    def put_new(self, item: Item) -> bool:
        """Write an item unless there is one that has not expired; false if there is."""
        absent = "attribute_not_exists(pk) OR expires_at <= :now"
        return self.write(self.putting(item, absent, {":now": int(self.clock())}))

    def setting(
        self,
        pk: str,
        attributes: Mapping[str, object],
        condition: str = "",
        values: Mapping[str, object] | None = None,
        *,
        once: Mapping[str, object] | None = None,
    ) -> Item:
        """
        Make a write that sets ``attributes`` and leaves an item's others as they are.

        ``once`` are set only where the item has none, for example because it is new.
        """
        once = once or {}
        sets = [f"#{name} = :{name}" for name in attributes]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in once]
        written = {**attributes, **once}
        request: Item = {
            "TableName": self._table,
            "Key": _key(pk),
            "UpdateExpression": "SET " + ", ".join(sets),
            "ExpressionAttributeNames": {f"#{name}": name for name in written},
            "ExpressionAttributeValues": _stored(
                {**{f":{name}": value for name, value in written.items()}, **(values or {})}
            ),
        }
        if condition:
            request["ConditionExpression"] = condition
        return {"Update": request}

    def transact(self, writes: list[Item]) -> None:
        """Do all of some writes, or none, with one call."""
        with aws_errors("writing to the table"):
            self._client.transact_write_items(TransactItems=writes)  # type: ignore[arg-type]

    def write(self, write: Item) -> bool:
        """Do one write; false if its condition did not hold."""
        ((kind, request),) = write.items()
        calls: dict[str, Callable[..., Any]] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        try:
            with aws_errors("writing to the table"):
                self._attempt(calls[kind], request)
        except _ConditionFailed:
            return False
        return True

    @staticmethod
    def _attempt(call: Callable[..., Any], request: Item) -> Any:
        try:
            return call(**request)
        except ClientError as failure:
            if error_code(failure) == "ConditionalCheckFailedException":
                raise _ConditionFailed from None
            raise

    def expiry(self, seconds: int) -> int:
        """Return when something expires that is kept for ``seconds``."""
        return int(self.clock()) + seconds


class _ConditionFailed(Exception):
    """A conditional write found the condition false."""


def number(value: float) -> Decimal:
    """Write a time as DynamoDB takes it."""
    return Decimal(str(round(value, 3)))


def _with(request: Item, condition: str, values: Mapping[str, object] | None) -> Item:
    if condition:
        request["ConditionExpression"] = condition
    if values:
        request["ExpressionAttributeValues"] = _stored(values)
    return request


def _stored(values: Mapping[str, object]) -> Item:
    return {name: _serialize(value) for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in item.items()}


def _key(pk: str) -> Item:
    return {"pk": {"S": pk}}
