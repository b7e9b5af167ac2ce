"""
Time that passes only here, and tasks that take turns.

A task is ordinary code on a thread of its own, of which only one ever runs. Whenever it does what
takes time it calls :meth:`Scheduler.wait`; until that time has come the others have
their turns. The
same schedule always gives the same turns.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

START = 1_700_000_000.0


class Killed(BaseException):
    """The task ends here, in the middle of whatever it does: no code of it may run on."""


@dataclass
class Task:
    """Something that goes on for a while. ``about`` is the id of the event it works on."""

    work: Callable[[], None]
    about: str = ""
    function: str = ""
    deadline: float = float("inf")
    kill_at_call: int = 0
    calls: int = 0
    baton: threading.Lock = field(default_factory=threading.Lock)


class Scheduler:
    """The clock, and whose turn it is."""

    def __init__(self) -> None:
        self.now = START
        self.current: Task | None = None
        self.turns = 0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._main = threading.Lock()
        self._main.acquire()
        self._failure: BaseException | None = None
        self._alive: set[int] = set()
        self._asleep: dict[int, Task] = {}
        self._limit = 0.0
        self.is_closing = False

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    # ── What happens when ──

    def at(self, moment: float, event: Callable[[], object]) -> None:
        """Let something happen at a time, which takes none itself."""
        heapq.heappush(self._events, (max(moment, self.now), next(self._order), event))

    def later(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen in a while."""
        self.at(self.now + seconds, event)

    def spawn(self, task: Task) -> None:
        """Let a task begin now."""
        task.baton.acquire()
        thread = threading.Thread(target=self._run_task, args=(task,), daemon=True)
        self._asleep[id(task)] = task
        self.at(self.now, lambda: self._begin(task, thread))

    def run(self, until: float, *, idle: Callable[[], bool] = lambda: False) -> None:
        """Let everything happen up to a time, or until nothing is left to wait for."""
        while self._events and self._events[0][0] <= until and not idle():
            self._limit = until
            moment, _, event = heapq.heappop(self._events)
            self.now = max(self.now, moment)
            self.turns += 1
            event()
            if self._failure:
                raise self._failure
        if not idle():
            self.now = max(self.now, until)

    def close(self) -> None:
        """End every task."""
        self.is_closing = True
        for task in list(self._asleep.values()):
            if id(task) in self._alive:
                self._hand_over(task)
        self._asleep.clear()
        self._events.clear()

    # ── What tasks do ──

    def wait(self, seconds: float) -> None:
        """Let time pass for the task whose turn it is."""
        task = self.current
        if task is None:
            return
        target = min(self.now + seconds, max(task.deadline, self.now))
        if (self._events and self._events[0][0] <= target) or target > self._limit:
            self._sleep(task, target)
        else:
            self.now = target
        if self.now >= task.deadline:
            raise Killed("its time is over")

    def step(self) -> None:
        """Note that the task is about to do, or has just done, what others can see."""
        task = self.current
        if task is None:
            return
        task.calls += 1
        if task.calls == task.kill_at_call:
            raise Killed("killed")

    def _begin(self, task: Task, thread: threading.Thread) -> None:
        self._alive.add(id(task))
        self.current = task
        thread.start()
        task.baton.release()
        self._main.acquire()
        self.current = None

    def _sleep(self, task: Task, target: float) -> None:
        self.at(target, lambda: self._hand_over(task))
        self.current = None
        self._main.release()
        task.baton.acquire()
        if self.is_closing:
            raise Killed("the simulation is over")

    def _hand_over(self, task: Task) -> None:
        self.current = task
        task.baton.release()
        self._main.acquire()
        self.current = None

    def _run_task(self, task: Task) -> None:
        task.baton.acquire()
        try:
            task.work()
        except Killed:
            pass
        except BaseException as failure:  # noqa: BLE001 - raised again where the simulation runs
            self._failure = failure
        finally:
            self._alive.discard(id(task))
            self._asleep.pop(id(task), None)
            self._main.release()
