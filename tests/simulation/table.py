"""
DynamoDB in this process: the few operations and expressions that the connector's memory uses.

The real ``aws/conversation_store.py`` runs on it. It is as strict as the service where that has
shown to
matter: a value or name that no expression uses is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
Names = Mapping[str, str]
Predicate = Callable[[Item, Names, Item], bool]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[()=<>,]|[#:]?\w+)")


class Table:
    """Items by key, in a mapping of the caller's own if one is given."""

    def __init__(self, items: MutableMapping[str, Item] | None = None) -> None:
        self.items: MutableMapping[str, Item] = {} if items is None else items

    def batch_get_item(self, *, RequestItems: Item) -> Item:  # noqa: N803
        """Read several items."""
        ((name, wanted),) = RequestItems.items()
        pks = [key["pk"]["S"] for key in wanted["Keys"]]
        if len(set(pks)) != len(pks):
            raise failure("ValidationException")
        found = [self.items.get(pk) for pk in pks]
        return {"Responses": {name: [dict(each) for each in found if each]}}

    def get_item(self, *, Key: Item, **_: Any) -> Item:  # noqa: N803
        """Read one item."""
        found = self.items.get(Key["pk"]["S"])
        return {"Item": dict(found)} if found else {}

    def put_item(self, **put: Any) -> Item:
        """Write one item."""
        self._check(put, put["Item"]["pk"]["S"])
        self.items[put["Item"]["pk"]["S"]] = dict(put["Item"])
        return {}

    def update_item(self, **update: Any) -> Item:
        """Change one item, which is made if it is not there."""
        pk = update["Key"]["pk"]["S"]
        self._check(update, pk)
        self.items[pk] = changed = _apply(update, self.items.get(pk, dict(update["Key"])))
        return {"Attributes": dict(changed)}

    def delete_item(self, *, Key: Item, **delete: Any) -> Item:  # noqa: N803
        """Remove one item."""
        self._check(delete, Key["pk"]["S"])
        self.items.pop(Key["pk"]["S"], None)
        return {}

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:  # noqa: N803
        """Do all of several writes, or none."""
        operations = {"Put": self.put_item, "Update": self.update_item, "Delete": self.delete_item}
        before: dict[str, Item | None] = {}
        try:
            for each in TransactItems:
                ((kind, write),) = each.items()
                pk = (write.get("Key") or write["Item"])["pk"]["S"]
                before.setdefault(pk, self.items.get(pk))
                operations[kind](**write)
        except ClientError:
            self._restore(before)
            raise
        return {}

    def _restore(self, before: Mapping[str, Item | None]) -> None:
        for pk, item in before.items():
            if item is None:
                self.items.pop(pk, None)
            else:
                self.items[pk] = item

    def _check(self, request: Item, pk: str) -> None:
        expressions = [request.get("UpdateExpression"), request.get("ConditionExpression")]
        _check_all_used(request, " ".join(filter(None, expressions)))
        if condition := request.get("ConditionExpression"):
            names = request.get("ExpressionAttributeNames", {})
            values = request.get("ExpressionAttributeValues", {})
            if not _condition(condition)(self.items.get(pk, {}), names, values):
                raise failure("ConditionalCheckFailedException")


def failure(code: str) -> ClientError:
    """Return an error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": code}}, "AnyOperation")


def _check_all_used(request: Item, expressions: str) -> None:
    used = set(re.findall(r"[#:]\w+", expressions))
    given = {
        *request.get("ExpressionAttributeNames", {}),
        *request.get("ExpressionAttributeValues", {}),
    }
    if used != given:
        raise failure("ValidationException")


# ── Updates ──


def _apply(update: Item, item: Item) -> Item:
    names = update.get("ExpressionAttributeNames", {})
    values = update.get("ExpressionAttributeValues", {})
    changed = dict(item)
    for action, path, operand in _actions(update["UpdateExpression"]):
        name = names.get(path, path)
        if action == "SET":
            changed[name] = _operand(operand, item, names, values)
        elif action == "ADD":
            changed[name] = _sum(item.get(name), values[operand])
        elif action == "DELETE":
            _take_out(changed, name, values[operand])
        else:
            changed.pop(name, None)
    return changed


@lru_cache
def _actions(expression: str) -> list[tuple[str, str, str]]:
    """Take an update apart: what is done, to which attribute, with what."""
    found = []
    clauses = re.split(r"\b(SET|ADD|DELETE|REMOVE)\b", expression)[1:]
    for action, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for part in re.split(r",(?![^(]*\))", clause):
            path, _, operand = part.strip().partition(" = " if action == "SET" else " ")
            found.append((action, path.strip(), operand.strip()))
    return found


def _operand(operand: str, item: Item, names: Names, values: Item) -> Any:
    default = re.fullmatch(r"if_not_exists\(([#\w]+), (:\w+)\)", operand)
    if default:
        return item.get(names.get(default[1], default[1]), values[default[2]])
    return values[operand]


def _sum(known: Item | None, added: Item) -> Item:
    if "N" in added:
        return {"N": str(Decimal((known or {"N": "0"})["N"]) + Decimal(added["N"]))}
    return {"SS": sorted({*(known or {"SS": []})["SS"], *added["SS"]})}


def _take_out(item: Item, name: str, removed: Item) -> None:
    left = set(item.get(name, {"SS": []})["SS"]) - set(removed["SS"])
    item[name] = {"SS": sorted(left)}
    if not left:  # DynamoDB keeps no empty set
        del item[name]


# ── Conditions ──


@lru_cache
def _condition(expression: str) -> Predicate:
    tokens = _TOKEN.findall(expression)
    predicate = _either(tokens)
    if tokens:
        raise ValueError(f"not understood: {expression}")
    return predicate


def _either(tokens: list[str]) -> Predicate:
    found = [_both(tokens)]
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        found.append(_both(tokens))
    return lambda item, names, values: any(each(item, names, values) for each in found)


def _both(tokens: list[str]) -> Predicate:
    found = [_one(tokens)]
    while tokens[:1] == ["AND"]:
        tokens.pop(0)
        found.append(_one(tokens))
    return lambda item, names, values: all(each(item, names, values) for each in found)


def _one(tokens: list[str]) -> Predicate:
    first = tokens.pop(0)
    if first == "(":
        inner = _either(tokens)
        tokens.pop(0)
        return inner
    if first in {"attribute_exists", "attribute_not_exists"}:
        path, wanted = tokens[1], first == "attribute_exists"
        del tokens[:3]
        return lambda item, names, _values: (names.get(path, path) in item) == wanted
    return _comparison(first, tokens.pop(0), tokens.pop(0))


def _comparison(path: str, sign: str, value: str) -> Predicate:
    compare = _COMPARISONS[sign]

    def holds(item: Item, names: Names, values: Item) -> bool:
        known = item.get(names.get(path, path))
        if known is None or known.keys() != values[value].keys():
            return sign == "<>"
        return compare(_comparable(known), _comparable(values[value]))

    return holds


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "<=": lambda one, other: bool(one <= other),
    "<": lambda one, other: bool(one < other),
    ">=": lambda one, other: bool(one >= other),
    ">": lambda one, other: bool(one > other),
}


def _comparable(value: Item) -> Any:
    ((kind, plain),) = value.items()
    return Decimal(plain) if kind == "N" else plain
