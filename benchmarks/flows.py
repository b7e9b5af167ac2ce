"""
The four flows, each doing the same thing again and again, between partners that answer at once.

Each has its bare counterpart: the very calls that it makes, recorded and made again by the same
libraries with nothing around them.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.message_intake.handler import handler as message_intake
from functions.webhook_intake.handler import handler as webhook_intake
from liveperson_connector.aws import clients
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.sqs import process_batch
from liveperson_connector.support.http_client import HttpClient
from liveperson_connector.support.web_address import WebAddress
from tests.support.containers import begin_anew

from .environment import set_environment, settings
from .events import posted, queued_change, queued_text, webhook
from .wire import Wire
from .world import LAST, table_name

_OF_THE_WIRE = {"host", "connection", "content-length", "user-agent", "accept", "accept-encoding"}

Act = Callable[[], object]


@dataclass(frozen=True)
class Flow:
    """One flow: ``event`` prepares an event of a consumer, who is given by a number."""

    name: str
    event: Callable[[int], Act]
    calls: Mapping[str, int]
    """What one event asks of the partners."""

    def cost(self, consumers: Iterable[int]) -> float:
        """Return the milliseconds of processor time that the flow takes for each event."""
        return cost([self.event(number) for number in consumers])


def cost(acts: Sequence[Act]) -> float:
    """Return the milliseconds of processor time that each act takes."""
    began = time.process_time()
    for act in acts:
        act()
    return (time.process_time() - began) * 1000 / len(acts)


def flows(world: Wire, conversations: int) -> list[Flow]:
    """Build the functions anew, upon the table with so many conversations."""
    _settle_in(world.url, conversations)
    return _built()


def _built() -> list[Flow]:
    outbound, delivery = container().outbound_messaging, container().channel_delivery
    return [
        Flow("message_intake", _post, {"SendMessage": 1}),
        Flow(
            "outbound_messaging",
            lambda number: _work(outbound, queued_text(number)),
            {"BatchGetItem": 1, "send": 1, "TransactWriteItems": 1},
        ),
        Flow("webhook_intake", _notify, {"SendMessage": 1}),
        Flow(
            "channel_delivery",
            lambda number: _work(delivery, queued_change(number)),
            {"BatchGetItem": 1, "callbacks": 1, "PutItem": 1},
        ),
    ]


def _settle_in(url: str, conversations: int) -> None:
    set_environment(url)
    os.environ.update(settings(url, table_name(conversations)))
    begin_anew()


def _post(number: int) -> Act:
    event = posted(number)
    return lambda: _expect(202, message_intake(event, None)["statusCode"])


def _notify(number: int) -> Act:
    event = webhook(number)
    return lambda: _expect(200, webhook_intake(event, None)["statusCode"])


def _work(worker: RetryingConsumer, records: Mapping[str, Any]) -> Act:
    return lambda: _expect([], process_batch(records, worker)["batchItemFailures"])


def _expect(wanted: object, found: object) -> None:
    if wanted != found:
        raise RuntimeError(f"an event was not handled: {found}")


# ── The same calls, bare ──


def bare(flow: Flow, world: Wire, conversations: int) -> Act:
    """Let a flow handle one event, and return what makes the calls it made."""
    recorded: list[tuple[str, str, dict[str, Any]]] = []

    def record(**call: Any) -> None:
        service, operation = call["event_name"].split(".")[1:]
        recorded.append((service, operation, dict(call["params"])))

    _settle_in(world.url, conversations)
    clients.session().register("provide-client-params", record)
    (recording,) = [each for each in _built() if each.name == flow.name]
    recording.event(0)()
    recorded.clear()  # what only the first event of a container asks for
    recording.event(0)()
    begin_anew()
    calls = [_aws_call(*each) for each in recorded]
    if {"send", "callbacks"} & flow.calls.keys():
        calls.insert(1, _http_call(world))

    def make_them() -> None:
        for call in calls:
            call()

    return make_them


def _aws_call(service: str, operation: str, params: dict[str, Any]) -> Act:
    client = clients.retrying(service)
    method = getattr(client, "".join(f"_{c.lower()}" if c.isupper() else c for c in operation)[1:])
    return lambda: method(**params)


def _http_call(world: Wire) -> Act:
    """Give the call that LivePerson or the channel got last."""
    with urllib.request.urlopen(world.url + LAST) as answer:
        last = json.load(answer)
    headers = {name: each for name, each in last["headers"].items() if name not in _OF_THE_WIRE}
    address, body = WebAddress.parse(world.url + last["path"]), last["body"].encode()
    client, most = HttpClient(), 1024 * 1024
    return lambda: client.call(
        "POST", address, seconds=11, most=most, headers=headers, body=body
    ).json()
