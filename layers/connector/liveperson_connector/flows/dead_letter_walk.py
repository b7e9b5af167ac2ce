"""
Walk through a dead-letter queue: decide about each letter once, and keep each group in order.

A FIFO queue offers the next letters of a group only after those before are deleted or visible
again. So a walk keeps the letters that stay until its end, and then makes them visible again. If
letters are still hidden, it takes a second round, which sends those in front behind the others of
their group, where its caller allows it (docs/decisions/0020-redrive-rotates-letters.md).

Several walkers run at the same time. The queue lends the letters of a group to one reader at a
time, so each group is handled in order, as by the workers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock
from typing import TypeVar

from ..delivery.ports import DeadLetters
from ..domain.clock import Clock
from ..domain.errors import Transient
from ..domain.queue_messages import QueueMessage

WALKERS = 16
"""With calls of 10 ms, and every letter in its own group, these handle 300 letters a second."""

MOST_LETTERS = 100_000
"""
Upper limit for one walk; the next walk continues.

SQS lends 120,000 of a FIFO queue
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html).
"""

# The most letters of one receive.
_BATCH = 10

# A letter sent since the walk began was sent by the walk: behind its group, or back to its queue,
# where it died again. The margin is for clocks that disagree. A copy that a cut-off walk left is
# older than that, since the original was hidden for minutes.
_MARGIN_SECONDS = 60.0


Thing = TypeVar("Thing")


class Fate(Enum):
    """What a walk does with a letter."""

    BACK = "sent to the queue it came from, and deleted"
    GONE = "deleted"
    STAYS = "given back when the walk is over"


@dataclass(frozen=True)
class Plan:
    """
    What a walk does with letters.

    ``decide`` is called once for each. ``put_back`` sends letters, in order, to the queue they came
    from. ``go_behind`` sends letters that stay behind the others of their group, if
    ``may_go_behind`` allows it. With ``drops_copies``, the second of two letters with one name is
    deleted: it was left by a walk that was cut off. A walk that only inspects or deletes needs
    ``decide`` alone.
    """

    decide: Callable[[QueueMessage], Fate]
    put_back: Callable[[Sequence[QueueMessage]], None] = lambda _letters: None
    go_behind: Callable[[Sequence[QueueMessage]], None] = lambda _letters: None
    may_go_behind: Callable[[QueueMessage], bool] = lambda _letter: False
    drops_copies: bool = False


@dataclass(frozen=True)
class Unseen:
    """
    About how many letters a walk did not see.

    ``hidden`` ones are behind others of their group, or were not reached; ``lent`` ones were
    received by another reader.
    """

    hidden: int
    lent: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.hidden + self.lent


@dataclass
class Walk:
    """A walk through ``dead_letters``; before each receive it asks whether it ``has_time``."""

    dead_letters: DeadLetters
    plan: Plan
    has_time: Callable[[], bool] = lambda: True
    walkers: int = WALKERS
    most: int = MOST_LETTERS
    clock: Clock = time.time
    _names: set[str] = field(default_factory=set)
    _message_ids: set[str] = field(default_factory=set)
    _sent_behind: set[str] = field(default_factory=set)
    _staying: int = 0
    _kept: list[str] = field(default_factory=list)
    _is_second_round: bool = False
    _is_in_the_way: bool = False
    _is_stopped: bool = False
    _began_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def run(self) -> Unseen:
        """Walk, and return how many letters were not seen."""
        self._began_at = self.clock()
        try:
            unseen = self._rounds()
        except BaseException:
            with suppress(Transient):  # they become visible when their time-out ends
                self._give_back()
            raise
        self._give_back()
        return unseen

    def _rounds(self) -> Unseen:
        self._round()
        if self._is_in_the_way and not self._is_stopped and self._unseen().total:
            self._give_back()
            self._is_second_round = True
            self._round()
        return self._unseen()

    def _round(self) -> None:
        """Receive letters until the queue offers none, with as many walkers as there is work."""
        waiting = self.dead_letters.counts().waiting
        walkers = min(self.walkers, math.ceil(waiting / _BATCH))
        spread(lambda _: self._walk(), range(walkers), walkers)

    def _walk(self) -> None:
        try:
            while self._goes_on() and (batch := self.dead_letters.receive()):
                self._handle(batch)
        except BaseException:
            self._is_stopped = True  # the other walkers stop, too
            raise

    def _goes_on(self) -> bool:
        if len(self._message_ids) >= self.most or not self.has_time():
            self._is_stopped = True
        return not self._is_stopped

    def _handle(self, batch: Iterable[QueueMessage]) -> None:
        """Handle a batch: send before deleting, since a letter sent twice takes effect once."""
        by_fate: dict[Fate, list[QueueMessage]] = {fate: [] for fate in Fate}
        # A letter that was put back and died again is behind letters that it used to precede.
        for letter in sorted(batch, key=lambda each: each.accepted_at):
            by_fate[self._fate(letter)].append(letter)
        behind = [each for each in by_fate[Fate.STAYS] if self._goes_behind(each)]
        if by_fate[Fate.BACK]:
            self.plan.put_back(by_fate[Fate.BACK])
        if behind:
            self.plan.go_behind(behind)
        over = [*by_fate[Fate.BACK], *by_fate[Fate.GONE], *behind]
        self.dead_letters.delete_all([each.receipt_handle for each in over])

    def _fate(self, letter: QueueMessage) -> Fate:
        with self._lock:
            is_same_message = letter.message_id in self._message_ids
            is_same_letter = letter.letter_id in self._names
            self._message_ids.add(letter.message_id)
            self._names.add(letter.letter_id)
        is_ours = letter.sent_at.timestamp() >= self._began_at - _MARGIN_SECONDS
        if is_same_message or (is_same_letter and is_ours):
            return Fate.STAYS
        if is_same_letter and self.plan.drops_copies:
            return Fate.GONE
        fate = self.plan.decide(letter)
        with self._lock:
            self._staying += fate is Fate.STAYS
        return fate

    def _goes_behind(self, letter: QueueMessage) -> bool:
        """Whether to send a letter that stays behind the others now; keep it otherwise."""
        may_go = letter.letter_id not in self._sent_behind and self.plan.may_go_behind(letter)
        with self._lock:
            self._is_in_the_way |= may_go
            if may_go and self._is_second_round:
                self._sent_behind.add(letter.letter_id)
                return True
            self._kept.append(letter.receipt_handle)
            return False

    def _unseen(self) -> Unseen:
        counts = self.dead_letters.counts()
        lent = max(0, counts.in_flight - len(self._kept))
        return Unseen(max(0, counts.waiting + counts.in_flight - self._staying - lent), lent)

    def _give_back(self) -> None:
        kept, self._kept = self._kept, []
        tens = [kept[start : start + _BATCH] for start in range(0, len(kept), _BATCH)]
        spread(self.dead_letters.show_all, tens, self.walkers)


def spread(do: Callable[[Thing], None], things: Sequence[Thing], walkers: int) -> None:
    """Call ``do`` with each of ``things``, a few at a time; raise the first error at the end."""
    if walkers < 2 or len(things) < 2:
        for each in things:
            do(each)
        return
    with ThreadPoolExecutor(min(walkers, len(things))) as pool:
        done = [pool.submit(copy_context().run, do, each) for each in things]
    for future in done:
        future.result()
