"""
Fault injection of a soak: into LivePerson, the channel, workers during a call, and AWS.

Workers are real processes of the emulator and are killed by SIGKILL. AWS is made unavailable by
stopping the emulator's process for some seconds (SIGSTOP, SIGCONT): queues, table, parameters and
API do not answer meanwhile, while the workers that it had started go on.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.soak import tagged_texts
from sandbox.soak.channel import SoakChannel
from sandbox.soak.plan import Disruption, Plan, PlannedFault
from sandbox.system import System
from simulator import SimulatedLivePerson

DOWN = ("domain", "sentinel", "idp", "conversation", "send")
WAIT_FOR_A_MESSAGE_SECONDS = 15.0
HELD_MS = 3_000
BEFORE_THE_KILL_SECONDS = 1.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class PastDisruption:
    """A disruption that took place."""

    what: str
    began: float
    ended: float
    note: str = ""
    tag: str = ""
    """The tag of the message in transit at that moment, if it is known."""


class FaultInjector:
    """Inject each fault at its planned time, even while another one lasts."""

    def __init__(
        self,
        plan: Plan,
        system: System,
        liveperson: SimulatedLivePerson,
        channel: SoakChannel,
        began: float,
    ) -> None:
        self.past_disruptions: list[PastDisruption] = []
        self._plan = plan
        self._system = system
        self._liveperson = liveperson
        self._channel = channel
        self._began = began
        self._account = system.account.account_id
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._live, args=(disruption,), daemon=True)
            for disruption in plan.disruptions
        ]

    def start(self) -> None:
        """Add the faults of single requests, and start to wait for the disruptions."""
        self._add_faults()
        for thread in self._threads:
            thread.start()

    def stop(self) -> float:
        """End every fault; return the time at which the last one ended."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._liveperson.clear_faults()
        self._channel.end_faults()
        return time.time()

    def _add_faults(self) -> None:
        """Add the planned faults of single requests."""
        for fault in self._plan.planned_faults:
            if fault.where != "channel":  # the channel has its own
                self._liveperson.add_fault(**_rule(fault))
        for random_fault in self._plan.random_faults:
            self._liveperson.add_fault(**asdict(random_fault))

    # ── Disruptions ──

    def _live(self, disruption: Disruption) -> None:
        if not self._stopped.wait(max(0.0, self._began + disruption.at - time.time())):
            self._make(disruption)

    def _make(self, disruption: Disruption) -> None:
        makers: dict[str, Callable[[Disruption], tuple[str, str]]] = {
            "liveperson_down": self._liveperson_down,
            "channel_down": self._channel_down,
            "liveperson_busy": self._liveperson_busy,
            "tokens_revoked": self._revoke_tokens,
            "consumer_tokens_revoked": self._revoke_consumer_tokens,
            "kill_outbound_messaging_before": lambda _: self._kill_outbound("slow"),
            "kill_outbound_messaging_after": lambda _: self._kill_outbound("slow_answer"),
            "kill_channel_delivery": self._kill_delivery,
            "kill_intakes": self._kill_intakes,
            "aws_frozen": self._freeze,
        }
        began = time.time()
        note, tag = makers[disruption.what](disruption)
        self.past_disruptions.append(PastDisruption(disruption.what, began, time.time(), note, tag))

    # ── LivePerson and the channel ──

    def _liveperson_down(self, disruption: Disruption) -> tuple[str, str]:
        for service in DOWN:
            self._liveperson.add_fault(
                service=service, kind="status", status=503, for_seconds=disruption.seconds
            )
        self._stopped.wait(disruption.seconds)
        return "every service answers 503", ""

    def _liveperson_busy(self, disruption: Disruption) -> tuple[str, str]:
        self._liveperson.add_fault(
            service="send",
            kind="status",
            status=429,
            headers={"retry-after": "2"},
            for_seconds=disruption.seconds,
        )
        self._stopped.wait(disruption.seconds)
        return "every SEND is answered 429", ""

    def _channel_down(self, disruption: Disruption) -> tuple[str, str]:
        self._channel.down = True
        self._stopped.wait(disruption.seconds)
        self._channel.down = False
        return "every callback is answered 503", ""

    def _revoke_tokens(self, _disruption: Disruption) -> tuple[str, str]:
        self._liveperson.revoke_tokens(self._account)
        return "the AppJWT is rejected from now on", ""

    def _revoke_consumer_tokens(self, _disruption: Disruption) -> tuple[str, str]:
        self._liveperson.revoke_consumer_jws(self._account)
        return "every ConsumerJWS is rejected from now on", ""

    # ── Workers killed during a call ──

    def _kill_outbound(self, kind: str) -> tuple[str, str]:
        """Delay one SEND before or after LivePerson's work, and kill the worker meanwhile."""
        known = len(self._liveperson.faults_applied())
        self._liveperson.add_fault(
            service="send",
            kind=kind,
            match=f"[{tagged_texts.CONSUMER}",
            times=1,
            delay_ms=HELD_MS,
            for_seconds=WAIT_FOR_A_MESSAGE_SECONDS,
        )
        deadline = time.time() + WAIT_FOR_A_MESSAGE_SECONDS
        while time.time() < deadline and not self._stopped.wait(POLL_SECONDS):
            for each in self._liveperson.faults_applied()[known:]:
                if each["kind"] == kind and each["delay_ms"] == HELD_MS and each["body"]:
                    time.sleep(BEFORE_THE_KILL_SECONDS)
                    return self._kill("outbound_messaging"), [*tagged_texts.tags(each["body"]), ""][
                        0
                    ]
        return "no message was in transit", ""

    def _kill_delivery(self, _disruption: Disruption) -> tuple[str, str]:
        """Delay the answer to one callback that the channel took, and kill the worker meanwhile."""
        self._channel.hold_next()
        if not self._channel.holding.wait(WAIT_FOR_A_MESSAGE_SECONDS):
            return "no message was in transit", ""
        time.sleep(BEFORE_THE_KILL_SECONDS)
        return self._kill("channel_delivery"), self._channel.held_tag

    def _kill_intakes(self, _disruption: Disruption) -> tuple[str, str]:
        return f"{self._kill('webhook_intake')}; {self._kill('message_intake')}", ""

    def _kill(self, function: str) -> str:
        name = self._system.endpoints.functions[function]
        killed = kill_workers(self._system.emulator.pid, name)
        return f"killed {len(killed)} of {function}"

    # ── AWS ──

    def _freeze(self, disruption: Disruption) -> tuple[str, str]:
        pid = self._system.emulator.pid
        if pid is None:
            return "the emulator is gone", ""
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(disruption.seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return "the emulator's process was stopped", ""


def _rule(fault: PlannedFault) -> dict[str, Any]:
    return {
        "service": fault.where,
        "kind": fault.kind,
        "match": f"[{fault.tag}]",
        "times": 1,
        "status": fault.status or 500,
        "delay_ms": fault.delay_ms,
        "headers": {"retry-after": str(fault.retry_after)} if fault.retry_after else {},
    }


def kill_workers(emulator: int | None, function: str) -> list[int]:
    """Kill the processes in which the emulator runs a function; return their ids."""
    found = [
        pid for pid, parent, command in _processes() if parent == emulator and function in command
    ]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _processes() -> list[tuple[int, int, str]]:
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [(int(pid), int(parent), command) for pid, parent, command in lines]
