"""The state of delivery: outages, groups held for dead letters, counts of tries, leases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..domain.clock import Clock
from ..domain.outages import FORGET_SECONDS, MOST_PAUSE_SECONDS, CircuitState
from .table import TTL_ATTRIBUTE, Delete, Item, Put, Table, Update, number

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OUTAGE_PK = "outage#{}#{}"
"""The key of an account's circuit towards a destination."""

HOLD_PK = "hold#{}"
"""The key of a group's hold."""

_DAY = 86_400

# A call that began before a pause leaves the pause as it is.
_NOT_PAUSED = "attribute_not_exists(paused_at)"

# A hold expires when two runs of redrive have found none of its dead letters.
HOLD_SECONDS = 2 * 3600 + 600


class DeliveryState:
    """Keeps the state of delivery in the table. Errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, table: str, *, clock: Clock = time.time) -> None:
        self._table = Table(client, table, clock=clock)
        self._clock = clock

    def _expiry(self, seconds: int) -> int:
        return int(self._clock()) + seconds

    # ── Outages ──

    def probe(self, account_id: str, destination: str, now: float, next_probe_at: float) -> bool:
        """Claim the probe of an open circuit; return False if another message has it."""
        return self._table.write(
            Update(
                OUTAGE_PK.format(account_id, destination),
                {"next_probe_at": number(next_probe_at)},
                "attribute_exists(pk) AND next_probe_at <= :now",
                {":now": number(now)},
            )
        )

    def note_failure(
        self, account_id: str, destination: str, outage: CircuitState | None, now: float, group: str
    ) -> CircuitState:
        """
        Count a failure of a destination, and return the state of its circuit afterwards.

        ``outage`` is the state when the call began. If another call has closed the circuit since
        then, this failure is the first of a new outage.
        """
        pk = OUTAGE_PK.format(account_id, destination)
        since = outage.since if outage else now
        next_probe_at = now + CircuitState(1, since, now).interval(now)
        first = {
            "pk": pk,
            "failures": 1,
            "groups": {group},
            "since": number(now),
            "next_probe_at": number(next_probe_at),
            TTL_ATTRIBUTE: self._expiry(FORGET_SECONDS),
        }
        if outage is None and self._table.put_new(first):
            return CircuitState(1, now, next_probe_at, frozenset({group}))
        kept = FORGET_SECONDS + int(min(now - since, _DAY))
        others = {"next_probe_at": number(next_probe_at), TTL_ATTRIBUTE: self._expiry(kept)}
        is_certain = outage is not None and outage.is_open
        groups = {} if is_certain else {"groups": {group}}
        added = {"failures": 1, **groups}
        counted = self._table.update(
            Update(pk, others, _NOT_PAUSED, once={"since": number(now)}, added=added)
        )
        return read_circuit(counted) if counted else CircuitState(1, since, now)

    def outage_over(self, account_id: str, destination: str) -> None:
        """Close a circuit."""
        self._table.write(Delete(OUTAGE_PK.format(account_id, destination), _NOT_PAUSED))

    # ── Pauses ──

    def pause(self, account_id: str, destination: str) -> bool:
        """
        Let an account's messages to ``destination`` wait; return False if they do already.

        What was known of an outage is forgotten: after the pause, calls tell it anew.
        """
        now = self._clock()
        item = {
            "pk": OUTAGE_PK.format(account_id, destination),
            "paused_at": number(now),
            TTL_ATTRIBUTE: self._expiry(MOST_PAUSE_SECONDS),
        }
        return self._table.write(
            Put(item, f"{_NOT_PAUSED} OR expires_at <= :now", {":now": int(now)})
        )

    def resume(self, account_id: str, destination: str) -> bool:
        """End a pause; return False if there is none."""
        pk = OUTAGE_PK.format(account_id, destination)
        return self._table.write(Delete(pk, "attribute_exists(paused_at)"))

    # ── Tries, and groups that wait for their dead letters ──

    def count_try(self, message_id: str, pace: str) -> tuple[int, int]:
        """Count a failed try of a message; return how many there were, and how many at ``pace``."""
        expires = {TTL_ATTRIBUTE: self._expiry(14 * _DAY)}
        counted = self._table.update(
            Update(f"tries#{message_id}", expires, added={"tries": 1, pace: 1})
        )
        return int(counted["tries"]), int(counted[pace])

    def hold(self, group: str) -> None:
        """Hold a group: its messages follow one that became a dead letter."""
        now = {
            TTL_ATTRIBUTE: self._expiry(HOLD_SECONDS),
            "changed_at": number(self._clock()),
        }
        # An expired hold starts anew, even if DynamoDB has not removed it yet.
        if not self._table.put_new({"pk": HOLD_PK.format(group), "letters": 1, **now}):
            self._table.update(Update(HOLD_PK.format(group), now, added={"letters": 1}))

    def hold_redriven(self, group: str) -> None:
        """Hold also redriven messages of a group: one before them became a dead letter again."""
        now = number(self._clock())
        attributes = {"died_again_at": now, "changed_at": now}
        expires = {TTL_ATTRIBUTE: self._expiry(HOLD_SECONDS)}
        self._table.write(Update(HOLD_PK.format(group), {**attributes, **expires}))

    def extend_hold(self, group: str) -> None:
        """Extend the hold of a group, if it is held: its dead letters are still there."""
        expires = {TTL_ATTRIBUTE: self._expiry(HOLD_SECONDS)}
        self._table.write(Update(HOLD_PK.format(group), expires, "attribute_exists(pk)"))

    def recount(self, group: str, letters: int, counted_from: float) -> None:
        """
        Set how many dead letters a group waits for to the number that was found.

        A dead letter that was removed by hand no longer holds its group. If the hold has changed
        since the count began (seconds since 1970), the count is outdated and nothing is written.
        """
        self._table.write(
            Update(
                HOLD_PK.format(group),
                {"letters": letters},
                "attribute_exists(pk) AND changed_at < :from",
                {":from": number(counted_from)},
            )
        )

    def release_one(self, group: str) -> None:
        """Note that one of a group's dead letters was redriven and is done."""
        now = {"changed_at": number(self._clock())}
        released = Update(HOLD_PK.format(group), now, "attribute_exists(pk)", added={"letters": -1})
        hold = self._table.update(released)
        if "letters" in hold and int(hold["letters"]) <= 0:
            self._table.write(Delete(HOLD_PK.format(group), "letters <= :none", {":none": 0}))

    # ── One at a time ──

    def lease(self, name: str, seconds: int) -> bool:
        """Take the lease ``name`` for ``seconds``; return False if it is taken."""
        return self._table.put_new({"pk": f"lease#{name}", TTL_ATTRIBUTE: self._expiry(seconds)})


def read_circuit(item: Item) -> CircuitState:
    """Read the state of a circuit from its item."""
    return CircuitState(
        failures=int(item.get("failures", 0)),
        since=float(item.get("since", 0)),
        next_probe_at=float(item.get("next_probe_at", 0)),
        groups=frozenset(item.get("groups", ())),
        paused_at=float(item.get("paused_at", 0)),
    )


def redrive_failed_at(hold: Item) -> float:
    """
    Read when a redriven message of a held group last became a dead letter again.

    In seconds since 1970; 0 if none has.
    """
    return float(hold.get("died_again_at", 0))
