"""
One kept-alive HTTP session to LivePerson, and its answers as values or errors.

Which answers are worth another try follows LivePerson's retry policy recommendations
(https://developers.liveperson.com/retry-policy-recommendations.html); the error codes are those
of its authorization page
(https://developers.liveperson.com/connector-api-send-api-authorization-and-authentication.html).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

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

# What counts as a word where LivePerson's words are compared with ours, and from which length on.
_WORD = re.compile(r"[^\s\"'`,;:(){}\[\]<>]+")
_TELLING = 4

# A code that is fit for a metric and an attribute; anything else is not a code.
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


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
    refused = LivePersonRefused(
        f"LivePerson answered {status}: {without_repeats(said, _sent(answer.request))}",
        http_status=status,
        error_code=code,
    )
    refused.said = said
    raise refused


def _error(answer: requests.Response) -> tuple[str | None, str]:
    """Find the stable error code and what was said in any of the documented error bodies."""
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return None, "no reason given"
    return error_of(body)


def without_repeats(said: str, sent: str) -> str:
    """
    Leave out of a partner's words what they repeat of the values that were ``sent``.

    An answer may quote the text that it does not like, or a token, and its words are logged.
    """
    return _WORD.sub(lambda found: "…" if _repeats(found[0], sent) else found[0], said)


def _repeats(word: str, sent: str) -> bool:
    """Whether a word was sent, and is more than chance: it is long enough, or a number."""
    word = word.strip(".!?")
    return word in sent and (len(word) >= _TELLING or any(map(str.isdigit, word)))


def _sent(request: requests.PreparedRequest) -> str:
    """Give the values of a request, one a line; names of fields say nothing of a consumer."""
    tokens = [request.headers.get(name) or "" for name in ("Authorization", "X-LP-ON-BEHALF")]
    body = request.body or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    try:
        values = list(_values(json.loads(text)))
    except ValueError:
        values = [value for _, value in parse_qsl(text)]
    return "\n".join([*tokens, *values])


def _values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _values(each)
    else:
        yield str(value)


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
    known = isinstance(code, str | int) and _CODE.fullmatch(str(code))
    return (str(code) if known else None), (said if isinstance(said, str) else "no reason given")
