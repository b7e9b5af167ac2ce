"""
The way of one message through a function's modules, as a reader of the code has to follow it.

``python -m benchmarks.call_path`` (with ``PYTHONPATH=layers/connector``) lets one text travel
each way through warm functions. For each function it prints the number of calls, the modules of the
layer that they are in, the moves between modules, and the *returns*: calls into a module that had
been left, with no call of it open any more. Few returns mean that each module is read once, from
top to bottom. Values and telemetry are used everywhere, so calls into them are no returns.

What is counted is what a reader reads. A function begins at its entry point: what the bench does
before, such as receiving the message, is not its own. A context manager is one call, open until its
block ends. The ``__init__`` of a dataclass has no source.
"""

from __future__ import annotations

import dis
import sys
import threading
from collections import Counter
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

ENTRY_POINTS = "entrypoints."

VALUES_AND_TELEMETRY = (
    "channel.queued_events",
    "domain.",
    "telemetry.",
)


@dataclass
class CallPath:
    """The calls of one function, in order, by module; ``returned`` are the modules re-entered."""

    modules: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    moves: int = 0
    _running: list[tuple[FrameType, str]] = field(default_factory=list)
    _suspended: list[FrameType] = field(default_factory=list)
    _open: Counter[str] = field(default_factory=Counter)

    def enter(self, frame: FrameType, module: str) -> None:
        """Count a call into ``module``, or go on with a suspended one."""
        if frame in self._suspended:
            self._suspended.remove(frame)
        elif self._running or module.startswith(ENTRY_POINTS):
            self._count(module)
        else:
            return  # the bench itself
        self._running.append((frame, module))

    def _count(self, module: str) -> None:
        if self._running and self._running[-1][1] != module:
            self.moves += 1
            was_left = module in self.modules and not self._open[module]
            if was_left and not module.startswith(VALUES_AND_TELEMETRY):
                self.returned.append(module)
        self.modules.append(module)
        self._open[module] += 1

    def leave(self, frame: FrameType, module: str) -> None:
        """Count the return to a caller; a generator that yields stays open."""
        if not self._running or self._running[-1][0] is not frame:
            return
        self._running.pop()
        if dis.opname[frame.f_code.co_code[frame.f_lasti]] == "YIELD_VALUE":
            self._suspended.append(frame)
        else:
            self._open[module] -= 1

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
        if not module.startswith(LAYER) or "<" in {
            frame.f_code.co_name[0],
            frame.f_code.co_filename[0],
        }:
            return
        if event == "call":
            path.enter(frame, module.removeprefix(LAYER))
        elif event == "return":
            path.leave(frame, module.removeprefix(LAYER))

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
