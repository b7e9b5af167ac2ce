"""``connector restore``: give a new stack what a lost one knew of its consumers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from . import output
from .erase import ERASED
from .errors import Problem
from .options import as_json, on_a_stack, yes
from .stack import Stack

LASTING = ERASED - {"hold"}
"""The kinds of items that outlive a stack: a consumer's, but not that its dead letters wait."""

_WRITERS = 16

LOST = (
    "messages that waited in the former stack's queues: the channel may send its events again, "
    "which does no harm; LivePerson shows its own messages to agents",
    "dead letters of the former stack",
    "links to agents' files: they lead to the former stack's bucket",
)


@click.command()
@click.option("--from", "source", required=True, metavar="TABLE", help="The lost stack's table.")
@click.option("--dry-run", is_flag=True, help="Print what would be restored; write nothing.")
@yes
@as_json
@on_a_stack
def restore(stack: Stack, source: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """
    Copy consumers and conversations from the TABLE of a lost stack into this stack's.

    TABLE is the table that remained when the stack was deleted, or one restored from a backup.
    What this stack knows already stays as it is, so the command may be run again after an
    interruption. Consumers who were erased since the backup must be erased again.
    """
    if source == stack.output("TableName"):
        raise Problem(f"{source} is this stack's own table", "name the lost stack's table")
    copy = _Copy(stack, source, dry_run=dry_run)
    if not dry_run:
        output.confirm(f"Copy the items of {source} into stack {stack.name}?", yes=yes)
    copied, there = copy.run()
    told = {"restored": dict(copied), "there_already": there, "lost": list(LOST)}
    if as_json:
        output.data(told)
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(copied.items())) or "nothing"
    output.say(f"{'would restore' if dry_run else 'restored'}: {kinds}")
    output.say(f"there already: {there}")
    for each in LOST:
        output.say(f"not restored: {each}")


class _Copy:
    """Copies the lasting items of one table into another, unless they are there."""

    def __init__(self, stack: Stack, source: str, *, dry_run: bool) -> None:
        self._client = stack.client("dynamodb", max_pool_connections=_WRITERS)
        self._source, self._target = source, stack.output("TableName")
        self._dry_run = dry_run

    def run(self) -> tuple[Counter[str], int]:
        """Return how many items of each kind were copied, and how many were there already."""
        copied: Counter[str] = Counter()
        there = 0
        with ThreadPoolExecutor(_WRITERS) as writers:
            for page in self._pages():
                for kind, is_new in writers.map(self._write, page):
                    copied[kind] += is_new
                    there += not is_new
                output.note(f"{copied.total()} restored, {there} there already")
        return +copied, there

    def _pages(self) -> Iterator[list[Mapping[str, Any]]]:
        now = str(int(time.time()))
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._source,
            FilterExpression="expires_at > :now",
            ExpressionAttributeValues={":now": {"N": now}},
        )
        try:
            for page in pages:
                yield [each for each in page["Items"] if _kind(each) in LASTING]
        except self._client.exceptions.ResourceNotFoundException:
            raise Problem(
                f"there is no table {self._source}", "aws dynamodb list-tables names them"
            ) from None

    def _write(self, item: Mapping[str, Any]) -> tuple[str, bool]:
        if self._dry_run:
            return _kind(item), True
        try:
            self._client.put_item(
                TableName=self._target,
                Item=dict(item),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return _kind(item), False
        return _kind(item), True


def _kind(item: Mapping[str, Any]) -> str:
    return str(item["pk"]["S"]).partition("#")[0]
