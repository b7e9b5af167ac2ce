"""An API Gateway event as a request, and the answers for it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from ..domain.errors import InvalidEvent, NoSuchRoute, Problem, Refused
from ..domain.intake_settings import ApiKey

_EVENTS = "/events"


@dataclass(frozen=True)
class HttpRequest:
    """A request: header names in lower case, the body as the bytes that were sent."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    path_parameters: Mapping[str, str]
    body: bytes = field(repr=False)
    event: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> HttpRequest:
        """
        Read the event of a REST API's Lambda proxy integration.

        The template declares every media type binary, so the body arrives in Base64, exact to the
        byte (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html).
        One that is text, as in ``events/``, is taken as UTF-8.
        """
        return cls(
            method=str(event.get("httpMethod", "POST")),
            headers={name.lower(): value for name, value in _texts(event, "headers").items()},
            path_parameters=_texts(event, "pathParameters"),
            body=_body(event),
            event=event,
        )

    def consumer(self) -> tuple[str, str]:
        """
        Return account id and consumer id of ``/accounts/{account_id}/consumers/{…}/events``.

        REST APIs hand path parameters over as they were sent, percent-encoded.
        """
        account_id = unquote(self.path_parameters.get("account_id", ""))
        proxy = self.path_parameters.get("proxy", "")
        if not proxy.endswith(_EVENTS):
            raise NoSuchRoute("post to …/consumers/{consumer_id}/events")
        return account_id, unquote(proxy.removesuffix(_EVENTS))

    def api_key(self) -> ApiKey:
        """Return the API key that API Gateway found valid; it is empty where none is needed."""
        identity = (self.event.get("requestContext") or {}).get("identity") or {}
        return ApiKey(str(identity.get("apiKeyId") or ""), self.headers.get("x-api-key", ""))

    def ready_channel(self) -> tuple[str, str]:
        """Return account id and name of ``/accounts/{account_id}/channels/{name}``."""
        names = ("account_id", "name")
        account_id, name = (unquote(self.path_parameters.get(each, "")) for each in names)
        return account_id, name

    def query(self) -> dict[str, str]:
        """Return the query's fields, decoded; of one that is repeated the last value."""
        return _texts(self.event, "queryStringParameters")

    def url(self) -> str:
        """
        Return the public address that was called, with its query.

        API Gateway tells the host and the path, the stage's name included where it is part of the
        address (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format).
        """
        asked = self.event.get("requestContext") or {}
        host = asked.get("domainName") or self.headers.get("host", "")
        path = asked.get("path") or self.event.get("path") or ""
        scheme = self.headers.get("x-forwarded-proto", "https")
        query = urlencode(self.query())
        return f"{scheme}://{host}{path}" + (f"?{query}" if query else "")

    @property
    def is_health(self) -> bool:
        """Whether it is a request of ``/health``."""
        return self.event.get("resource") == "/health"

    def file(self) -> tuple[str, str]:
        """Return account id and file id of ``/accounts/{account_id}/files/{file_id}``."""
        account_id = unquote(self.path_parameters.get("account_id", ""))
        return account_id, unquote(self.path_parameters.get("file_id", ""))


def redirect(address: str) -> dict[str, object]:
    """Send the caller elsewhere, for this once."""
    return {
        "statusCode": 302,
        "headers": {"Location": address, "Cache-Control": "no-store"},
        "body": "",
    }


def answer(status: int, body: Mapping[str, object], **headers: str) -> dict[str, object]:
    """Make the answer of a REST API's Lambda proxy integration."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **headers},
        "body": json.dumps(body),
    }


def plain_answer(status: int, body: str, content_type: str) -> dict[str, object]:
    """Make an answer that is no JSON of ours."""
    return {"statusCode": status, "headers": {"Content-Type": content_type}, "body": body}


def refusal(refused: Refused) -> dict[str, object]:
    """Say why a request is refused: a word, the problems of an event, and nothing of the inside."""
    body: dict[str, object] = {"error": refused.reason}
    if isinstance(refused, InvalidEvent):
        body["problems"] = [
            {"path": each.path, "problem": each.problem} for each in refused.problems
        ]
    headers = {"Retry-After": "2"} if refused.status == 503 else {}
    return answer(refused.status, body, **headers)


def _texts(event: Mapping[str, Any], name: str) -> dict[str, str]:
    """Read what is there: API Gateway writes null where it has nothing."""
    return {key: value for key, value in (event.get(name) or {}).items() if isinstance(value, str)}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidEvent([Problem("", "the body is not Base64 as announced")]) from None
