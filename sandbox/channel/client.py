"""How a channel sends consumer events to the connector."""

import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = 90  # a function's first call on a busy machine takes its time


@dataclass(frozen=True)
class Answer:
    """The connector's answer to one event, and how long it took."""

    status: int
    document: Any
    """The JSON body, or None if there was none."""
    seconds: float


@dataclass(frozen=True)
class Fetched:
    """An agent's file, or the answer instead of it."""

    status: int
    content: bytes
    content_type: str = ""
    shown_at: str = ""
    """The short-lived URL to which the connector redirected."""


class ConnectorClient:
    """The connector's channel API, for one account."""

    def __init__(self, channel_api_url: str, api_key: str, account_id: str) -> None:
        self._events_of = f"{channel_api_url.rstrip('/')}/accounts/{quote(account_id, safe='')}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["x-api-key"] = api_key

    def send_text(self, consumer_id: str, text: str, event_id: str = "") -> Answer:
        """Send a consumer's text."""
        event = {"id": event_id or uuid.uuid4().hex, "type": "text", "text": text}
        return self.send(consumer_id, event)

    def send_event(self, consumer_id: str, kind: str, event_id: str = "", **fields: Any) -> Answer:
        """Send an event of some type with its fields."""
        return self.send(consumer_id, {"id": event_id or uuid.uuid4().hex, "type": kind, **fields})

    def send(self, consumer_id: str, event: object) -> Answer:
        """Send one consumer event."""
        url = f"{self._events_of}/consumers/{quote(consumer_id, safe='')}/events"
        began = time.monotonic()
        answer = self._session.post(url, json=event, timeout=TIMEOUT)
        return Answer(answer.status_code, _document(answer), time.monotonic() - began)

    def fetch(self, url: str) -> Fetched:
        """Fetch an agent's file from the URL of a callback; the redirect gets no key."""
        answer = self._session.get(url, timeout=TIMEOUT, allow_redirects=False)
        place = answer.headers.get("location", "")
        if not answer.is_redirect:
            return Fetched(answer.status_code, answer.content)
        shown = requests.get(place, timeout=TIMEOUT)
        return Fetched(
            shown.status_code, shown.content, shown.headers.get("content-type", ""), place
        )


def _document(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
