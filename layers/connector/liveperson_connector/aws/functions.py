"""Asking ``token_refresh`` for another AppJWT."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import observe
from ..errors import AppJwtMissing
from .clients import translated

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

        Raises :class:`AppJwtMissing` if the function failed; why stands in its own log.
        """
        request = {"account_id": account_id, "rejected": rejected, **observe.traced()}
        with translated("invoking token_refresh"):
            answer = self._client().invoke(
                FunctionName=self._name, Payload=json.dumps(request).encode()
            )
        if answer.get("FunctionError"):
            raise AppJwtMissing("token_refresh failed; its log says why")
