"""
Send requests to LivePerson's services; turn the answers into values or errors.

Which answers are worth a retry follows LivePerson's retry policy recommendations
(https://developers.liveperson.com/retry-policy-recommendations.html); the error codes are those
of its authorization page
(https://developers.liveperson.com/connector-api-send-api-authorization-and-authentication.html).

No error contains LivePerson's own words: an answer may quote a consumer's message or a token, in
any form. An error has the status, the code, and words of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

from ..domain.errors import (
    AppJwtRejected,
    ConsumerJwsRejected,
    LivePersonBusy,
    LivePersonRefused,
    LivePersonUnavailable,
)
from ..support.dialer import NoAnswer
from ..support.http_client import SUCCESS, Answer, HttpClient
from ..support.web_address import BadAddress, WebAddress

SECONDS = 11.0
"""Time limit for a whole call: two slow ones fit into a worker's 30 s."""

# Far more than any answer that the connector reads.
_MOST_JSON = 1024 * 1024

APP_JWT_INVALID = "40102"
CONSUMER_JWS_INVALID = "40103"

# What a code looks like: a short number, a name in capitals, or one of OAuth 2.0
# (https://www.rfc-editor.org/rfc/rfc6749#section-5.2). Anything else may quote a person's words.
_CODE = re.compile(
    r"[0-9]{1,6}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*"
    r"|invalid_(?:request|client|grant|scope)|unauthorized_client|unsupported_grant_type"
)
_LONGEST_CODE = 64


class LivePersonHttp:
    """
    Sends requests to LivePerson. Share one instance per container: it keeps connections.

    ``seconds`` limits a whole call.
    """

    def __init__(self, client: HttpClient | None = None, *, seconds: float = SECONDS) -> None:
        self._client = client or HttpClient()
        self._seconds = seconds

    def get(self, url: str) -> Any:
        """GET ``url`` and return the JSON of its answer."""
        return _json(self._answer("GET", url, most=_MOST_JSON))

    def post_form(self, url: str, form: Mapping[str, str]) -> Any:
        """POST ``form`` in the body, which no log of addresses shows; return the answer's JSON."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return _json(self._answer("POST", url, most=_MOST_JSON, headers=headers, body=body))

    def post_json(self, url: str, body: object, headers: Mapping[str, str]) -> Any:
        """POST ``body`` as UTF-8 JSON and return the JSON of the answer."""
        headers = {"Content-Type": "application/json", **headers}
        packed = compact(body).encode()
        return _json(self._answer("POST", url, most=_MOST_JSON, headers=headers, body=packed))

    def put_bytes(self, url: str, content: bytes) -> None:
        """PUT ``content``; ignore the answer's body."""
        self._answer("PUT", url, body=content)

    def get_bytes(self, url: str, most: int) -> bytes:
        """GET ``url`` and return its body, of at most ``most`` bytes."""
        answer = self._answer("GET", url, most=most)
        if len(answer.body) > most:
            raise LivePersonRefused(f"the file has more than {most} bytes")
        if answer.broke_off:
            raise LivePersonUnavailable("the file broke off while it was fetched")
        return answer.body

    def _answer(self, method: str, url: str, **request: Any) -> Answer:
        try:
            answer = self._client.call(method, _parsed(url), seconds=self._seconds, **request)
        except BadAddress as bad:
            raise LivePersonUnavailable(f"an address of LivePerson's is odd: {bad}") from None
        except NoAnswer as failure:
            raise LivePersonUnavailable(
                f"LivePerson did not answer: {failure}",
                maybe_done=not failure.surely_not_sent,
            ) from None
        if answer.status not in SUCCESS:
            _raise_refusal(answer)
        return answer


@lru_cache(maxsize=128)
def _parsed(url: str) -> WebAddress:
    """Take an address apart, once: every text of an account goes to the same one."""
    return WebAddress.parse(url)


def compact(value: object) -> str:
    """Write JSON as LivePerson's limits count it: no spaces, no escapes that are not needed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _json(answer: Answer) -> Any:
    problem = "is not JSON"
    if answer.broke_off:
        problem = "broke off"
    elif len(answer.body) > _MOST_JSON:
        problem = f"has more than {_MOST_JSON} bytes"
    else:
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            pass
    raise LivePersonUnavailable(
        f"LivePerson's answer {problem}", maybe_done=True, http_status=answer.status
    )


def _raise_refusal(answer: Answer) -> NoReturn:
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise LivePersonBusy(
            "LivePerson is asked too often",
            retry_after=answer.retry_after,
            http_status=status,
        )
    if not 400 <= status < 500 or answer.asks_for_patience or _is_untold(answer):
        raise LivePersonUnavailable(
            f"LivePerson answered {status}",
            retry_after=answer.retry_after,
            maybe_done=status >= 500,
            http_status=status,
        )
    raise _refusal(status, *_error(answer))


def _is_untold(answer: Answer) -> bool:
    """Whether the answer broke off before its code, which alone tells which token it refuses."""
    return answer.status == HTTPStatus.UNAUTHORIZED and answer.broke_off


def _refusal(
    status: int, code: str | None, said: str
) -> AppJwtRejected | ConsumerJwsRejected | LivePersonRefused:
    if code == APP_JWT_INVALID:
        return AppJwtRejected("LivePerson rejects the AppJWT", http_status=status, error_code=code)
    if code == CONSUMER_JWS_INVALID:
        return ConsumerJwsRejected(
            "LivePerson rejects the ConsumerJWS", http_status=status, error_code=code
        )
    refused = LivePersonRefused(
        f"LivePerson answered {status}", http_status=status, error_code=code
    )
    refused.said = said
    return refused


def _error(answer: Answer) -> tuple[str | None, str]:
    """Return the stable error code and the words of any of the documented error bodies."""
    try:
        return error_of(json.loads(answer.body))
    except (ValueError, RecursionError):
        return None, ""


def error_of(body: object) -> tuple[str | None, str]:
    """Read ``errorCode`` and the words of an error body: an envelope, a batch, or OAuth 2.0."""
    if isinstance(body, list):
        refused = [each for each in body if isinstance(each, dict) and each.get("code") != "OK"]
        return error_of(refused[0]) if refused else (None, "")
    if not isinstance(body, dict):
        return None, ""
    inner = body.get("body")
    inner = inner if isinstance(inner, dict) else {}
    code = inner.get("errorCode") or body.get("code") or body.get("error")
    said = [inner.get(name) for name in ("title", "msg", "details")]
    said.append(body.get("error_description"))
    return _code(code), " ".join(each for each in said if isinstance(each, str))


def _code(found: object) -> str | None:
    text = str(found) if isinstance(found, str | int) else ""
    return text if len(text) <= _LONGEST_CODE and _CODE.fullmatch(text) else None
