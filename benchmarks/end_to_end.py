"""
How long a text takes through the deployed stack, both ways, against the emulator's own floor.

The floor (``floor/template.yaml``) has the same hops with nothing in them. A text at a time, and
the next only when it is quiet again: this is about how long it takes, not about how many.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from rich.console import Console

from sandbox.account import Account
from sandbox.aws import Aws
from sandbox.emulator_workarounds import local_address
from sandbox.progress import Progress
from sandbox.system import Options, System, running
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from tests.support.servers import Answer, HttpServer, Request, serving
from tests.support.webhooks import message_change, notification, signed_webhook

from .measuring import OURS, Row, Samples, Section, take_turns

TEXTS = 15
CONSUMERS = 4
MOST = 1.05
FLOOR, READING = "the same hops", "the same hops and one read"

TO_LIVEPERSON, TO_CHANNEL = "consumer's text to LivePerson", "agent's text to the channel"

# Between two texts the emulator looks into its queues again, and pauses after having found none.
_QUIET_SECONDS = 0.09
_PATIENCE_SECONDS = 30.0

_TEMPLATE = Path(__file__).with_name("floor") / "template.yaml"
_NUMBER = re.compile(r"no\. (\d+)")

_ABOUT = f"""\
From the moment a text is posted until it has arrived on the other side, through the deployed
template on the emulator, the functions warm. The floor is API Gateway, a function that queues, a
FIFO queue and a function that posts on to the same partner, on the same emulator with the same
settings and libraries. A text of ours and one of each floor take turns, never two at a time; each
{TEXTS} texts in a row give a median and a 95th percentile. LivePerson's webhooks are off meanwhile,
so that a text's echo does not get in the way of the next.

A worker of ours reads the table before it calls a partner: whose the text is, whether it was passed
on already, whether its group is held and whether its partner is down. Without this one call it
could not promise to pass on everything once, in order and to no one else. So the goal is about a
floor whose worker reads four keys, too; the floor that reads nothing shows what the read costs. How
long each takes on AWS is not measured here.
"""


@dataclass(frozen=True)
class Track:
    """One way through a stack: ``post`` sends a text, ``arrived`` tells when it came, if it did."""

    post: Callable[[int, str], None]
    arrived: Callable[[int], float | None]

    def run(self) -> float:
        """Send a text when it is quiet; return the milliseconds until it has arrived."""
        time.sleep(_QUIET_SECONDS)
        number = next(_numbers)
        began = time.time()
        self.post(number % CONSUMERS, f"A text, no. {number}")
        return (self._await(number, began + _PATIENCE_SECONDS) - began) * 1000

    def _await(self, number: int, deadline: float) -> float:
        while (moment := self.arrived(number)) is None:
            if time.time() > deadline:
                raise RuntimeError(f"text no. {number} did not arrive")
            time.sleep(0.004)
        return moment


_numbers = count(1)


def measure(rounds: int) -> list[Section]:
    """Return how long a text takes each way, ours and the floors in turns."""
    section = Section("End to end", _ABOUT)
    with _tracks() as tracks:
        ways = {str(way): track.run for way, track in tracks.items()}
        taken = take_turns(ways, rounds * TEXTS)
    for way in (TO_LIVEPERSON, TO_CHANNEL):
        for floor, most in ((READING, MOST), (FLOOR, None)):
            ours, theirs = taken[str((way, OURS))], taken[str((way, floor))]
            for name, percentile in _PERCENTILES.items():
                one, other = _of_some(ours, percentile), _of_some(theirs, percentile)
                what = f"{way}, {name}"
                row = Row(section.title, what, "ms", one, floor, other, most=most)
                section.rows.append(row)
    return [section]


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


_PERCENTILES: dict[str, Callable[[Sequence[float]], float]] = {
    "p50": statistics.median,
    "p95": _p95,
}


def _of_some(taken: Samples, percentile: Callable[[Sequence[float]], float]) -> Samples:
    """Return a percentile of each few texts in a row."""
    values = taken.values
    return Samples(
        tuple(percentile(values[at : at + TEXTS]) for at in range(0, len(values), TEXTS))
    )


Way = tuple[str, str]
"""Where a text goes, and through what."""


@contextmanager
def _tracks() -> Iterator[dict[Way, Track]]:
    """Deploy everything, open the conversations, and give a track for each way."""
    with ExitStack() as parts:
        stamps = _Stamps()
        channel = parts.enter_context(serving(stamps))
        system = parts.enter_context(_deployed(channel))
        liveperson = _simulated(system)
        conversations = [_opened(system, liveperson, number) for number in range(CONSUMERS)]
        liveperson.set_webhook_url(ACCOUNT, None)
        session, said = requests.Session(), _said(liveperson)
        floors = _deploy_floors(system, {TO_LIVEPERSON: liveperson.url, TO_CHANNEL: channel.url})
        arrived = {TO_LIVEPERSON: said, TO_CHANNEL: stamps.of}
        yield {
            (TO_LIVEPERSON, OURS): Track(_events(session, system), said),
            (TO_CHANNEL, OURS): Track(_webhooks(session, system, conversations), stamps.of),
            **{way: Track(_plain(session, url), arrived[way[0]]) for way, url in floors.items()},
        }


class _Stamps:
    """A channel that takes everything, and remembers when each text came."""

    def __init__(self) -> None:
        self._moments: dict[int, float] = {}

    def __call__(self, request: Request) -> Answer:
        if found := _NUMBER.search(request.body.decode()):
            self._moments[int(found[1])] = time.time()
        return Answer()

    def of(self, number: int) -> float | None:
        """Return when a text came."""
        return self._moments.get(number)


@contextmanager
def _deployed(channel: HttpServer) -> Iterator[System]:
    account = Account(ACCOUNT, CLIENT_ID, CLIENT_SECRET, f"{channel.url}/callbacks", SIGNING_SECRET)
    with TemporaryDirectory() as folder:
        options = Options(
            port=0,
            state_dir=Path(folder),
            account=account,
            publish=False,
            least_privilege=False,  # the emulator's own checks would come on top, on both sides
        )
        with running(options, Progress(Console(stderr=True, quiet=True))) as system:
            yield system


def _simulated(system: System) -> SimulatedLivePerson:
    if system.liveperson is None:
        raise RuntimeError("there is no simulated LivePerson")
    return system.liveperson


def _deploy_floors(system: System, partners: Mapping[str, str]) -> dict[Way, str]:
    """Deploy a floor for each partner, and one that reads the table; return where to post."""
    (layer,) = system.aws.functions.list_layers()["Layers"]
    given = {"LayerArn": layer["LatestMatchingVersion"]["LayerVersionArn"]}
    tables = {FLOOR: "", READING: system.endpoints.table_name}
    return {
        (way, floor): _deploy_floor(
            system.aws,
            f"floor-{number}-{len(table)}",
            {**given, "PartnerUrl": f"{url}/floor", "TableName": table},
        )
        for number, (way, url) in enumerate(partners.items())
        for floor, table in tables.items()
    }


def _deploy_floor(aws: Aws, name: str, parameters: Mapping[str, str]) -> str:
    """Deploy a floor, and return where to post."""
    stacks = aws.client("cloudformation")
    stacks.create_stack(
        StackName=name,
        TemplateBody=_TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
    (output,) = stack["Outputs"]
    return local_address(aws.endpoint_url, output["OutputValue"])


# ── The ways ──


def _consumer(number: int) -> str:
    return f"consumer-{number}"


def _opened(system: System, liveperson: SimulatedLivePerson, number: int) -> str:
    """Let a consumer begin a conversation, and return its id."""
    before = len(liveperson.conversations(ACCOUNT))
    _events(requests.Session(), system)(number, "Hello")
    deadline = time.time() + _PATIENCE_SECONDS
    while len(known := liveperson.conversations(ACCOUNT)) == before:
        if time.time() > deadline:
            raise RuntimeError("no conversation was opened")
        time.sleep(0.05)
    liveperson.wait_idle()
    return str(known[-1]["conversation_id"])


def _events(session: requests.Session, system: System) -> Callable[[int, str], None]:
    where = system.endpoints
    base = f"{where.channel_api_url}/accounts/{ACCOUNT}/consumers"
    headers = {"x-api-key": where.channel_api_key, "content-type": "application/json"}

    def post(consumer: int, text: str) -> None:
        event = {"id": f"m-{time.time_ns()}", "type": "text", "text": text}
        url = f"{base}/{_consumer(consumer)}/events"
        _posted(session, url, json.dumps(event).encode(), headers, 202)

    return post


def _webhooks(
    session: requests.Session, system: System, conversations: list[str]
) -> Callable[[int, str], None]:
    sequences = count(1000)  # far from those of what was said before

    def post(consumer: int, text: str) -> None:
        change = message_change(
            text,
            sequence=next(sequences),
            conversation_id=conversations[consumer],
            serverTimestamp=int(time.time() * 1000),
        )
        webhook = signed_webhook(notification(change))
        _posted(session, system.endpoints.webhook_url, webhook.body, webhook.headers, 200)

    return post


def _plain(session: requests.Session, url: str) -> Callable[[int, str], None]:
    def post(consumer: int, text: str) -> None:
        body = json.dumps({"text": text}).encode()
        headers = {"content-type": "application/json"}
        _posted(session, f"{url}/{_consumer(consumer)}", body, headers, 200)

    return post


def _posted(
    session: requests.Session, url: str, body: bytes, headers: Mapping[str, str], wanted: int
) -> None:
    answer = session.post(url, data=body, headers=dict(headers), timeout=_PATIENCE_SECONDS)
    if answer.status_code != wanted:
        raise RuntimeError(f"{url} answered {answer.status_code}: {answer.text}")


def _said(liveperson: SimulatedLivePerson) -> Callable[[int], float | None]:
    """Tell when LivePerson got a text, whatever it answered."""

    def arrived(number: int) -> float | None:
        for entry in liveperson.requests(limit=2):
            if f"no. {number}'" in str(entry["body"]):
                return float(entry["at"] - entry["milliseconds"] / 1000)
        return None

    return arrived
