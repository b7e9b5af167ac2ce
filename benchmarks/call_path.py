"""
The way of one message through a function's modules, as a reader of the code has to follow it.

``python -m benchmarks.call_path`` (with ``PYTHONPATH=layers/connector``) lets one text travel
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
from types import FrameType
from typing import Any

from tests.support.accounts import ACCOUNT
from tests.support.harness import CONSUMER_EVENTS, NOTIFICATIONS, Bench
from tests.support.messages import text_event

from .calls import counting_bench

LAYER = "liveperson_connector."

VALUES_AND_TELEMETRY = (
    "channel.consumer_events",
    "domain.",
    "liveperson.notifications",
    "telemetry.",
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


def main() -> None:
    """Print the figures."""
    with counting_bench() as bench:
        found = paths(bench)
    for name, path in found.items():
        sys.stdout.write(f"{name:20} {path}\n")


if __name__ == "__main__":
    main()
