"""
What several adapters write in the same way: requests, proofs and the sorting of errors.

Half a character (a lone surrogate), which JSON can carry and UTF-8 cannot, is sent as a question
mark: the rest of an agent's words is worth more than a request that cannot be written.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from .interface import Call, NotProven, ProviderAnswer, Unreadable, Verdict
from .reading import Fields, json_object


def json_call(method: str, url: str, headers: Mapping[str, str], content: Any = None) -> Call:
    """Write a request with ``content`` as its JSON body, or without a body for None."""
    if content is None:
        return Call(method, url, headers)
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Call(method, url, {**headers, "Content-Type": "application/json"}, body)


def form_call(url: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> Call:
    """Write a POST of a form."""
    headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    return Call("POST", url, headers, urlencode(fields, errors="replace").encode())


def bearer(token: str) -> dict[str, str]:
    """Write the header of https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    """Write the header of https://www.rfc-editor.org/rfc/rfc7617#section-2."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def same(given: str, expected: str | bytes, what: str) -> None:
    """Compare in constant time; raises :class:`NotProven` naming ``what`` if they differ."""
    ours = expected if isinstance(expected, bytes) else expected.encode()
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), ours):
        raise NotProven(f"{what} is wrong" if given else f"{what} is missing")


def judged(
    answer: ProviderAnswer,
    tell: Callable[[Fields], tuple[str, str]],
    reasons: Mapping[str, str],
    later: Collection[str] = (),
) -> Verdict:
    """Judge an answer in which ``tell`` finds the message's id and the error's code, if any."""
    try:
        message, code = tell(json_object(answer.body))
    except Unreadable:  # such as a proxy's page
        message, code = "", ""
    if 200 <= answer.status < 300:
        return Verdict("sent", message)
    return refusal(answer.status, code, reasons, later)


def refusal(
    status: int, code: str, reasons: Mapping[str, str], later: Collection[str] = ()
) -> Verdict:
    """
    Judge an answer that is not 2xx, by the provider's own ``code`` and else by the HTTP status.

    ``reasons`` are the codes that say never, ``later`` those that are a matter of time.
    """
    detail = code or str(status)
    if code in reasons:
        return Verdict("never", reason=reasons[code], detail=detail)
    if code in later or status >= 500 or status in (408, 425, 429):
        return Verdict("later", detail=detail)
    by_status = {400: "invalid_message", 401: "bad_credentials", 403: "not_allowed"}
    return Verdict("never", reason=by_status.get(status, "refused"), detail=detail)
