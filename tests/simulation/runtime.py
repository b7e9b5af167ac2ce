"""
What AWS does with the functions: queues wake them, schedules too, and time-outs cut them off.

Beside it stands what the partners do by themselves: the channel posts events and repeats what got
no 202, LivePerson sends webhooks and repeats what got no 200.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.domain.errors import NotQueued
from liveperson_connector.entrypoints.container import Container
from liveperson_connector.entrypoints.sqs import process_batch
from liveperson_connector.flows.dead_letter_redrive import Request

from .faults import Faults
from .scheduler import Killed, Scheduler, Task
from .services import Fifo, Message, as_record

_TIME_OUTS = {
    "dead_letter_redrive": 300.0,
    "message_intake": 10.0,
    "provider_intake": 5.0,
    "webhook_intake": 5.0,
}
_POLL_SECONDS = 0.02
_ASK_SECONDS = 20.0


@dataclass
class Slot:
    """A place where one invocation at a time can run."""

    container: Container | None = None
    busy: bool = False


@dataclass
class Mapped:
    """A queue that wakes a function, in so many containers at most."""

    queue: Fifo
    function: str
    worker: Callable[[Container], RetryingConsumer]
    slots: list[Slot]
    wake_at: float = float("inf")


class Lambda:
    """Runs functions."""

    def __init__(self, kernel: Scheduler, faults: Faults, build: Callable[[], Container]) -> None:
        self.running = 0
        self.killed = 0
        self._kernel = kernel
        self._faults = faults
        self._build = build
        self._single: dict[str, Slot] = {}

    # ── Queues ──

    def map(
        self,
        queue: Fifo,
        function: str,
        worker: Callable[[Container], RetryingConsumer],
        workers: int,
    ) -> None:
        """Let a queue wake a function."""
        mapped = Mapped(queue, function, worker, [Slot() for _ in range(workers)])
        queue.on_change = lambda moment: self._look_at(mapped, moment + _POLL_SECONDS)

    def _look_at(self, mapped: Mapped, moment: float) -> None:
        if moment < mapped.wake_at:
            mapped.wake_at = moment
            self._kernel.at(moment, lambda: self._dispatch(mapped, moment))

    def _dispatch(self, mapped: Mapped, moment: float) -> None:
        if mapped.wake_at == moment:
            mapped.wake_at = float("inf")
        for slot in mapped.slots:
            if not slot.busy and (taken := mapped.queue.take(1)):
                self._give(mapped, slot, taken[0])
        upcoming = mapped.queue.next_visible()
        if upcoming is not None and not all(slot.busy for slot in mapped.slots):
            self._look_at(mapped, max(upcoming, self._kernel.now) + _POLL_SECONDS)

    def _give(self, mapped: Mapped, slot: Slot, message: Message) -> None:
        """Give a message to a function, or find no room for it until it is too late."""
        event = {"Records": [as_record(message, mapped.queue.name)]}
        about = _event_id(message.body)
        if not self._faults.strikes(mapped.function, kinds="throttled"):
            self._invoke(mapped, slot, event, about)
            return

        def again() -> None:
            free = [each for each in mapped.slots if not each.busy]
            if free:
                self._invoke(mapped, free[0], event, about)

        wait = self._faults.throttled_for(mapped.queue.visibility)
        if wait is not None:
            self._kernel.later(wait, again)

    def _invoke(self, mapped: Mapped, slot: Slot, event: Mapping[str, Any], about: str) -> None:
        receipt = event["Records"][0]["receiptHandle"]

        def work() -> None:
            slot.container = slot.container or self._build()
            answer = process_batch(event, mapped.worker(slot.container))
            if not answer["batchItemFailures"]:
                self._delete(mapped.queue, receipt)

        def over() -> None:
            slot.busy = False
            self._look_at(mapped, self._kernel.now + _POLL_SECONDS)

        slot.busy = True
        self._start(mapped.function, slot, work, over, about=about)

    def _delete(self, queue: Fifo, receipt: str) -> None:
        message = queue.find(receipt)
        if message and not self._faults.strikes("sqs", kinds="undeleted"):
            queue.drop(message)

    # ── By name ──

    def call(
        self,
        function: str,
        work: Callable[[Container], object],
        *,
        about: str = "",
        then: Callable[[bool], None] = lambda _ok: None,
    ) -> None:
        """Call a function that no queue wakes; ``then`` learns whether it came to its end."""
        slot = self._single.setdefault(function, Slot())
        outcome = [False]

        def run() -> None:
            slot.container = slot.container or self._build()
            try:
                work(slot.container)
            except NotQueued:
                pass
            except Exception as failure:  # noqa: BLE001 - Lambda tries again, whatever it was
                _only_connector_errors(failure)
            else:
                outcome[0] = True

        self._start(function, slot, run, lambda: then(outcome[0]), about=about)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:  # noqa: N803
        """Be the client by which a worker asks ``token_refresh``, and waits."""
        assert FunctionName == "token-refresh"
        asked = json.loads(Payload)
        task = self._kernel.current
        assert task is not None
        slot = self._single.setdefault("token_refresh", Slot())
        slot.container = slot.container or self._build()
        refresh = slot.container.token_refresh
        before = (task.deadline, task.kill_at_call)
        task.deadline = min(task.deadline, self._kernel.now + _ASK_SECONDS)
        kill = self._faults.kill_at_call("token_refresh")
        task.kill_at_call = task.calls + kill if kill else 0
        try:
            refresh.answer(asked)
        except Killed:
            if self._kernel.now >= before[0] or self._kernel.is_closing:
                raise
            return {"FunctionError": "Unhandled"}
        except Exception as failure:  # noqa: BLE001 - it is told as the function's
            _only_connector_errors(failure)
            return {"FunctionError": "Unhandled"}
        finally:
            task.deadline, task.kill_at_call = before
        return {}

    def _start(
        self,
        function: str,
        slot: Slot,
        work: Callable[[], None],
        over: Callable[[], None],
        *,
        about: str,
    ) -> None:
        def run() -> None:
            task.deadline = self._kernel.now + _TIME_OUTS.get(function, 30.0)
            try:
                work()
            except Killed:
                slot.container = None
                self.killed += 1
                if self._kernel.is_closing:
                    raise
            finally:
                self.running -= 1
                over()

        self.running += 1
        task = Task(run, about, function, kill_at_call=self._faults.kill_at_call(function))
        self._kernel.spawn(task)


def _only_connector_errors(failure: Exception) -> None:
    if not type(failure).__module__.startswith("liveperson_connector."):
        raise failure


def _event_id(body: str) -> str:
    """Return the id of a queued consumer event; a notification has none."""
    queued = json.loads(body)
    event = queued.get("event")
    return str(event["id"]) if isinstance(event, dict) and "id" in event else ""


# ── What the partners post ──


@dataclass
class PendingRequest:
    """Something to post until it is taken."""

    post: Callable[[Container], object]
    taken: Callable[[], None]
    ready_at: float = 0.0
    tries: int = 0


@dataclass
class Lane:
    """Parcels that go out one after the other."""

    waiting: deque[PendingRequest] = field(default_factory=deque)
    is_busy: bool = False


class RetryingClient:
    """Posts parcels to an intake; ``pause`` is how long he waits after a try that failed."""

    def __init__(
        self, kernel: Scheduler, functions: Lambda, function: str, pause: Callable[[int], float]
    ) -> None:
        self.outstanding = 0
        self._kernel = kernel
        self._functions = functions
        self._function = function
        self._pause = pause
        self._lanes: dict[str, Lane] = {}

    def post(self, lane: str, parcel: PendingRequest) -> None:
        """Post something behind what is in its lane."""
        self.outstanding += 1
        self._lanes.setdefault(lane, Lane()).waiting.append(parcel)
        self._go_on(self._lanes[lane])

    def _go_on(self, lane: Lane) -> None:
        if not lane.is_busy and lane.waiting:
            lane.is_busy = True
            self._kernel.at(lane.waiting[0].ready_at, lambda: self._try(lane))

    def _try(self, lane: Lane) -> None:
        parcel = lane.waiting[0]
        parcel.tries += 1

        def then(ok: bool) -> None:
            if not ok:
                self._kernel.later(self._pause(parcel.tries), lambda: self._try(lane))
                return
            lane.waiting.popleft()
            lane.is_busy = False
            self.outstanding -= 1
            parcel.taken()
            self._go_on(lane)

        self._functions.call(self._function, parcel.post, then=then)


def scheduled_refresh(container: Container) -> None:
    """Renew every AppJWT."""
    container.token_refresh.refresh_all()


def scheduled_redrive(container: Container) -> None:
    """Put transient dead letters back."""
    # One walker: threads of its own would not heed the simulation's clock.
    alone = replace(container.dead_letter_redrive, walkers=1)
    alone.redrive(Request(), lambda: _TIME_OUTS["dead_letter_redrive"])
