"""The LivePerson account of a sandbox, and the parameters that an operator writes for it."""

import base64
import json
import secrets
import time
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from sandbox.aws import Aws

ACCOUNT_ID = "87654321"
CLIENT_ID = "5a4db0e5-0000-4000-8000-000000000001"
PATIENCE_SECONDS = 3.0


def new_signing_secret() -> str:
    """Make a Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


@dataclass(frozen=True)
class Account:
    """A LivePerson account and the channel that is connected to it."""

    account_id: str = ACCOUNT_ID
    client_id: str = CLIENT_ID
    client_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    callback_url: str = ""
    signing_secret: str = field(default_factory=new_signing_secret, repr=False)


EVENTS_ACCOUNT = Account(
    account_id="12345678",
    client_id="6b0b0d0c-3f5a-4f8e-9a54-0d6f6c1c2f11",
    client_secret="demo-secret-of-the-event-file",  # noqa: S106 (it gives access to nothing)
)
"""The account that the files in `events/` belong to; their webhook is signed for it."""


def write_parameters(aws: Aws, stack_name: str, account: Account) -> None:
    """Write the two parameters of a new account, as an operator does."""
    credentials = {"client_id": account.client_id, "client_secret": account.client_secret}
    channel = {"callback_url": account.callback_url, "signing_secret": account.signing_secret}
    for name, value in {"credentials": credentials, "channel": channel}.items():
        aws.ssm.put_parameter(
            Name=parameter(stack_name, account, name),
            Value=json.dumps(value),
            Type="SecureString",
            Overwrite=True,
        )


def keep_salt(aws: Aws, function: str, stack_name: str) -> None:
    """Keep the salt of consumers' ids outside of the stack, as `make deploy` does."""
    settings = aws.functions.get_function_configuration(FunctionName=function)
    aws.ssm.put_parameter(
        Name=f"/{stack_name}/consumer-id-salt",
        Value=settings["Environment"]["Variables"]["CONSUMER_ID_SALT"],
        Type="SecureString",
        Overwrite=True,
    )


def fetch_app_jwt(aws: Aws, function: str, stack_name: str, account: Account) -> bool:
    """Run `token_refresh` as its schedule does; return True if it stored the AppJWT."""
    aws.functions.invoke(FunctionName=function, Payload=b"{}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not has_app_jwt(aws, stack_name, account):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def has_app_jwt(aws: Aws, stack_name: str, account: Account) -> bool:
    """Whether the account's AppJWT is in Parameter Store."""
    try:
        aws.ssm.get_parameter(Name=parameter(stack_name, account, "app-jwt"))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return False
        raise
    return True


def parameter(stack_name: str, account: Account, name: str) -> str:
    """Return the full name of one of an account's parameters."""
    return f"/{stack_name}/accounts/{account.account_id}/{name}"
