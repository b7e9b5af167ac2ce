"""
The cold start of each function: from nothing to its first answer, in a container of its own.

The floor is the least that a function of its kind must load: boto3 with the clients that it needs,
and requests and PyJWT where it calls out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from .container import Container, Run, answer_of, calling, container
from .environment import settings, variables
from .events import posted, provided, queued_change, queued_text, webhook
from .measuring import OURS, Contender, Row, Section, take_turns
from .world import table_name, world

TITLE = "Cold starts"
MOST = 1.1
CONVERSATIONS = 10

_ABOUT = """
Processor time of a whole process, from the start of the interpreter to its end: our function is
imported, built and answers one event, with all its calls of AWS and LivePerson; the floor imports
boto3, makes the clients that this function needs, imports requests and PyJWT where it calls out,
and does nothing with them. Both run with the very layer that is deployed and with boto3 compiled
as in Lambda's runtime, in a process that finds nothing else.

What Powertools costs stands below: the floor with its Logger and metrics, against the floor. "from
sources" is the same function with a layer that was not compiled, as layers mostly are.
"""

CLIENTS = {
    "webhook_intake": ("ssm", "sqs"),
    "message_intake": ("ssm", "sqs"),
    "provider_intake": ("ssm", "sqs"),
    "outbound_messaging": ("ssm", "sqs", "dynamodb", "lambda"),
    "channel_delivery": ("ssm", "sqs", "dynamodb", "lambda", "s3"),
    "token_refresh": ("ssm", "sqs", "dynamodb"),
    "dead_letter_redrive": ("sqs", "dynamodb"),
}
CALLS_OUT = {"outbound_messaging", "channel_delivery", "token_refresh"}

_numbers = itertools.count(1)

_POWERTOOLS = """
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
Logger()
"""


def measure(rounds: int) -> list[Section]:
    """Let every function start cold, taking turns with its floor."""
    with container() as compiled, world(CONVERSATIONS) as wire:
        rows = [_row(compiled, wire.url, function, rounds) for function in CLIENTS]
        extra = [
            _powertools(compiled, wire.url, rounds),
            _from_sources(compiled, wire.url, rounds),
        ]
    return [Section(TITLE, _ABOUT, [*rows, *extra])]


def _row(built: Container, url: str, function: str, rounds: int) -> Row:
    floor = floor_name(function)
    taken = take_turns(
        {OURS: _ours(built, url, function), floor: _program(built, url, floor_of(function))}, rounds
    )
    what = f"{function}, cold start"
    return Row(TITLE, what, "ms", taken[OURS], floor, taken[floor], most=MOST)


def _powertools(built: Container, url: str, rounds: int) -> Row:
    """Measure what Powertools adds to the floor of an intake."""
    floor = floor_of("webhook_intake")
    taken = take_turns(
        {
            OURS: _program(built, url, floor + _POWERTOOLS),
            "without": _program(built, url, floor),
        },
        rounds,
    )
    what = "Powertools' Logger and metrics"
    return Row(TITLE, what, "ms", taken[OURS], "boto3 and its clients", taken["without"])


def _from_sources(built: Container, url: str, rounds: int) -> Row:
    """Measure what compiling the layer is worth."""
    with container(compiled=False) as sources:
        taken = take_turns(
            {
                OURS: _ours(built, url, "webhook_intake"),
                "from sources": _ours(sources, url, "webhook_intake"),
            },
            rounds,
        )
    what, theirs = "webhook_intake, compiled", "from sources"
    return Row(TITLE, what, "ms", taken[OURS], theirs, taken[theirs])


def _ours(built: Container, url: str, function: str) -> Contender:
    return lambda: started(built, url, function).cpu_ms


def started(built: Container, url: str, function: str) -> Run:
    """Let a function start cold and answer its first event; fail if it did not do its work."""
    event = _EVENTS[function](next(_numbers))
    run = built.run(calling(function), environment(url), event=event)
    _check(function, event, run)
    return run


def floor_name(function: str) -> str:
    """Say what a function is measured against."""
    return "boto3 and its clients" + (", requests, PyJWT" if function in CALLS_OUT else "")


def _program(built: Container, url: str, program: str) -> Contender:
    return lambda: built.run(program, environment(url)).cpu_ms


def floor_of(function: str) -> str:
    """Return a program that loads what a function needs, and does nothing with it."""
    clients = "\n".join(f"boto3.client({each!r}, config=config)" for each in CLIENTS[function])
    out = "import requests, jwt" if function in CALLS_OUT else ""
    return f"""
import boto3
from botocore.config import Config
config = Config(connect_timeout=1, read_timeout=5, retries={{"total_max_attempts": 3}})
{clients}
{out}
"""


def environment(url: str) -> dict[str, str]:
    """Return a function's environment in the world; by its name it knows that it is in Lambda."""
    return {
        **variables(url),
        **settings(url, table_name(CONVERSATIONS)),
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
    }


_NOTHING_TO_REDRIVE = {"dry_run": False, "moved": {}, "left": {}, "expired": {}, "unseen": 0}


def _check(function: str, event: Mapping[str, Any], run: Run) -> None:
    answer = answer_of(run)
    wanted = {
        "webhook_intake": ("statusCode", 200),
        "message_intake": ("statusCode", 202),
        "provider_intake": ("statusCode", 200),
        "outbound_messaging": ("batchItemFailures", []),
        "channel_delivery": ("batchItemFailures", []),
        "token_refresh": (event.get("account_id"), "refreshed"),
        "dead_letter_redrive": ("notifications", _NOTHING_TO_REDRIVE),
    }
    name, value = wanted[function]
    if value != answer.get(name):
        raise RuntimeError(f"{function} did not do its work: {run.said}")


_EVENTS: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "webhook_intake": lambda number: webhook(number % CONVERSATIONS),
    "message_intake": lambda number: posted(number % CONVERSATIONS),
    "provider_intake": provided,
    "outbound_messaging": lambda number: queued_text(number % CONVERSATIONS),
    "channel_delivery": lambda number: queued_change(number % CONVERSATIONS),
    # Each time another account, since one is refreshed once in ten seconds at most.
    "token_refresh": lambda number: {"account_id": f"{10_000_000 + number}"},
    "dead_letter_redrive": lambda _: {},
}
