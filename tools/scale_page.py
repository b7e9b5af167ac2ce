"""Write the page of scale: ``scale_template.md`` has its words, here are its tables and figures."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from tools import quotas  # noqa: E402
from tools.cost import warm  # noqa: E402
from tools.load import (  # noqa: E402
    conversations,
    folders,
    measured,
    milliseconds,
    processor_milliseconds,
    texts,
    total,
)
from tools.scale_model import (  # noqa: E402
    HAND_OVER_CALLS,
    HEADROOM,
    SIZES,
    WORKERS,
    Limit,
    World,
    cold_containers,
    cold_reads,
    concurrency_for,
    drain_seconds,
    environments,
    executions_for,
    group_rate,
    limits,
    parameter_reads,
    per_message,
    ramp_seconds,
    running,
    seconds,
    stacks_for,
    waiting_per_message,
    warm_containers,
    worker_rate,
)

TEMPLATE = Path(__file__).with_name("scale_template.md")
CHECKED = Path(__file__).with_name("scale_checked.json")

OUTAGE_SECONDS = 600
BURST = 1_000
_SMALL_QUEUE = 2_400  # calls a second, where SQS has the least
RULE_SECONDS = 2.5


def render(world: World) -> str:
    """Write the page for a world."""
    tables = {
        "answer": answer(world),
        "limits": limits_table(world),
        "moves": moves_table(world),
        "functions": functions_table(world),
        "groups": groups_table(world),
        "drains": drains_table(world),
        "window": window_table(),
        "partitions": partitions_table(),
        "cold": cold_table(world),
        "warm": warm_table(world),
        "logs": logs_table(),
        "sensitivity": sensitivity_table(world),
        "sources": sources_table(),
        **checked(),
    }
    return TEMPLATE.read_text().format(**tables, **figures(world))


def figures(world: World) -> dict[str, Any]:
    """Give the single numbers in the page's words."""
    return {
        **vars(world),
        "measured_on": measured()["measured_on"],
        "texts": texts(),
        "ramp": ramp_seconds("webhook_intake", world, SIZES[-1]),
        "hand_over": HAND_OVER_CALLS * world.aws_ms,
        "left_liveperson": waiting_per_message("LivePerson"),
        "left_channel": waiting_per_message("channel"),
        "partition": quotas.PARTITION_CALLS.limit,
        "reads": total("table_reads") / texts(),
        "writes": total("table_writes") / texts(),
        "hot": quotas.PARTITION_READS.limit / max(per_message(folder) for folder in WORKERS),
        "answer_ms": milliseconds("webhook_intake", world.waits),
        "ordinary": RULE_SECONDS - seconds("webhook_intake", world),
        "calls": int(measured()["calls_of_liveperson"]) / conversations() / texts(),
        "send_s": seconds("outbound_messaging", world),
        "small": _SMALL_QUEUE / max(per_message(folder) for folder in WORKERS),
        "counted_by": measured().get("machine", "the machine that counted"),
        "log_kb": total("log_bytes") / texts() / 1000,
    }


# ── The answer ──


def answer(world: World) -> str:
    """Give for each size what is met first, and what to set."""
    head = ["messages a second", *(f"{size:,.0f}" for size in SIZES)]
    return table(
        head,
        [
            ["first limit", *(_first(world, size) for size in SIZES)],
            ["limits met", *(_met(world, size) for size in SIZES)],
            ["Lambda executions at a time", *(number(_running(world, size)) for size in SIZES)],
            ["set", *(_settings(world, size) for size in SIZES)],
            ["ask AWS for", *(_to_ask(world, size) for size in SIZES)],
        ],
        numbers=False,
    )


def _running(world: World, size: float) -> float:
    return size * sum(running(folder, world) for folder in folders())


def _first(world: World, size: float) -> str:
    first = limits(world)[0]
    if first.used(size) < 1:
        return f"none: {percent(first.used(size))} of {first.what}"
    return f"{first.what}, at {first.met_at:,.0f}"


def _met(world: World, size: float) -> str:
    found = limits(world)
    return f"{sum(limit.used(size) >= 1 for limit in found)} of {len(found)}"


def _settings(world: World, size: float) -> str:
    concurrency, stacks = concurrency_for(size, world), stacks_for(size, world)
    if stacks > 1:
        each = 10 * math.ceil(concurrency / stacks / 10)
        most = figures(world)["hot"]
        return (
            f"{stacks} stacks, each `WorkerConcurrency={each}`; no brand above {most:,.0f} a second"
        )
    if concurrency > world.worker_concurrency:
        return f"`WorkerConcurrency={concurrency}`; higher throughput of Parameter Store"
    return "nothing"


def _to_ask(world: World, size: float) -> str:
    """Name the quotas of which too little is left for a peak, or for a start."""
    stacks = stacks_for(size, world)
    advised = replace(world, worker_concurrency=concurrency_for(size, world))
    found = {limit.name: limit for limit in limits(world)}
    needed = {name: HEADROOM * size * limit.per_message for name, limit in found.items()}
    asked = [
        ("Lambda executions", executions_for(size, advised), quotas.LAMBDA_CONCURRENCY),
        (
            "API Gateway requests",
            needed["API Gateway: requests of an account"],
            quotas.API_REQUESTS,
        ),
        (
            "read units a table",
            needed["DynamoDB: read units of a table"] / stacks,
            quotas.TABLE_READS,
        ),
        (
            "write units a table",
            needed["DynamoDB: write units of a table"] / stacks,
            quotas.TABLE_WRITES,
        ),
    ]
    more = [f"{need:,.0f} {what}" for what, need, quota in asked if need > quota.limit]
    return ", ".join(more) or "nothing"


# ── Limits ──


def limits_table(world: World) -> str:
    """Give where each limit is met, and how much of it each size takes."""
    head = ["limit", "a message takes", "", "met at", *(f"at {size:,.0f}" for size in SIZES)]
    return table(head, [_limit_row(limit) for limit in limits(world)], text=(0, 2))


def _limit_row(limit: Limit) -> list[str]:
    used = [limit.used(size) for size in SIZES]
    shown = [f"**{percent(part)}**" if part >= 1 else percent(part) for part in used]
    return [limit.what, f"{limit.per_message:.4g}", limit.how, f"{limit.met_at:,.0f}", *shown]


def moves_table(world: World) -> str:
    """Give what moves each limit; those that are moved alike stand together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for limit in limits(world):
        names = alike.setdefault((limit.moved_by, limit.then), [])
        if limit.name not in names:
            names.append(limit.name)
    rows = [[", ".join(names), *how] for how, names in alike.items()]
    return table(["limit", "moved by", "messages beyond it"], rows, numbers=False)


def functions_table(world: World) -> str:
    """Give each function's executions and containers."""
    head = ["function", "processor", "one takes", "a message asks for"]
    head += [f"at a time, at {SIZES[1]:,.0f}"]
    head += [f"containers, at {size:,.0f}" for size in SIZES]
    return table(head, [_function_row(folder, world) for folder in folders()])


def _function_row(folder: str, world: World) -> list[str]:
    return [
        f"`{folder}`",
        f"{processor_milliseconds(folder):.1f} ms",
        f"{milliseconds(folder, world.waits):.0f} ms",
        f"{per_message(folder):.2f}",
        number(SIZES[1] * running(folder, world)),
        *(number(size * environments(folder, world)) for size in SIZES),
    ]


# ── Queues ──


def groups_table(world: World) -> str:
    """Give how fast one group is."""
    hand_over = HAND_OVER_CALLS * world.aws_ms
    rows = [
        [
            f"`{folder}`, one {one}",
            f"1 ÷ ({milliseconds(folder, world.waits):.0f} ms + {hand_over:g} ms)",
            f"{group_rate(folder, world):.1f}",
        ]
        for folder, one in zip(WORKERS, ("consumer", "conversation"), strict=True)
    ]
    return table(["group", "", "messages a second"], rows, text=(0, 1))


def drains_table(world: World) -> str:
    """Give how long an outage's messages take, as set and as advised."""
    head = ["messages a second", "`WorkerConcurrency`", "partner", "waiting", "drained − arriving"]
    rows = [
        _drain_row(replace(world, worker_concurrency=concurrency), size, folder)
        for size in SIZES[:2]
        for concurrency in dict.fromkeys((world.worker_concurrency, concurrency_for(size, world)))
        for folder in WORKERS
    ]
    return table([*head, "empty after"], rows, text=(2,))


def _drain_row(world: World, size: float, folder: str) -> list[str]:
    partner = "channel" if folder == "channel_delivery" else "LivePerson"
    waiting = size * waiting_per_message(partner) * OUTAGE_SECONDS
    drained, arriving = worker_rate(folder, world), size * per_message(folder)
    after = drain_seconds(waiting, drained, arriving)
    return [
        f"{size:,.0f}",
        f"{world.worker_concurrency}",
        partner,
        f"{waiting:,.0f}",
        f"{drained:,.0f} − {number(arriving)}",
        "never" if math.isinf(after) else time(after),
    ]


def window_table() -> str:
    """Give how long an outage may last before other brands notice."""
    rows = [
        [
            f"{size:,.0f}",
            *(
                time(quotas.QUEUE_IN_FLIGHT.limit / (size * waiting_per_message(partner)))
                for partner in ("LivePerson", "channel")
            ),
        ]
        for size in SIZES
    ]
    head = ["messages a second of the brand", "LivePerson is away for", "the channel is away for"]
    return table(head, rows)


# ── Table, logs ──


def partitions_table() -> str:
    """Give the partitions that each size needs."""
    reads, writes = total("table_reads") / texts(), total("table_writes") / texts()
    rows = [
        [
            f"{size:,.0f}",
            f"{size * reads:,.0f}",
            f"{size * writes:,.0f}",
            f"{_partitions(size * reads, size * writes)}",
        ]
        for size in SIZES
    ]
    return table(["messages a second", "read units", "write units", "partitions at least"], rows)


def _partitions(reads: float, writes: float) -> int:
    by_reads = reads / quotas.PARTITION_READS.limit
    return math.ceil(max(by_reads, writes / quotas.PARTITION_WRITES.limit))


def logs_table() -> str:
    """Give the logs of each size."""
    bytes_each = total("log_bytes") / texts()
    rows = [
        [
            f"{size:,.0f}",
            f"{size * bytes_each / 1e6:,.2f} MB",
            f"{size * bytes_each * 86_400 / 1e9:,.0f} GB",
        ]
        for size in SIZES
    ]
    return table(["messages a second", "of logs a second", "a day"], rows)


# ── Cold starts ──


def cold_table(world: World) -> str:
    """Give what a start of everything at once asks of Parameter Store and KMS."""
    head = ["start", "containers", "parameters read", "at 40 a second", "at 10,000", "decrypted"]
    rows = [_burst_row(folder, world) for folder in ("webhook_intake", "outbound_messaging")]
    return table(head, rows + [_start_row(world, size) for size in SIZES[:2]])


def _burst_row(folder: str, world: World) -> list[str]:
    reads = BURST * parameter_reads(folder) * world.brands
    return [f"{BURST:,} of `{folder}`", f"{BURST:,}", *_reading(reads, reads)]


def _start_row(world: World, size: float) -> list[str]:
    """Everything new at once, with the concurrency that is advised for the size."""
    world = replace(world, worker_concurrency=concurrency_for(size, world))
    containers = sum(cold_containers(folder, world, size) for folder in folders())
    reads = cold_reads(world, size)
    plain = world.brands * cold_containers("message_intake", world, size)
    return [
        f"everything, at {size:,.0f} messages a second",
        number(containers),
        *_reading(reads, reads - plain),
    ]


def _reading(reads: float, decrypted: float) -> list[str]:
    took = [
        time(reads / quota.limit)
        for quota in (quotas.PARAMETER_READS, quotas.PARAMETER_READS_RAISED)
    ]
    return [number(reads), *took, number(decrypted)]


def warm_table(world: World) -> str:
    """Give the provisioned concurrency for each size, and its price."""
    rows = [
        [
            f"{size:,.0f}",
            number(size * per_message("webhook_intake")),
            number(size * running("webhook_intake", world)),
            f"{warm_containers(size, world):,}",
            f"${warm_containers(size, world) * warm():,.0f}",
        ]
        for size in SIZES
    ]
    head = ["messages a second", "webhooks a second", "at a time"]
    return table([*head, "`WebhookProvisionedConcurrency`", "a month"], rows)


# ── Assumptions, check, sources ──


def sensitivity_table(world: World) -> str:
    """Give what changes when an assumption does."""
    worlds = [("as assumed", world)]
    for field, values in _OTHERWISE.items():
        name = field.removesuffix("_ms").replace("_", " ")
        unit = " ms" if field.endswith("_ms") else ""
        worlds += [(f"{name} {value}{unit}", replace(world, **{field: value})) for value in values]
    head = ["", "first limit met at", "of AWS's own, at", "running at 1,000", "cold at 1,000"]
    return table([*head, "one consumer, a second"], [_otherwise_row(*each) for each in worlds])


_OTHERWISE: dict[str, tuple[int, ...]] = {
    "liveperson_ms": (50, 400, 1_000),
    "channel_ms": (20, 1_000),
    "aws_ms": (4, 25),
    "cold_start_ms": (300, 3_000),
    "brands": (10, 50),
}


def _otherwise_row(name: str, world: World) -> list[str]:
    found = limits(world)
    aws = next(limit for limit in found if not limit.what.startswith("`"))
    cold = sum(cold_containers(folder, world, SIZES[1]) for folder in folders())
    return [
        name,
        f"{found[0].met_at:,.0f}",
        f"{aws.met_at:,.0f}",
        number(_running(world, SIZES[1])),
        number(cold),
        f"{group_rate('outbound_messaging', world):.1f}",
    ]


def checked(source: Path = CHECKED) -> dict[str, Any]:
    """Give what was tried on the sandbox."""
    document = json.loads(source.read_text())
    rows = [
        [
            row["what"],
            row["reckoned"],
            f"{figure(row['predicted'])} {row['unit']}".strip(),
            f"{figure(row['measured'])} {row['unit']}".strip(),
            f"{row['measured'] / row['predicted']:.2f}",
        ]
        for row in document["rows"]
    ]
    head = ["", "predicted as", "predicted", "measured", "ratio"]
    return {**document, "rows": len(rows), "checked": table(head, rows, text=(0, 1))}


def sources_table() -> str:
    """Give each figure of AWS, its page, and whether it was seen there."""
    rows = [
        [quota.what, f"[{quota.limit:,.0f}]({quota.page})", quota.seen, quota.note]
        for quota in quotas.ALL
    ]
    return table(["", "figure", "seen", ""], rows, text=(0, 2, 3))


# ── Form ──


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    text: Sequence[int] = (0,),
    numbers: bool = True,
) -> str:
    """Write a table; the columns that are not ``text`` stand to the right."""
    rules = ["---:" if numbers and column not in text else "---" for column in range(len(head))]
    lines = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (head, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(rules)}|", *lines[1:]])


def number(value: float) -> str:
    """Write a number as precisely as one needs it."""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def figure(value: float) -> str:
    """Write what was measured, with three digits at least."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(part: float) -> str:
    """Write a part of a whole."""
    return f"{100 * part:.1g} %" if part < 0.01 else f"{100 * part:,.0f} %"


def time(length: float) -> str:
    """Write a length of time, in seconds, as one says it."""
    if length < 1:
        return f"{length:.1g} s"
    if length < 120:
        return f"{number(length)} s"
    return f"{length / 60:.0f} min" if length < 7200 else f"{length / 3600:.1f} h"
