"""
The way of one message through a function's modules, as a reader of the code has to follow it.

``python -m tests.support.call_path`` (with ``PYTHONPATH=layers/connector``) lets one text travel
each way through warm functions. For each function it prints the number of calls, the modules of the
layer that they are in, the moves between modules, and the *returns*: calls into a module that had
been left, with no call of it open any more. Few returns mean that each module is read once, from
top to bottom. Values and telemetry are used everywhere, so calls into them are no returns.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from benchmarks.environment import quiet, set_environment
from liveperson_connector.aws.clients import retrying
from sandbox.channel import DemoChannel
from simulator import SimulatedLivePerson

from .accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from .emulators import emulated_aws, new_fifo_queue
from .harness import CONSUMER_EVENTS, NOTIFICATIONS, Bench, table_of_template
from .messages import text_event

LAYER = "liveperson_connector."

VALUES_AND_TELEMETRY = (
    "channel.consumer_events",
    "conversations",
    "errors",
    "liveperson.notifications",
    "lines",
    "messages",
    "observe",
    "outages",
    "pseudonyms",
)


@dataclass
class CallPath:
    """The calls of one function, in order, by module; ``returned`` are the modules re-entered."""

    modules: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    moves: int = 0
    _open: list[str] = field(default_factory=list)

    def enter(self, module: str) -> None:
        """Count a call into ``module``."""
        if self._open and self._open[-1] != module:
            self.moves += 1
            was_left = module in self.modules and module not in self._open
            if was_left and not module.startswith(VALUES_AND_TELEMETRY):
                self.returned.append(module)
        self.modules.append(module)
        self._open.append(module)

    def leave(self) -> None:
        """Count the return to a caller."""
        if self._open:
            self._open.pop()

    def __str__(self) -> str:
        return (
            f"{len(self.modules)} calls, {len(set(self.modules))} modules, "
            f"{self.moves} moves, {len(self.returned)} returns"
        )


@contextmanager
def traced_calls() -> Iterator[CallPath]:
    """Record every call of a function of the layer, in this thread and in those started within."""
    path = CallPath()

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(LAYER) or frame.f_code.co_name.startswith("<"):
            return
        if event == "call":
            path.enter(module.removeprefix(LAYER))
        elif event == "return":
            path.leave()

    sys.setprofile(profile)
    threading.setprofile(profile)
    try:
        yield path
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def paths(bench: Bench) -> Mapping[str, CallPath]:
    """Let a consumer's and an agent's text travel through warm functions."""
    _converse(bench)
    found = {}

    def record(name: str, work: Callable[[], object]) -> None:
        with traced_calls() as path:
            work()
        found[name] = path

    bench.without_webhooks()
    record("message_intake", lambda: bench.post(text_event("m-1", "Hello")))
    record("outbound_messaging", lambda: bench.work(CONSUMER_EVENTS))
    bench.with_webhooks()
    record("webhook_intake", lambda: _agent_text(bench))
    record("channel_delivery", lambda: bench.work(NOTIFICATIONS))
    return found


def _converse(bench: Bench) -> None:
    """Warm every function up: open a conversation, let an agent join and answer."""
    bench.say("Hello")
    bench.liveperson.agent_joins(ACCOUNT, bench.conversation_id)
    bench.run()
    bench.say("Can you hear me?")
    _agent_text(bench)
    bench.run()


def _agent_text(bench: Bench) -> None:
    bench.liveperson.agent_text(ACCOUNT, bench.conversation_id, "Yes")
    bench.liveperson.wait_idle()


@contextmanager
def _bench() -> Iterator[Bench]:
    with (
        TemporaryDirectory() as folder,
        quiet(),
        emulated_aws(Path(folder)) as url,
        SimulatedLivePerson() as liveperson,
    ):
        set_environment(url)
        liveperson.add_account(ACCOUNT, CLIENT_ID, CLIENT_SECRET, time_scale=0.01)
        channel = DemoChannel(SIGNING_SECRET)
        channel.start()
        sqs, table = retrying("sqs"), table_of_template(retrying("dynamodb"), "calls")
        with Bench(liveperson, channel, table, lambda: new_fifo_queue(sqs), stack="calls") as bench:
            yield bench
        channel.stop()


def main() -> None:
    """Print the figures."""
    with _bench() as bench:
        found = paths(bench)
    for name, path in found.items():
        sys.stdout.write(f"{name:20} {path}\n")


if __name__ == "__main__":
    main()
