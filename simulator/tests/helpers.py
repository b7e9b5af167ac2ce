"""A connector of a few lines, and an endpoint that takes its webhooks, to test LivePerson with."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from simulator import SimulatedLivePerson
from simulator.http_server import Answer, HttpServer, Request

ACCOUNT, CLIENT, SECRET = "12345678", "81fad476-88af-4d08-bc0e-20bc69439ed4", "s3cr3ts3cr3t"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(92)


class Endpoint(HttpServer):
    """Takes webhooks: keeps them, and answers with the next of `answers`, else 200."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.webhooks_url = f"{self.url}/webhooks"
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.answers: list[int] = []
        self.down = False
        self.pause: float = 0
        self.hold: Callable[[bytes], None] = lambda _: None

    def changes(self, kind: str = "ms") -> list[dict[str, Any]]:
        """Return every change that came, of messages (ms) or of conversations (cqm)."""
        bodies = [json.loads(body) for body in self.bodies]
        chosen = [body for body in bodies if body["type"].startswith(kind)]
        return [change for body in chosen for change in body["body"]["changes"]]

    def texts(self) -> list[str]:
        """Return every text that came, in order."""
        return [
            change["event"]["message"]
            for change in self.changes()
            if change["event"].get("contentType") == "text/plain"
        ]

    def _answer(self, request: Request) -> Answer:
        self.hold(request.body)
        time.sleep(self.pause)
        status = self.answers.pop(0) if self.answers else 200
        status = 503 if self.down else status
        if status in (200, 201):
            self.bodies.append(request.body)
            self.headers.append(request.headers)
        return Answer(status)


class Connector:
    """One consumer's connector: gets its tokens, opens a conversation, says things."""

    def __init__(self, lp: SimulatedLivePerson, ext_consumer_id: str = "consumer-1") -> None:
        self.url = lp.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.app_jwt = self.token().json()["access_token"]
        self.jws = self.consumer(ext_consumer_id).json()["token"]
        self.extra: dict[str, str] = {}
        self.conversation_id = ""
        self._ids = itertools.count(1)

    def token(self, secret: str = SECRET) -> requests.Response:
        """Ask Sentinel in form 1."""
        return self.session.post(
            f"{self.url}/sentinel/api/account/{ACCOUNT}/app/token",
            params={"v": "1.0", "grant_type": "client_credentials"},
            data={"client_id": CLIENT, "client_secret": secret},
        )

    def consumer(self, ext_consumer_id: str, app_jwt: str | None = None) -> requests.Response:
        """Ask the IDP."""
        return self.session.post(
            f"{self.url}/api/account/{ACCOUNT}/consumer",
            params={"v": "1.0"},
            json={"ext_consumer_id": ext_consumer_id},
            headers={"Authorization": self.app_jwt if app_jwt is None else app_jwt},
        )

    @property
    def headers(self) -> dict[str, str]:
        """Give the two tokens as headers."""
        return {"Authorization": self.app_jwt, "X-LP-ON-BEHALF": self.jws, **self.extra}

    def post(self, path: str, body: Any, headers: Any = None) -> requests.Response:
        """Call the Send API with any body."""
        address = f"{self.url}/api/account/{ACCOUNT}/messaging/consumer/conversation{path}?v=3"
        return self.session.post(
            address, json=body, headers=self.headers if headers is None else headers, timeout=10
        )

    def open(self, **fields: Any) -> requests.Response:
        """Open a conversation."""
        request = {"brandId": ACCOUNT, "channelType": "MESSAGING", **fields}
        return self.post("", [element("1", PROFILE, {}), element("2", REQUEST, request)])

    def opened(self, **fields: Any) -> str:
        """Open a conversation and return its id."""
        answer = self.open(**fields)
        assert answer.status_code == 200, answer.text
        self.conversation_id = answer.json()[1]["body"]["conversationId"]
        return self.conversation_id

    def send(self, kind: str, body: Any, **top: Any) -> requests.Response:
        """Call SEND."""
        return self.post("/send", {**element(str(next(self._ids)), kind, body), **top})

    def event(self, event: Any, dialog_id: str = "", **top: Any) -> requests.Response:
        """Publish an event in a dialog, MAIN unless said otherwise."""
        place = {
            "dialogId": dialog_id or self.conversation_id,
            "conversationId": self.conversation_id,
        }
        return self.send("ms.PublishEvent", {**place, "event": event}, **top)

    def text(self, text: str, dialog_id: str = "", **top: Any) -> requests.Response:
        """Say something."""
        event = {"type": "ContentEvent", "contentType": "text/plain", "message": text}
        return self.event(event, dialog_id, **top)

    def field(self, **field: Any) -> requests.Response:
        """Change the conversation."""
        body = {"conversationId": self.conversation_id, "conversationField": field}
        return self.send("cm.UpdateConversationField", body)

    def close(self) -> requests.Response:
        """Close the whole conversation."""
        return self.field(field="ConversationStateField", conversationState="CLOSE")

    def close_main(self) -> requests.Response:
        """Close MAIN, so that a survey may start."""
        dialog = {"dialogId": self.conversation_id, "state": "CLOSE", "closedCause": "done"}
        return self.field(field="DialogChange", type="UPDATE", dialog=dialog)


PROFILE, REQUEST = "userprofile.SetUserProfile", "cm.ConsumerRequestConversation"


def element(identity: Any, kind: str, body: Any) -> dict[str, Any]:
    """Give a request of the Send API."""
    return {"kind": "req", "id": identity, "type": kind, "body": body}


def reasons(lp: SimulatedLivePerson) -> str:
    """Give every violation's reason, one a line."""
    return "\n".join(each["reason"] for each in lp.violations())


def eventually(true: Callable[[], bool], seconds: float = 3) -> None:
    """Wait for something to become true, and fail if it does not."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
