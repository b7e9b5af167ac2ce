"""
The two tokens: AppJWT (who the app is) and ConsumerJWS (who the consumer is), both RS256.

Facts are from the Connector API's authorization page: header `typ`, `alg` and a `kid` that
begins with `appjwt-`; AppJWT claims `aud`, `azp`, `scope`, `iss`, `exp`, `iat`; ConsumerJWS
claims `account_id`, `ext_consumer_id`, `lp_consumer_id` and no time at all.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from simulator.model import Account

KID = "appjwt-13-05-17"
MANDATORY_CLAIMS = ("aud", "azp", "iss", "scope", "exp")


class BadToken(Exception):
    """A token is not ours, is for another account or app, has expired or was revoked."""


class MissingClaims(Exception):
    """An AppJWT is ours but lacks a mandatory claim."""


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return this process's RSA key, made at first use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def public_key() -> rsa.RSAPublicKey:
    """Return the key that verifies both tokens."""
    return signing_key().public_key()


def public_jwk() -> dict[str, Any]:
    """Return the public key as a JWK, as Sentinel's well-known page lists it."""
    jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(public_key()))
    return {**jwk, "kid": KID, "alg": "RS256", "use": "sig"}


def issue_app_jwt(account: Account) -> str:
    """
    Return a new AppJWT for the account's app.

    RS256 signatures are deterministic: a token issued in the same second as a revoked one would
    be the same token, so its expiry is moved one second earlier.
    """
    life = account.settings.app_jwt_life_seconds
    token = _app_jwt(account, life)
    while token in account.revoked:
        life -= 1
        token = _app_jwt(account, life)
    account.issued.add(token)
    return token


def _app_jwt(account: Account, life: int) -> str:
    now = int(time.time())
    claims = {
        "aud": account.account_id,
        "azp": account.client_id,
        "scope": "msg.consumer",
        "iss": account.settings.app_jwt_issuer,
        "exp": now + life,
        "iat": now,
    }
    for name in account.settings.app_jwt_omit_claims:
        claims.pop(name, None)
    return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": KID})


def check_app_jwt(account: Account, token: str) -> None:
    """Raise `BadToken` or `MissingClaims` unless the token is valid for this account."""
    if token in account.revoked:
        raise BadToken("revoked")
    try:
        claims = jwt.decode(
            token, public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
    except jwt.InvalidTokenError as problem:
        raise BadToken(type(problem).__name__) from None
    if any(name not in claims for name in MANDATORY_CLAIMS):
        raise MissingClaims
    if (claims["aud"], claims["azp"]) != (account.account_id, account.client_id):
        raise BadToken("of another account or app")


def issue_consumer_jws(account: Account, ext_consumer_id: str) -> str:
    """Return the ConsumerJWS of a consumer: the same id always gives the same consumer."""
    claims = {
        "account_id": account.account_id,
        "ext_consumer_id": ext_consumer_id,
        "lp_consumer_id": lp_consumer_id(account.account_id, ext_consumer_id),
    }
    kid = _consumer_kid(account)
    return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": kid})


def read_consumer_jws(account: Account, token: str) -> str:
    """Return the `lp_consumer_id` of a ConsumerJWS; raise `BadToken` if it is not valid here."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        claims = jwt.decode(
            token, public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
    except jwt.InvalidTokenError as problem:
        raise BadToken(type(problem).__name__) from None
    consumer = claims.get("lp_consumer_id")
    if claims.get("account_id") != account.account_id or not isinstance(consumer, str):
        raise BadToken("of another account, or no ConsumerJWS")
    if kid != _consumer_kid(account):
        raise BadToken("revoked")
    account.consumers.setdefault(consumer, str(claims.get("ext_consumer_id")))
    return consumer


def _consumer_kid(account: Account) -> str:
    """Return the key id of valid ConsumerJWSs; it changes when they are all revoked."""
    return KID if not account.jws_generation else f"{KID}-{account.jws_generation}"


def lp_consumer_id(account_id: str, ext_consumer_id: str) -> str:
    """Return LivePerson's own id of a consumer: 64 hexadecimal characters."""
    return hashlib.sha256(f"{account_id}\n{ext_consumer_id}".encode()).hexdigest()
