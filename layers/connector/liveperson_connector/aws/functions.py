"""Invoke ``token_refresh``: for another AppJWT, or for the copy of an account's settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..domain.errors import AppJwtMissing
from ..telemetry import outcomes
from .clients import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class TokenRefreshFunction:
    """Writes AppJWTs and copies of settings; ``client`` is called when it is first asked."""

    def __init__(self, client: Callable[[], LambdaClient], name: str) -> None:
        self._client = client
        self._name = name

    def ask(self, account_id: str, rejected: str | None) -> None:
        """
        Ask for a newer AppJWT than the one named ``rejected``, and wait for it to be stored.

        Raises :class:`AppJwtMissing` if the function failed; its own log tells why.
        """
        self._invoke({"account_id": account_id, "rejected": rejected})

    def copy_intake_settings(self, account_id: str) -> None:
        """Let it copy what ``message_intake`` must know of an account, and wait for the copy."""
        self._invoke({"account_id": account_id, "copy_intake_settings": True})

    def _invoke(self, request: Mapping[str, object]) -> None:
        payload = json.dumps({**request, **outcomes.correlation_attributes()}).encode()
        with aws_errors("invoking token_refresh"):
            answer = self._client().invoke(FunctionName=self._name, Payload=payload)
        if answer.get("FunctionError"):
            raise AppJwtMissing("token_refresh failed; its log says why")
