"""
The salt of consumers' ids: kept after a deployment, given to a stack that is made anew.

Without ``ConsumerIdSalt`` it is the stack's own id. ``connector salt keep`` keeps it by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector_cli.errors import NotReached
from connector_cli.salt import keep_salt, kept_salt, parameter_name
from connector_cli.stack import Stack
from tools.stages import Stage

PARAMETER = "ConsumerIdSalt"


def salt_of_the_lost(stage: Stage) -> Sequence[str]:
    """
    Return the option of ``sam deploy`` that gives a stack made anew the salt of its predecessor.

    Nothing, if the stack exists, no salt is kept, or the operator chooses one.
    """
    stack = _stack(stage)
    salt = kept_salt(stack.client("ssm"), stack.name)
    chosen = any(each.startswith(f"{PARAMETER}=") for each in stage.overrides)
    if salt is None or chosen or _exists(stack):
        return ()
    print(f"stack {stack.name} is made anew with the kept salt: consumers are recognised")
    # SAM takes the parameters of the command line instead of samconfig.toml's, not beside them.
    return "--parameter-overrides", *stage.overrides, f"{PARAMETER}={salt}"


def keep(stage: Stage) -> None:
    """Keep the salt of the deployed stack in Parameter Store, unless one is kept already."""
    stack = _stack(stage)
    client = stack.client("ssm")
    if kept_salt(client, stack.name) is None:
        keep_salt(client, stack.name, stack.consumer_id_salt)
        print(f"the salt of consumers' ids is kept in {parameter_name(stack.name)}")


def _stack(stage: Stage) -> Stack:
    return Stack(stage.stack_name, session=stage.session())


def _exists(stack: Stack) -> bool:
    try:
        stack.check_exists()
    except NotReached:
        return False
    return True
