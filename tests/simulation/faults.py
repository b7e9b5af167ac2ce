"""Which fault of a schedule strikes whom, and when. Chance is the seed's, not the machine's."""

from __future__ import annotations

from collections import Counter

from .scheduler import START, Scheduler
from .schedules import LIVEPERSON_TARGETS, Fault, Schedule, dice

_KILL_WITHIN_CALLS = 14

# What the connector's own side of the notifications' queue stands on, and how long a message is
# invisible there whose worker was cut off.
_OURS = {"dynamodb", "sqs", "channel_delivery"}
_COME_BACK = 200.0


class Faults:
    """The faults of a schedule; ``struck`` counts them by kind."""

    def __init__(self, schedule: Schedule, kernel: Scheduler, accounts: list[str]) -> None:
        self.struck: Counter[str] = Counter()
        self._seed = schedule.seed
        self._kernel = kernel
        self._accounts = accounts
        self._faults = [
            (each, dice(f"{schedule.seed} {each}"))  # a fault's own, whatever else is removed
            for each in schedule.faults
        ]

    def strikes(self, *targets: str, account_id: str = "", kinds: str = "") -> Fault | None:
        """Return the fault that one call to a target meets, if any."""
        now = self._kernel.now - START
        for fault, chance in self._faults:
            if (
                fault.target in targets
                and fault.start <= now < fault.start + fault.seconds
                and (not kinds or fault.kind == kinds)
                and self._is_meant(fault, account_id)
                and chance.random() < fault.rate
            ):
                self.struck[fault.kind] += 1
                return fault
        return None

    def kill_at_call(self, function: str) -> int:
        """Return at which of its calls an invocation is cut off; 0 for never."""
        fault = self.strikes(function, kinds="kill")
        if fault is None:
            return 0
        return dice(f"{fault} {self._kernel.now}").randint(1, _KILL_WITHIN_CALLS)

    def throttled_for(self, visibility: float) -> float | None:
        """Return after how long Lambda finds room for a throttled message; None for never."""
        chance = dice(f"{self._seed} throttled {self._kernel.now}")
        return chance.uniform(0.0, visibility) if chance.random() < 0.5 else None

    def disturbed_queue(self, begin: float, end: float) -> bool:
        """Whether AWS or the worker itself kept notifications waiting between two times."""
        return any(
            fault.start <= end - START and begin - START <= fault.start + fault.seconds + _COME_BACK
            for fault, _ in self._faults
            if fault.target in _OURS
        )

    def _is_meant(self, fault: Fault, account_id: str) -> bool:
        return (
            fault.account is None or not account_id or (account_id == self._accounts[fault.account])
        )


def destinations(service: str) -> tuple[str, ...]:
    """
    Return the names by which a fault can mean a service: its own, or its owner's.

    What is not LivePerson's is a channel, which is known by its name.
    """
    return (service, "liveperson" if service in LIVEPERSON_TARGETS else "channel")
