"""What fails now, and since when: from the table, the queues' metrics and the functions' logs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from liveperson_connector.aws.table import Table
from liveperson_connector.telemetry.outcomes import Outcome

from ..channel.ready import names as ready_channels
from ..dead_letters.queues import QUEUES
from ..logs import Line, ago, lines
from ..parameters import APP_JWT, Parameters, Written
from ..stack import Stack
from ..status import OLD_TOKEN_SECONDS, outage_problems, outages, queues

Told = dict[str, Any]

MINUTES = 60
"""So far back failures are counted."""

_BAD_LEVELS = ("WARNING", "ERROR")


def failing(stack: Stack) -> Told:
    """
    Return what is wrong with a stack. Times are seconds since 1970.

    ``problems`` last until they are fixed, each with ``problem``, ``fix`` and ``since`` or None.
    ``failures`` are those of the last hour, alike ones counted: ``what``, ``function``,
    ``account_id``, ``problem``, ``since``, ``last``, ``count``. ``values`` is the state in short.
    """
    depths = {each["queue"].removesuffix(".fifo"): each for each in queues(stack)}
    found = lines(stack, ago(MINUTES * 60), having=(*_BAD_LEVELS, Outcome.DEAD_LETTERED))
    return {
        "at": time.time(),
        "minutes": MINUTES,
        "values": [_depth(name, queue) for name, queue in depths.items()],
        "problems": [*_of_accounts(stack), *_dead_letters(depths)],
        "failures": list(_counted(found)),
    }


def _depth(name: str, queue: Mapping[str, Any]) -> Told:
    count = _count(queue)
    is_well = count == 0 or not name.endswith("-dlq")
    return {"name": name, "value": str(count), "is": "good" if is_well else "bad"}


def _count(queue: Mapping[str, Any]) -> int:
    return int(queue["waiting"]) + int(queue["in_flight"])


def _of_accounts(stack: Stack) -> Iterator[Told]:
    """Look at tokens and circuits; no parameter is decrypted, so support staff need no secret."""
    parameters = Parameters(stack)
    table = Table(stack.client("dynamodb"), stack.table)
    for account_id in parameters.account_ids:
        yield from _of_token(account_id, parameters.of(account_id).get(APP_JWT))
        found = outages(table, account_id, ready_channels(parameters, account_id))
        for problem in outage_problems(account_id, found):
            yield {**problem, "since": problem["since"].timestamp()}


def _of_token(account_id: str, token: Written | None) -> Iterator[Told]:
    since = token.modified.timestamp() if token else None
    if since is None or time.time() - since > OLD_TOKEN_SECONDS:
        problem = "refreshes of the AppJWT fail" if token else "there is no AppJWT"
        yield {
            "problem": f"account {account_id}: {problem}",
            "fix": f"connector doctor {account_id}",
            "since": since,
        }


def _dead_letters(depths: Mapping[str, Mapping[str, Any]]) -> Iterator[Told]:
    """Say how many messages were given up; their reasons stand among the failures."""
    for name in QUEUES:
        dead = depths.get(f"{name}-dlq")
        if dead and (count := _count(dead)):
            age = dead["oldest_seconds"]
            yield {
                "problem": f"dead letters: {count} of the {name} were given up",
                "fix": f"connector dead-letters list --queue {name}",
                "since": None if age is None else time.time() - age,
            }


def _counted(found: Iterable[Line]) -> Iterator[Told]:
    """Put alike failures together, the latest first."""
    bad = [each for each in found if _is_failure(each)]
    alike = groupby(sorted(bad, key=_kind), key=_kind)
    told = [_group(list(group)) for _, group in alike]
    yield from sorted(told, key=lambda each: -float(each["last"]))


def _is_failure(line: Line) -> bool:
    return line.fields.get("level") in _BAD_LEVELS or line.message == Outcome.DEAD_LETTERED


def _kind(line: Line) -> tuple[str, ...]:
    said = line.fields
    names = ("account_id", "problem", "reason", "http_status", "error_code")
    return (line.function, line.message, *(str(said.get(each, "")) for each in names))


def _group(group: list[Line]) -> Told:
    newest = group[-1]
    said = newest.fields
    return {
        "what": newest.message,
        "function": newest.function,
        "account_id": said.get("account_id", ""),
        "problem": str(said.get("problem") or said.get("reason") or ""),
        "since": group[0].at.timestamp(),
        "last": newest.at.timestamp(),
        "count": len(group),
    }
