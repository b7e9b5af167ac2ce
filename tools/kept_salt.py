"""
The salt of consumers' ids: kept after a deployment, given to a stack that is made anew.

Without ``ConsumerIdSalt`` it is the stack's own id. ``connector salt keep`` keeps it by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from connector_cli.salt import keep_salt, kept_salt, parameter_name
from tools.stages import Stage

PARAMETER = "ConsumerIdSalt"


def salt_of_the_lost(stage: Stage) -> Sequence[str]:
    """
    Return the option of ``sam deploy`` that gives a stack made anew the salt of its predecessor.

    Nothing, if the stack exists, no salt is kept, or the operator chooses one.
    """
    session = stage.session()
    salt = kept_salt(session.client("ssm"), stage.stack_name)
    chosen = any(each.startswith(f"{PARAMETER}=") for each in stage.overrides)
    if salt is None or chosen or _exists(session.client("cloudformation"), stage.stack_name):
        return ()
    print(f"stack {stage.stack_name} is made anew with the kept salt: consumers are recognised")
    # SAM takes the parameters of the command line instead of samconfig.toml's, not beside them.
    return "--parameter-overrides", *stage.overrides, f"{PARAMETER}={salt}"


def keep(stage: Stage) -> None:
    """Keep the salt of the deployed stack in Parameter Store, unless one is kept already."""
    session = stage.session()
    client = session.client("ssm")
    if kept_salt(client, stage.stack_name) is None:
        keep_salt(client, stage.stack_name, _used(session, stage.stack_name))
        print(f"the salt of consumers' ids is kept in {parameter_name(stage.stack_name)}")


def _used(session: Any, stack_name: str) -> str:
    found = session.client("cloudformation").describe_stack_resource(
        StackName=stack_name, LogicalResourceId="MessageIntake"
    )
    function = found["StackResourceDetail"]["PhysicalResourceId"]
    read = session.client("lambda").get_function_configuration(FunctionName=function)
    return str(read["Environment"]["Variables"]["CONSUMER_ID_SALT"])


def _exists(client: Any, stack_name: str) -> bool:
    try:
        client.describe_stacks(StackName=stack_name)
    except ClientError as failure:
        if failure.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    return True
