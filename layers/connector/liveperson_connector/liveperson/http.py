"""
One kept-alive HTTP session to LivePerson, and its answers as values or errors.

Which answers are worth another try follows LivePerson's retry policy recommendations
(https://developers.liveperson.com/retry-policy-recommendations.html); the error codes are those
of its authorization page
(https://developers.liveperson.com/connector-api-send-api-authorization-and-authentication.html).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import requests

from ..errors import (
    AppJwtRejected,
    ConsumerJwsRejected,
    LivePersonBusy,
    LivePersonRefused,
    LivePersonUnavailable,
)
from ..sessions import never_left, new_session, read_up_to, retry_after

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0

# A connection that lay idle for longer may have been closed by the other side without our
# noticing; writing to it would leave us unsure whether the request arrived.
_IDLE_SECONDS = 25.0

APP_JWT_INVALID = "40102"
CONSUMER_JWS_INVALID = "40103"


class LivePersonHttp:
    """Sends requests to LivePerson; one instance, and so one connection a host, per container."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._session = new_session()
        self._clock = clock
        self._read_seconds = read_seconds
        self._used_at = clock()

    def get(self, url: str) -> Any:
        """GET ``url`` and return the JSON of its answer."""
        return self._call("GET", url)

    def post_form(self, url: str, form: Mapping[str, str]) -> Any:
        """POST ``form`` in the body, where secrets belong, and return the JSON of the answer."""
        return self._call("POST", url, data=form)

    def post_json(self, url: str, body: object, headers: Mapping[str, str]) -> Any:
        """POST ``body`` as UTF-8 JSON and return the JSON of the answer."""
        return self._call(
            "POST",
            url,
            data=compact(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )

    def put_bytes(self, url: str, content: bytes) -> None:
        """PUT ``content``; the answer's body does not matter."""
        self._answer("PUT", url, data=content)

    def get_bytes(self, url: str, most: int) -> bytes:
        """GET ``url`` and return its body, of at most ``most`` bytes."""
        with self._answer("GET", url, stream=True) as answer:
            try:
                content = read_up_to(answer, most)
            except requests.RequestException as failure:
                _raise_no_answer(failure)
        if len(content) > most:
            raise LivePersonRefused(f"the file has more than {most} bytes")
        return content

    def _call(self, method: str, url: str, **request: Any) -> Any:
        return _json(self._answer(method, url, **request))

    def _answer(self, method: str, url: str, **request: Any) -> requests.Response:
        self._drop_idle_connections()
        try:
            answer = self._session.request(
                method,
                url,
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,  # tokens go to the address that was looked up, nowhere else
                **request,
            )
        except requests.RequestException as failure:
            _raise_no_answer(failure)
        if not 200 <= answer.status_code < 300:
            _raise_refusal(answer)
        return answer

    def _drop_idle_connections(self) -> None:
        now = self._clock()
        if now - self._used_at > _IDLE_SECONDS:
            self._session.close()
        self._used_at = now


def compact(value: object) -> str:
    """Write JSON as LivePerson's limits count it: no spaces, characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _raise_no_answer(failure: requests.RequestException) -> NoReturn:
    # The class name only: the text of a requests error quotes the address it called.
    raise LivePersonUnavailable(
        f"LivePerson did not answer ({type(failure).__name__})", maybe_done=not never_left(failure)
    ) from None


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.exceptions.JSONDecodeError:
        raise LivePersonUnavailable(
            "LivePerson's answer is not JSON", maybe_done=True, http_status=answer.status_code
        ) from None


def _raise_refusal(answer: requests.Response) -> NoReturn:
    status = answer.status_code
    code, said = _error(answer)
    if status == 429:
        raise LivePersonBusy(
            "LivePerson is asked too often",
            retry_after=retry_after(answer.headers),
            http_status=status,
        )
    if status >= 500:
        raise LivePersonUnavailable(
            f"LivePerson answered {status}",
            retry_after=retry_after(answer.headers),
            maybe_done=True,
            http_status=status,
        )
    if code == APP_JWT_INVALID:
        raise AppJwtRejected("LivePerson rejects the AppJWT", http_status=status, error_code=code)
    if code == CONSUMER_JWS_INVALID:
        raise ConsumerJwsRejected(
            "LivePerson rejects the ConsumerJWS", http_status=status, error_code=code
        )
    raise LivePersonRefused(
        f"LivePerson answered {status}: {said}", http_status=status, error_code=code
    )


def _error(answer: requests.Response) -> tuple[str | None, str]:
    """Find the stable error code and what was said in any of the documented error bodies."""
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return None, "no reason given"
    return error_of(body)


def error_of(body: object) -> tuple[str | None, str]:
    """Read ``errorCode`` and the words of an error body: an envelope, a batch, or OAuth 2.0."""
    if isinstance(body, list):
        refused = [each for each in body if isinstance(each, dict) and each.get("code") != "OK"]
        return error_of(refused[0]) if refused else (None, "no reason given")
    if not isinstance(body, dict):
        return None, "no reason given"
    inner = body.get("body")
    inner = inner if isinstance(inner, dict) else {}
    code = inner.get("errorCode") or body.get("code") or body.get("error")
    said = inner.get("title") or inner.get("msg") or body.get("error_description")
    return (str(code) if code else None), (said if isinstance(said, str) else "no reason given")
