"""`python -m sandbox soak`: run a plan, wait until all is settled, check the invariants."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console

from sandbox import arguments
from sandbox.channel import ConnectorClient
from sandbox.log_capture import keep_logs
from sandbox.progress import Progress
from sandbox.soak import record as evidence
from sandbox.soak.actors import Brand, Consumers
from sandbox.soak.channel import SoakChannel
from sandbox.soak.fault_injection import FaultInjector
from sandbox.soak.invariants import Verdict, check_invariants
from sandbox.soak.plan import Plan, Shape, make_plan
from sandbox.soak.record import Record
from sandbox.soak.report import show, show_plan, write
from sandbox.system import Options, System, running
from simulator import SimulatedLivePerson

SETTLE_SECONDS = 420.0
POLL_SECONDS = 1.0
WARM_SECONDS = 60.0
REDRIVES = 3


@dataclass(frozen=True)
class SoakOptions:
    """The options of one soak: its shape, and how it is run."""

    shape: Shape
    settle: float = SETTLE_SECONDS
    hidden_for: int = 0
    """Seconds after which a killed worker's message is offered again; 0: as deployed."""
    plan_only: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a soak."""
    usual = Shape()
    parser.add_argument(
        "--seed",
        type=arguments.whole_number,
        default=usual.seed,
        help="the same seed gives the same plan",
    )
    parser.add_argument(
        "--minutes",
        type=arguments.duration,
        default=usual.minutes,
        help="how long conversations go on",
    )
    parser.add_argument("--consumers", type=arguments.count, default=usual.consumers)
    parser.add_argument(
        "--faults",
        type=arguments.share,
        default=usual.faults,
        help="share of messages that a fault spoils; 0: none",
    )
    parser.add_argument(
        "--settle",
        type=arguments.duration,
        default=SETTLE_SECONDS,
        help="longest wait for the end, in seconds",
    )
    parser.add_argument(
        "--hidden-for",
        type=arguments.count_or_none,
        default=0,
        metavar="SECONDS",
        help="seconds until a killed worker's message is offered again (default: as deployed, 180)",
    )
    parser.add_argument("--plan", action="store_true", help="print the plan and run nothing")


def command(chosen: argparse.Namespace) -> Callable[[Options, Console], int]:
    """Return the soak that the command line asks for."""
    shape = Shape(chosen.seed, chosen.minutes, chosen.consumers, chosen.faults)
    soak_options = SoakOptions(shape, chosen.settle, chosen.hidden_for, chosen.plan)
    return partial(soak, soak_options)


def soak(soak_options: SoakOptions, options: Options, console: Console) -> int:
    """Run a soak; return 0 only if every promise was kept."""
    plan = make_plan(soak_options.shape)
    if soak_options.plan_only:
        show_plan(plan, console)
        return 0
    console.print("Setting up: a whole connector on this machine")
    record, verdict = run(plan, soak_options, options, console)
    file = options.state_dir / f"soak-{soak_options.shape.seed}.json"
    write(record, verdict, file)
    console.print()
    show(verdict, console)
    console.print(f"The record is in {file}, the functions' logs beside it", soft_wrap=True)
    return 0 if verdict.held else 1


def run(
    plan: Plan, soak_options: SoakOptions, options: Options, console: Console
) -> tuple[Record, Verdict]:
    """Run a plan on a sandbox of its own."""
    channel = SoakChannel(
        options.account.signing_secret,
        [fault for fault in plan.planned_faults if fault.where == "channel"],
    )
    channel.start()
    account = replace(options.account, callback_url=channel.callback_url)
    progress = Progress(console)
    try:
        with running(replace(options, account=account, publish=False), progress) as system:
            if system.liveperson is None:
                raise TypeError("a soak needs the simulated LivePerson")
            record = _Run(plan, soak_options, system, system.liveperson, channel, progress).play()
            keep_logs(system, options.state_dir / f"soak-{plan.shape.seed}.log")
    finally:
        channel.stop()
    return record, check_invariants(record)


@dataclass(frozen=True)
class _Actors:
    """Those who act in a soak."""

    began: float
    consumers: Consumers
    brand: Brand
    injector: FaultInjector


@dataclass
class _Run:
    """One soak on a running sandbox."""

    plan: Plan
    soak_options: SoakOptions
    system: System
    liveperson: SimulatedLivePerson
    channel: SoakChannel
    progress: Progress

    def play(self) -> Record:
        self._hide_for()
        self._warm_up()
        actors = self._actors(time.time())
        self._talk(actors)
        calm_at = actors.injector.stop()
        with self.progress.step("All faults have ended; wait until everything has settled") as step:
            settled_at = self._settle(actors.consumers)
            actors.brand.stop()
            step.note = "" if settled_at else "not settled in time"
        with self.progress.step("Collect the evidence"):
            return self._record(actors, calm_at, settled_at)

    def _actors(self, began: float) -> _Actors:
        actions = self.plan.actions
        return _Actors(
            began,
            Consumers(self.system, actions, began),
            Brand(self.system, actions, began),
            FaultInjector(self.plan, self.system, self.liveperson, self.channel, began),
        )

    def _talk(self, actors: _Actors) -> None:
        what = f"{self.plan.shape.consumers} consumers talk while faults are injected"
        with self.progress.step(what) as step:
            for each in (actors.injector, actors.consumers, actors.brand):
                each.start()
            time.sleep(max(0.0, actors.began + self.plan.shape.seconds - time.time()))
            events, answers = len(actors.consumers.posted), len(actors.brand.said)
            step.note = f"{events} events, {answers} answers"

    def _hide_for(self) -> None:
        if self.soak_options.hidden_for:
            for name in evidence.MAIN_QUEUES:
                self.system.aws.sqs.set_queue_attributes(
                    QueueUrl=self.system.endpoints.queues[name],
                    Attributes={"VisibilityTimeout": str(self.soak_options.hidden_for)},
                )

    def _warm_up(self) -> None:
        """Let each function start its process, which takes long on a busy machine."""
        where = self.system.endpoints
        with self.progress.step("Warm the functions"):
            client = ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)
            client.send_event("warm-up", "typing", "warm", state="composing")
            self.liveperson.foreign_conversation(self.system.account.account_id, ["warm"])
            deadline = time.time() + WARM_SECONDS
            while time.time() < deadline and not self._is_idle():
                time.sleep(POLL_SECONDS)

    def _is_idle(self) -> bool:
        return self.liveperson.wait_idle(0) and not evidence.waiting(self.system)

    def _settle(self, consumers: Consumers) -> float | None:
        deadline = time.time() + self.soak_options.settle
        redrives = 0
        while time.time() < deadline:
            time.sleep(POLL_SECONDS)
            if not (consumers.are_done() and self._is_idle()):
                continue
            if redrives == REDRIVES or not self._redrive():
                return time.time()
            redrives += 1
        return None

    def _redrive(self) -> bool:
        """Redrive transient dead letters as scheduled; return True if any left the queue."""
        name = self.system.endpoints.functions["dead_letter_redrive"]
        before = len(evidence.dead(self.system))
        self.system.aws.functions.invoke(FunctionName=name, Payload=b"{}")
        return len(evidence.dead(self.system)) < before

    def _record(self, actors: _Actors, calm_at: float, settled_at: float | None) -> Record:
        account = self.system.account.account_id
        lines = list(evidence.log_lines(self.system))
        state = self.liveperson.webhook_state(account)
        return Record(
            plan=self.plan,
            posted=actors.consumers.posted,
            said=actors.brand.said,
            heard=evidence.heard(self.liveperson, account),
            arrivals=evidence.arrivals(self.liveperson, account),
            calls=self.channel.calls(),
            dead=evidence.dead(self.system),
            applied_faults=evidence.applied_faults(self.liveperson),
            past_disruptions=actors.injector.past_disruptions,
            began=actors.began,
            calm_at=calm_at,
            settled_at=settled_at,
            waiting=evidence.waiting(self.system),
            violations=self.liveperson.violations(),
            sentinel_calls=self.liveperson.counts()["sentinel"],
            would_be_disabled=state["would_be_disabled"],
            webhooks=state["attempts"],
            notes=actors.brand.notes,
            unsaid=actors.brand.unsaid,
            outcomes=evidence.outcomes(lines),
            bugs=evidence.bugs(lines),
            missing_files=evidence.missing_files(lines),
        )
