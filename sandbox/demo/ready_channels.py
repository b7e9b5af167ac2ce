"""
The demo's third part: the same conversation over each kind of ready channel.

Its channel is added as an operator does it, by `connector channel add`, at a stand-in for the
provider. What a person sees and does is the stand-in's; what the agent sees is LivePerson's.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import requests

from sandbox.demo.actors import Actors
from sandbox.demo.pictures import png
from sandbox.demo.scenario import Scenario
from sandbox.progress import duration
from sandbox.providers import KINDS, stand_in
from sandbox.providers.stand_in import Seen, StandIn
from sandbox.system import System

FUNCTIONS = ("provider_intake", "outbound_messaging", "webhook_intake", "channel_delivery")
PERSON = "Ada"
TEAL, CORAL = png(0, 128, 128), png(255, 127, 80)
OPTIONS = ("sender_sid", "api_url")  # settings with a default are options of the command
GENERATED = ("webhook_secret", "verify_token")  # and it makes these itself
BLUE: Any = [{"type": "ExternalId", "id": "blue"}]
WITH_RECEIPTS = ("sinch", "twilio", "whatsapp")
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
REFUSED: Mapping[str, tuple[dict[str, bool], str]] = {
    "telegram": ({"block": True}, "blocked_by_user"),
    "twilio": ({"silence": True}, "window_closed"),
    "whatsapp": ({"silence": True}, "window_closed"),
}
"""How a message is refused by the kind, and the reason; else, it is a message of a wrong form."""


class EveryReadyChannel:
    """The scenes: one for each kind, then what the operator sees of all of them."""

    def __init__(self, system: System, scenario: Scenario) -> None:
        self._system, self._scenario = system, scenario
        self._operator = Operator(system)
        self._refused: dict[str, str] = {}

    def scenes(self) -> list[Callable[[], None]]:
        """List the scenes in order."""
        talks = [partial(self.the_same_conversation, kind) for kind in KINDS]
        return [*talks, self.what_the_operator_sees]

    def the_same_conversation(self, kind: str) -> None:
        """Check one kind: texts, a choice, pictures, what is not carried, receipts, a refusal."""
        with (
            self._scenario.scene(f"The same conversation over {kind}", *FUNCTIONS),
            stand_in(kind) as provider,
        ):
            talk = OverProvider(self._system, self._scenario, provider)
            talk.starts(self._operator)
            talk.texts()
            talk.choice()
            talk.pictures()
            talk.typing_and_sticker()
            if kind in WITH_RECEIPTS:
                talk.receipt()
            conversation_id, reason = talk.refusal()
            self._refused[conversation_id] = reason

    def what_the_operator_sees(self) -> None:
        """Check that each refused message is a dead letter with its reason."""
        with self._scenario.scene("What the operator sees of the refused messages"):
            letters = json.loads(self._operator.runs("dead-letters", "list", "--json"))
            found = [each for each in letters if each["conversation_id"] in self._refused]
            for each in found:
                self._scenario.says("connector", each["problem"])
            reasons = {each["conversation_id"]: each["reason"] for each in found}
            self._scenario.check("each is a dead letter, with its reason", self._refused, reasons)


class Operator:
    """Runs `connector` as a program, for this sandbox."""

    def __init__(self, system: System) -> None:
        file = system.emulator.folder.path / "operator.json"
        system.endpoints.write(file)
        self._environ = {**os.environ, "CONNECTOR_ENDPOINTS": str(file)}

    def runs(self, *arguments: str, typed: str = "") -> str:
        """Return what it printed; raise `RuntimeError` with its words if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "connector_cli", *arguments],
            env=self._environ,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout


class OverProvider(Actors):
    """A person at a provider, and the agent they talk with."""

    def __init__(self, system: System, scenario: Scenario, provider: StandIn) -> None:
        super().__init__(system, scenario, PERSON)
        self._provider, self._kind = provider, provider.kind

    def starts(self, operator: Operator) -> None:
        """Add the channel; the person writes, and a conversation opens."""
        began = time.monotonic()
        self._scenario.says("operator", f"connector channel add … --kind {self._kind}")
        self._add(operator)
        self._person_says("Hello! Is anyone there?")
        self._scenario.says("", f"({duration(time.monotonic() - began)} after the command began)")
        self._liveperson.agent_joins(*self._place)
        forged = requests.post(self._provider.webhook_url, json={"events": []}, timeout=30)
        self._scenario.check("a webhook without the provider's proof: 401", 401, forged.status_code)

    def _add(self, operator: Operator) -> None:
        given = self._provider.settings
        options = [f"--set={each}={given[each]}" for each in OPTIONS if each in given]
        typed = [value for name, value in given.items() if name not in (*OPTIONS, *GENERATED)]
        operator.runs(
            *("channel", "add", self._account_id, self._kind, "--kind", self._kind, "--yes"),
            *options,
            typed="".join(f"{each}\n" for each in typed),
        )

    def texts(self) -> None:
        """Texts in many scripts, both ways; what the provider sends twice is said once."""
        self._agent_answers("你好 👋 How can I help?")
        self._person_says("Grüße 👩‍👩‍👧 مرحبا", times=2)
        self._person_says("And then this.")
        said = self._consumer_texts().count("Grüße 👩‍👩‍👧 مرحبا")
        self._scenario.check("sent twice by the provider, it is said once", 1, said)

    def choice(self) -> None:
        """Show the agent's buttons, the provider's own or numbered; one is pressed."""
        self._liveperson.agent_event(*self._place, {"type": "RichContentEvent", "content": CARD})
        self._sees("the person sees two buttons, or numbers", _offers_blue)
        shown = next(filter(_offers_blue, self._provider.seen(PERSON)))
        buttons = "".join(f" [{each['title']}]" for each in shown.buttons)
        self._scenario.says("agent", shown.text.replace("\n", " / ") + buttons)
        before = len(self._consumer_lines())
        self._does("[Blue]", press="Blue")
        self._scenario.eventually(
            "LivePerson has the choice and the words, with their metadata",
            expected=[("ACTION", BLUE), ("I take Blue", BLUE)],
            look=lambda: [
                (line.get("text") or line["event"]["status"], line.get("metadata"))
                for line in self._consumer_lines()[before:]
            ],
        )

    def pictures(self) -> None:
        """Send pictures both ways, byte by byte."""
        self._scenario.says("agent", "🖼")
        self._liveperson.agent_file(*self._place, base64.b64encode(TEAL).decode())
        self._sees("the person sees it, whole", lambda seen: seen.size == len(TEAL))
        self._does("🖼", picture=base64.b64encode(CORAL).decode())
        self._scenario.eventually(
            "LivePerson has it, byte by byte", [CORAL], self._files_at_liveperson
        )

    def typing_and_sticker(self) -> None:
        """Show that the agent is typing; tell the agent what is not carried."""
        self._liveperson.agent_typing(*self._place)
        self._sees("the person sees that the agent is typing", lambda seen: seen.kind == "typing")
        self._does("(a sticker)", sticker=True)
        self._scenario.eventually(
            "the agent is told of it in words",
            expected=True,
            look=lambda: self._consumer_texts()[-1].endswith(": not carried here]"),
        )

    def receipt(self) -> None:
        """Tell the agent that the person has read a message."""
        number = self._agent_answers("I have ordered it for you.")
        self._does("(has read it)", report="read")
        self._acknowledges("the agent sees that it was read", "READ", number)

    def refusal(self) -> tuple[str, str]:
        """Have a message refused for good; return its conversation and the reason."""
        deed, reason = REFUSED.get(self._kind, ({}, "invalid_message"))
        if deed:
            self._provider.say(PERSON, deed)
        else:
            self._provider.fail(status=400)
        text = "Is there anything else?"
        self._scenario.says("agent", text)
        number = self._liveperson.agent_text(*self._place, text)
        self._acknowledges(f"{self._kind} refuses it, and the agent sees that", "NACK", number)
        return self._conversation_id(), reason

    # What they do

    def _does(self, what: str, **deed: Any) -> None:
        self._scenario.says("person", what)
        statuses = set(self._provider.say(PERSON, deed))
        self._scenario.check("the connector takes the webhook: 200", {200}, statuses)

    def _person_says(self, text: str, **more: int) -> None:
        self._does(text, text=text, **more)
        self._scenario.eventually(
            "it is in LivePerson's transcript",
            expected=True,
            look=lambda: text in self._consumer_texts(),
        )

    def _agent_answers(self, text: str) -> int:
        """Send a text as the agent; return its sequence once the person sees it."""
        self._scenario.says("agent", text)
        number: int = self._liveperson.agent_text(*self._place, text)
        self._sees("the person sees it", lambda seen: seen.text == text)
        return number

    # What can be seen

    @property
    def _place(self) -> tuple[str, str]:
        return self._account_id, self._conversation_id()

    def _sees(self, what: str, wanted: Callable[[Seen], bool]) -> None:
        self._scenario.eventually(
            what, expected=True, look=lambda: any(map(wanted, self._provider.seen(PERSON)))
        )

    def _acknowledges(self, what: str, status: str, sequence: int) -> None:
        self._scenario.eventually(
            what,
            expected=True,
            look=lambda: any(
                (each.get("status"), each.get("sequenceList")) == (status, [sequence])
                for each in (line.get("event", {}) for line in self._consumer_lines())
            ),
        )


def _offers_blue(seen: Seen) -> bool:
    """Whether this is the agent's card: two buttons, or the numbered lines."""
    return len(seen.buttons) == 2 or "2. Blue" in seen.text
