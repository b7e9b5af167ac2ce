"""Ready channels through the deployed system: the same conversation over each stand-in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.providers import KINDS, stand_in
from tests.e2e.conftest import World
from tests.support.brands import PICTURE, eventually
from tests.support.operators import Operator

Object = dict[str, Any]
SECONDS = 60.0
CARD = {
    "type": "vertical",
    "elements": [
        {"type": "text", "text": "Which one?"},
        *(
            {
                "type": "button",
                "title": title,
                "click": {
                    "metadata": [{"type": "ExternalId", "id": title.lower()}],
                    "actions": [{"type": "publishText", "text": f"I take {title}"}],
                },
            }
            for title in ("Red", "Blue")
        ),
    ],
}


class Person:
    """A person at a provider, and the agent they talk with."""

    def __init__(self, world: World, kind: str) -> None:
        self.world, self.kind, self.name = world, kind, f"ada-of-{kind}"
        self._url = f"{world.endpoints.providers[kind]['url']}/stand-in"
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def does(self, **deed: Any) -> list[int]:
        answer = self._session.post(f"{self._url}/say", json={"person": self.name, **deed})
        assert answer.ok, answer.text
        found: list[int] = answer.json()["answers"]
        return found

    def says(self, text: str) -> None:
        assert [200] == self.does(text=text)
        self.is_heard(text)

    def is_heard(self, text: str) -> None:
        eventually(lambda: text in self.said(), f"{self.kind}: {text!r} in LivePerson", SECONDS)

    def conversation(self) -> Object:
        """Return the conversation of this kind's person: the one whose opening words name it."""
        return next(
            each
            for each in self.world.liveperson.conversations(self.world.account_id)
            if any(entry.get("text") == f"Hello by {self.kind}" for entry in each["transcript"])
        )

    def said(self) -> list[str]:
        return [
            entry.get("text", "")
            for each in self.world.liveperson.conversations(self.world.account_id)
            for entry in each["transcript"]
            if entry["role"] == "CONSUMER"
        ]

    def sees(self, wanted: Callable[[Object], bool]) -> Object:
        """Wait for something that the person sees."""

        def look() -> list[Object]:
            shown = self._session.get(f"{self._url}/messages").json()["messages"]
            return [each for each in shown if each["person"] == self.name and wanted(each)]

        found: Object = eventually(look, f"{self.kind}: the person sees it", SECONDS)[0]
        return found

    def provider_id(self) -> str:
        """Return the provider's id of the person, which a stand-in makes of the name."""
        return stand_in(self.kind).person_id(self.name)

    @property
    def place(self) -> tuple[str, str]:
        return self.world.account_id, self.conversation()["conversation_id"]


@pytest.fixture(name="person", params=KINDS, scope="module")
def _person(request: Any, world: World) -> Iterator[Person]:
    person = Person(world, request.param)
    person.says(f"Hello by {person.kind}")
    world.liveperson.agent_joins(*person.place)
    yield person
    person.close()


def test_texts_go_both_ways(person: Person) -> None:
    """In many scripts, unchanged."""
    person.says(f"Grüße 👩‍👩‍👧 {person.kind}")
    person.world.liveperson.agent_text(*person.place, "你好 👋")

    assert "text" == person.sees(lambda each: each["text"] == "你好 👋")["kind"]


def test_repeated_webhook_has_one_effect(person: Person) -> None:
    """The provider sends it again: it is said once."""
    once = f"Only once, by {person.kind}"
    assert [200, 200] == person.does(text=once, times=2)
    person.says(f"And then this, by {person.kind}")

    assert 1 == person.said().count(once)


def test_pressed_button_is_the_agents_choice(person: Person) -> None:
    """Buttons are the provider's own; LivePerson gets the element's words and metadata."""
    event = {"type": "RichContentEvent", "content": CARD}
    person.world.liveperson.agent_event(*person.place, event)
    shown = person.sees(lambda each: len(each["buttons"]) == 2 or "2. Blue" in each["text"])
    before = person.said().count("I take Blue")

    assert [each["title"] for each in shown["buttons"]] in (["Red", "Blue"], [])  # or numbered
    assert [200] == person.does(press="Blue")
    eventually(
        lambda: person.said().count("I take Blue") > before, "the choice in LivePerson", SECONDS
    )


def test_pictures_go_both_ways(person: Person) -> None:
    """An agent's picture is fetched by the provider, a consumer's by the connector."""
    picture = base64.b64encode(PICTURE).decode()
    person.world.liveperson.agent_file(*person.place, picture, "PNG")
    seen = person.sees(lambda each: each["kind"] == "picture")
    before = len(person.conversation()["transcript"])
    assert [200] == person.does(picture=picture)

    assert len(PICTURE) == seen["size"]
    eventually(
        lambda: len(person.conversation()["transcript"]) > before, "a picture there", SECONDS
    )


def test_what_is_not_carried_is_told_to_the_agent(person: Person) -> None:
    """A sticker is named as far as the provider tells, and changes nothing for the consumer."""

    def notes() -> int:
        return sum(each.endswith(": not carried here]") for each in person.said())

    before = notes()
    assert [200] == person.does(sticker=True)

    eventually(lambda: notes() > before, "a note", SECONDS)


def test_typing_is_shown(person: Person) -> None:
    """The agent's typing is the provider's own indicator."""
    person.world.liveperson.agent_typing(*person.place)

    assert person.sees(lambda each: each["kind"] == "typing")


def test_command_line_registers_and_tries(person: Person, tmp_path: Path) -> None:
    """The provider gets our address again, checking it where it does so; a message is shown."""
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps(asdict(person.world.endpoints)))
    operator, place = Operator(file), (person.world.account_id, person.kind)
    provider_id = person.provider_id()

    registered = operator.connector("channel", "register", *place)
    tried = operator.connector("channel", "try", *place, provider_id, "--wait", "0")

    assert (0, 0) == (registered.code, tried.code), registered.err + tried.err
    assert "sends webhooks to" in registered.out
    person.sees(lambda each: each["text"] == "Hello from connector channel try")


def test_forged_webhook_is_refused(person: Person) -> None:
    """Without the provider's proof nothing is taken."""
    where = person.world.endpoints.providers[person.kind]["webhook_url"]
    answer = requests.post(where, json={"update_id": 1, "events": []}, timeout=30)

    assert 401 == answer.status_code
