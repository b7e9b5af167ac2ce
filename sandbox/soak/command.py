"""`python -m sandbox soak`: set up, let people talk while things break, wait, and judge."""

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
from sandbox.soak.fault_injection import TroubleMaker
from sandbox.soak.invariants import Verdict, judge
from sandbox.soak.plan import Plan, Shape, make_plan
from sandbox.soak.record import Record
from sandbox.soak.report import show, show_plan, write
from sandbox.system import Options, System, running
from simulator import SimulatedLivePerson

SETTLE_SECONDS = 420.0
LOOK_SECONDS = 1.0
WARM_SECONDS = 60.0
REDRIVES = 3


@dataclass(frozen=True)
class Wish:
    """What the command line asks for besides the shape."""

    shape: Shape
    settle: float = SETTLE_SECONDS
    hidden_for: int = 0
    """Seconds after which a killed worker's message is offered again; 0: as deployed."""
    plan_only: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options of a soak."""
    usual = Shape()
    parser.add_argument(
        "--seed", type=arguments.whole_number, default=usual.seed, help="same seed, same plan"
    )
    parser.add_argument(
        "--minutes", type=arguments.duration, default=usual.minutes, help="how long people talk"
    )
    parser.add_argument("--consumers", type=arguments.count, default=usual.consumers)
    parser.add_argument(
        "--faults",
        type=arguments.share,
        default=usual.faults,
        help="part of messages spoilt; 0: none",
    )
    parser.add_argument(
        "--settle",
        type=arguments.duration,
        default=SETTLE_SECONDS,
        help="longest wait at the end, in seconds",
    )
    parser.add_argument(
        "--hidden-for",
        type=arguments.count_or_none,
        default=0,
        metavar="SECONDS",
        help="offer a killed worker's message again so soon (default: as deployed, 180)",
    )
    parser.add_argument("--plan", action="store_true", help="print the plan and do nothing")


def command(chosen: argparse.Namespace) -> Callable[[Options, Console], int]:
    """Turn the command line into what is to be run."""
    shape = Shape(chosen.seed, chosen.minutes, chosen.consumers, chosen.faults)
    wish = Wish(shape, chosen.settle, chosen.hidden_for, chosen.plan)
    return partial(soak, wish)


def soak(wish: Wish, options: Options, console: Console) -> int:
    """Run a soak; 0 only if every promise was held."""
    plan = make_plan(wish.shape)
    if wish.plan_only:
        show_plan(plan, console)
        return 0
    console.print("Setting up: a whole connector on this machine")
    record, verdict = run(plan, wish, options, console)
    file = options.state_dir / f"soak-{wish.shape.seed}.json"
    write(record, verdict, file)
    console.print()
    show(verdict, console)
    console.print(f"Everything is in {file}, the functions' logs beside it", soft_wrap=True)
    return 0 if verdict.held else 1


def run(plan: Plan, wish: Wish, options: Options, console: Console) -> tuple[Record, Verdict]:
    """Run a plan on a sandbox of its own."""
    channel = SoakChannel(
        options.account.signing_secret, [hit for hit in plan.hits if hit.where == "channel"]
    )
    channel.start()
    account = replace(options.account, callback_url=channel.callback_url)
    progress = Progress(console)
    try:
        with running(replace(options, account=account, publish=False), progress) as system:
            if system.liveperson is None:
                raise TypeError("a soak needs the simulated LivePerson")
            stage = _Stage(plan, wish, system, system.liveperson, channel, progress)
            record = stage.play()
            keep_logs(system, options.state_dir / f"soak-{plan.shape.seed}.log")
    finally:
        channel.stop()
    return record, judge(record)


@dataclass(frozen=True)
class _People:
    """Who acts in a soak."""

    began: float
    consumers: Consumers
    brand: Brand
    trouble: TroubleMaker


@dataclass
class _Stage:
    """One soak while it is under way."""

    plan: Plan
    wish: Wish
    system: System
    liveperson: SimulatedLivePerson
    channel: SoakChannel
    progress: Progress

    def play(self) -> Record:
        self._hide_for()
        self._warm_up()
        people = self._people(time.time())
        self._talk(people)
        calm_at = people.trouble.stop()
        with self.progress.step("All faults are over; wait until everything has settled") as step:
            settled_at = self._settle(people.consumers)
            people.brand.stop()
            step.note = "" if settled_at else "not settled in time"
        with self.progress.step("Collect the evidence"):
            return self._record(people, calm_at, settled_at)

    def _people(self, began: float) -> _People:
        acts = self.plan.acts
        return _People(
            began,
            Consumers(self.system, acts, began),
            Brand(self.system, acts, began),
            TroubleMaker(self.plan, self.system, self.liveperson, self.channel, began),
        )

    def _talk(self, people: _People) -> None:
        what = f"{self.plan.shape.consumers} consumers talk while things break"
        with self.progress.step(what) as step:
            for each in (people.trouble, people.consumers, people.brand):
                each.start()
            time.sleep(max(0.0, people.began + self.plan.shape.seconds - time.time()))
            events, answers = len(people.consumers.posted), len(people.brand.said)
            step.note = f"{events} events, {answers} answers"

    def _hide_for(self) -> None:
        if self.wish.hidden_for:
            for name in evidence.MAIN_QUEUES:
                self.system.aws.sqs.set_queue_attributes(
                    QueueUrl=self.system.endpoints.queues[name],
                    Attributes={"VisibilityTimeout": str(self.wish.hidden_for)},
                )

    def _warm_up(self) -> None:
        """Let each function start its process, which takes long where the machine is busy."""
        where = self.system.endpoints
        with self.progress.step("Warm the functions"):
            client = ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)
            client.send_event("nobody", "typing", "warm", state="composing")
            self.liveperson.foreign_conversation(self.system.account.account_id, ["warm"])
            deadline = time.time() + WARM_SECONDS
            while time.time() < deadline and not self._is_idle():
                time.sleep(LOOK_SECONDS)

    def _is_idle(self) -> bool:
        return self.liveperson.wait_idle(0) and not evidence.waiting(self.system)

    def _settle(self, consumers: Consumers) -> float | None:
        deadline = time.time() + self.wish.settle
        redrives = 0
        while time.time() < deadline:
            time.sleep(LOOK_SECONDS)
            if not (consumers.are_done() and self._is_idle()):
                continue
            if redrives == REDRIVES or not self._redrive():
                return time.time()
            redrives += 1
        return None

    def _redrive(self) -> bool:
        """Let the transient dead letters come back as on schedule; say whether any did."""
        name = self.system.endpoints.functions["dead_letter_redrive"]
        before = len(evidence.dead(self.system))
        self.system.aws.functions.invoke(FunctionName=name, Payload=b"{}")
        return len(evidence.dead(self.system)) < before

    def _record(self, people: _People, calm_at: float, settled_at: float | None) -> Record:
        account = self.system.account.account_id
        lines = list(evidence.log_lines(self.system))
        state = self.liveperson.webhook_state(account)
        return Record(
            plan=self.plan,
            posted=people.consumers.posted,
            said=people.brand.said,
            heard=evidence.heard(self.liveperson, account),
            arrivals=evidence.arrivals(self.liveperson, account),
            calls=self.channel.calls(),
            dead=evidence.dead(self.system),
            struck=evidence.struck(self.liveperson),
            happened=people.trouble.happened,
            began=people.began,
            calm_at=calm_at,
            settled_at=settled_at,
            waiting=evidence.waiting(self.system),
            violations=self.liveperson.violations(),
            sentinel_calls=self.liveperson.counts()["sentinel"],
            would_be_disabled=state["would_be_disabled"],
            webhooks=state["attempts"],
            notes=people.brand.notes,
            unsaid=people.brand.unsaid,
            outcomes=evidence.outcomes(lines),
            bugs=evidence.bugs(lines),
            missing_files=evidence.missing_files(lines),
        )
