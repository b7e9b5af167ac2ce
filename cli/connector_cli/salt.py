"""
``connector salt``: keep the salt of consumers' ids where a lost stack does not take it along.

LivePerson knows a consumer by a hash with this salt. Without ``ConsumerIdSalt`` it is the stack's
own id, which a new stack does not have: every consumer would be a stranger to it. A parameter that
is not part of the stack keeps it; ``make deploy`` gives it to a stack that is created again.
"""

from __future__ import annotations

from typing import Any

import click

from liveperson_connector.aws.parameters import TIER

from . import output
from .errors import Problem
from .groups import Commands
from .options import on_a_stack
from .parameters import SECURE
from .stack import Stack


@click.group(cls=Commands)
def salt() -> None:
    """Keep what consumers' ids depend on."""


@salt.command()
@on_a_stack
def keep(stack: Stack) -> None:
    """Keep the stack's salt in Parameter Store, for a stack that is created again."""
    client, used = stack.client("ssm"), stack.consumer_id_salt
    kept = kept_salt(client, stack.name)
    if kept not in {None, used}:
        raise Problem(
            f"{parameter_name(stack.name)} keeps another salt than the stack uses",
            "deploy with the kept one as ConsumerIdSalt (docs/recipes/restore-a-lost-stack.md); "
            "if the stack's is right, delete the parameter first",
        )
    if kept is None:
        keep_salt(client, stack.name, used)
    output.say(f"the salt is kept in {parameter_name(stack.name)}")


def parameter_name(stack_name: str) -> str:
    """Return the name of the parameter that keeps a stack's salt."""
    return f"/{stack_name}/consumer-id-salt"


def kept_salt(client: Any, stack_name: str) -> str | None:
    """Return the salt that is kept for a stack; None if none is. ``client`` is one of SSM."""
    try:
        answer = client.get_parameter(Name=parameter_name(stack_name), WithDecryption=True)
    except client.exceptions.ParameterNotFound:
        return None
    return str(answer["Parameter"]["Value"])


def keep_salt(client: Any, stack_name: str, salt: str) -> None:
    """Keep a stack's salt, encrypted; a kept one is never overwritten."""
    name = parameter_name(stack_name)
    client.put_parameter(Name=name, Value=salt, Type=SECURE, Tier=TIER, Overwrite=False)
