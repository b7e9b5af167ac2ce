"""
Write the table of ``docs/scale.md``: which limit a stack meets at how many messages a second.

``python -m tools.limits`` writes it from three sources: what one message asks for
(``measured.json``), the template, and AWS's default quotas of a large region, listed below with the
page that each comes from. A message is a text either way, half from consumers, half from agents.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.load import each, folders, measured, milliseconds, texts, total
from tools.template import template

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- limits: written by `make scale` -->\n", "<!-- end of limits -->"
SIZES = (10, 1_000, 100_000)
INTAKES = ("message_intake", "webhook_intake")
WORKERS = ("outbound_messaging", "channel_delivery")

# Lambda serves at most this many requests a second with one execution environment.
REQUESTS_PER_ENVIRONMENT = 10

# A container reads an account's parameters again after this long (``entrypoints/container.py``).
PARAMETER_SECONDS = 300

_AWS = "https://docs.aws.amazon.com"
_LAMBDA = f"{_AWS}/lambda/latest/dg"
_SQS = f"{_AWS}/AWSSimpleQueueService/latest/SQSDeveloperGuide"
_DYNAMODB = f"{_AWS}/amazondynamodb/latest/developerguide"

_WAIT = "wait in their queue, in order"
_NOT_ACCEPTED = "are not accepted and sent again"
_RETRIED = "return to their queue and are retried, in order"


@dataclass(frozen=True)
class Limit:
    """A limit: its value, the page it comes from, and how much of it one message takes."""

    what: str
    value: float
    page: str
    per_message: float
    unit: str
    raised_by: str
    beyond: str

    @property
    def met_at(self) -> float:
        """Messages a second at which it is met."""
        return self.value / self.per_message


def invocations(function: str) -> float:
    """Return a function's invocations for one message."""
    return each(function, "invocations") / texts()


def running(function: str) -> float:
    """Return a function's executions at a time for one message a second (Little's law)."""
    return invocations(function) * milliseconds(function) / 1000


def environments(function: str) -> float:
    """Return the execution environments that one message a second needs."""
    return max(running(function), invocations(function) / REQUESTS_PER_ENVIRONMENT)


def parameters_read(function: str) -> int:
    """Return how many parameters a container of a function reads for an account."""
    return int(measured()["functions"][function].get("parameter_reads", 0))


def limits() -> Iterator[Limit]:
    """Yield every limit on a steady stream of messages, for one brand in a stack."""
    busiest = max(invocations(name) for name in WORKERS)
    yield from _own_limits()
    yield from _lambda_limits()
    yield from _queue_and_api_limits(busiest)
    yield from _table_limits(busiest)
    yield _parameter_limit()


def _own_limits() -> Iterator[Limit]:
    yield from _throttles()
    own = _default("WorkerConcurrency")
    for name in WORKERS:
        yield Limit(
            f"`WorkerConcurrency`, `{name}`",
            own,
            "settings.md",
            environments(name),
            "environments",
            "the parameter, up to 1,000 a stack",
            _WAIT,
        )


def _lambda_limits() -> Iterator[Limit]:
    page = f"{_LAMBDA}/gettingstarted-limits.html"
    executions = sum(running(name) for name in folders())
    yield Limit(
        "Lambda executions",
        1_000,
        page,
        executions,
        "executions",
        "its quota",
        f"{_NOT_ACCEPTED}, or wait",
    )
    yield Limit(
        "Lambda requests a second",
        10_000,
        page,
        sum(invocations(name) for name in folders()),
        "invocations",
        "the quota of executions",
        f"{_NOT_ACCEPTED}, or wait",
    )


def _queue_and_api_limits(busiest: float) -> Iterator[Limit]:
    page = f"{_AWS}/apigateway/latest/developerguide/limits.html"
    requests = sum(invocations(name) for name in INTAKES)
    yield Limit(
        "API Gateway requests", 10_000, page, requests, "requests", "its quota", _NOT_ACCEPTED
    )
    yield Limit(
        "SQS calls of a kind on a FIFO queue",
        70_000,
        f"{_SQS}/quotas-messages.html",
        busiest,
        "messages of the busier queue",
        "its quota; 2,400 in small regions",
        f"{_NOT_ACCEPTED}, or wait",
    )


def _parameter_limit() -> Limit:
    reads = sum(environments(name) * parameters_read(name) for name in folders())
    return Limit(
        "Parameter Store reads",
        40,
        f"{_AWS}/general/latest/gr/ssm.html",
        reads / PARAMETER_SECONDS,
        "reads, repeated every 300 s",
        "higher throughput, an account's setting",
        "notice nothing: what is known is kept",
    )


def _throttles() -> Iterator[Limit]:
    for parameter, name, unit in (
        ("ChannelRequestsPerSecond", "message_intake", "requests of the channel"),
        ("WebhookRequestsPerSecond", "webhook_intake", "webhooks"),
        # Of a brand all of whose consumers write by ready channels: as many webhooks as requests.
        ("ProviderRequestsPerSecond", "message_intake", "webhooks of providers"),
    ):
        used = invocations(name)
        yield Limit(
            f"`{parameter}`",
            _default(parameter),
            "settings.md",
            used,
            unit,
            "the parameter",
            _NOT_ACCEPTED,
        )


def _default(parameter: str) -> int:
    return int(template()["Parameters"][parameter]["Default"])


def _table_limits(busiest: float) -> Iterator[Limit]:
    reads, writes = total("table_reads") / texts(), total("table_writes") / texts()
    page, quotas = f"{_DYNAMODB}/warm-throughput-scenarios.html", f"{_DYNAMODB}/ServiceQuotas.html"
    warm = "warm throughput, or half an hour of growth"
    for what, value, source, used, unit, raised_by in (
        ("read units of a new table", 12_000, page, reads, "read units", warm),
        ("write units of a new table", 4_000, page, writes, "write units", warm),
        ("read units of a table", 40_000, quotas, reads, "read units", "its quota"),
        ("write units of a table", 40_000, quotas, writes, "write units", "its quota"),
        ("reads of one item", 3_000, page, busiest, "reads of a brand's circuit", "another brand"),
    ):
        yield Limit(f"DynamoDB {what}", value, source, used, unit, raised_by, _RETRIED)


def table() -> str:
    """Return the table in Markdown, the first limit that is met first."""
    sizes = "".join(f" at {size:,} |" for size in SIZES)
    lines = [
        f"| limit | value | a message takes | met at |{sizes} raised by | messages beyond it |",
        "|---|---:|---|---:|" + "---:|" * len(SIZES) + "---|---|",
    ]
    for each_limit in sorted(limits(), key=lambda limit: limit.met_at):
        used = " | ".join(_share(size / each_limit.met_at) for size in SIZES)
        lines.append(
            f"| {each_limit.what} | [{each_limit.value:,.0f}]({each_limit.page}) "
            f"| {each_limit.per_message:.4g} {each_limit.unit} | {each_limit.met_at:,.0f} | {used} "
            f"| {each_limit.raised_by} | {each_limit.beyond} |"
        )
    counted = f"Counted on {measured()['measured_on']}, with the assumptions of [cost.md](cost.md)."
    return "\n".join([*lines, "", counted, ""])


def _share(part: float) -> str:
    text = f"{part:,.0%}" if part >= 0.01 else f"{part:.1%}"
    return f"**{text}**" if part >= 1 else text


def render(page: str) -> str:
    """Return the page with its table written anew."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(PAGE.read_text()))
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
