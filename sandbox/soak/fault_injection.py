"""
What breaks in a soak, and how: LivePerson, the channel, workers in mid-call, and AWS itself.

Workers are real processes of the emulator and are ended by SIGKILL. AWS is made unavailable by
stopping the emulator's own process for some seconds (SIGSTOP, SIGCONT): queues, table, parameters
and API are silent meanwhile, while the workers it had started run on.
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

from sandbox.soak import tagged_texts as words
from sandbox.soak.channel import SoakChannel
from sandbox.soak.plan import Hit, Plan, Trouble
from sandbox.system import System
from simulator import SimulatedLivePerson

DOWN = ("domain", "sentinel", "idp", "conversation", "send")
WAIT_FOR_A_VICTIM_SECONDS = 15.0
HELD_MS = 3_000
BEFORE_THE_KILL_SECONDS = 1.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Happened:
    """A big trouble as it came about."""

    what: str
    began: float
    ended: float
    note: str = ""
    tag: str = ""
    """What was on its way at that moment, where it is known."""


class TroubleMaker:
    """Breaks things as planned, each at its time, even while another is still under way."""

    def __init__(
        self,
        plan: Plan,
        system: System,
        liveperson: SimulatedLivePerson,
        channel: SoakChannel,
        began: float,
    ) -> None:
        self.happened: list[Happened] = []
        self._plan = plan
        self._system = system
        self._liveperson = liveperson
        self._channel = channel
        self._began = began
        self._account = system.account.account_id
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._live, args=(trouble,), daemon=True)
            for trouble in plan.troubles
        ]

    def start(self) -> None:
        """Put the planned faults in force, and wait for the moments of the big ones."""
        self._spoil_words()
        for thread in self._threads:
            thread.start()

    def stop(self) -> float:
        """Let everything be well again; give back when it was."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._liveperson.clear_faults()
        self._channel.be_calm()
        return time.time()

    def _spoil_words(self) -> None:
        """Put the planned faults of single requests in force."""
        for hit in self._plan.hits:
            if hit.where != "channel":  # it has its own
                self._liveperson.add_fault(**_rule(hit))
        for noise in self._plan.noise:
            self._liveperson.add_fault(**asdict(noise))

    # ── Big ones ──

    def _live(self, trouble: Trouble) -> None:
        if not self._stopped.wait(max(0.0, self._began + trouble.at - time.time())):
            self._make(trouble)

    def _make(self, trouble: Trouble) -> None:
        makers: dict[str, Callable[[Trouble], tuple[str, str]]] = {
            "liveperson_down": self._liveperson_down,
            "channel_down": self._channel_down,
            "liveperson_busy": self._liveperson_busy,
            "tokens_revoked": self._revoke_tokens,
            "consumer_tokens_revoked": self._revoke_consumer_tokens,
            "kill_outbound_messaging_before": lambda _: self._kill_sender("slow"),
            "kill_outbound_messaging_after": lambda _: self._kill_sender("slow_answer"),
            "kill_channel_delivery": self._kill_deliverer,
            "kill_intakes": self._kill_intakes,
            "aws_frozen": self._freeze,
        }
        began = time.time()
        note, tag = makers[trouble.what](trouble)
        self.happened.append(Happened(trouble.what, began, time.time(), note, tag))

    # ── LivePerson and the channel ──

    def _liveperson_down(self, trouble: Trouble) -> tuple[str, str]:
        for service in DOWN:
            self._liveperson.add_fault(
                service=service, kind="status", status=503, for_seconds=trouble.seconds
            )
        self._stopped.wait(trouble.seconds)
        return "every service answers 503", ""

    def _liveperson_busy(self, trouble: Trouble) -> tuple[str, str]:
        self._liveperson.add_fault(
            service="send",
            kind="status",
            status=429,
            headers={"retry-after": "2"},
            for_seconds=trouble.seconds,
        )
        self._stopped.wait(trouble.seconds)
        return "every SEND is answered 429", ""

    def _channel_down(self, trouble: Trouble) -> tuple[str, str]:
        self._channel.down = True
        self._stopped.wait(trouble.seconds)
        self._channel.down = False
        return "every callback is answered 503", ""

    def _revoke_tokens(self, _trouble: Trouble) -> tuple[str, str]:
        self._liveperson.revoke_tokens(self._account)
        return "the AppJWT is rejected from now on", ""

    def _revoke_consumer_tokens(self, _trouble: Trouble) -> tuple[str, str]:
        self._liveperson.revoke_consumer_jws(self._account)
        return "every ConsumerJWS is rejected from now on", ""

    # ── Workers killed in mid-call ──

    def _kill_sender(self, kind: str) -> tuple[str, str]:
        """Let LivePerson be slow with one message, before or after its work, and kill meanwhile."""
        known = len(self._liveperson.faults_applied())
        self._liveperson.add_fault(
            service="send",
            kind=kind,
            match=f"[{words.CONSUMER}",
            times=1,
            delay_ms=HELD_MS,
            for_seconds=WAIT_FOR_A_VICTIM_SECONDS,
        )
        deadline = time.time() + WAIT_FOR_A_VICTIM_SECONDS
        while time.time() < deadline and not self._stopped.wait(LOOK_SECONDS):
            for each in self._liveperson.faults_applied()[known:]:
                if each["kind"] == kind and each["delay_ms"] == HELD_MS and each["body"]:
                    time.sleep(BEFORE_THE_KILL_SECONDS)
                    return self._kill("outbound_messaging"), [*words.tags(each["body"]), ""][0]
        return "nothing was on its way", ""

    def _kill_deliverer(self, _trouble: Trouble) -> tuple[str, str]:
        """Let the channel take a message and be slow to say so, and kill meanwhile."""
        self._channel.hold_next()
        if not self._channel.holding.wait(WAIT_FOR_A_VICTIM_SECONDS):
            return "nothing was on its way", ""
        time.sleep(BEFORE_THE_KILL_SECONDS)
        return self._kill("channel_delivery"), self._channel.held_tag

    def _kill_intakes(self, _trouble: Trouble) -> tuple[str, str]:
        return f"{self._kill('webhook_intake')}; {self._kill('message_intake')}", ""

    def _kill(self, function: str) -> str:
        name = self._system.endpoints.functions[function]
        killed = kill_workers(self._system.emulator.pid, name)
        return f"killed {len(killed)} of {function}"

    # ── AWS ──

    def _freeze(self, trouble: Trouble) -> tuple[str, str]:
        pid = self._system.emulator.pid
        if pid is None:
            return "the emulator is gone", ""
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(trouble.seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return "the emulator's process was stopped", ""


def _rule(hit: Hit) -> dict[str, Any]:
    return {
        "service": hit.where,
        "kind": hit.kind,
        "match": f"[{hit.tag}]",
        "times": 1,
        "status": hit.status or 500,
        "delay_ms": hit.delay_ms,
        "headers": {"retry-after": str(hit.retry_after)} if hit.retry_after else {},
    }


def kill_workers(emulator: int | None, function: str) -> list[int]:
    """Kill the processes in which the emulator runs a function; give back which."""
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
