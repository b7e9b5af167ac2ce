"""The actors of the demo: what they do, and what can be seen of it."""

import base64
import statistics
import time
from typing import Any

from rich.console import Console

from sandbox.channel import Callback, ConnectorClient, DemoChannel
from sandbox.demo.scenario import Scenario
from sandbox.progress import duration
from sandbox.system import System
from simulator import SimulatedLivePerson


class Actors:
    """A consumer, an agent, and everything between them."""

    def __init__(self, system: System, scenario: Scenario, consumer_id: str) -> None:
        if system.channel is None or system.liveperson is None:
            raise ValueError("the demo needs the demo channel and the simulated LivePerson")
        self._system = system
        self._scenario = scenario
        self._consumer_id = consumer_id
        self._account_id = system.account.account_id
        self._channel: DemoChannel = system.channel
        self._liveperson: SimulatedLivePerson = system.liveperson
        self._connector = ConnectorClient(
            system.endpoints.channel_api_url, system.endpoints.channel_api_key, self._account_id
        )
        self._others: set[str] = set()
        self._to_liveperson: list[float] = []
        self._to_channel: list[float] = []
        self._others = {each["conversation_id"] for each in self._conversations()}

    def print_speed(self, console: Console) -> None:
        """Print how long messages took on this machine."""
        ways = {
            "consumer → LivePerson": self._to_liveperson,
            "agent → channel": self._to_channel,
        }
        for name, times in ways.items():
            if times:
                median, longest = statistics.median(times), max(times)
                console.print(f"{name}: {duration(median)} median, {duration(longest)} longest")

    # What the actors do

    def _consumer_says(self, text: str) -> None:
        before = self._consumer_texts().count(text)
        began = time.monotonic()
        self._post(text)
        self._scenario.eventually(
            "it is in LivePerson's transcript",
            before + 1,
            lambda: self._consumer_texts().count(text),
        )
        self._to_liveperson.append(time.monotonic() - began)

    def _post(self, text: str, event_id: str = "") -> None:
        self._scenario.says("consumer", text)
        self._send("text", event_id, text=text)

    def _send(self, kind: str, event_id: str = "", /, **fields: Any) -> None:
        """Send an event from the channel, with the fields of its type."""
        answer = self._connector.send_event(self._consumer_id, kind, event_id, **fields)
        self._scenario.check("the connector accepts it: 202", 202, answer.status, answer.seconds)

    def _agent_says(self, text: str) -> dict[str, Any]:
        """Send a text as the agent; return the callback that the channel got."""
        self._scenario.says("agent", text)
        before = self._times_received(text)
        self._liveperson.agent_text(self._account_id, self._conversation_id(), text)
        took = self._scenario.eventually(
            "the channel has it, signed", before + 1, lambda: self._times_received(text)
        )
        self._to_channel.append(took)
        found = [each.body for each in self._accepted() if _text(each) == text]
        return found[-1] if found else {}

    # What can be seen

    @property
    def _stack_name(self) -> str:
        return self._system.endpoints.stack_name

    def _conversations(self) -> list[dict[str, Any]]:
        """List this consumer's conversations, the oldest first."""
        every: list[dict[str, Any]] = self._liveperson.conversations(self._account_id)
        return [
            each
            for each in every
            if not each["foreign"] and each["conversation_id"] not in self._others
        ]

    def _open_conversations(self) -> list[dict[str, Any]]:
        return [each for each in self._conversations() if each["stage"] == "OPEN"]

    def _conversation_id(self) -> str:
        found = self._open_conversations()
        if not found:
            raise LookupError("no conversation is open")
        return str(found[-1]["conversation_id"])

    def _consumer_lines(self) -> list[dict[str, Any]]:
        """List the consumer's lines in LivePerson: texts, files, receipts, typing."""
        return [
            line
            for conversation in self._conversations()
            for line in conversation["transcript"]
            if line["role"] == "CONSUMER"
        ]

    def _consumer_texts(self) -> list[str]:
        return [line["text"] for line in self._consumer_lines() if "text" in line]

    def _files_at_liveperson(self) -> list[bytes]:
        paths = [
            line["event"]["message"]["relativePath"]
            for line in self._consumer_lines()
            if line.get("event", {}).get("contentType") == "hosted/file"
        ]
        return [
            base64.b64decode(self._liveperson.file_content(self._account_id, path) or "")
            for path in paths
        ]

    def _accepted(self) -> list[Callback]:
        return [each for each in self._channel.callbacks() if each.accepted]

    def _told(self, kind: str) -> list[dict[str, Any]]:
        """List the accepted callbacks of one type for this consumer."""
        return [
            each.body
            for each in self._accepted()
            if (each.body["type"], each.body["consumer_id"]) == (kind, self._consumer_id)
        ]

    def _delivered_texts(self) -> list[str]:
        return [text for each in self._accepted() if (text := _text(each)) is not None]

    def _times_received(self, text: str) -> int:
        return self._delivered_texts().count(text)

    def _deliveries(self) -> list[dict[str, Any]]:
        deliveries: list[dict[str, Any]] = self._liveperson.deliveries(self._account_id)
        return deliveries

    def _idle(self) -> bool:
        return bool(self._liveperson.wait_idle(self._scenario.patience))

    def _notifications(self) -> int:
        return waiting_in(self._system, "notifications.fifo")

    def _check_count(self, what: str, service: str, expected: int) -> None:
        self._scenario.check(what, expected, self._liveperson.counts()[service])


def _text(callback: Callback) -> str | None:
    """Return the text of a message; None for other callbacks."""
    content = callback.body.get("content") if isinstance(callback.body, dict) else None
    return content.get("text") if isinstance(content, dict) else None


def waiting_in(system: System, queue: str) -> int:
    """Count the messages in a queue, in flight or not."""
    found = system.aws.sqs.get_queue_attributes(
        QueueUrl=system.endpoints.queues[queue], AttributeNames=["All"]
    )["Attributes"]
    waiting = int(found["ApproximateNumberOfMessages"])
    return waiting + int(found["ApproximateNumberOfMessagesNotVisible"])
