"""
The model of scale: what a number of messages a second asks for, and which limit it meets.

A message is a text either way. What one asks for was counted (``load.py``); AWS's limits stand in
``quotas.py``; what is assumed stands in :class:`World`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from tests.support.template import template  # noqa: E402
from tools import quotas  # noqa: E402
from tools.load import (  # noqa: E402
    ASSUMED,
    Waits,
    conversations,
    each,
    folders,
    measured,
    milliseconds,
    texts,
    total,
)

SIZES = (10.0, 1_000.0, 100_000.0)
WORKERS = ("outbound_messaging", "channel_delivery")
INTAKES = ("message_intake", "webhook_intake")

HEADROOM = 1.5
"""A worker that can do so many times what comes drains an outage in twice its length."""

# A container asks for an account's parameters again after so long (`wiring.py`).
PARAMETER_SECONDS = 300

# Lambda deletes a group's message and receives the next one before the group goes on.
HAND_OVER_CALLS = 2


def default_concurrency() -> int:
    """Give the template's own limit of its workers."""
    return int(template()["Parameters"]["WorkerConcurrency"]["Default"])


@dataclass(frozen=True)
class World:
    """What is assumed. Milliseconds are of one call; brands share the messages evenly."""

    aws_ms: float = ASSUMED.aws
    liveperson_ms: float = ASSUMED.liveperson
    channel_ms: float = ASSUMED.channel
    cold_start_ms: float = 1_000
    brands: int = 1
    worker_concurrency: int = default_concurrency()

    @property
    def waits(self) -> Waits:
        """How long others take."""
        return Waits(self.aws_ms, self.liveperson_ms, self.channel_ms)


@dataclass(frozen=True)
class Limit:
    """
    A limit, how much of it one message a second takes, and how that was reckoned.

    ``moved_by`` names what raises it; ``then`` what becomes of the messages beyond it.
    """

    what: str
    limit: float
    per_message: float
    how: str
    moved_by: str
    then: str

    @property
    def name(self) -> str:
        """Say which limit it is, without its size."""
        return self.what.partition(" (")[0]

    @property
    def met_at(self) -> float:
        """At so many messages a second it is met."""
        return self.limit / self.per_message

    def used(self, rate: float) -> float:
        """Give the part of it that is used at ``rate`` messages a second."""
        return rate / self.met_at


# ── Lambda ──


def per_message(folder: str) -> float:
    """Give a function's invocations for one message."""
    return each(folder, "invocations") / texts()


def seconds(folder: str, world: World) -> float:
    """Give how long one invocation takes when its container is warm."""
    return milliseconds(folder, world.waits) / 1000


def running(folder: str, world: World) -> float:
    """Give a function's executions at a time for one message a second: Little's law."""
    return per_message(folder) * seconds(folder, world)


def environments(folder: str, world: World) -> float:
    """Give the containers that one message a second needs: none serves more than ten requests."""
    shortest = 1 / quotas.LAMBDA_REQUESTS.limit
    return per_message(folder) * max(seconds(folder, world), shortest)


def ramp_seconds(folder: str, world: World, rate: float) -> float:
    """Give how long Lambda takes from nothing to ``rate``: a first thousand, then 100 a second."""
    step = quotas.LAMBDA_SCALING.limit
    containers = rate * environments(folder, world)
    requests = rate * per_message(folder) / quotas.LAMBDA_REQUESTS.limit
    return max(0.0, (max(containers, requests) - step) / (step / 10))


def cold_containers(folder: str, world: World, rate: float) -> float:
    """Give how many containers start when ``rate`` meets none: each is busy for a cold start."""
    wanted = rate * per_message(folder) * (seconds(folder, world) + world.cold_start_ms / 1000)
    return min(wanted, world.worker_concurrency) if folder in WORKERS else wanted


# ── Queues ──


def group_rate(folder: str, world: World) -> float:
    """Give how many messages a second one group gets through: they go one after the other."""
    return 1000 / (milliseconds(folder, world.waits) + HAND_OVER_CALLS * world.aws_ms)


def worker_rate(folder: str, world: World) -> float:
    """Give how many of its messages a second a worker gets through, over all groups."""
    shortest = 1 / quotas.LAMBDA_REQUESTS.limit
    return world.worker_concurrency / max(seconds(folder, world), shortest)


def drain_seconds(waiting: float, drained: float, arriving: float) -> float:
    """Give how long ``waiting`` messages take, at rates a second; for ever if more arrive."""
    return waiting / (drained - arriving) if drained > arriving else math.inf


def waiting_per_message(partner: str) -> float:
    """Give how many queued messages one message leaves behind while a partner is away."""
    if partner == "channel":  # echoes have groups of their own and go on
        return int(measured()["calls_of_the_channel"]) / conversations() / texts()
    return per_message("outbound_messaging")


# ── Limits ──

_WAIT = "wait in their queue, in order, for up to 14 days"
_SENT_AGAIN = "are not accepted: LivePerson sends again, the channel posts again"
_BOTH = f"{_SENT_AGAIN}; queued ones wait"
_TRIED_AGAIN = "go back to their queue and are tried again, in order"


def limits(world: World) -> list[Limit]:
    """Give every limit on a steady stream, the first that is met first."""
    found = [
        *_own_limits(world),
        *_lambda_limits(world),
        *_table_limits(world),
        *_other_limits(world),
    ]
    return sorted(found, key=lambda limit: limit.met_at)


def _own_limits(world: World) -> list[Limit]:
    own = world.worker_concurrency
    return [
        Limit(
            f"`WorkerConcurrency` ({own}), `{folder}`",
            own,
            environments(folder, world),
            "containers of a message",
            "parameter `WorkerConcurrency`",
            _WAIT,
        )
        for folder in WORKERS
    ]


def _lambda_limits(world: World) -> list[Limit]:
    executions = quotas.LAMBDA_CONCURRENCY.limit
    busiest = max(environments(folder, world) for folder in WORKERS)
    raised = "quota of Lambda: concurrent executions"
    return [
        Limit(
            f"Lambda: executions of an account ({executions:,.0f})",
            executions,
            sum(running(folder, world) for folder in folders()),
            "invocations of a message × seconds of one, all functions",
            raised,
            _BOTH,
        ),
        Limit(
            f"Lambda: requests of an account (10 × {executions:,.0f} a second)",
            executions * quotas.LAMBDA_REQUESTS.limit,
            sum(per_message(folder) for folder in folders()),
            "invocations of a message, all functions",
            raised,
            _BOTH,
        ),
        Limit(
            f"Lambda: largest `MaximumConcurrency` ({quotas.MAPPING_CONCURRENCY.limit:,.0f})",
            quotas.MAPPING_CONCURRENCY.limit,
            busiest,
            "containers of a message, busiest worker",
            "several stacks, or `ProvisionedPollerConfig` in the template",
            _WAIT,
        ),
    ]


def _table_limits(world: World) -> list[Limit]:
    reads, writes = total("table_reads") / texts(), total("table_writes") / texts()
    slowly = "growing over half an hour, or warm throughput set before"
    raised = "quota of DynamoDB: throughput of a table"
    return [
        _units("read", "a new table", quotas.NEW_TABLE_READS, reads, slowly),
        _units("write", "a new table", quotas.NEW_TABLE_WRITES, writes, slowly),
        _units("read", "a table", quotas.TABLE_READS, reads, raised),
        _units("write", "a table", quotas.TABLE_WRITES, writes, raised),
        _hot_item(world),
    ]


def _units(kind: str, of: str, quota: quotas.Quota, used: float, moved_by: str) -> Limit:
    what = f"DynamoDB: {kind} units of {of} ({quota.limit:,.0f} a second)"
    return Limit(what, quota.limit, used, f"{kind} units of a message", moved_by, _TRIED_AGAIN)


def _hot_item(world: World) -> Limit:
    """Every message of a brand reads one same item: whether its partner is away."""
    return Limit(
        f"DynamoDB: reads of one item ({quotas.PARTITION_READS.limit:,.0f} a second): "
        "whether a brand's partner is away",
        quotas.PARTITION_READS.limit,
        max(per_message(folder) for folder in WORKERS) / world.brands,
        "reads of a message, busier worker ÷ brands",
        "nothing: several brands share it",
        _TRIED_AGAIN,
    )


def _other_limits(world: World) -> list[Limit]:
    return [
        Limit(
            f"API Gateway: requests of an account ({quotas.API_REQUESTS.limit:,.0f} a second)",
            quotas.API_REQUESTS.limit,
            sum(per_message(folder) for folder in INTAKES),
            "requests of a message",
            "quota of API Gateway: throttle rate",
            _SENT_AGAIN,
        ),
        Limit(
            f"Parameter Store: reads of an account ({quotas.PARAMETER_READS.limit:.0f} a second)",
            quotas.PARAMETER_READS.limit,
            world.brands * sum(_reads_again(folder, world) for folder in folders()),
            f"containers × parameters × brands ÷ {PARAMETER_SECONDS} s",
            "higher throughput of Parameter Store, a setting of the AWS account",
            "do not notice: what is known is kept",
        ),
        Limit(
            f"SQS: calls of a kind on a queue ({quotas.QUEUE_CALLS.limit:,.0f} a second)",
            quotas.QUEUE_CALLS.limit,
            max(per_message(folder) for folder in WORKERS),
            "messages of the busier queue",
            "quota of SQS, or several stacks",
            _BOTH,
        ),
    ]


def _reads_again(folder: str, world: World) -> float:
    return environments(folder, world) * parameter_reads(folder) / PARAMETER_SECONDS


# ── What to set ──


def concurrency_for(rate: float, world: World) -> int:
    """Give a good ``WorkerConcurrency``, in tens, at least the template's."""
    busiest = max(environments(folder, world) for folder in WORKERS)
    return max(default_concurrency(), 10 * math.ceil(HEADROOM * rate * busiest / 10))


def stacks_for(rate: float, world: World) -> int:
    """Give how many stacks are needed, since a mapping has a largest concurrency."""
    return math.ceil(concurrency_for(rate, world) / quotas.MAPPING_CONCURRENCY.limit)


def executions_for(rate: float, world: World) -> int:
    """
    Give the quota of Lambda executions to ask for, in hundreds.

    Enough for the stream with something in hand, for ten requests a second each, and for a start of
    everything at once, of which Lambda begins at most a thousand containers of a function.
    """
    at_a_time = sum(running(folder, world) for folder in folders())
    requests = sum(per_message(folder) for folder in folders()) / quotas.LAMBDA_REQUESTS.limit
    step = quotas.LAMBDA_SCALING.limit
    start = sum(min(cold_containers(folder, world, rate), step) for folder in folders())
    return 100 * math.ceil(max(HEADROOM * rate * max(at_a_time, requests), start) / 100)


def warm_containers(rate: float, world: World) -> int:
    """
    Give the ``WebhookProvisionedConcurrency`` that leaves hardly a webhook to a cold start.

    Arrivals scatter around their mean as Poisson says: three deviations leave one in a thousand.
    """
    mean = rate * running("webhook_intake", world)
    spread = math.ceil(mean + 3 * math.sqrt(mean))
    return max(spread, math.ceil(rate * environments("webhook_intake", world)))


def parameter_reads(folder: str) -> int:
    """Give what a new container reads of Parameter Store for its first account."""
    return int(measured()["functions"][folder].get("parameter_reads", 0))


def cold_reads(world: World, rate: float) -> float:
    """Give the parameters that are read when ``rate`` meets no container, for every brand."""
    containers = {folder: cold_containers(folder, world, rate) for folder in folders()}
    return world.brands * sum(parameter_reads(name) * number for name, number in containers.items())
