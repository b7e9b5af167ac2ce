"""
The webhook sender: one lane per conversation, a bounded crew for all lanes, and retry by the book.

Lanes keep the order inside a conversation and let conversations overtake each other. What happens
after a failure is the retry page's:

    none     the event is dropped
    number   the event alone is tried again, 30 s apart, and order is lost
    ttl      the whole app changes state

        Up ──any failure──▶ Failed ──every endpoint answers──▶ In Transition ──store sent──▶
                            ▲  everything is stored, one       stored ones go out in order,
                            │  try per endpoint after 2, 4,    other conversations at once
                            │  8 … 300 s
                            └──────────────any failure──────── Recovered ──all sent──▶ Up
                                                               an event for a conversation that
                                                               still drains waits 4 s, then goes

Only 200 and 201 are success; the time-outs are 5 s (notification protocol page).
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import requests

from simulator.accounts import Account
from simulator.faults import SENDER, Fault, Faults
from simulator.notifications import Notification, envelope
from simulator.signing import sign
from simulator.timers import Timers
from simulator.wire import JsonObject, compact

UP, FAILED, IN_TRANSITION, RECOVERED = "Up", "Failed", "In Transition", "Recovered"
CREW = 16
KEPT_DELIVERIES = 20_000
NUMBER_SPACING_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
DRAIN_WAIT_SECONDS = 4.0
SLOW_FOR_SECONDS = 120.0
REORDER_WAIT_MS = 1_000.0


class SenderPool:
    """The threads that send, their kept connections, and the clock they share."""

    def __init__(self, timers: Timers, faults: Faults) -> None:
        self.timers = timers
        self.faults = faults
        self._pool = ThreadPoolExecutor(CREW, thread_name_prefix="liveperson-webhooks")
        self._own = threading.local()

    def submit(self, work: Callable[[], None]) -> None:
        """Do some work on one of the threads; after `stop`, do nothing."""
        try:
            self._pool.submit(_aloud, work)
        except RuntimeError:
            return

    def session(self) -> requests.Session:
        """Return this thread's own session, so that connections are used again."""
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
            self._own.session.trust_env = False
        session: requests.Session = self._own.session
        return session

    def stop(self) -> None:
        """Take no new work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(eq=False)
class ConversationQueue:
    """
    The webhooks of one conversation, in order; `busy` while one is on its way.

    `waiting` came while a recovered app still drained this conversation.
    """

    queue: deque[Notification] = field(default_factory=deque)
    waiting: deque[Notification] = field(default_factory=deque)
    busy: bool = False


class Outbox:
    """The webhooks of one account's app."""

    def __init__(self, account: Account, crew: SenderPool) -> None:
        self.account = account
        self._crew = crew
        self._lock = threading.RLock()
        self._lanes: dict[str, ConversationQueue] = {}
        self._tries = 0
        self._slow_since: float | None = None
        self._history: deque[JsonObject] = deque(maxlen=KEPT_DELIVERIES)
        self._pending = 0
        self._delivered = self._dropped = self._attempts = 0
        self._phase = UP
        self.phases = [UP]
        self.would_be_disabled = False

    # What others see

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits to be sent."""
        with self._lock:
            return self._pending == 0

    def deliveries(self, limit: int | None = None) -> list[JsonObject]:
        """Return every attempt, oldest first, or the latest `limit` of them."""
        with self._lock:
            found = list(self._history)
        return found if limit is None else found[-limit:]

    def as_json(self) -> JsonObject:
        """Return the state of the sender."""
        with self._lock:
            return {
                "state": self._phase,
                "states": list(self.phases),
                "pending": self._pending,
                "attempts": self._attempts,
                "delivered": self._delivered,
                "dropped": self._dropped,
                "would_be_disabled": self.would_be_disabled,
            }

    def push(self, notification: Notification) -> None:
        """Take a webhook to send; returns at once."""
        if self.account.endpoint(notification.topic) is None:
            return
        notification.born = time.monotonic()
        with self._lock:
            self._pending += 1
            lane = self._lanes.setdefault(notification.conversation_id, ConversationQueue())
            if lane.waiting:
                lane.waiting.append(notification)
            elif self._phase == RECOVERED and lane.queue:
                lane.waiting.append(notification)
                self._later(DRAIN_WAIT_SECONDS, lambda: self._release(lane))
            else:
                lane.queue.append(notification)
                self._wake(lane)

    # One turn of a lane

    def _wake(self, lane: ConversationQueue) -> None:
        if lane.queue and not lane.busy and self._phase != FAILED:
            lane.busy = True
            self._crew.submit(lambda: self._turn(lane))

    def _turn(self, lane: ConversationQueue) -> None:
        with self._lock:
            batch = self._take(lane)
        if not batch:
            return
        ok = all([self._attempt(batch) for _ in range(batch[0].copies)])  # noqa: C419
        with self._lock:
            lane.busy = False
            self._settle(lane, batch, ok=ok)
            self._advance()
            self._tidy(batch[0].conversation_id, lane)
            self._wake(lane)

    def _take(self, lane: ConversationQueue) -> list[Notification]:
        """Return what to send now; nothing when a fault makes the lane wait."""
        if self._phase == FAILED or not lane.queue:
            lane.busy = False
            return []
        first = lane.queue[0]
        if not first.faulted:
            first.faulted = True
            fault = self._crew.faults.pick(SENDER, self.account.account_id, compact(first.changes))
            if fault is not None and not self._spoil(lane, first, fault):
                return []
        if first.held_until is not None and not self._swap(lane, first):
            return []
        return self._together(lane)

    def _together(self, lane: ConversationQueue) -> list[Notification]:
        """Return the head of the lane with those that may travel in the same body."""
        first = lane.queue[0]
        batch = [first]
        for each in islice(lane.queue, 1, self.account.settings.changes_per_body):
            if each.kind != first.kind or self._url(each) != self._url(first):
                break
            batch.append(each)
        return batch

    def _spoil(self, lane: ConversationQueue, first: Notification, fault: Fault) -> bool:
        """Apply a fault; return whether the lane may go on at once."""
        if fault.kind == "duplicate":
            first.copies = 2
        elif fault.kind == "reorder":
            first.held_until = time.monotonic() + (fault.delay_ms or REORDER_WAIT_MS) / 1000
        elif fault.kind == "slow":
            pause = fault.delay_ms / 1000
            self._crew.timers.after(pause, lambda: self._crew.submit(lambda: self._turn(lane)))
            return False
        elif fault.kind == "drop":
            lane.queue.popleft()
            lane.busy = False
            self._done(first, "lost on purpose")
            self._wake(lane)
            return False
        return True

    def _swap(self, lane: ConversationQueue, first: Notification) -> bool:
        """Let the next webhook go before a held one; return whether the lane may go on."""
        if len(lane.queue) > 1:
            lane.queue[0], lane.queue[1] = lane.queue[1], lane.queue[0]
            first.held_until = None
            lane.queue[0].faulted = True
            return True
        remaining = (first.held_until or 0) - time.monotonic()
        if remaining <= 0:
            first.held_until = None
            return True
        lane.busy = False
        self._crew.timers.after(remaining, lambda: self._rouse(lane))
        return False

    def _rouse(self, lane: ConversationQueue) -> None:
        with self._lock:
            self._wake(lane)

    # One attempt

    def _attempt(self, batch: list[Notification]) -> bool:
        """Send a batch once, record how it went, and return whether it was accepted."""
        settings = self.account.settings
        for each in batch:
            each.attempts += 1
        body = compact(envelope(settings, batch))
        headers = {
            "content-type": "application/json",
            "x-liveperson-account-id": self.account.account_id,
            "x-liveperson-client-id": self.account.client_id,
            "x-liveperson-signature": sign(
                body, self.account.client_secret, settings.signature, settings.signature_encoding
            ),
            **settings.webhook_headers,
        }
        started = time.monotonic()
        status, error = self._post(self._url(batch[0]), body, headers)
        took = time.monotonic() - started
        ok = status in (200, 201)
        with self._lock:
            self._attempts += 1
            self._watch_slowness(took)
            self._history.append(_attempt_record(batch, status, error, took, self._url(batch[0])))
        return ok

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        timeout = self.account.settings.webhook_timeout_seconds
        try:
            answer = self._crew.session().post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            )
        except requests.RequestException as problem:
            return None, type(problem).__name__
        return answer.status_code, ""

    def _url(self, notification: Notification) -> str:
        return self.account.endpoint(notification.topic) or ""

    def _watch_slowness(self, took: float) -> None:
        settings = self.account.settings
        if took <= settings.slow_answer_seconds:
            self._slow_since = None
            return
        now = time.monotonic()
        self._slow_since = self._slow_since or now - took
        if now - self._slow_since > SLOW_FOR_SECONDS * settings.time_scale:
            self.would_be_disabled = True

    # After an attempt

    def _settle(self, lane: ConversationQueue, batch: list[Notification], *, ok: bool) -> None:
        """Decide what becomes of the head of a lane after an attempt."""
        if not ok and self._keeps(batch[0]):
            self._fail()
            return
        for each in batch:
            lane.queue.popleft()
            self._done(each, "delivered") if ok else self._failed_alone(each)

    def _keeps(self, notification: Notification) -> bool:
        """Tell whether a failure of this webhook is for the `ttl` mechanism to mend."""
        settings = self.account.settings
        if settings.retry != "ttl" or self._expired(notification):
            return False
        excluded = settings.max_retries.get(notification.topic) == 0
        return not (excluded and self._phase == UP)

    def _expired(self, notification: Notification) -> bool:
        settings = self.account.settings
        age = time.monotonic() - notification.born
        return age > settings.retention_time_seconds * settings.time_scale

    def _failed_alone(self, notification: Notification) -> None:
        """Try an event again by number, or drop it."""
        settings = self.account.settings
        allowed = settings.max_retries.get(notification.topic, 0)
        if settings.retry == "number" and notification.attempts <= allowed:
            self._later(NUMBER_SPACING_SECONDS, lambda: self._send_alone(notification))
            return
        self._done(notification, "dropped")

    def _send_alone(self, notification: Notification) -> None:
        """Send one webhook outside its lane, or store it if the app is failing."""
        with self._lock:
            if self._phase == FAILED:
                lane = self._lanes.setdefault(notification.conversation_id, ConversationQueue())
                lane.queue.append(notification)
                return
        ok = self._attempt([notification])
        with self._lock:
            if ok:
                self._done(notification, "delivered")
            elif self._keeps(notification):
                lane = self._lanes.setdefault(notification.conversation_id, ConversationQueue())
                lane.queue.appendleft(notification)
                self._fail()
            else:
                self._failed_alone(notification)
            self._advance()

    def _release(self, lane: ConversationQueue) -> None:
        """Let go what waited for a drain: in its turn, or at once if the drain was too slow."""
        with self._lock:
            released = list(lane.waiting)
            lane.waiting.clear()
            if not lane.queue or self._phase == FAILED:
                lane.queue.extend(released)
                self._wake(lane)
                return
        for notification in released:
            self._send_alone(notification)

    def _done(self, notification: Notification, how: str) -> None:
        self._pending -= 1
        if how == "delivered":
            self._delivered += 1
            return
        self._dropped += 1
        self._history.append(_attempt_record([notification], None, how, 0, self._url(notification)))

    def _tidy(self, conversation_id: str, lane: ConversationQueue) -> None:
        empty = not (lane.queue or lane.waiting or lane.busy)
        if empty and self._lanes.get(conversation_id) is lane:
            del self._lanes[conversation_id]

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        pause = seconds * self.account.settings.time_scale
        self._crew.timers.after(pause, lambda: self._crew.submit(work))

    # The four states

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self.phases.append(phase)

    def _fail(self) -> None:
        if self._phase != FAILED:
            self._enter(FAILED)
            self._tries = 0
            self._plan_probe()

    def _plan_probe(self) -> None:
        self._tries += 1
        self._later(min(2.0**self._tries, LONGEST_PAUSE_SECONDS), self._probe)

    def _probe(self) -> None:
        """Try one stored webhook per endpoint; if every endpoint answers, send the store."""
        with self._lock:
            self._forget_expired()
            chosen = self._one_lane_per_endpoint()
        results = [self._attempt([lane.queue[0]]) for lane in chosen]
        with self._lock:
            for lane, ok in zip(chosen, results, strict=True):
                lane.busy = False
                if ok:
                    self._done(lane.queue.popleft(), "delivered")
            if all(results):
                self._send_store()
            else:
                self._plan_probe()

    def _forget_expired(self) -> None:
        for lane in self._lanes.values():
            while lane.queue and not lane.busy and self._expired(lane.queue[0]):
                self._done(lane.queue.popleft(), "retention time is over")

    def _one_lane_per_endpoint(self) -> list[ConversationQueue]:
        chosen: dict[str, ConversationQueue] = {}
        for lane in self._lanes.values():
            if lane.queue and not lane.busy:
                chosen.setdefault(self._url(lane.queue[0]), lane)
        for lane in chosen.values():
            lane.busy = True
        return list(chosen.values())

    def _send_store(self) -> None:
        self._enter(IN_TRANSITION)
        used = {
            name: lane
            for name, lane in self._lanes.items()
            if lane.queue or lane.waiting or lane.busy
        }
        self._lanes = used
        for lane in self._lanes.values():
            for each in lane.queue:
                each.stored = True
        for lane in self._lanes.values():
            self._wake(lane)
        self._advance()

    def _advance(self) -> None:
        """Go on to Recovered when the store is sent, and to Up when all is."""
        if self._phase not in (IN_TRANSITION, RECOVERED):
            return
        waiting = [each for lane in self._lanes.values() for each in lane.queue]
        if self._phase == IN_TRANSITION and not any(each.stored for each in waiting):
            self._enter(RECOVERED)
        if self._phase == RECOVERED and not waiting:
            self._enter(UP)


def _aloud(work: Callable[[], None]) -> None:
    """Do some work and print what goes wrong, which a pool would keep to itself."""
    try:
        work()
    except Exception:
        traceback.print_exc()
        raise


def _attempt_record(
    batch: list[Notification], status: int | None, error: str, took: float, url: str
) -> JsonObject:
    """Return one line of the history of deliveries; `status` is None without an answer."""
    return {
        "at": time.time(),
        "conversation_id": batch[0].conversation_id,
        "kind": batch[0].kind,
        "topic": batch[0].topic,
        "url": url,
        "attempt": batch[0].attempts,
        "status": status,
        "error": error,
        "milliseconds": round(took * 1000, 1),
        "delivered": status in (200, 201),
        "changes": [change for each in batch for change in each.changes],
    }
