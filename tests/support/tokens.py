"""AppJWTs and ConsumerJWSs, good ones, of which a test spoils one claim."""

from __future__ import annotations

import json
from typing import Any

import jwt

from liveperson_connector.liveperson.app_jwt import AppJwt

from .accounts import ACCOUNT, CLIENT_ID
from .clocks import Clock

NOW = Clock().now
_KEY = "only LivePerson checks signatures of tokens"


def app_jwt(*, without: str = "", **claims: Any) -> str:
    """Issue an AppJWT that is good for an hour of the standing clock."""
    good = {
        "aud": ACCOUNT,
        "azp": CLIENT_ID,
        "iss": "Sentinel",
        "scope": "msg.consumer",
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
    }
    chosen = {name: value for name, value in {**good, **claims}.items() if name != without}
    # Not as a JWT, whose claims PyJWT would check: a test may want an odd one.
    signed = json.dumps(chosen).encode()
    return jwt.PyJWS().encode(signed, _KEY, algorithm="HS256", headers={"kid": "appjwt-13-05-17"})


def held_app_jwt(**claims: Any) -> AppJwt:
    """Give an AppJWT as a worker holds it."""
    return AppJwt.read(app_jwt(**claims), account_id=ACCOUNT)


def consumer_jws(**claims: Any) -> str:
    """Issue a ConsumerJWS; a claim of none is left out."""
    good = {"account_id": ACCOUNT, "ext_consumer_id": "key", "lp_consumer_id": "lp-1"}
    chosen = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(chosen, _KEY, algorithm="HS256")
