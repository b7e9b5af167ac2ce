"""What a visitor of the console can do: as the consumer, as the agent, and to the weather."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

from console.feed import Feed
from sandbox.channel import ConnectorClient, Fault
from sandbox.console import wire
from sandbox.console.gallery import GALLERY, QUICK_REPLIES
from sandbox.demo.pictures import png
from sandbox.system import System
from simulator import SimulatedLivePerson
from simulator.control import ControlRefused

Values = Mapping[str, Any]

QUICK = "quick replies"
LONG = 10_000
"""A fault until it is switched off."""


class Impossible(Exception):
    """It cannot be done; the message says why, in words for the page."""


WEATHER: dict[str, tuple[str, bool]] = {
    "liveperson_away": ("LivePerson away", True),
    "liveperson_slow": ("LivePerson slow", True),
    "answers_lost": ("Answers lost", True),
    "webhooks_twice": ("Webhooks twice", True),
    "webhooks_late": ("Webhooks late", True),
    "webhooks_disordered": ("Webhooks out of order", True),
    "channel_away": ("Channel away", True),
    "token_revoked": ("Revoke the AppJWT", False),
    "redrive": ("Redrive dead letters", False),
}
"""What can be switched: its title, and whether it lasts until it is switched off."""

_FAULTS: dict[str, list[dict[str, Any]]] = {
    "liveperson_away": [
        {"service": service, "kind": "status", "status": 503}
        for service in ("conversation", "send")
    ],
    "liveperson_slow": [{"service": "send", "kind": "slow", "delay_ms": 3000}],
    "answers_lost": [{"service": "send", "kind": "lost_answer"}],
    "webhooks_twice": [{"service": "webhook_sender", "kind": "duplicate"}],
    "webhooks_late": [{"service": "webhook_sender", "kind": "slow", "delay_ms": 3000}],
    "webhooks_disordered": [{"service": "webhook_sender", "kind": "reorder"}],
}


class Acts:
    """Acts by name; each takes the page's values and returns a JSON value."""

    def __init__(self, system: System, feed: Feed) -> None:
        self._system = system
        self._feed = feed
        where = system.endpoints
        self._client = ConnectorClient(
            where.channel_api_url, where.channel_api_key, where.account_id
        )
        self._account = where.account_id
        self._weather: set[str] = set()
        self._sent: list[dict[str, Any]] = []
        self._acts: dict[str, Callable[[Values], Any]] = {
            "consumer": self._consumer,
            "agent_card": self._card,
            "agent_picture": self._picture,
            "weather": self._change_weather,
            "wire": self._wire,
        }

    def do(self, name: str, values: Values) -> Any:
        """Do something; raises :class:`Impossible`."""
        try:
            if name in self._acts:
                return self._acts[name](values)
            if name in _AGENT:
                return getattr(self._liveperson, name)(self._account, **values)
        except ControlRefused as refused:
            raise Impossible(str(refused)) from None
        except (KeyError, TypeError) as missing:
            raise Impossible(f"the request lacks {missing}") from None
        raise Impossible("there is no conversation yet" if name == "nothing" else "no such act")

    @property
    def _liveperson(self) -> SimulatedLivePerson:
        if self._system.liveperson is None:
            raise Impossible("this sandbox uses another LivePerson: its agents answer there")
        return self._system.liveperson

    def _consumer(self, values: Values) -> dict[str, Any]:
        at = time.time()
        answer = self._client.send(values["consumer"], values["event"])
        sent = {
            "at": at,
            "consumer": values["consumer"],
            "event": values["event"],
            "status": answer.status,
            "document": answer.document,
        }
        self._sent = [*self._sent[-500:], sent]
        self._feed.add("sent", sent)
        return {"status": answer.status}

    def _card(self, values: Values) -> Any:
        where = values["conversation_id"]
        if values["name"] == QUICK:
            event = {
                "type": "ContentEvent",
                "contentType": "text/plain",
                "message": "Shall we go on?",
                "quickReplies": QUICK_REPLIES,
            }
        elif values["name"] in GALLERY:
            event = {"type": "RichContentEvent", "content": GALLERY[values["name"]]}
        else:
            raise Impossible("there is no such card")
        return self._liveperson.agent_event(self._account, where, event)

    def _picture(self, values: Values) -> Any:
        picture = base64.b64encode(png(0, 128, 128)).decode()
        return self._liveperson.agent_file(
            self._account, values["conversation_id"], picture, "PNG", "A picture"
        )

    def _change_weather(self, values: Values) -> bool:
        name, is_on = str(values["name"]), bool(values["on"])
        if name not in WEATHER:
            raise Impossible("there is no such weather")
        if name == "token_revoked":
            self._liveperson.revoke_tokens(self._account)
        elif name == "redrive":
            self._redrive()
        else:
            self._weather = self._weather | {name} if is_on else self._weather - {name}
            self._make_weather()
        return is_on

    def _make_weather(self) -> None:
        """Set the faults anew: those that are on, and no others."""
        if channel := self._system.channel:
            channel.inbox.clear_faults()
            if "channel_away" in self._weather:
                channel.add_fault(Fault(status=503, times=LONG))
        lasting = self._weather - {"channel_away"}
        if lasting or self._system.liveperson:
            self._liveperson.clear_faults()
            for name in sorted(lasting):
                for rule in _FAULTS[name]:
                    self._liveperson.add_fault(**rule)

    def _redrive(self) -> None:
        name = self._system.endpoints.functions["dead_letter_redrive"]
        self._system.aws.functions.invoke(FunctionName=name, Payload=b"{}")

    def _wire(self, values: Values) -> list[dict[str, Any]]:
        return wire.of_hop(self._system, self._sent, values)


_AGENT = frozenset(
    {"agent_text", "private_note", "agent_joins", "agent_typing", "agent_receipt"}
    | {"transfer", "start_survey", "close"}
)
