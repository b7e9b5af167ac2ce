"""``connector try``: one text goes the way of all texts, and is followed."""

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
from .logs import Line, ago, lines
from .options import on_a_stack
from .parameters import Parameters
from .stack import Stack

_POST_SECONDS = 30
_PAUSE_SECONDS = 0.5

_OTHER_WORDS = "give another --text or --consumer (docs/channel-api.md)"

# Logs are some seconds behind, and the first message meets cold functions.
_PATIENCE_SECONDS = 90


@click.command("try")
@click.argument("account_id")
@click.option(
    "--consumer",
    "consumer_id",
    default="connector-try",
    show_default=True,
    help="The channel's own id of the consumer who writes.",
)
@click.option(
    "--text", default="Hello from the connector", show_default=True, help="What to write."
)
@on_a_stack
def try_it(stack: Stack, account_id: str, consumer_id: str, text: str) -> None:
    """
    Send a text as the channel does, and follow it to LivePerson and back.

    It opens a conversation at LivePerson, unless this consumer has one: an agent will see it.
    """
    Parameters(stack).of(account_id)
    event_id = f"try-{new_id()}"
    status = _send(stack, account_id, consumer_id, {"id": event_id, "type": "text", "text": text})
    output.say(f"✓ the channel API accepts it: {status}")
    sent = _awaited(
        lambda: _said(stack, event_id, ("outbound_messaging",), "sent"),
        f"LivePerson does not have it: connector trace {event_id}",
    )
    conversation_id = str(sent.fields["conversation_id"])
    output.say(f"✓ LivePerson has it: conversation {conversation_id}")
    echo = _awaited(
        lambda: _echo(stack, conversation_id, sent),
        f"its echo does not come: connector doctor {account_id}",
    )
    took = (echo.at - sent.at).total_seconds()
    output.say(f"✓ LivePerson's webhook told us of it, {took:.1f} s later")


def _send(stack: Stack, account_id: str, consumer_id: str, event: dict[str, Any]) -> int:
    where = f"accounts/{quote(account_id)}/consumers/{quote(consumer_id, safe='')}/events"
    answer = requests.post(
        f"{stack.channel_api_url}/{where}",
        json=event,
        headers={"x-api-key": api_key(stack)},
        timeout=_POST_SECONDS,
    )
    if answer.status_code == 400:
        raise Problem(f"the channel API refuses the event: {_problems(answer)}", _OTHER_WORDS)
    if answer.status_code != 202:
        raise Problem(
            f"the channel API answers {answer.status_code}", f"connector doctor {account_id}"
        )
    return int(answer.status_code)


def _problems(answer: requests.Response) -> str:
    """Read what is wrong with an event; it never repeats what a consumer wrote."""
    try:
        return "; ".join(f"{each['path']} {each['problem']}" for each in answer.json()["problems"])
    except (ValueError, KeyError, TypeError):
        return "it does not say why"


def api_key(stack: Stack) -> str:
    """Return the channel's API key."""
    key_id = stack.output("ChannelApiKeyId")
    answer = stack.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
    return str(answer["value"])


def _said(stack: Stack, having: str, functions: Iterable[str], what: str) -> Line | None:
    found = lines(stack, ago(_PATIENCE_SECONDS * 2), having=having, functions=functions)
    return next((line for line in reversed(found) if line.message == what), None)


def _echo(stack: Stack, conversation_id: str, sent: Line) -> Line | None:
    echo = _said(stack, conversation_id, ("channel_delivery",), "withheld_echo")
    same = echo is not None and echo.fields.get("sequence") == sent.fields.get("sequence")
    return echo if same else None


def _awaited(look: Callable[[], Line | None], otherwise: str) -> Line:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(_PAUSE_SECONDS)
    problem, _, mend = otherwise.partition(": ")
    raise Problem(problem, mend)
