"""
The webhook sender: one queue per conversation, a pool of threads for all, and LivePerson's retries.

The queues keep the order inside a conversation; conversations overtake each other. The retry page
says what happens after a failure:

    none     the event is dropped
    number   the event alone is sent again, 30 s apart, and order is lost
    ttl      the whole app changes state

        Up ──any failure──▶ Failed ──every endpoint answers──▶ In Transition ──store sent──▶
                            ▲  everything is stored, one       stored ones go out in order,
                            │  try per endpoint after 2, 4,    other conversations at once
                            │  8 … 300 s
                            └──────────────any failure──────── Recovered ──all sent──▶ Up
                                                               an event for a conversation that
                                                               still drains waits 4 s, then is sent

Only 200 and 201 are success; both time-outs are 5 s (notification protocol page).
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

from simulator.calls import JsonObject
from simulator.faults import SENDER, Fault, Faults
from simulator.http_server import compact
from simulator.model import Account
from simulator.notifications import Notification, envelope
from simulator.signing import sign
from simulator.timers import Timers

UP, FAILED, IN_TRANSITION, RECOVERED = "Up", "Failed", "In Transition", "Recovered"
SENDERS = 16
KEPT_DELIVERIES = 20_000
NUMBER_SPACING_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
DRAIN_WAIT_SECONDS = 4.0
SLOW_FOR_SECONDS = 120.0
REORDER_WAIT_MS = 1_000.0


class SenderPool:
    """The threads that send webhooks, with their kept connections."""

    def __init__(self, timers: Timers, faults: Faults) -> None:
        self.timers = timers
        self.faults = faults
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="liveperson-webhooks")
        self._own = threading.local()

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on one of the threads; after `stop`, do nothing."""
        try:
            self._pool.submit(_printing_errors, work)
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
        """Accept no new work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(eq=False)
class ConversationQueue:
    """
    The webhooks of one conversation, in order; `busy` while one is being sent.

    `delayed` holds those that came while a recovered app still drained this conversation.
    """

    ordered: deque[Notification] = field(default_factory=deque)
    delayed: deque[Notification] = field(default_factory=deque)
    busy: bool = False


class Outbox:
    """The webhooks of one account's app."""

    def __init__(self, account: Account, pool: SenderPool) -> None:
        self.account = account
        self._pool = pool
        self._lock = threading.RLock()
        self._queues: dict[str, ConversationQueue] = {}
        self._tries = 0
        self._slow_since: float | None = None
        self._history: deque[JsonObject] = deque(maxlen=KEPT_DELIVERIES)
        self._pending = 0
        self._delivered = self._dropped = self._attempts = 0
        self._phase = UP
        self.phases = [UP]
        self.would_be_disabled = False

    # What is asked of it

    @property
    def idle(self) -> bool:
        """Whether nothing is left to send."""
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
        """Queue a webhook and return at once."""
        if self.account.endpoint(notification.topic) is None:
            return
        notification.queued_at = time.monotonic()
        with self._lock:
            self._pending += 1
            queue = self._queues.setdefault(notification.conversation_id, ConversationQueue())
            if queue.delayed:
                queue.delayed.append(notification)
            elif self._phase == RECOVERED and queue.ordered:
                queue.delayed.append(notification)
                self._later(DRAIN_WAIT_SECONDS, lambda: self._release(queue))
            else:
                queue.ordered.append(notification)
                self._wake(queue)

    # One turn of a queue

    def _wake(self, queue: ConversationQueue) -> None:
        if queue.ordered and not queue.busy and self._phase != FAILED:
            queue.busy = True
            self._pool.submit(lambda: self._turn(queue))

    def _turn(self, queue: ConversationQueue) -> None:
        with self._lock:
            batch = self._take(queue)
        if not batch:
            return
        ok = all([self._attempt(batch) for _ in range(batch[0].copies)])  # noqa: C419
        with self._lock:
            queue.busy = False
            self._settle(queue, batch, ok=ok)
            self._advance()
            self._tidy(batch[0].conversation_id, queue)
            self._wake(queue)

    def _take(self, queue: ConversationQueue) -> list[Notification]:
        """Return what to send now; an empty list if a fault makes the queue wait."""
        if self._phase == FAILED or not queue.ordered:
            queue.busy = False
            return []
        first = queue.ordered[0]
        if not first.faulted:
            first.faulted = True
            fault = self._pool.faults.pick(SENDER, self.account.account_id, compact(first.changes))
            if fault is not None and not self._spoil(queue, first, fault):
                return []
        if first.held_until is not None and not self._swap(queue, first):
            return []
        return self._together(queue)

    def _together(self, queue: ConversationQueue) -> list[Notification]:
        """Return the head of the queue, with those that may share its body."""
        first = queue.ordered[0]
        batch = [first]
        for each in islice(queue.ordered, 1, self.account.settings.changes_per_body):
            if each.kind != first.kind or self._url(each) != self._url(first):
                break
            batch.append(each)
        return batch

    def _spoil(self, queue: ConversationQueue, first: Notification, fault: Fault) -> bool:
        """Apply a fault; return True if the queue goes on at once."""
        if fault.kind == "duplicate":
            first.copies = 2
        elif fault.kind == "reorder":
            first.held_until = time.monotonic() + (fault.delay_ms or REORDER_WAIT_MS) / 1000
        elif fault.kind == "slow":
            pause = fault.delay_ms / 1000
            self._pool.timers.after(pause, lambda: self._pool.submit(lambda: self._turn(queue)))
            return False
        elif fault.kind == "drop":
            queue.ordered.popleft()
            queue.busy = False
            self._done(first, "lost on purpose")
            self._wake(queue)
            return False
        return True

    def _swap(self, queue: ConversationQueue, first: Notification) -> bool:
        """Send the next webhook before the held one; return True if the queue goes on now."""
        if len(queue.ordered) > 1:
            queue.ordered[0], queue.ordered[1] = queue.ordered[1], queue.ordered[0]
            first.held_until = None
            queue.ordered[0].faulted = True
            return True
        remaining = (first.held_until or 0) - time.monotonic()
        if remaining <= 0:
            first.held_until = None
            return True
        queue.busy = False
        self._pool.timers.after(remaining, lambda: self._wake_later(queue))
        return False

    def _wake_later(self, queue: ConversationQueue) -> None:
        with self._lock:
            self._wake(queue)

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
            answer = self._pool.session().post(
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

    def _settle(self, queue: ConversationQueue, batch: list[Notification], *, ok: bool) -> None:
        """Remove, keep or retry the head of a queue after an attempt."""
        if not ok and self._keeps(batch[0]):
            self._fail()
            return
        for each in batch:
            queue.ordered.popleft()
            self._done(each, "delivered") if ok else self._failed_alone(each)

    def _keeps(self, notification: Notification) -> bool:
        """Whether the `ttl` mechanism keeps this webhook after a failure."""
        settings = self.account.settings
        if settings.retry != "ttl" or self._expired(notification):
            return False
        excluded = settings.max_retries.get(notification.topic) == 0
        return not (excluded and self._phase == UP)

    def _expired(self, notification: Notification) -> bool:
        settings = self.account.settings
        age = time.monotonic() - notification.queued_at
        return age > settings.retention_time_seconds * settings.time_scale

    def _failed_alone(self, notification: Notification) -> None:
        """Send an event again if `number` allows it, else drop it."""
        settings = self.account.settings
        allowed = settings.max_retries.get(notification.topic, 0)
        if settings.retry == "number" and notification.attempts <= allowed:
            self._later(NUMBER_SPACING_SECONDS, lambda: self._send_alone(notification))
            return
        self._done(notification, "dropped")

    def _send_alone(self, notification: Notification) -> None:
        """Send one webhook outside its queue; store it while the app is failing."""
        with self._lock:
            if self._phase == FAILED:
                queue = self._queues.setdefault(notification.conversation_id, ConversationQueue())
                queue.ordered.append(notification)
                return
        ok = self._attempt([notification])
        with self._lock:
            if ok:
                self._done(notification, "delivered")
            elif self._keeps(notification):
                queue = self._queues.setdefault(notification.conversation_id, ConversationQueue())
                queue.ordered.appendleft(notification)
                self._fail()
            else:
                self._failed_alone(notification)
            self._advance()

    def _release(self, queue: ConversationQueue) -> None:
        """Release what waited for a drain: in its turn, or at once if the drain was too slow."""
        with self._lock:
            released = list(queue.delayed)
            queue.delayed.clear()
            if not queue.ordered or self._phase == FAILED:
                queue.ordered.extend(released)
                self._wake(queue)
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

    def _tidy(self, conversation_id: str, queue: ConversationQueue) -> None:
        empty = not (queue.ordered or queue.delayed or queue.busy)
        if empty and self._queues.get(conversation_id) is queue:
            del self._queues[conversation_id]

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        pause = seconds * self.account.settings.time_scale
        self._pool.timers.after(pause, lambda: self._pool.submit(work))

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
        """Send one stored webhook per endpoint; if every one is accepted, send the rest."""
        with self._lock:
            self._forget_expired()
            chosen = self._one_queue_per_endpoint()
        results = [self._attempt([queue.ordered[0]]) for queue in chosen]
        with self._lock:
            for queue, ok in zip(chosen, results, strict=True):
                queue.busy = False
                if ok:
                    self._done(queue.ordered.popleft(), "delivered")
            if all(results):
                self._send_store()
            else:
                self._plan_probe()

    def _forget_expired(self) -> None:
        for queue in self._queues.values():
            while queue.ordered and not queue.busy and self._expired(queue.ordered[0]):
                self._done(queue.ordered.popleft(), "retention time is over")

    def _one_queue_per_endpoint(self) -> list[ConversationQueue]:
        chosen: dict[str, ConversationQueue] = {}
        for queue in self._queues.values():
            if queue.ordered and not queue.busy:
                chosen.setdefault(self._url(queue.ordered[0]), queue)
        for queue in chosen.values():
            queue.busy = True
        return list(chosen.values())

    def _send_store(self) -> None:
        self._enter(IN_TRANSITION)
        used = {
            name: queue
            for name, queue in self._queues.items()
            if queue.ordered or queue.delayed or queue.busy
        }
        self._queues = used
        for queue in self._queues.values():
            for each in queue.ordered:
                each.stored = True
        for queue in self._queues.values():
            self._wake(queue)
        self._advance()

    def _advance(self) -> None:
        """Enter Recovered when the store is sent, and Up when everything is."""
        if self._phase not in (IN_TRANSITION, RECOVERED):
            return
        waiting = [each for queue in self._queues.values() for each in queue.ordered]
        if self._phase == IN_TRANSITION and not any(each.stored for each in waiting):
            self._enter(RECOVERED)
        if self._phase == RECOVERED and not waiting:
            self._enter(UP)


def _printing_errors(work: Callable[[], None]) -> None:
    """Run `work` and print its exception, which the executor would only keep in a future."""
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
