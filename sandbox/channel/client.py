"""How a channel sends consumer events to the connector."""

import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = 30


@dataclass(frozen=True)
class Answer:
    """What the connector said to one event, and how long it took."""

    status: int
    document: Any
    """The JSON body, or None if there was none."""
    seconds: float


class ConnectorClient:
    """The connector's channel API, for one account."""

    def __init__(self, channel_api_url: str, api_key: str, account_id: str) -> None:
        self._events_of = f"{channel_api_url.rstrip('/')}/accounts/{quote(account_id, safe='')}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["x-api-key"] = api_key

    def send_text(self, consumer_id: str, text: str, event_id: str = "") -> Answer:
        """Send what a consumer wrote."""
        event = {"id": event_id or uuid.uuid4().hex, "type": "text", "text": text}
        return self.send(consumer_id, event)

    def send(self, consumer_id: str, event: object) -> Answer:
        """Send one consumer event."""
        url = f"{self._events_of}/consumers/{quote(consumer_id, safe='')}/events"
        began = time.monotonic()
        answer = self._session.post(url, json=event, timeout=TIMEOUT)
        return Answer(answer.status_code, _document(answer), time.monotonic() - began)


def _document(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
