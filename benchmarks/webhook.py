"""
The webhook intake against the least that its work can cost, and against Powertools.

Each contender is a process of its own, as a container is; see ``contenders``. All talk to one wire,
which counts what they ask of it: a contender that did not do its work fails the measurement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from tests.support.accounts import ACCOUNT
from tests.support.webhooks import message_change, notification, signed_webhook

from .environment import variables
from .measuring import OURS, Row, Samples, Section, take_turns
from .wire import Wire, wire

# Of the warm runs. Turns are short, so that what disturbs one disturbs its neighbours, and many.
EVENTS = 100
TURNS = 5

_ABOUT = f"""\
Signed notifications of one agent's message each, all different, come as REST API events to handlers
that run in processes of their own, with equal time-outs and retries of AWS. A turn is {EVENTS} of
them; processor time of the whole process counts, and that of the wire, which plays AWS in yet
another, does not. The wire counts the calls, and a turn without its messages ends the run.

*Bare floor*: takes the account's secret, read from Parameter Store once, checks Base64 and HMAC of
the raw bytes in constant time, parses the JSON, sends it with group and deduplication id, answers.
It has no deadline for its answer, no limit of the body's size, no second secret for a rotation, no
hexadecimal signatures, no check of the client id, no word about what is missing; more than one
change, or a conversation that does not fit, is an error there. It writes no line and no metric, and
sends no trace by which a message is followed. Ours does all of these within its figure. Its clients
save a tenth of each call by their settings (a short user agent, no check of parameters); the *lean
floor* has these settings too, to show what is left.

*Powertools* is the same work as its documentation shows it: the event handler for REST APIs,
logger, parameters, and idempotency on DynamoDB, which writes twice a notification. Ours writes a
line and its metrics besides.
"""

_COLD = """\
From the start of a new interpreter to its first answer: imports, clients, the secret, connections
and one notification; processor time is compared, and the clock's time stands beside it. All import
compiled bytecode, which the layer carries. There is no container to fetch and to unpack here, where
a smaller one gains more.
"""


@dataclass(frozen=True)
class Program:
    """A contender: how it is called, its module, what it is sent, what each event asks of AWS."""

    name: str
    module: str
    event: Callable[[int], dict[str, Any]]
    calls: Mapping[str, int]


# ── What is sent ──

_numbers = count(1)


def liveperson_event(number: int) -> dict[str, Any]:
    """Give a notification of LivePerson, as API Gateway hands it over; each says something else."""
    webhook = signed_webhook(
        notification(
            message_change(
                f"Thank you for waiting. Your order {number} left our house this morning. 📦",
                sequence=number,
                serverTimestamp=int(time.time() * 1000),
                conversation_id=f"f2384f56-57d5-4087-bd47-{number % 50:012}",
            )
        )
    )
    return _proxied(webhook.headers, webhook.body.decode(), number)


def _proxied(headers: Mapping[str, str], body: str, number: int) -> dict[str, Any]:
    path = "/webhooks/liveperson"
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": "POST",
            "path": f"/v1{path}",
            "stage": "v1",
            "extendedRequestId": f"c6af9ac6-7b61-11e6-9a41-{number:012}",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


_HERE = "benchmarks.contenders"
_ONE_MESSAGE = {"SendMessage": 1, "SendMessageBatch": 0, "PutItem": 0, "UpdateItem": 0}
_REMEMBERED = {**_ONE_MESSAGE, "PutItem": 1, "UpdateItem": 1}

FLOOR = Program("bare floor", f"{_HERE}.floor", liveperson_event, _ONE_MESSAGE)
PEERS = (Program("Powertools", f"{_HERE}.powertools", liveperson_event, _REMEMBERED),)
LEAN_FLOOR = Program("lean floor", f"{_HERE}.lean_floor", liveperson_event, _ONE_MESSAGE)
PROGRAMS = (
    Program(OURS, "functions.webhook_intake.handler", liveperson_event, _ONE_MESSAGE),
    FLOOR,
    LEAN_FLOOR,
    *PEERS,
)


# ── How it is measured ──


def measure(rounds: int) -> list[Section]:
    """Return what a notification costs, in a container that is warm and in one that begins."""
    with wire() as aws:
        return [_warm(aws, rounds), _cold(aws, rounds)]


def _warm(aws: Wire, rounds: int) -> Section:
    with ExitStack() as running:
        contenders = {
            each.name: partial(_turn, each, running.enter_context(started(each, aws)), aws)
            for each in PROGRAMS
        }
        taken = take_turns(contenders, rounds * TURNS)
    section = Section("The webhook intake, warm", _ABOUT)
    row = partial(Row, section.title, "webhook_intake, warm, CPU per notification", "ms")
    section.rows += _rows(row, taken, floor=1.25)
    return section


def _cold(aws: Wire, rounds: int) -> Section:
    clock: dict[str, list[float]] = {each.name: [] for each in PROGRAMS}
    taken = take_turns(
        {each.name: partial(_first_answer, each, aws, clock[each.name]) for each in PROGRAMS},
        rounds,
    )
    section = Section("The webhook intake, cold", _COLD)
    row = partial(Row, section.title, "webhook_intake, cold, CPU to the first answer", "ms")
    section.rows += _rows(row, taken, floor=None)
    # As in take_turns, what the first round took does not count.
    waited = {name: Samples(tuple(values[1:])) for name, values in clock.items()}
    row = partial(Row, section.title, "webhook_intake, cold, the clock's time", "ms")
    section.rows += [row(waited[OURS], each.name, waited[each.name]) for each in (FLOOR, *PEERS)]
    return section


def _rows(
    row: Callable[..., Row], taken: Mapping[str, Samples], *, floor: float | None
) -> list[Row]:
    ours = taken[OURS]
    against_peers = [row(ours, each.name, taken[each.name], most=1.0, below=True) for each in PEERS]
    return [
        row(ours, FLOOR.name, taken[FLOOR.name], most=floor),
        row(ours, LEAN_FLOOR.name, taken[LEAN_FLOOR.name]),
        *against_peers,
    ]


def _turn(program: Program, process: Process, aws: Wire) -> float:
    before = aws.counts()
    report = process.serve([program.event(next(_numbers)) for _ in range(EVENTS)])
    check(program, EVENTS, report["statuses"], before, aws.counts())
    return float(report["seconds"]) / EVENTS * 1000


def _first_answer(program: Program, aws: Wire, clock: list[float]) -> float:
    before = aws.counts()
    event = program.event(next(_numbers))
    began = time.perf_counter()
    with started(program, aws) as process:
        report = process.serve([event])
        clock.append((time.perf_counter() - began) * 1000)
    check(program, 1, report["statuses"], before, aws.counts())
    return float(report["since_start"]) * 1000


def check(
    program: Program,
    events: int,
    statuses: Mapping[str, int],
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> None:
    """Fail unless every event was answered 200 and asked AWS for just what it should."""
    asked = {name: after.get(name, 0) - before.get(name, 0) for name in program.calls}
    due = {name: number * events for name, number in program.calls.items()}
    if (statuses, asked) != ({"200": events}, due):
        raise RuntimeError(f"{program.name}: {events} events came to {statuses} and {asked}")


@dataclass(frozen=True)
class Process:
    """A contender that runs."""

    popen: subprocess.Popen[str]

    def serve(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Let it handle ``events``; return its report."""
        assert self.popen.stdin
        assert self.popen.stdout
        print(json.dumps([json.dumps(each) for each in events]), file=self.popen.stdin, flush=True)
        report: dict[str, Any] = json.loads(self.popen.stdout.readline())
        return report


@contextmanager
def started(program: Program, aws: Wire) -> Iterator[Process]:
    """Run a contender while the block lasts."""
    command = [sys.executable, "-u", "-m", f"{_HERE}.serve", program.module]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables(aws.url), **_settings(aws)},
    ) as process:
        yield Process(process)


def _settings(aws: Wire) -> dict[str, str]:
    queue = f"{aws.url}/000000000000/measured-notifications.fifo"
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "ACCOUNT_ID": ACCOUNT,
        "PARAMETER_PREFIX": "/measured",
        "NOTIFICATIONS_QUEUE_URL": queue,
        "NOTIFICATIONS_DEAD_LETTERS_URL": queue.replace("notifications", "notifications-dlq"),
    }
