"""The account that a sandbox makes up."""

import base64

from sandbox.account import Account, new_signing_secret


def test_a_signing_secret_is_one_of_standard_webhooks() -> None:
    """`whsec_` and 24 to 64 bytes in base64."""
    secret = new_signing_secret()

    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_secrets_are_made_anew_and_not_shown() -> None:
    """No two sandboxes share them, and printing an account tells none."""
    account = Account()

    assert Account().client_secret != account.client_secret
    assert account.client_secret not in repr(account)
    assert account.signing_secret not in repr(account)
