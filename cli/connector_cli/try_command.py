"""``connector try``: send one text through the deployed system, and follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import click
import requests

from liveperson_connector.domain.queue_messages import new_id

from . import output
from .errors import Problem
from .keys import ChannelKey, channel_key
from .logs import Line, ago, lines
from .options import on_a_stack
from .parameters import Parameters
from .stack import Stack

_POST_SECONDS = 30
_PAUSE_SECONDS = 0.5

_OTHER_TEXT = "give another --text or --consumer (docs/channel-api.md)"

# Logs are some seconds behind, and the first message meets cold starts.
_MAX_WAIT_SECONDS = 90


@click.command("try")
@click.argument("account_id")
@click.option(
    "--consumer",
    "consumer_id",
    default="connector-try",
    show_default=True,
    help="The consumer who writes, by the channel's own id.",
)
@click.option(
    "--text", default="Hello from the connector", show_default=True, help="The text to send."
)
@on_a_stack
def try_it(stack: Stack, account_id: str, consumer_id: str, text: str) -> None:
    """
    Send a text as the channel does, and follow it to LivePerson and back.

    This opens a conversation at LivePerson unless the consumer has an open one. An agent sees it.
    """
    parameters = Parameters(stack)
    parameters.of(account_id)
    key = channel_key(stack, parameters, account_id)
    event_id = f"try-{new_id()}"
    event = {"id": event_id, "type": "text", "text": text}
    status = _send(stack, key, account_id, consumer_id, event)
    output.say(f"✓ the channel API accepts the text: {status}")
    sent = _wait_for(
        lambda: _said(stack, event_id, ("outbound_messaging",), "sent"),
        f"the text was not sent to LivePerson: connector trace {event_id}",
    )
    conversation_id = str(sent.fields["conversation_id"])
    output.say(f"✓ LivePerson has the text: conversation {conversation_id}")
    echo = _wait_for(
        lambda: _echo(stack, conversation_id, sent),
        f"LivePerson sent no webhook for it: connector doctor {account_id}",
    )
    took = (echo.at - sent.at).total_seconds()
    output.say(f"✓ LivePerson's webhook reported it, {took:.1f} s later")


def _send(
    stack: Stack, key: ChannelKey, account_id: str, consumer_id: str, event: dict[str, Any]
) -> int:
    where = f"accounts/{quote(account_id)}/consumers/{quote(consumer_id, safe='')}/events"
    answer = requests.post(
        f"{stack.channel_api_url}/{where}",
        json=event,
        headers={"x-api-key": key.value()},
        timeout=_POST_SECONDS,
    )
    if answer.status_code == 400:
        raise Problem(f"the channel API refuses the event: {_problems(answer)}", _OTHER_TEXT)
    if answer.status_code != 202:
        raise Problem(
            f"the channel API answers {answer.status_code}", f"connector doctor {account_id}"
        )
    return int(answer.status_code)


def _problems(answer: requests.Response) -> str:
    """Return what is wrong with an event; this never repeats what a consumer wrote."""
    try:
        return "; ".join(f"{each['path']} {each['problem']}" for each in answer.json()["problems"])
    except (ValueError, KeyError, TypeError):
        return "the answer gives no reason"


def _said(stack: Stack, having: str, functions: Iterable[str], what: str) -> Line | None:
    found = lines(stack, ago(_MAX_WAIT_SECONDS * 2), having=having, functions=functions)
    return next((line for line in reversed(found) if line.message == what), None)


def _echo(stack: Stack, conversation_id: str, sent: Line) -> Line | None:
    echo = _said(stack, conversation_id, ("channel_delivery",), "withheld_echo")
    same = echo is not None and echo.fields.get("sequence") == sent.fields.get("sequence")
    return echo if same else None


def _wait_for(look: Callable[[], Line | None], otherwise: str) -> Line:
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(_PAUSE_SECONDS)
    problem, _, fix = otherwise.partition(": ")
    raise Problem(problem, fix)
