"""``connector status``: the state of a stack on one page."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from liveperson_connector.aws.delivery_state import HOLD_PK, OUTAGE_PK, read_circuit
from liveperson_connector.aws.table import Table
from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON
from liveperson_connector.domain.errors import ConnectorError
from liveperson_connector.liveperson.app_jwt import AppJwt

from . import output
from .channel.ready import names as ready_channels
from .dead_letters.queues import DeadLetter, DeadLetters
from .logs import ago, durations, lines
from .options import as_json, minutes_option, on_a_stack
from .parameters import APP_JWT, Parameters
from .stack import Stack

_DESTINATIONS = (LIVEPERSON, CHANNEL)

# The AppJWT is renewed every 20 minutes: an older one means that two refreshes failed.
OLD_TOKEN_SECONDS = 45 * 60

# Count open conversations in at most this many pages of the table; then print "at least".
_MOST_PAGES = 20

_PAUSE_SECONDS = 5.0


@click.command()
@click.option("--watch", is_flag=True, help="Refresh every few seconds until Ctrl-C.")
@minutes_option(60)
@as_json
@on_a_stack
def status(stack: Stack, watch: bool, minutes: int, as_json: bool) -> None:
    """
    Show tokens, queues, dead letters, outages, webhooks and open conversations.

    The exit code is 1 if there is a problem; with --watch, if there was one on the last page.
    """
    shown = output.data if as_json else _show
    told = gather(stack, minutes)
    try:
        shown(told)
        while watch:
            time.sleep(_PAUSE_SECONDS)
            told = gather(stack, minutes)
            click.clear()
            shown(told)
    except KeyboardInterrupt:
        if not watch:
            raise  # how --watch is meant to end, and nothing else
    click.get_current_context().exit(1 if told["problems"] else 0)


def gather(stack: Stack, minutes: int = 60) -> dict[str, Any]:
    """Return the values of the page."""
    since = ago(minutes * 60)
    found = DeadLetters(stack).read()
    table = Table(stack.client("dynamodb"), stack.table)
    parameters = Parameters(stack)
    told: dict[str, Any] = {
        "stack": stack.name,
        "at": datetime.now(UTC),
        "accounts": {
            each: _account(stack, parameters, table, each, since) for each in parameters.account_ids
        },
        "queues": {each["queue"]: each for each in queues(stack)},
        "dead_letters": dict(Counter(each.reason for each in found.letters)),
        "dead_letters_not_shown": found.unseen,
        "held_groups": _held(table, found.letters),
        "open_conversations": _open_conversations(stack),
    }
    return {**told, "problems": output.fixes(_problems(told))}


def _account(
    stack: Stack, parameters: Parameters, table: Table, account_id: str, since: datetime
) -> dict[str, Any]:
    return {
        "app_jwt": _app_jwt(parameters, account_id),
        "outages": outages(table, account_id, ready_channels(parameters, account_id)),
        "last_webhook": last_webhook(stack, account_id, since),
    }


def _app_jwt(parameters: Parameters, account_id: str) -> dict[str, Any] | None:
    there = parameters.of(account_id).get(APP_JWT)
    token = parameters.store.app_jwt(account_id) if there else None
    if there is None or token is None:
        return None
    told = {"age_seconds": round((datetime.now(UTC) - there.modified).total_seconds())}
    try:
        read = AppJwt.read(token, account_id=account_id)
    except ConnectorError as failure:
        return {**told, "problem": str(failure)}
    return {**told, "expires_in_seconds": round(read.expires_at - time.time())}


def outages(table: Table, account_id: str, names: list[str]) -> dict[str, Any]:
    """Return the circuits that count failures; ``names`` are the account's ready channels."""
    destinations = [*_DESTINATIONS, *(f"{CHANNEL}:{name}" for name in names)]
    found = table.get([OUTAGE_PK.format(account_id, each) for each in destinations])
    told = {}
    for destination in destinations:
        item = found.get(OUTAGE_PK.format(account_id, destination))
        if item is not None:
            outage = read_circuit(item)
            told[destination] = {
                "is_certain": outage.is_open,
                "failures": outage.failures,
                "since": datetime.fromtimestamp(outage.since, UTC),
                "next_probe_at": datetime.fromtimestamp(outage.next_probe_at, UTC),
            }
            if outage.is_paused:
                paused_at = datetime.fromtimestamp(outage.paused_at, UTC)
                told[destination] |= {"since": paused_at, "paused_at": paused_at}
    return told


def last_webhook(stack: Stack, account_id: str, since: datetime) -> dict[str, Any] | None:
    """Return when the account's last webhook came, and how long our answer took."""
    accepted = [
        line
        for line in lines(stack, since, having=account_id, functions=("webhook_intake",))
        # One without changes is a check, see partners.post_signed_webhook.
        if line.message.startswith("accepted_") and line.fields.get("changes")
    ]
    if not accepted:
        return None
    last = accepted[-1]
    ends = [
        milliseconds
        for at, stream, milliseconds in durations(stack, "webhook_intake", last.at)
        if stream == last.stream and at >= last.at - timedelta(seconds=1)
    ]
    return {"at": last.at, "answered_in_ms": round(ends[0]) if ends else None}


def queues(stack: Stack) -> list[dict[str, Any]]:
    """Return each queue's depth, and the age of its oldest message in seconds or None."""
    sqs = stack.client("sqs")
    told = []
    for resource in stack.of_type("AWS::SQS::Queue"):
        name = resource.physical.rpartition("/")[2]
        found = sqs.get_queue_attributes(QueueUrl=resource.physical, AttributeNames=["All"])
        numbers = found["Attributes"]
        told.append(
            {
                "queue": name.removeprefix(f"{stack.name}-"),
                "waiting": int(numbers["ApproximateNumberOfMessages"])
                + int(numbers.get("ApproximateNumberOfMessagesDelayed", 0)),
                "in_flight": int(numbers["ApproximateNumberOfMessagesNotVisible"]),
                "oldest_seconds": _oldest(stack, name),
            }
        )
    return told


def _oldest(stack: Stack, queue: str) -> int | None:
    """Return the age of a queue's oldest message; None if CloudWatch has no figure."""
    now = datetime.now(UTC)
    answer = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return round(points[-1]["Maximum"]) if points else None


def _held(table: Table, letters: list[DeadLetter]) -> int:
    """Count the groups whose messages wait for dead letters."""
    groups = sorted({each.received.group for each in letters})
    held = 0
    for start in range(0, len(groups), 100):
        held += len(table.get([HOLD_PK.format(each) for each in groups[start : start + 100]]))
    return held


def _open_conversations(stack: Stack) -> dict[str, Any]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.table,
            Select="COUNT",
            FilterExpression="begins_with(pk, :what) AND is_open = :yes AND expires_at > :now",
            ExpressionAttributeValues={
                ":what": {"S": "conversation#"},
                ":yes": {"BOOL": True},
                ":now": {"N": str(int(time.time()))},
            },
        )
    )
    count = 0
    for number, page in enumerate(pages, 1):
        count += page["Count"]
        if number == _MOST_PAGES:
            return {"count": count, "complete": "LastEvaluatedKey" not in page}
    return {"count": count, "complete": True}


def outage_problems(account_id: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a problem for each open circuit of an account's ``outages``, and since when."""
    return [
        _problem(
            f"{destination} is down for account {account_id}; messages wait",
            "connector doctor",
            since=outage["since"],
        )
        for destination, outage in found.items()
        if outage["is_certain"]
    ]


def _problems(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for account_id, account in told["accounts"].items():
        token = account["app_jwt"]
        if token is None or token.get("expires_in_seconds", 0) <= 0:
            found.append(_problem(f"account {account_id} has no valid AppJWT", "connector doctor"))
        elif token["age_seconds"] > OLD_TOKEN_SECONDS:
            found.append(_problem(f"account {account_id}: refreshes fail", "connector doctor"))
        found += outage_problems(account_id, account["outages"])
    for reason, count in told["dead_letters"].items():
        hidden = told["dead_letters_not_shown"]
        behind = f" (and {hidden} behind such ones)" if hidden else ""
        problem = f"{output.counted(count, 'dead letter')}{behind}: {reason}"
        found.append(_problem(problem, f"connector dead-letters list --reason {reason}"))
    return found


def _problem(problem: str, fix: str, **since: datetime) -> dict[str, Any]:
    return {"problem": problem, "fix": fix, **since}


def _show(told: Mapping[str, Any]) -> None:
    output.table(
        ("account", "AppJWT", "LivePerson", "channel", "last webhook", "answered in"),
        [_account_row(name, account) for name, account in told["accounts"].items()],
    )
    output.say("")
    output.table(
        ("queue", "waiting", "in flight", "oldest"),
        [
            (each["queue"], each["waiting"], each["in_flight"], _age(each["oldest_seconds"]))
            for each in told["queues"].values()
        ],
    )
    output.say("")
    conversations = told["open_conversations"]
    at_least = "" if conversations["complete"] else "at least "
    output.say(f"open conversations: {at_least}{conversations['count']}")
    output.say(f"held groups: {told['held_groups']}")
    for each in told["problems"]:
        output.say(f"✗ {each['problem']}", "red")
        output.say(f"  do: {each['fix']}")


def _account_row(name: str, account: Mapping[str, Any]) -> tuple[str, ...]:
    webhook = account["last_webhook"]
    answered = f"{webhook['answered_in_ms']} ms" if webhook and webhook["answered_in_ms"] else "-"
    came = output.ago(webhook["at"]) if webhook else "none in this time"
    liveperson = _outage_word(account["outages"].get(LIVEPERSON))
    return (
        name,
        _token_word(account["app_jwt"]),
        liveperson,
        _channels_word(account),
        came,
        answered,
    )


def _channels_word(account: Mapping[str, Any]) -> str:
    """Name each ready channel that fails; the account's own channel has no name."""
    own = _outage_word(account["outages"].get(CHANNEL))
    ready = [
        f"{destination.removeprefix(f'{CHANNEL}:')}: {_outage_word(outage)}"
        for destination, outage in account["outages"].items()
        if destination.startswith(f"{CHANNEL}:")
    ]
    return "; ".join([own, *ready])


def _token_word(token: Mapping[str, Any] | None) -> str:
    if token is None:
        return "none"
    if "problem" in token:
        return str(token["problem"])
    left = token["expires_in_seconds"]
    life = f"{output.duration(left)} left" if left > 0 else "expired"
    return f"{output.duration(token['age_seconds'])} old, {life}"


def _outage_word(outage: Mapping[str, Any] | None) -> str:
    if outage is None:
        return "ok"
    if "paused_at" in outage:
        return f"paused for {output.ago(outage['paused_at']).removesuffix(' ago')}"
    if outage["is_certain"]:
        return f"down for {output.ago(outage['since']).removesuffix(' ago')}"
    return output.counted(outage["failures"], "failure")


def _age(seconds: int | None) -> str:
    return "-" if seconds is None else output.duration(seconds)
