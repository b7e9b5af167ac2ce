"""``connector account pause`` and ``resume``: let an account's messages wait in their queues."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from liveperson_connector.aws.delivery_state import OUTAGE_PK, DeliveryState, read_circuit
from liveperson_connector.aws.table import Table
from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON
from liveperson_connector.domain.outages import MOST_PAUSE_SECONDS, CircuitState

from . import output
from .options import Command, on_a_stack, yes
from .parameters import Parameters
from .stack import Stack

DESTINATIONS = {"liveperson": (LIVEPERSON,), "channel": (CHANNEL,), "both": (LIVEPERSON, CHANNEL)}

_to = click.option(
    "--to",
    type=click.Choice(list(DESTINATIONS)),
    default="both",
    show_default=True,
    help="The messages of this direction; the channel's include those of ready channels.",
)


def _of_an_account(command: Command) -> Command:
    return click.argument("account_id")(_to(yes(on_a_stack(command))))


@click.command()
@_of_an_account
def pause(stack: Stack, account_id: str, to: str, yes: bool) -> None:
    """
    Let an account's messages wait in their queues, without a call and without a try.

    It takes effect with the next message. Webhooks and events are accepted as before; only typing
    indicators are dropped. Other accounts notice nothing. A pause ends by itself after ten days,
    because SQS forgets messages after fourteen.
    """
    Parameters(stack).of(account_id)
    output.confirm(f"Let the messages of account {account_id} to {_named(to)} wait?", yes=yes)
    state = _state(stack)
    for each in DESTINATIONS[to]:
        if state.pause(account_id, each):
            ends = datetime.fromtimestamp(time.time() + MOST_PAUSE_SECONDS, UTC)
            output.say(f"✓ messages to {each} wait; at the latest until {ends:%Y-%m-%d %H:%M} UTC")
        else:
            output.say(f"  messages to {each} wait already")
    output.say(f"go on with: connector account resume {account_id} --to {to}")


@click.command()
@_of_an_account
def resume(stack: Stack, account_id: str, to: str, yes: bool) -> None:
    """
    Let an account's paused messages go on, in order.

    The first go within 15 seconds, the last after a sixtieth of the time that the pause has taken,
    one hour at most: so the end of a pause is no storm.
    """
    Parameters(stack).of(account_id)
    output.confirm(f"Let the messages of account {account_id} to {_named(to)} go on?", yes=yes)
    state = _state(stack)
    for each in DESTINATIONS[to]:
        was_paused = state.resume(account_id, each)
        output.say(f"✓ messages to {each} go on" if was_paused else f"  {each} is not paused")


def paused_circuits(stack: Stack, account_id: str) -> dict[str, CircuitState]:
    """Return the paused circuits of an account, by destination."""
    table = Table(stack.client("dynamodb"), stack.table)
    keys = {OUTAGE_PK.format(account_id, each): each for each in DESTINATIONS["both"]}
    found = {keys[pk]: read_circuit(item) for pk, item in table.get(list(keys)).items()}
    return {each: circuit for each, circuit in found.items() if circuit.is_paused}


def _named(to: str) -> str:
    return " and ".join(DESTINATIONS[to])


def _state(stack: Stack) -> DeliveryState:
    return DeliveryState(stack.client("dynamodb"), stack.table)
