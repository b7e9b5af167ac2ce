"""Ready channels at the command line: Parameter Store is moto's, the provider is a stand-in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.pseudonyms import consumer_key, short
from sandbox.providers import stand_in
from sandbox.providers.stand_in import StandIn
from tests.support.accounts import ACCOUNT, SALT
from tests.support.moto_stack import CHANNEL_API_URL, STACK, MotoStack, moto_stack

NAME = f"/{STACK}/accounts/{ACCOUNT}/channels/shop"
ADDRESS = f"{CHANNEL_API_URL}/accounts/{ACCOUNT}/channels/shop"


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    with moto_stack() as stack:
        yield stack


@pytest.fixture(name="telegram")
def _telegram() -> Iterator[StandIn]:
    with stand_in("telegram") as provider:
        yield provider


def add(stack: MotoStack, telegram: StandIn, token: str | None = None) -> Result:
    return stack.connector(
        *("channel", "add", ACCOUNT, "shop", "--kind", "telegram", "--yes"),
        *("--set", f"api_url={telegram.url}"),
        typed=f"{token or telegram.settings['bot_token']}\n",
    )


def parameter(stack: MotoStack) -> dict[str, Any]:
    found = stack.client("ssm").get_parameter(Name=NAME, WithDecryption=True)["Parameter"]
    assert "SecureString" == found["Type"]
    value: dict[str, Any] = json.loads(found["Value"])
    return value


def test_a_channel_is_on_air_after_one_command(stack: MotoStack, telegram: StandIn) -> None:
    """Credentials are tried, the parameter is written, the provider knows our address."""
    said = add(stack, telegram)

    assert 0 == said.exit_code, said.stderr
    written = parameter(stack)
    assert ("telegram", ADDRESS) == (written["kind"], written["address"])
    assert telegram.settings["bot_token"] == written["bot_token"]
    assert 32 == len(written["webhook_secret"])
    assert ADDRESS == telegram.webhook_url
    shown = said.stdout + said.stderr
    assert written["bot_token"] not in shown
    assert written["webhook_secret"] not in shown


def test_a_person_of_a_ready_channel_is_traced_and_no_namesake(
    stack: MotoStack, telegram: StandIn
) -> None:
    """By the provider's id, with the channel's name before it or without."""
    add(stack, telegram)
    stack.write_parameter("channel", {"callback_url": "https://a.example", "signing_secret": "x"})
    keys = {
        what: short(consumer_key(SALT, ACCOUNT, *of))
        for what, of in {
            "the person": ("shop:5001", "shop"),
            "of the brand's own channel": ("shop:5001", ""),
            "of another channel": ("desk:5001", "desk"),
        }.items()
    }
    for what, key in keys.items():
        line = {"message": "sent", "function": "outbound_messaging", "level": "INFO"}
        said = {"consumer": key, "trace": f"t-{key}", "event_type": what, "account_id": ACCOUNT}
        stack.log(json.dumps({**line, **said}))

    for name in ("5001", "shop:5001"):
        shown = stack.connector("trace", name, "--account", ACCOUNT, "--json").stdout
        assert keys["the person"] in shown
        assert keys["of another channel"] not in shown
    assert keys["of the brand's own channel"] not in stack.connector("trace", "5001").stdout


def test_wrong_credentials_write_nothing(stack: MotoStack, telegram: StandIn) -> None:
    """The provider's answer is told in words, and no token."""
    token = "7654321:made-up-made-up-made-up-made-up-xyz"
    said = add(stack, telegram, token)

    assert 1 == said.exit_code
    assert "the credentials are not accepted" in said.stderr
    assert token not in said.stderr
    with pytest.raises(ClientError, match="ParameterNotFound"):
        parameter(stack)
    assert "" == telegram.webhook_url


def test_a_secret_does_not_belong_on_the_command_line(stack: MotoStack, telegram: StandIn) -> None:
    """It would stand in the shell's history."""
    said = stack.connector(
        *("channel", "add", ACCOUNT, "shop", "--kind", "telegram", "--yes"),
        *("--set", "bot_token=1234567:made-up"),
    )

    assert 1 == said.exit_code
    assert "secrets are asked for" in said.stderr
    assert "1234567:made-up" not in said.stderr


@pytest.mark.parametrize("name", ["Shop", "1shop", "shop_2", "s" * 32])
def test_a_name_has_a_form(stack: MotoStack, name: str) -> None:
    """It stands in an address and in a consumer's key."""
    said = stack.connector("channel", "add", ACCOUNT, name, "--kind", "line", "--yes")

    assert 1 == said.exit_code
    assert "is not a channel's name" in said.stderr


def test_channels_are_shown_without_their_secrets(stack: MotoStack, telegram: StandIn) -> None:
    """As a table, as lines and as JSON."""
    add(stack, telegram)
    written = parameter(stack)

    listed = stack.connector("channel", "list", "--json")
    assert [{"account_id": ACCOUNT, "name": "shop", "kind": "telegram"}] == json.loads(
        listed.stdout
    )
    for options in ((), ("--json",)):
        said = stack.connector("channel", "show", ACCOUNT, "shop", *options)
        assert 0 == said.exit_code
        assert ADDRESS in said.stdout
        assert "********" in said.stdout
        assert not {written["bot_token"], written["webhook_secret"]} & set(said.stdout.split('"'))
        assert written["bot_token"] not in said.stdout
        assert written["webhook_secret"] not in said.stdout


def test_an_unknown_channel_is_told_with_the_known_ones(
    stack: MotoStack, telegram: StandIn
) -> None:
    """And how to add it."""
    add(stack, telegram)
    said = stack.connector("channel", "show", ACCOUNT, "market")

    assert 1 == said.exit_code
    assert "no ready channel market (it has: shop)" in said.stderr
    assert f"connector channel add {ACCOUNT} market" in said.stderr


def test_a_message_is_tried(stack: MotoStack, telegram: StandIn) -> None:
    """The test person sees it; who has blocked the bot is told of."""
    add(stack, telegram)
    ada = telegram.person("ada")
    said = stack.connector(
        "channel", "try", ACCOUNT, "shop", ada, "--text", "Is it you?", "--wait", "0"
    )

    assert 0 == said.exit_code, said.stderr
    assert ["Is it you?"] == [each.text for each in telegram.seen("ada")]
    telegram.blocked.add("ada")
    refused = stack.connector("channel", "try", ACCOUNT, "shop", ada, "--wait", "0")
    assert 1 == refused.exit_code
    assert "the person has blocked the channel" in refused.stderr


def test_a_channel_is_removed_at_the_provider_too(stack: MotoStack, telegram: StandIn) -> None:
    """Its webhook's address first, then the parameter."""
    add(stack, telegram)
    said = stack.connector("channel", "remove", ACCOUNT, "shop", "--yes")

    assert 0 == said.exit_code, said.stderr
    assert "" == telegram.webhook_url
    with pytest.raises(ClientError, match="ParameterNotFound"):
        parameter(stack)


def test_an_address_that_is_anothers_stays_at_the_provider(
    stack: MotoStack, telegram: StandIn
) -> None:
    """The bot has been given to another system meanwhile: the parameter alone goes."""
    add(stack, telegram)
    telegram.register("https://another.example/webhook")
    said = stack.connector("channel", "remove", ACCOUNT, "shop", "--yes")

    assert 0 == said.exit_code, said.stderr
    assert "https://another.example/webhook" == telegram.webhook_url


def test_a_provider_that_is_gone_keeps_no_channel(stack: MotoStack, telegram: StandIn) -> None:
    """With --force the parameter goes, whatever the provider says."""
    add(stack, telegram)
    telegram.stop()

    said = stack.connector("channel", "remove", ACCOUNT, "shop", "--yes")
    assert 1 == said.exit_code
    assert "telegram" in said.stderr
    assert 0 == stack.connector("channel", "remove", ACCOUNT, "shop", "--yes", "--force").exit_code


def test_secrets_are_rotated_without_a_gap(stack: MotoStack, telegram: StandIn) -> None:
    """What was replaced is kept as previous until the rotation is finished."""
    add(stack, telegram)
    before = parameter(stack)

    said = stack.connector(
        *("secrets", "rotate", ACCOUNT, "--channel", "shop", "--yes"), typed="\n"
    )

    assert 0 == said.exit_code, said.stderr
    after = parameter(stack)
    assert before["webhook_secret"] != after["webhook_secret"]
    assert {"webhook_secret": before["webhook_secret"]} == after["previous"]
    assert before["bot_token"] == after["bot_token"]
    again = stack.connector(
        *("secrets", "rotate", ACCOUNT, "--channel", "shop", "--yes"), typed="\n"
    )
    assert 1 == again.exit_code
    assert "not finished" in again.stderr
    finish = ("secrets", "rotate", ACCOUNT, "--channel", "shop", "--finish", "--yes")
    assert 0 == stack.connector(*finish).exit_code
    assert "previous" not in parameter(stack)
    assert 1 == stack.connector(*finish).exit_code


def test_a_provider_that_takes_an_address_once_gets_it_anew(stack: MotoStack) -> None:
    """Sinch refuses a webhook's address that an app has; its settings are asked for in order."""
    with stand_in("sinch") as sinch:
        asked = ("project_id", "app_id", "region", "transport", "key_id", "key_secret")
        typed = "".join(f"{sinch.settings[name]}\n" for name in asked)
        for _ in range(2):
            said = stack.connector(
                *("channel", "add", ACCOUNT, "shop", "--kind", "sinch", "--yes"),
                *("--set", f"api_url={sinch.url}"),
                typed=typed,
            )
            assert 0 == said.exit_code, said.stderr
            assert ADDRESS == sinch.webhook_url
        assert 0 == stack.connector("channel", "remove", ACCOUNT, "shop", "--yes").exit_code
        assert "" == sinch.webhook_url


def test_an_account_may_have_ready_channels_only(stack: MotoStack, telegram: StandIn) -> None:
    """Its credentials are written alone; the doctor misses no channel once there is one."""
    said = stack.connector(
        *("account", "add", ACCOUNT, "--client-id", "an-app", "--ready-channels-only"),
        *("--skip-checks", "--yes"),
        typed="a-client-secret-of-the-tests\n",
    )
    assert 0 == said.exit_code, said.stderr
    assert "channel is written" not in said.stdout
    assert "channel is not written" in accounts(stack)

    add(stack, telegram)
    assert "" == accounts(stack)


def accounts(stack: MotoStack) -> str:
    said = stack.connector("doctor", "--only", "accounts", "--json")
    return "".join(each["detail"] for each in json.loads(said.stdout))


def doctor(stack: MotoStack) -> list[tuple[str, str]]:
    said = stack.connector("doctor", "--only", "channels", "--json")
    return [(each["level"], each["detail"]) for each in json.loads(said.stdout)]


def test_the_doctor_looks_at_a_channel(stack: MotoStack, telegram: StandIn) -> None:
    """Credentials, registration, and that no webhook has come yet."""
    add(stack, telegram)
    accepted, here, none_yet = doctor(stack)

    assert ("ok", "shop: telegram accepts the credentials") == accepted
    assert ("ok", "shop: telegram sends webhooks here") == here
    assert ("warning", "shop: no webhook has come within a day") == none_yet

    telegram.register("https://elsewhere.example/")
    assert ("wrong", "shop: telegram sends webhooks elsewhere, or nowhere") == doctor(stack)[1]


@pytest.mark.parametrize(
    ("fields", "level", "words"),
    [
        ({"account_id": ACCOUNT, "channel": "shop"}, "ok", "and was believed"),
        (
            {"problem": f"channel {ACCOUNT}/shop: wrong secret token"},
            "wrong",
            "and was refused: channel",
        ),
    ],
)
def test_the_doctor_tells_of_the_last_webhook(
    stack: MotoStack, telegram: StandIn, fields: dict[str, str], level: str, words: str
) -> None:
    """Believed, or refused and why."""
    add(stack, telegram)
    log(stack, {"message": "accepted", "function": "provider_intake", **fields})

    found = doctor(stack)[-1]
    assert level == found[0]
    assert words in found[1]


def log(stack: MotoStack, line: dict[str, str]) -> None:
    """Write a line as the function does."""
    logs = stack.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    (group,) = [each for each in groups if "ProviderIntake" in each]
    logs.create_log_stream(logGroupName=group, logStreamName="1")
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line)}
    logs.put_log_events(logGroupName=group, logStreamName="1", logEvents=[event])


def test_status_names_the_channel_that_is_down(stack: MotoStack, telegram: StandIn) -> None:
    """Of several, and what to do."""
    add(stack, telegram)
    state = DeliveryState(stack.client("dynamodb"), stack.table)
    state.note_failure(ACCOUNT, "channel:shop", None, time.time(), "g")

    told = json.loads(stack.connector("status", "--json").stdout)

    assert ["channel:shop"] == list(told["accounts"][ACCOUNT]["outages"])
    assert "shop: 1 failure" in stack.connector("status").stdout
