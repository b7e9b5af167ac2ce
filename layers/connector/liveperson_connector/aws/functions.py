"""Invoke ``token_refresh`` for another AppJWT."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.errors import AppJwtMissing
from ..telemetry import outcomes
from .clients import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class TokenRefreshFunction:
    """The function that alone writes AppJWTs; ``client`` is called when it is first asked."""

    def __init__(self, client: Callable[[], LambdaClient], name: str) -> None:
        self._client = client
        self._name = name

    def ask(self, account_id: str, rejected: str | None) -> None:
        """
        Ask for a newer AppJWT than the one named ``rejected``, and wait for it to be stored.

        Raises :class:`AppJwtMissing` if the function failed; its own log tells why.
        """
        request = {
            "account_id": account_id,
            "rejected": rejected,
            **outcomes.correlation_attributes(),
        }
        with aws_errors("invoking token_refresh"):
            answer = self._client().invoke(
                FunctionName=self._name, Payload=json.dumps(request).encode()
            )
        if answer.get("FunctionError"):
            raise AppJwtMissing("token_refresh failed; its log says why")
