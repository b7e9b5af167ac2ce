"""
Try the model on the sandbox: ``python tools/scale.py check`` writes ``scale_checked.json``.

The template is deployed, and its functions run as on Lambda, each in containers of its own. Only
the queue's mapping is played here, since the emulator's takes one message at a time. What is
predicted rests on how long one message takes alone; what is measured is what many do together.
``scale_simulated.py`` does the same where no machine is too slow.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "layers" / "connector")]

from liveperson_connector.aws.queues import Queue  # noqa: E402
from liveperson_connector.channel.consumer_events import ConsumerEvent  # noqa: E402
from liveperson_connector.flows.message_intake import to_letter  # noqa: E402
from liveperson_connector.flows.worker import delay  # noqa: E402
from sandbox.channel.client import ConnectorClient  # noqa: E402
from sandbox.endpoints import Endpoints  # noqa: E402
from sandbox.progress import Progress  # noqa: E402
from sandbox.system import Options, System, running  # noqa: E402
from tools import scale_simulated  # noqa: E402
from tools.load import each, machine  # noqa: E402
from tools.measure import event_of, prepare, simulated  # noqa: E402
from tools.scale_model import drain_seconds  # noqa: E402
from tools.scale_row import Row  # noqa: E402

RESULT = Path(__file__).with_name("scale_checked.json")
QUEUE, WORKER = "consumer-events.fifo", "outbound_messaging"

SEND_MS = 100.0
"""How long the simulated LivePerson takes for a SEND."""

CONSUMERS = 60
SLOTS, FEW_SLOTS = 14, 4  # the emulator runs 16 functions at a time
RATES = (5, 20, 50)
RATE_SECONDS = 6.0
LONGEST = 90.0
"""No step waits longer, in seconds."""

_PAUSE = 0.005


@dataclass(frozen=True)
class Run:
    """One execution of a function: of which message, from when to when."""

    message_id: str
    began: float
    ended: float


@dataclass
class Mapping:
    """Plays a queue's mapping: so many messages at a time, and of a group only one."""

    system: System
    slots: int = SLOTS
    runs: list[Run] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)
    _busy: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hand out messages for a while, when it is open."""
        self.is_open.set()
        with ThreadPoolExecutor(SLOTS) as pool:
            hands = threading.Thread(target=self._hand_out, args=(pool,))
            hands.start()
            try:
                yield
            finally:
                self._over.set()
                hands.join()

    def _hand_out(self, pool: ThreadPoolExecutor) -> None:
        """Have one message in hand, as Lambda's pollers do, and give it to the next free slot."""
        sqs, url = self.system.aws.client("sqs"), self.system.endpoints.queues[QUEUE]
        in_hand: list[dict[str, Any]] = []
        while not self._over.is_set():
            if not in_hand and self.is_open.is_set():
                in_hand = _receive(sqs, url)
            if in_hand and self._busy < self.slots:
                self._count(1)
                pool.submit(self._handle, url, in_hand.pop())
            else:
                time.sleep(_PAUSE)

    def _handle(self, url: str, message: dict[str, Any]) -> None:
        _, sqs = self._clients()
        receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        failed = self._invoke(message)
        if failed is None:  # Lambda had no room: offered again
            sqs.change_message_visibility(**receipt, VisibilityTimeout=0)
        elif not failed:
            sqs.delete_message(**receipt)

    def _invoke(self, message: dict[str, Any]) -> list[Any] | None:
        """Run the function; give what of its batch failed."""
        functions, _ = self._clients()
        name, began = self.system.endpoints.functions[WORKER], time.monotonic()
        payload = json.dumps(event_of(QUEUE, message)).encode()
        try:
            answer = functions.invoke(FunctionName=name, Payload=payload)
            said: dict[str, Any] = json.loads(answer["Payload"].read())
        except functions.exceptions.TooManyRequestsException:
            return None
        finally:
            self._count(-1)
        self.runs.append(Run(message["MessageId"], began, time.monotonic()))
        failed: list[Any] = said["batchItemFailures"]
        return failed

    def _count(self, more: int) -> None:
        with self._lock:
            self._busy += more

    def _clients(self) -> tuple[Any, Any]:
        """Give this thread its own connections."""
        if not hasattr(self._local, "clients"):
            aws = self.system.aws
            self._local.clients = (aws.client("lambda"), aws.client("sqs"))
        clients: tuple[Any, Any] = self._local.clients
        return clients

    def wait_for(self, runs: int) -> None:
        """Wait until so many executions have ended."""
        deadline = time.monotonic() + LONGEST
        while len(self.runs) < runs:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {len(self.runs)} of {runs} executions ended")
            time.sleep(0.01)


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=1,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


class Crowd:
    """Consumers who write: straight into the queue, in the order in which they are asked."""

    def __init__(self, system: System) -> None:
        self._account_id = system.account.account_id
        self._queue = Queue(system.aws.client("sqs"), system.endpoints.queues[QUEUE])
        self.written: dict[str, list[str]] = {}
        self.moments: list[float] = []

    def write(self, consumer: int) -> None:
        """Let a consumer write a text."""
        name = f"consumer-{consumer}"
        words = self.written.setdefault(name, [])
        words.append(f"{name} says {len(words)}")
        raw = {"id": uuid.uuid4().hex, "type": "text", "text": words[-1]}
        event = ConsumerEvent(self._account_id, name, raw, accepted_at=time.time())
        self.moments.append(time.monotonic())
        self._queue.send([to_letter(event, name)])

    def write_in_turn(self, rate: float, seconds: float) -> None:
        """Let one after the other write, ``rate`` a second in all."""
        at_rate(rate, seconds, lambda number: self.write(number % CONSUMERS))


def at_rate(rate: float, seconds: float, act: Callable[[int], object]) -> None:
    """Do something ``rate`` times a second, without waiting for what was done before."""
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        act(number)


def at_a_time(runs: list[Run], began: float, ended: float) -> float:
    """Give how many executions there were on average between two moments."""
    inside = (min(run.ended, ended) - max(run.began, began) for run in runs)
    return sum(each for each in inside if each > 0) / (ended - began)


def usually_at_a_time(runs: list[Run], began: float, ended: float) -> float:
    """Give the same for most seconds of it: one in which the machine stood still does not count."""
    whole = range(int(ended - began))
    return statistics.median(at_a_time(runs, began + n, began + n + 1) for n in whole)


@dataclass
class Trial:
    """The sandbox under load; ``call`` is how long a call of its AWS takes, in seconds."""

    system: System
    mapping: Mapping
    crowd: Crowd
    call: float = 0.0

    def rows(self) -> Iterator[Row]:
        """Do everything, one step after the other."""
        yield self.one_message()
        for rate in RATES:
            yield self.stream(rate)
        yield self.one_group()
        yield self.too_much()
        yield self.pause()
        yield self.busy(None)
        yield self.busy(2)
        yield self.order()
        self.mapping.is_open.clear()
        yield from self.intake()

    def one_message(self) -> Row:
        """Take messages one by one, after everything is warm, and what they are made of."""
        self._warm_up()
        turns = [(self._alone(), self._bare(), self._call()) for _ in range(20)]
        alone, bare, self.call = (statistics.median(all_) for all_ in zip(*turns, strict=True))
        calls = each(WORKER, "aws_calls") / each(WORKER, "invocations")
        return Row(
            f"`{WORKER}`: one execution, warm",
            f"{1000 * bare:.0f} + {calls:.1f} × {1000 * self.call:.0f} + {SEND_MS:.0f} ms",
            1000 * (bare + calls * self.call) + SEND_MS,
            alone * 1000,
            "ms",
        )

    def stream(self, rate: float) -> Row:
        """Let messages of many consumers come steadily."""
        alone = [self._usually_alone()]
        began, before = time.monotonic(), len(self.mapping.runs)
        self.crowd.write_in_turn(rate, RATE_SECONDS)
        ended = time.monotonic()
        self.mapping.wait_for(before + round(rate * RATE_SECONDS))
        runs = self.mapping.runs[before:]
        one = statistics.mean([*alone, self._usually_alone()])
        return Row(
            f"`{WORKER}`: executions at a time, {rate:.0f} messages a second",
            f"{rate:.0f} × {one:.3f} s",
            rate * one,
            usually_at_a_time(runs, began + 1, ended),
            "",
        )

    def one_group(self, messages: int = 25) -> Row:
        """Let one consumer write faster than one can be served."""
        alone = [self._usually_alone()]
        before = len(self.mapping.runs)
        for _ in range(messages):
            self.crowd.write(0)
        self.mapping.wait_for(before + messages)
        runs = self.mapping.runs[before:]
        took = max(run.ended for run in runs) - min(run.began for run in runs)
        one = statistics.mean([*alone, self._usually_alone()])
        return Row(
            "one consumer's messages a second",
            f"1 ÷ ({one:.3f} s + 2 × {self.call * 1000:.0f} ms)",
            1 / (one + 2 * self.call),
            messages / took,
            "",
        )

    def too_much(self, rate: float = 40, seconds: float = 4) -> Row:
        """Let more come than the slots can do."""
        self.mapping.slots = FEW_SLOTS
        before, begun = len(self.crowd.moments), len(self.mapping.runs)
        self.crowd.write_in_turn(rate, seconds)
        written = len(self.crowd.moments) - before
        waiting = written - (len(self.mapping.runs) - begun) - FEW_SLOTS
        self.mapping.wait_for(begun + written)
        one = self._mean_since(begun)
        return Row(
            f"waiting after {seconds:.0f} s of {rate:.0f} a second, {FEW_SLOTS} at a time",
            f"({rate:.0f} − {FEW_SLOTS} ÷ {one:.3f} s) × {seconds:.0f} s",
            (rate - FEW_SLOTS / one) * seconds,
            waiting,
            "messages",
        )

    def pause(self, rate: float = 8, seconds: float = 10, more: float = 15) -> Row:
        """Stop the worker for a while, and let it go on while messages keep coming."""
        before, waiting = len(self.mapping.runs), round(rate * seconds)
        self.mapping.is_open.clear()
        self.crowd.write_in_turn(rate, seconds)
        opened = time.monotonic()
        self.mapping.is_open.set()
        self.crowd.write_in_turn(rate, more)
        self.mapping.wait_for(before + waiting + round(rate * more))
        self.mapping.slots = SLOTS
        one = self._mean_since(before)
        return Row(
            f"drained after {seconds:.0f} s of pause at {rate:.0f} a second, {FEW_SLOTS} at a time",
            f"{waiting} ÷ ({FEW_SLOTS} ÷ {one:.3f} s − {rate:.0f})",
            drain_seconds(waiting, FEW_SLOTS / one, rate),
            self._empty_at(before, waiting, rate, opened) - opened,
            "s",
        )

    def busy(self, retry_after: int | None, consumers: int = 20) -> Row:
        """Let LivePerson answer 429 once to everybody."""
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        before = len(self.mapping.runs)
        refusal = {"kind": "status", "status": 429, "headers": headers, "times": consumers}
        self._slow_down(refusal)
        for number in range(consumers):
            self.crowd.write(number)
        self.mapping.wait_for(before + 2 * consumers)
        named = f"`Retry-After: {retry_after}`" if retry_after else "no `Retry-After`"
        return Row(
            f"second try after a 429 with {named}",
            "mean of the wait with its random part",
            _mean_wait(retry_after),
            self._mean_gap(self.mapping.runs[before:]),
            "s",
        )

    def order(self) -> Row:
        """Compare what every consumer wrote with what LivePerson heard."""
        heard: dict[str, list[str]] = {}
        for conversation in simulated(self.system).conversations(self.system.account.account_id):
            words = [str(moment.get("text") or "") for moment in _said(conversation)]
            key = words[0].partition(" says ")[0]
            heard.setdefault(key, []).extend(words)
        kept = sum(heard.get(name) == words for name, words in self.crowd.written.items())
        return Row(
            "consumers whose every word arrived once and in order",
            "all of them",
            len(self.crowd.written),
            kept,
            "",
        )

    def intake(self) -> Iterator[Row]:
        """Let the channel post through the API."""
        self._post(500, seconds=0.1)  # all at once, so that enough containers are warm
        for rate in RATES:
            alone = self._post(2)
            began = time.monotonic()
            runs = self._post(rate)
            one = statistics.median(run.ended - run.began for run in [*alone, *self._post(2)])
            yield Row(
                f"`message_intake`: requests at a time, {rate} a second",
                f"{rate} × {one:.3f} s",
                rate * one,
                usually_at_a_time(runs, began + 1, began + RATE_SECONDS),
                "",
            )

    def _post(self, rate: float, seconds: float = RATE_SECONDS) -> list[Run]:
        """Post for a while, and give how long each request took."""
        runs: list[Run] = []
        with ThreadPoolExecutor(SLOTS) as pool:
            at_rate(rate, seconds, _posting(self.system.endpoints, runs, pool))
        return runs

    def _warm_up(self) -> None:
        simulated(self.system).set_webhook_url(self.system.account.account_id, None)
        self._slow_down()
        for consumer in range(CONSUMERS):
            self.crowd.write(consumer)
        self.mapping.wait_for(CONSUMERS)

    def _slow_down(self, *faults: dict[str, Any]) -> None:
        """Let LivePerson take its time for a SEND, after what it does at first."""
        liveperson = simulated(self.system)
        liveperson.clear_faults()
        for fault in (*faults, {"kind": "slow", "delay_ms": SEND_MS}):
            liveperson.add_fault(service="send", **fault)

    def _usually_alone(self) -> float:
        """Measure it anew: a machine with other work is not always equally fast."""
        return statistics.median(self._alone() for _ in range(10))

    def _alone(self) -> float:
        """Give how long the execution for one message takes, in seconds."""
        before = len(self.mapping.runs)
        self.crowd.write(len(self.crowd.moments) % CONSUMERS)
        self.mapping.wait_for(before + 1)
        run = self.mapping.runs[-1]
        return run.ended - run.began

    def _bare(self) -> float:
        """Give how long a function takes that calls nobody: a webhook that proves nothing."""
        name = self.system.endpoints.functions["webhook_intake"]
        stranger = json.dumps({"httpMethod": "POST", "headers": {}, "body": "{}"}).encode()
        began = time.monotonic()
        self.system.aws.functions.invoke(FunctionName=name, Payload=stranger)
        return time.monotonic() - began

    def _call(self) -> float:
        began = time.monotonic()
        self.system.aws.dynamodb.get_item(
            TableName=self.system.endpoints.table_name, Key={"pk": {"S": "nothing"}}
        )
        return time.monotonic() - began

    def _mean_since(self, before: int) -> float:
        """Give how long an execution took on average of late."""
        return statistics.mean(run.ended - run.began for run in self.mapping.runs[before:])

    def _empty_at(self, before: int, waiting: int, rate: float, opened: float) -> float:
        """Give the moment at which no more waited than came since the last one began."""
        begins = sorted(run.began for run in self.mapping.runs[before:])
        for number, began in enumerate(begins, start=1):
            if waiting + rate * (began - opened) - number <= 1:
                return began
        return begins[-1]

    @staticmethod
    def _mean_gap(runs: list[Run]) -> float:
        """Give how long it took on average from a message's first try to its second."""
        tries: dict[str, list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.began):
            tries.setdefault(run.message_id, []).append(run)
        return statistics.mean(pair[1].began - pair[0].ended for pair in tries.values())


def _posting(
    where: Endpoints, runs: list[Run], pool: ThreadPoolExecutor
) -> Callable[[int], object]:
    def post(number: int) -> None:
        client = ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)
        began = time.monotonic()
        answer = client.send_text(f"poster-{number}", "Hello")
        if answer.status == 202:
            runs.append(Run("", began, time.monotonic()))

    return lambda number: pool.submit(post, number)


def _mean_wait(retry_after: float | None) -> float:
    chances = [number / 100 for number in range(100)]
    return statistics.mean(delay(1, retry_after, chance) for chance in chances)


def _said(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return [moment for moment in conversation["transcript"] if moment.get("text")]


def check() -> int:
    """Try everything, and write down what came of it."""
    console = Console(stderr=True)
    rows: list[Row] = []
    loads = [os.getloadavg()[0]]
    for row in chain(on_the_sandbox(console), scale_simulated.rows()):
        console.print(f"{row.what}: {row.predicted:.4g}, {row.measured:.4g} {row.unit}")
        rows.append(row)
        loads.append(os.getloadavg()[0])
    write(rows, loads)
    return 0


def on_the_sandbox(console: Console) -> Iterator[Row]:
    """Deploy the template, and put it under load."""
    with (
        TemporaryDirectory() as folder,
        running(
            Options(port=0, state_dir=Path(folder), publish=False, least_privilege=False),
            Progress(console),
        ) as system,
    ):
        prepare(system)
        mapping = Mapping(system)
        with mapping.working():
            yield from Trial(system, mapping, Crowd(system)).rows()


def write(rows: list[Row], loads: list[float], to: Path = RESULT) -> None:
    """Keep what was found, with the day, the machine, and how busy it was."""
    document = {
        "checked_on": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load": f"{min(loads):.0f} to {max(loads):.0f}",
        "send_ms": SEND_MS,
        "rows": [asdict(row) for row in rows],
    }
    to.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {to.name}")
