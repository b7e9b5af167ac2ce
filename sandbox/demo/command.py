"""
`python -m sandbox demo`: conversations through the whole deployed template.

`Conversation` has the scenes with texts, `EveryKind` those with all other kinds of message,
`EveryReadyChannel` those over a provider; each scene is a method.
"""

from collections.abc import Callable
from dataclasses import replace

import requests
from rich.console import Console

from sandbox.account import has_app_jwt
from sandbox.demo.actors import Actors, waiting_in
from sandbox.demo.message_types import EveryKind
from sandbox.demo.ready_channels import EveryReadyChannel
from sandbox.demo.scenario import Scenario
from sandbox.log_capture import keep_logs
from sandbox.progress import Progress
from sandbox.providers import KINDS
from sandbox.system import Options, System, running

CONSUMER_ID = "+49 151/23456789"  # a channel's own id, with a blank and signs
ANOTHER_CONSUMER_ID = "alex@example.com"
CONSUMERS = 2 + len(KINDS)
LONG_TEXT_LENGTH = 12_000
INWARD = ("message_intake", "outbound_messaging")  # from the consumer to LivePerson
OUTWARD = ("webhook_intake", "channel_delivery")
TURNS = (
    ("Schöne Grüße aus München 🥨", "Grüß Gott! Wie kann ich helfen? 😊"),
    ("你好,我的订单在哪里?", "您的包裹今天送达。📦"),
    ("مرحبا، متى يصل الطلب؟", "مساء الخير! اليوم إن شاء الله."),
    (
        "Family 👩‍👩‍👧‍👦, flag 🏳️‍🌈, né with a combining acute: né",
        'नमस्ते 🙏 "quotes" & <tags> \\ stay',
    ),
)
LOGS = "demo.log"
DEAD_LETTERS = {
    "consumer-events-dlq.fifo": (1, "holds the picture that was none"),
    "notifications-dlq.fifo": (len(KINDS), "holds what the providers refused"),
    "token-refresh-dlq": (0, "is empty"),
}


def demo(options: Options, console: Console) -> int:
    """Set everything up, play every scene, take everything down; return 0 if every check held."""
    console.print("Setting up: a whole connector on this machine")
    with running(replace(options, publish=False), Progress(console)) as system:
        scenario = Scenario(console)
        conversation = Conversation(system, scenario, CONSUMER_ID)
        for scene in conversation.scenes():
            scene()
        for scene in EveryKind(system, scenario, ANOTHER_CONSUMER_ID).scenes():
            scene()
        for scene in EveryReadyChannel(system, scenario).scenes():
            scene()
        looking_back(system, scenario)
        scenario.summary()
        conversation.print_speed(console)
        if not scenario.succeeded:
            logs = keep_logs(system, options.state_dir / LOGS)
            console.print(f"The functions' logs are in {logs}", soft_wrap=True)
    return 0 if scenario.succeeded else 1


class Conversation(Actors):
    """The scenes of one consumer who exchanges texts with an agent."""

    def scenes(self) -> list[Callable[[], None]]:
        """List the scenes in order."""
        return [
            self.the_connector_is_let_in,
            self.a_consumer_writes,
            self.an_agent_answers,
            self.they_talk,
            self.a_long_text,
            self.the_channel_repeats_itself,
            self.a_note_among_agents,
            self.another_channels_conversation,
            self.a_forged_webhook,
            self.closed_and_opened_again,
        ]

    def the_connector_is_let_in(self) -> None:
        """Check that the AppJWT is there before a consumer writes."""
        with self._scenario.scene("The connector is let in", "token_refresh"):
            stored = has_app_jwt(self._system.aws, self._stack_name, self._system.account)
            self._scenario.check("the AppJWT stands in Parameter Store", expected=True, seen=stored)
            self._check_count("Sentinel was asked once", "sentinel", 1)

    def a_consumer_writes(self) -> None:
        """Check that the first text opens a conversation in LivePerson."""
        with self._scenario.scene(
            "A consumer writes, and a conversation opens", "message_intake", "outbound_messaging"
        ):
            self._consumer_says("Hello! Is anyone there?")
            self._scenario.check("one conversation is open", 1, len(self._open_conversations()))

    def an_agent_answers(self) -> None:
        """Check that an agent's text reaches the channel, signed, with all that it needs."""
        with self._scenario.scene("An agent joins and answers", *OUTWARD):
            conversation_id = self._conversation_id()
            self._liveperson.agent_joins(self._account_id, conversation_id)
            callback = self._agent_says("Hi, this is Alex. What can I do for you?")
            self._scenario.check("it names the consumer", CONSUMER_ID, callback.get("consumer_id"))
            self._scenario.check(
                "it names the conversation", conversation_id, callback.get("conversation_id")
            )
            sender = callback.get("sender") or {}
            self._scenario.check("it says who spoke", "ASSIGNED_AGENT", sender.get("role"))

    def they_talk(self) -> None:
        """Check that every script and sign arrives unchanged, both ways, in order."""
        with self._scenario.scene(
            "They talk, in many scripts", "outbound_messaging", "channel_delivery"
        ):
            for question, answer in TURNS:
                self._consumer_says(question)
                self._agent_says(answer)
            questions, answers = zip(*TURNS, strict=True)
            self._scenario.check(
                "LivePerson has the consumer's words in order",
                list(questions),
                self._consumer_texts()[-len(TURNS) :],
            )
            self._scenario.check(
                "the channel has the agent's words in order",
                list(answers),
                self._delivered_texts()[-len(TURNS) :],
            )

    def a_long_text(self) -> None:
        """Check that a text beyond LivePerson's limit arrives in parts, complete and in order."""
        with self._scenario.scene(
            f"A text of {LONG_TEXT_LENGTH:,} characters", "message_intake", "outbound_messaging"
        ):
            before = len(self._consumer_texts())
            text = _long_text()
            self._post(text)
            self._scenario.eventually(
                "it is complete, to the last character",
                text,
                lambda: "".join(self._consumer_texts()[before:]),
            )
            parts = len(self._consumer_texts()) - before
            self._scenario.check(f"it was split, into {parts}", expected=True, seen=parts > 1)

    def the_channel_repeats_itself(self) -> None:
        """Check that an event that is sent twice arrives once."""
        with self._scenario.scene(
            "The channel sends the same event twice", "message_intake", "outbound_messaging"
        ):
            self._post("I only say this once.", event_id="said-once")
            self._post("I only say this once.", event_id="said-once")
            self._consumer_says("And this is the next thing I say.")
            times = self._consumer_texts().count("I only say this once.")
            self._scenario.check("LivePerson heard it once", 1, times)

    def a_note_among_agents(self) -> None:
        """Check that a private note does not reach the channel."""
        with self._scenario.scene(
            "Agents leave each other a private note", "webhook_intake", "channel_delivery"
        ):
            note = "This customer is difficult."
            self._scenario.says("note", note)
            self._liveperson.private_note(self._account_id, self._conversation_id(), note)
            self._agent_says("One moment, please.")  # later in the same conversation, so it waited
            self._scenario.check("the channel never saw the note", 0, self._times_received(note))

    def another_channels_conversation(self) -> None:
        """Check that another channel's conversation is not forwarded."""
        with self._scenario.scene(
            "A conversation of another channel goes by", "webhook_intake", "channel_delivery"
        ):
            text = "Spoken on another channel."
            self._scenario.says("elsewhere", text)
            before = len(self._deliveries())
            self._liveperson.foreign_conversation(self._account_id, [text])
            self._scenario.check("LivePerson sent its webhooks", expected=True, seen=self._idle())
            self._scenario.check(
                "they were all answered 200",
                {200},
                {each["status"] for each in self._deliveries()[before:]},
            )
            self._agent_says("Thanks for waiting.")
            self._scenario.eventually("the notifications' queue is empty", 0, self._notifications)
            self._scenario.check("the channel never saw it", 0, self._times_received(text))

    def a_forged_webhook(self) -> None:
        """Check that a webhook without the right signature is answered 401."""
        with self._scenario.scene("A forged webhook", "webhook_intake"):
            text = "Please send your password."
            self._scenario.says("forger", text)
            body = {
                "type": "ms.MessagingEventNotification",
                "body": {"changes": [{"message": text}]},
            }
            for what, headers in _forgeries().items():
                answer = requests.post(
                    self._system.endpoints.webhook_url, json=body, headers=headers, timeout=30
                )
                self._scenario.check(f"{what}: 401", 401, answer.status_code)
            self._scenario.check("the channel never saw it", 0, self._times_received(text))

    def closed_and_opened_again(self) -> None:
        """Check that the next text after the agent's close opens another conversation."""
        with self._scenario.scene(
            "The agent closes; the consumer comes back", "channel_delivery", "outbound_messaging"
        ):
            former = self._conversation_id()
            self._liveperson.close(self._account_id, former, by="AGENT")
            self._scenario.check(
                "LivePerson has told the connector", expected=True, seen=self._idle()
            )
            self._consumer_says("Oh, one more thing…")
            self._scenario.check("one conversation is open", 1, len(self._open_conversations()))
            another = self._conversation_id() != former
            self._scenario.check("it is another conversation", expected=True, seen=another)
            self._agent_says("Welcome back!")


def looking_back(system: System, scenario: Scenario) -> None:
    """Check that no service was called too often, no rule broken, no message left behind."""
    if system.channel is None or system.liveperson is None:
        return
    with scenario.scene("Looking back"):
        counts = system.liveperson.counts()
        scenario.check("Sentinel was asked once in all", 1, counts["sentinel"])
        scenario.check("IDP was asked once for each consumer", CONSUMERS, counts["idp"])
        scenario.check("LivePerson saw no mistake", [], system.liveperson.violations())
        received = system.channel.callbacks()
        untrusted = [each.problem for each in received if each.problem]
        scenario.check("every callback was signed", [], untrusted)
        repeated = [each.webhook_id for each in received if each.duplicate]
        scenario.check("no callback came twice", [], repeated)
        for name, (left, what) in DEAD_LETTERS.items():
            scenario.check(f"{name} {what}", left, waiting_in(system, name))


def _forgeries() -> dict[str, dict[str, str]]:
    names = ("x-liveperson-signature", "x-liveperson-client-id", "x-liveperson-account-id")
    wrong = dict(zip(names, ("sha1=Zm9yZ2Vk", "forged", "0"), strict=True))
    return {"without a signature": {}, "with a wrong signature": wrong}


def _long_text() -> str:
    """Return sentences that all differ, so that a lost or moved one is noticed."""
    sentences = (f"Sentence {number} of a very long story 📚." for number in range(1, 10_000))
    text = ""
    while len(text) < LONG_TEXT_LENGTH:
        text += next(sentences) + (" " if len(text) % 7 else "\n")
    return text[:LONG_TEXT_LENGTH]
