"""
Write ``docs/cost.md`` from the template and the measured runs: ``python -m tools.cost``.

The prices are assumptions with a date; whoever deploys elsewhere changes them and writes the page
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.load import (
    ASSUMED,
    architecture,
    conversations,
    each,
    folders,
    measured,
    memory,
    milliseconds,
    processor_milliseconds,
    texts,
    total,
)
from tools.template import functions, resources

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"

# ── Assumptions ──

REGION = "US East (N. Virginia)"
PRICES_OF = "November 2026"

# US dollars, list prices without free tiers and discounts.
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
LAMBDA_WARM_GB_SECOND = {"arm64": 0.0000033334, "x86_64": 0.0000041667}
API_REQUEST = 3.50e-6
SQS_FIFO_REQUEST = 0.50e-6
TABLE_READ = 0.125e-6
TABLE_WRITE = 0.625e-6
LOG_GB = 0.50
METRIC_MONTH = 0.30
ALARM_MONTH = 0.10
COMPOSITE_MONTH = 0.50
DASHBOARD_MONTH = 3.00
KMS_REQUEST = 0.03e-4
TRACE = 5.00e-6

# Lambda asks an idle queue with so many pollers, each waiting 20 s for an answer.
POLLERS = 5
POLL_SECONDS = 20

# X-Ray keeps one request a second and this part of the others; the others are not paid.
SAMPLED = 0.05

# What API Gateway writes for a request, if it is asked to (`AccessLogs`).
ACCESS_LOG_BYTES = 300

# Containers know an account's parameters, and DynamoDB its table's key, for so long.
KEYS_SECONDS = 300

# A refresh decrypts credentials and AppJWT and encrypts the new one, every 20 minutes.
REFRESH_SECONDS = 1200
REFRESH_KEYS = 3

MONTH_SECONDS = 30 * 86_400

READY_CHANNELS = {
    "a text from a person": (1, 0),
    "… of a channel with a window, read marks or typing": (1, 1),
    "a text to a person": (3, 1),
    "… of a channel with reports": (3, 4),
    "a report": (5, 2),
}
"""
What a ready channel reads and writes in the table, in units, beyond a channel of one's own.

A report is a webhook and an event of its own, so it costs all of it. A test counts them.
"""


@dataclass(frozen=True)
class Part:
    """What one conversation pays for one thing: how many units of it, and the price of one."""

    what: str
    units: float
    unit: str
    price: float

    @property
    def dollars(self) -> float:
        """For one conversation."""
        return self.units * self.price


def gb_seconds(folder: str) -> float:
    """Give a function's share of Lambda's time in one conversation."""
    return each(folder, "invocations") * milliseconds(folder) / 1000 * memory(folder) / 1024


def parts() -> Iterator[Part]:
    """Give everything that grows with the conversations."""
    names = folders()
    requests = sum(each(folder, "invocations") for folder in names if folder.endswith("_intake"))
    queued = sum(each(folder, "invocations") for folder in names if not folder.endswith("_intake"))
    yield Part("API Gateway, requests", requests, "requests", API_REQUEST)
    yield Part("Lambda, invocations", total("invocations"), "invocations", LAMBDA_REQUEST)
    time = sum(gb_seconds(folder) for folder in names)
    yield Part("Lambda, time", time, "GB-seconds", LAMBDA_GB_SECOND[architecture()])
    # A message is sent (counted), and received and deleted by Lambda.
    sqs = total("sqs_requests") + 2 * queued
    yield Part("SQS, requests", sqs, "requests", SQS_FIFO_REQUEST)
    yield Part("DynamoDB, reads", total("table_reads"), "units", TABLE_READ)
    yield Part("DynamoDB, writes", total("table_writes"), "units", TABLE_WRITE)
    yield Part("CloudWatch Logs, taken in", total("log_bytes") / 1e9, "GB", LOG_GB)
    yield Part("X-Ray, traces", SAMPLED * total("invocations"), "traces", TRACE)


def secrets_of_a_container() -> int:
    """Count what one container of each function decrypts; `message_intake` only looks for it."""
    read = {folder: int(measured()["functions"][folder]["parameter_reads"]) for folder in folders()}
    return sum(count for folder, count in read.items() if folder != "message_intake")


def kms_requests() -> float:
    """Count a month's requests of keys, of one account whose functions are busy all the time."""
    tables = sum("TABLE_NAME" in each["Environment"]["Variables"] for each in functions().values())
    known_anew = (secrets_of_a_container() + tables) * MONTH_SECONDS / KEYS_SECONDS
    return known_anew + REFRESH_KEYS * MONTH_SECONDS / REFRESH_SECONDS


def watched(alarm: Mapping[str, Any]) -> int:
    """Count the metrics of an alarm: each is paid for (https://aws.amazon.com/cloudwatch/pricing/)."""
    return sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1


def fixed() -> Iterator[tuple[str, str, float]]:
    """Give everything that costs the same in a quiet month."""
    alarms = sum(map(watched, resources("AWS::CloudWatch::Alarm").values()))
    composites = len(resources("AWS::CloudWatch::CompositeAlarm"))
    metrics = int(measured()["metrics"])
    queues = sum(
        event["Type"] == "SQS"
        for function in functions().values()
        for event in function["Events"].values()
    )
    polls = queues * POLLERS * MONTH_SECONDS / POLL_SECONDS
    yield (
        "Alarms",
        f"{alarms} metrics that they watch × ${ALARM_MONTH:.2f}",
        alarms * ALARM_MONTH,
    )
    yield (
        "Alarms of alarms",
        f"{composites} × ${COMPOSITE_MONTH:.2f}",
        composites * COMPOSITE_MONTH,
    )
    yield "Metrics of our own", f"{metrics} in use × ${METRIC_MONTH:.2f}", metrics * METRIC_MONTH
    yield "Dashboard", "beyond the three that are free", DASHBOARD_MONTH
    yield (
        "Keys (KMS)",
        f"of parameters and the table, one account, one container of each function: "
        f"{kms_requests():,.0f} × ${KMS_REQUEST:.6f}",
        kms_requests() * KMS_REQUEST,
    )
    yield (
        "Waiting at the queues",
        f"{queues} mappings × {POLLERS} pollers, one request in {POLL_SECONDS} s: "
        f"{polls / 1e6:.1f} million",
        polls * SQS_FIFO_REQUEST,
    )


def warm() -> float:
    """Give the monthly price of one warm container of ``webhook_intake``."""
    rate = LAMBDA_WARM_GB_SECOND[architecture()]
    return memory("webhook_intake") / 1024 * MONTH_SECONDS * rate


def render() -> str:
    """Write the page."""
    return "\n".join([*_head(), *_by_part(), *_how_long(), *_ready_channels(), *_a_quiet_month()])


def _head() -> list[str]:
    per_conversation = sum(part.dollars for part in parts())
    monthly = sum(dollars for _, _, dollars in fixed())
    return [
        "# Cost",
        "",
        "<!-- Written by `make cost` from the template and tools/measured.json; do not edit. -->",
        "",
        f"A thousand conversations of {texts()} texts cost **${1000 * per_conversation:.2f}**, a "
        f"million texts **${1e6 * per_conversation / texts():.2f}**, and a quiet month "
        f"**${monthly:.2f}**.",
        "",
        f"Prices: list prices of {REGION}, {PRICES_OF}, without free tiers; check them for your "
        f"region. Functions on {architecture()}. What was counted: {conversations()} "
        "conversations on the",
        f"sandbox on {measured()['measured_on']}, in which a consumer writes "
        f"{measured()['texts_each_way']} texts, an agent joins, answers each, and closes "
        "(`python -m tools.measure`).",
        "",
    ]


def _by_part() -> list[str]:
    found = sorted(parts(), key=lambda part: -part.dollars)
    return [
        "## By part",
        "",
        "| part | a conversation takes | price of a million (GB: of one) "
        "| 1,000 conversations | a million texts |",
        "|---|---:|---:|---:|---:|",
        *map(_row, found),
        f"| **together** | | | **${1000 * sum(part.dollars for part in found):.3f}** "
        f"| **${1e6 * sum(part.dollars for part in found) / texts():.2f}** |",
        "",
        "Every text a consumer writes is reported back to the webhook, and every change of a "
        "conversation too:",
        f"of {each('webhook_intake', 'invocations'):.0f} notifications in a conversation, "
        f"{measured()['calls_of_the_channel'] / conversations():.0f} become a callback. "
        "The others are the echoes by which a lost answer is",
        "settled. One message an invocation "
        "([decision 2](decisions/0002-fifo-queues-one-message-per-invocation.md)) is in these "
        f"numbers: {total('invocations'):.0f}",
        f"invocations, ${1000 * total('invocations') * LAMBDA_REQUEST:.3f} of the thousand "
        "conversations.",
        "",
    ]


def _row(part: Part) -> str:
    unit = part.price if part.unit == "GB" else part.price * 1e6
    return (
        f"| {part.what} | {part.units:.5g} {part.unit} | ${unit:,.3f} "
        f"| ${1000 * part.dollars:.3f} | ${1e6 * part.dollars / texts():.2f} |"
    )


def _how_long() -> list[str]:
    return [
        "## How long functions run",
        "",
        "| function | invocations | processor | waits | one takes | memory | GB-seconds |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *map(_function, folders()),
        "",
        f"Waits are assumed: {ASSUMED.aws} ms for a call of AWS, {ASSUMED.liveperson} ms for one "
        f"of LivePerson, {ASSUMED.channel} ms for a callback. The",
        "processor's time is this machine's, with the simulators in the same process: rather too "
        "much.",
        "GB-seconds = invocations × seconds × MB ÷ 1024. Cold starts are left out; they are below "
        "one in a",
        "hundred invocations of a busy stack.",
        "",
    ]


def _function(folder: str) -> str:
    own = processor_milliseconds(folder)
    return (
        f"| `{folder}` | {each(folder, 'invocations'):.1f} | {own:.1f} ms "
        f"| {milliseconds(folder) - own:.0f} ms | {milliseconds(folder):.0f} ms "
        f"| {memory(folder)} MB | {gb_seconds(folder):.4f} |"
    )


def _ready_channels() -> list[str]:
    return [
        "## Ready channels",
        "",
        "A message of a [ready channel](settings.md#parameter-store) takes the same way: "
        "`provider_intake` stands in for",
        "`message_intake`, and the provider's API for the callback. It adds to the table:",
        "",
        "| | read units | write units | for a million |",
        "|---|---:|---:|---:|",
        *(
            f"| {what} | {reads} | {writes} | "
            f"${1e6 * (reads * TABLE_READ + writes * TABLE_WRITE):.2f} |"
            for what, (reads, writes) in READY_CHANNELS.items()
        ),
        "",
        "A text of several pieces is one message here; each piece more adds what stands under "
        "writes. A report is besides",
        "a request, two invocations and a request to LivePerson. What the providers take is "
        "theirs to say.",
        "",
    ]


def _a_quiet_month() -> list[str]:
    monthly = sum(dollars for _, _, dollars in fixed())
    return [
        "## A quiet month",
        "",
        "| part | | a month |",
        "|---|---|---:|",
        *(f"| {what} | {how} | ${dollars:.2f} |" for what, how, dollars in fixed()),
        f"| **together** | | **${monthly:.2f}** |",
        "",
        f"A warm container of `webhook_intake` (`WebhookProvisionedConcurrency`) adds "
        f"${warm():.2f} a month: {memory('webhook_intake')} MB ÷ 1024 ×",
        f"{MONTH_SECONDS:,} s × ${LAMBDA_WARM_GB_SECOND[architecture()]:.10f}. `AccessLogs` add "
        f"${1e6 * ACCESS_LOG_BYTES * LOG_GB / 1e9:.2f} for a million requests,",
        "and a parameter of more than 4 KB $0.05 a month. Not counted: what the table and the",
        "files take up, data that leaves AWS (a few KB a text), and a gradual deployment, which is",
        "free.",
        "",
        "Which limit comes first, and what moves it: [scale.md](scale.md).",
        "",
    ]


if __name__ == "__main__":
    PAGE.write_text(render())
    print(f"wrote {PAGE.name}")
