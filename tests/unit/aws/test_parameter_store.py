"""Accounts in Parameter Store."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest
from mypy_boto3_ssm import SSMClient

from liveperson_connector.aws import clients
from liveperson_connector.aws.parameters import ParameterStore
from liveperson_connector.domain.accounts import ChannelSettings, Credentials
from liveperson_connector.domain.errors import AwsUnavailable, MisconfiguredAccount
from liveperson_connector.domain.intake_settings import IntakeSettings
from tests.support.accounts import ACCOUNT, SIGNING_SECRET

CREDENTIALS = '{"client_id": "the-id", "client_secret": "the-secret"}'
CHANNEL = json.dumps({"callback_url": "https://channel.example", "signing_secret": SIGNING_SECRET})

_stacks = itertools.count(1)
Write = Callable[..., None]


@pytest.fixture(name="ssm")
def _ssm(aws: None) -> SSMClient:
    client: SSMClient = clients.retrying("ssm")
    return client


@pytest.fixture(name="store")
def _store(ssm: SSMClient) -> ParameterStore:
    return ParameterStore(ssm, f"/parameters-{next(_stacks)}")


@pytest.fixture(name="write")
def _write(ssm: SSMClient, store: ParameterStore) -> Write:
    def write(kind: str, value: str, account_id: str = ACCOUNT) -> None:
        name = store.name(account_id, kind)
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    return write


def test_what_an_operator_wrote_is_read(store: ParameterStore, write: Write) -> None:
    """Decrypted, and as values."""
    write("credentials", CREDENTIALS)
    write("channel", CHANNEL)

    assert Credentials("the-id", "the-secret") == store.credentials(ACCOUNT)
    assert isinstance(store.channel(ACCOUNT), ChannelSettings)


@pytest.mark.parametrize("kind", ["credentials", "channel"])
def test_what_is_not_written_is_named(store: ParameterStore, kind: str) -> None:
    """The error says which parameter to write, and how."""
    with pytest.raises(MisconfiguredAccount) as missing:
        getattr(store, kind)(ACCOUNT)

    assert store.name(ACCOUNT, kind) in str(missing.value)
    assert "SecureString" in str(missing.value)


def test_what_is_malformed_is_named(store: ParameterStore, write: Write) -> None:
    """With its full name, so that an operator finds it."""
    write("credentials", "the-secret")

    with pytest.raises(MisconfiguredAccount) as malformed:
        store.credentials(ACCOUNT)

    assert store.name(ACCOUNT, "credentials") in str(malformed.value)
    assert "the-secret" not in str(malformed.value)


def test_an_unknown_account_has_no_credentials_and_no_channel(store: ParameterStore) -> None:
    """That is an answer, not an error: strangers name accounts too."""
    assert store.find_credentials("99999999") is None
    assert store.intake_settings("99999999", copy=pytest.fail) is None
    assert store.app_jwt("99999999") is None


@pytest.mark.parametrize("account_id", ["", "a/b", "../other/accounts/1", "*", "ü", "x" * 65])
def test_a_strange_account_id_reaches_no_parameter(
    store: ParameterStore, write: Write, account_id: str
) -> None:
    """It is never put into a name."""
    write("credentials", CREDENTIALS)

    assert store.find_credentials(account_id) is None


def test_an_app_jwt_is_kept_encrypted(store: ParameterStore, ssm: SSMClient) -> None:
    """And the newest is read."""
    store.store_app_jwt(ACCOUNT, "first")
    store.store_app_jwt(ACCOUNT, "second")
    kept = ssm.get_parameter(Name=store.name(ACCOUNT, "app-jwt"))["Parameter"]

    assert ("second", "SecureString") == (store.app_jwt(ACCOUNT), kept["Type"])


def test_a_long_token_is_kept(store: ParameterStore) -> None:
    """An AppJWT has about a thousand characters; a standard parameter takes four thousand."""
    store.store_app_jwt(ACCOUNT, "x" * 4000)

    assert "x" * 4000 == store.app_jwt(ACCOUNT)


def test_every_account_is_found(store: ParameterStore, write: Write) -> None:
    """Those with credentials, however many, and of this stack alone."""
    for number in range(12):
        write("credentials", CREDENTIALS, f"acc{number:02}")
        write("channel", CHANNEL, f"acc{number:02}")
    write("channel", CHANNEL, "channel-only")
    write("credentials", CREDENTIALS, "deeper/than")

    assert [f"acc{number:02}" for number in range(12)] == store.account_ids()


def test_a_stack_without_accounts_has_none(store: ParameterStore) -> None:
    """A new stack is no error."""
    assert [] == store.account_ids()


def test_another_stack_is_not_looked_into(
    ssm: SSMClient, store: ParameterStore, write: Write
) -> None:
    """A stack whose name begins with ours is another."""
    write("credentials", CREDENTIALS)
    longer = ParameterStore(ssm, store._prefix + "0")

    assert (None, []) == (longer.find_credentials(ACCOUNT), longer.account_ids())


def test_a_parameter_store_that_cannot_be_reached_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told apart from an account that does not exist."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    unreachable = ParameterStore(clients.fail_fast("ssm"), "/stack")

    with pytest.raises(AwsUnavailable):
        unreachable.find_credentials(ACCOUNT)


# ── What the intake may know ──


def test_copy_follows_the_channel_and_holds_no_secret(
    store: ParameterStore, ssm: SSMClient, write: Write
) -> None:
    """It is made when the intake first asks, and again after each change, and not in between."""
    asked = []

    def copy(account_id: str) -> None:
        asked.append(account_id)
        store.copy_intake_settings(account_id)

    keys = [None, ["key1"], ["key1", "key2"]]
    for named in keys:
        write("channel", json.dumps({**json.loads(CHANNEL), "api_key_ids": named}))
        for _ in range(2):
            found = store.intake_settings(ACCOUNT, copy)
            assert IntakeSettings(frozenset(named) if named else None) == found

    kept = ssm.get_parameter(Name=store.name(ACCOUNT, "intake_settings"))["Parameter"]
    assert [ACCOUNT] * len(keys) == asked
    assert "String" == kept["Type"]
    assert {"copy_of", "api_key_ids"} == json.loads(kept["Value"]).keys()


def test_channel_that_was_deleted_and_written_again_is_copied_again(
    store: ParameterStore, ssm: SSMClient, write: Write
) -> None:
    """Its versions count from 1 again; the old copy named other keys."""
    for key in ("key1", "key2"):
        write("channel", json.dumps({**json.loads(CHANNEL), "api_key_ids": [key]}))
        found = store.intake_settings(ACCOUNT, store.copy_intake_settings)
        assert found
        assert frozenset({key}) == found.api_key_ids
        ssm.delete_parameter(Name=store.name(ACCOUNT, "channel"))

    assert store.intake_settings(ACCOUNT, copy=pytest.fail) is None


def test_copy_that_lags_is_not_believed(store: ParameterStore, write: Write) -> None:
    """Nobody is let in by it; the channel sends again."""
    write("channel", CHANNEL)
    with pytest.raises(MisconfiguredAccount, match="older than"):
        store.intake_settings(ACCOUNT, copy=lambda _account_id: None)


@pytest.mark.parametrize("wrong", [[], "key1", [1], [""], ["a key"], {"key1": True}])
def test_names_of_keys_that_are_none_let_nobody_in(
    store: ParameterStore, write: Write, wrong: object
) -> None:
    """The error says what to write; there is no copy, so the intake answers 503."""
    write("channel", json.dumps({**json.loads(CHANNEL), "api_key_ids": wrong}))
    with pytest.raises(MisconfiguredAccount, match="api_key_ids"):
        store.intake_settings(ACCOUNT, store.copy_intake_settings)
