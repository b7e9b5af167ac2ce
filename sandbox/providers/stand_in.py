"""
What the stand-ins of all providers share.

    GET    /stand-in/messages   what people see, in order
    DELETE /stand-in/messages   forget it
    GET    /stand-in/requests   what the connector asked for, and what it was answered
    POST   /stand-in/say        {"person", …}: a person does something; the webhook is sent
    POST   /stand-in/faults     a rule of `simulator.faults` for the next requests: {"status": 503}
    DELETE /stand-in/faults     behave again

A person is a name of the caller's choice; the provider's id is made of it. What a person does is
one of {"text"}, {"press": title of a button}, {"picture": Base64}, {"location": [latitude,
longitude]}, {"sticker": true}, {"block": true or false}; {"times": 2} sends the webhook twice.
{"report": "delivered", "read" or "failed"} says what has become of the newest message to a person.
"""

from __future__ import annotations

import base64
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Self

import requests

from simulator.faults import REQUEST_KINDS, Fault, Faults
from simulator.http_server import Answer, HttpServer, Request, Routes
from simulator.recorded_api import spoilt

SERVICE = "api"
TIMEOUT = 10
LARGEST_FILE = 20 * 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """One thing a person sees; `kind` is text, picture, document, location, typing or read."""

    person: str
    kind: str
    id: str = ""
    text: str = ""
    buttons: tuple[Mapping[str, str], ...] = ()
    url: str = ""
    size: int = 0
    location: tuple[float, float] | None = None


@dataclass(frozen=True)
class Asked:
    """A request of the connector; its address is shown without the credentials."""

    method: str
    operation: str
    status: int
    """0 if the connection was reset instead."""


@dataclass
class Webhook:
    """A request that the provider sends to the connector."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedByProvider(Exception):
    """The provider would refuse a request; carries its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


class StandIn(ABC):
    """
    A provider that listens on a port of its own once it is started.

    Without a port it has no server: a simulation gives its requests to `answer`. `nth` tells
    stand-ins of one kind apart: each has credentials, and numbers of messages, of its own.
    """

    kind: str

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        self.nth = nth
        self._server = None if port is None else HttpServer(self.answer, port=port)
        self.url = self._server.url if self._server else ""
        self.webhook_url = ""
        """Where webhooks are sent; registered by the connector, or set for one without an API."""
        self.blocked: set[str] = set()
        self.silent: set[str] = set()
        self._lock = threading.RLock()
        self._names: dict[str, str] = {}
        self._seen: list[Seen] = []
        self._asked: list[Asked] = []
        self._files: dict[str, bytes] = {}
        self._faults = Faults({SERVICE: REQUEST_KINDS})
        self._numbers = count(1 + (nth - 1) * 1_000_000)
        work: list[tuple[str, str, Callable[[Request], Answer]]] = [
            ("GET", "/stand-in/messages", lambda _: Answer(200, {"messages": self.shown()})),
            ("DELETE", "/stand-in/messages", self._forget),
            ("GET", "/stand-in/requests", self._list_requests),
            ("POST", "/stand-in/say", self._let_say),
            ("POST", "/stand-in/faults", self._break),
            ("DELETE", "/stand-in/faults", self._mend),
        ]
        self._routes = Routes(work)

    def __enter__(self) -> Self:
        if self._server:
            self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.stop()

    # ── What a provider is ──

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The channel's parameter, apart from `kind`: made-up credentials, and this address."""

    @abstractmethod
    def serve(self, request: Request) -> Answer:
        """Answer a request of the connector; raises :class:`RefusedByProvider`."""

    @abstractmethod
    def refusal(self, status: int, retry_after: int) -> Answer:
        """Write an error in the provider's form."""

    @abstractmethod
    def person_id(self, name: str) -> str:
        """Make the provider's id of a person."""

    @abstractmethod
    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write what a person did, signed."""

    def report(self, name: str, message_id: str, status: str) -> Webhook:
        """Write what has become of a message: delivered, read or failed."""
        raise ValueError(f"{self.kind} does not say that {message_id} to {name} was {status}")

    # ── What tests and the demo do with it ──

    def register(self, address: str) -> None:
        """Send webhooks to this address, as if it had been registered."""
        self.webhook_url = address

    def seen(self, person: str | None = None) -> list[Seen]:
        """Return what people see, in order: all of them, or one."""
        with self._lock:
            return [each for each in self._seen if person in (None, each.person)]

    def shown(self) -> list[dict[str, Any]]:
        """Return the same as JSON."""
        return [asdict(each) for each in self.seen()]

    def asked(self) -> list[Asked]:
        """Return the connector's requests and what became of them."""
        with self._lock:
            return list(self._asked)

    def fail(self, **rule: Any) -> None:
        """
        Fail the next request, or as many as `times` says, by a rule of `simulator.faults`.

        An error of the kind `status`, which is the default, has the provider's own form; so has the
        wait that its header `Retry-After` names.
        """
        self._faults.add({"service": SERVICE, "kind": "status", "times": 1, **rule})

    def say(self, person: str, deed: Mapping[str, Any]) -> list[int]:
        """Let a person do something; return what the connector answered to the webhook."""
        if "block" in deed:
            (self.blocked.add if deed["block"] else self.blocked.discard)(person)
            return []
        if "silence" in deed:
            self.silent.add(person)
            return []
        self.silent.discard(person)
        told = self._report_of_newest if "report" in deed else self.webhook
        sent = told(person, deed)
        return [self.post(sent) for _ in range(int(deed.get("times", 1)))]

    def post(self, webhook: Webhook) -> int:
        """Send a webhook; return the status it was answered with."""
        with requests.Session() as session:
            session.trust_env = False  # loopback is not reached through a proxy
            answer = session.post(
                self.webhook_url, data=webhook.body, headers=dict(webhook.headers), timeout=TIMEOUT
            )
        return answer.status_code

    # ── For the providers ──

    def number(self) -> int:
        """Return a number that was not returned before."""
        with self._lock:
            return next(self._numbers)

    def person(self, name: str) -> str:
        """Return the provider's id of a person, who is known from now on."""
        with self._lock:
            return self._names.setdefault(self.person_id(name), name) and self.person_id(name)

    def name_of(self, person_id: str) -> str | None:
        """Return the name of a person; None if there is none with this id."""
        with self._lock:
            return self._names.get(person_id)

    def show(self, seen: Seen) -> None:
        """Show a person something."""
        with self._lock:
            self._seen.append(seen)

    def pressed(self, name: str, title: str) -> tuple[Seen, Mapping[str, str]]:
        """Return the newest button of this title that a person sees, and its message."""
        for seen in reversed(self.seen(name)):
            for button in seen.buttons:
                if button["title"] == title:
                    return seen, button
        raise ValueError(f"nothing that {name} sees has a button {title!r}")

    def _report_of_newest(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        newest = next((each.id for each in reversed(self.seen(name)) if each.id), "")
        return self.report(name, newest, deed["report"])

    def keep_file(self, encoded: str) -> str:
        """Keep a person's file; return its id."""
        with self._lock:
            file_id = f"file-{self.number()}"
            self._files[file_id] = base64.b64decode(encoded)
            return file_id

    def file(self, file_id: str) -> bytes | None:
        """Return a person's file."""
        with self._lock:
            return self._files.get(file_id)

    def fetch(self, url: str) -> bytes | None:
        """Fetch an agent's file as the provider does; None if that fails."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(url, timeout=TIMEOUT)
        except requests.RequestException:
            return None
        return answer.content if answer.status_code == 200 else None

    # ── HTTP ──

    def answer(self, request: Request) -> Answer:
        """Answer a request of the connector, or one of the control API."""
        if request.path.startswith("/stand-in/"):
            found = self._routes.find(request.method, request.path)
            return found[0](request) if found else Answer(404, {"error": "not_found"})
        fault, status = self._faults.pick(SERVICE, "", request.body), 0
        try:
            answer = spoilt(fault, lambda: self._served(request), self._as_told)
            status = answer.status
            return answer
        finally:
            with self._lock:
                self._asked.append(Asked(request.method, self.operation(request), status))

    def operation(self, request: Request) -> str:
        """Return the name of what is asked for, without credentials."""
        return request.path

    def _served(self, request: Request) -> Answer:
        try:
            return self.serve(request)
        except RefusedByProvider as refused:
            return refused.answer

    def _as_told(self, fault: Fault) -> Answer:
        return self.refusal(fault.status, int(fault.headers.get("Retry-After", 0)))

    def _let_say(self, request: Request) -> Answer:
        try:
            deed = request.json()
            return Answer(200, {"answers": self.say(deed.pop("person"), deed)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _break(self, request: Request) -> Answer:
        try:
            self.fail(**request.json())
        except (ValueError, TypeError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(201, {})

    def _mend(self, _: Request) -> Answer:
        self._faults.clear()
        return Answer(200, {})

    def _forget(self, _: Request) -> Answer:
        with self._lock:
            self._seen.clear()
        return Answer(200, {})

    def _list_requests(self, _: Request) -> Answer:
        return Answer(200, {"requests": [asdict(each) for each in self.asked()]})
