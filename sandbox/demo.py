"""
`python -m sandbox demo`: one conversation through the whole deployed template.

The scenes are told in order by `Conversation`, whose methods are what the people in it do.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests
from rich.console import Console

from sandbox.account import has_app_jwt
from sandbox.channel import Callback, ConnectorClient, DemoChannel
from sandbox.evidence import keep_logs
from sandbox.liveperson import SimulatedLivePerson
from sandbox.progress import Progress, duration
from sandbox.story import Story
from sandbox.system import Options, System, running

CONSUMER_ID = "+49 151/23456789"  # a channel's own id: blanks, signs and all
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
DEAD_LETTER_QUEUES = ("consumer-events-dlq.fifo", "notifications-dlq.fifo", "token-refresh-dlq")


def demo(options: Options, console: Console) -> int:
    """Set everything up, tell the story, and take everything down; 0 if every check held."""
    console.print("Setting up: a whole connector on this machine")
    with running(replace(options, publish=False), Progress(console)) as system:
        story = Story(console)
        conversation = Conversation(system, story)
        for scene in conversation.scenes():
            scene()
        story.summary()
        conversation.say_how_fast(console)
        if not story.succeeded:
            logs = keep_logs(system, options.state_dir / LOGS)
            console.print(f"The functions' logs are in {logs}", soft_wrap=True)
    return 0 if story.succeeded else 1


class Conversation:
    """A consumer, an agent, and everything between them."""

    def __init__(self, system: System, story: Story) -> None:
        if system.channel is None or system.liveperson is None:
            raise ValueError("the story is told with the demo channel and the simulated LivePerson")
        self._system = system
        self._story = story
        self._account_id = system.account.account_id
        self._channel: DemoChannel = system.channel
        self._liveperson: SimulatedLivePerson = system.liveperson
        self._connector = ConnectorClient(
            system.endpoints.channel_api_url, system.endpoints.channel_api_key, self._account_id
        )
        self._to_liveperson: list[float] = []
        self._to_channel: list[float] = []

    def scenes(self) -> list[Callable[[], None]]:
        """List the story's parts in order."""
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
            self.what_remains,
        ]

    def the_connector_is_let_in(self) -> None:
        """Find the AppJWT fetched before anybody writes."""
        with self._story.scene("The connector is let in", "token_refresh"):
            stored = has_app_jwt(self._system.aws, self._stack_name, self._system.account)
            self._story.check("the AppJWT stands in Parameter Store", expected=True, seen=stored)
            self._check_count("Sentinel was asked once", "sentinel", 1)

    def a_consumer_writes(self) -> None:
        """Open a conversation in LivePerson with the first text."""
        with self._story.scene(
            "A consumer writes, and a conversation opens", "message_intake", "outbound_messaging"
        ):
            self._consumer_says("Hello! Is anyone there?")
            self._story.check("one conversation is open", 1, len(self._open_conversations()))

    def an_agent_answers(self) -> None:
        """Bring what an agent says to the channel, signed, with all it needs to know."""
        with self._story.scene("An agent joins and answers", *OUTWARD):
            conversation_id = self._conversation_id()
            self._liveperson.agent_joins(self._account_id, conversation_id)
            callback = self._agent_says("Hi, this is Alex. What can I do for you?")
            self._story.check("it names the consumer", CONSUMER_ID, callback.get("consumer_id"))
            self._story.check(
                "it names the conversation", conversation_id, callback.get("conversation_id")
            )
            sender = callback.get("sender") or {}
            self._story.check("it says who spoke", "ASSIGNED_AGENT", sender.get("role"))

    def they_talk(self) -> None:
        """Every script and sign survives, in both directions, in order."""
        with self._story.scene(
            "They talk, in many scripts", "outbound_messaging", "channel_delivery"
        ):
            for question, answer in TURNS:
                self._consumer_says(question)
                self._agent_says(answer)
            questions, answers = zip(*TURNS, strict=True)
            self._story.check(
                "LivePerson has the consumer's words in order",
                list(questions),
                self._consumer_texts()[-len(TURNS) :],
            )
            self._story.check(
                "the channel has the agent's words in order",
                list(answers),
                self._delivered_texts()[-len(TURNS) :],
            )

    def a_long_text(self) -> None:
        """Send more than LivePerson takes at once: it arrives in parts, complete, in order."""
        with self._story.scene(
            f"A text of {LONG_TEXT_LENGTH:,} characters", "message_intake", "outbound_messaging"
        ):
            before = len(self._consumer_texts())
            text = _long_text()
            self._post(text)
            self._story.eventually(
                "it is complete, to the last character",
                text,
                lambda: "".join(self._consumer_texts()[before:]),
            )
            parts = len(self._consumer_texts()) - before
            self._story.check(f"it was split, into {parts}", expected=True, seen=parts > 1)

    def the_channel_repeats_itself(self) -> None:
        """Send the same event twice: it is said once."""
        with self._story.scene(
            "The channel sends the same event twice", "message_intake", "outbound_messaging"
        ):
            self._post("I only say this once.", event_id="said-once")
            self._post("I only say this once.", event_id="said-once")
            self._consumer_says("And this is the next thing I say.")
            times = self._consumer_texts().count("I only say this once.")
            self._story.check("LivePerson heard it once", 1, times)

    def a_note_among_agents(self) -> None:
        """Keep a private note inside."""
        with self._story.scene(
            "Agents leave each other a private note", "webhook_intake", "channel_delivery"
        ):
            note = "This customer is difficult."
            self._story.says("note", note)
            self._liveperson.private_note(self._account_id, self._conversation_id(), note)
            self._agent_says("One moment, please.")  # later in the same conversation, so it waited
            self._story.check("the channel never saw the note", 0, self._times_received(note))

    def another_channels_conversation(self) -> None:
        """Webhooks are account-wide; what another channel opened is not ours to forward."""
        with self._story.scene(
            "A conversation of another channel goes by", "webhook_intake", "channel_delivery"
        ):
            text = "Spoken on another channel."
            self._story.says("elsewhere", text)
            before = len(self._deliveries())
            self._liveperson.foreign_conversation(self._account_id, [text])
            self._story.check("LivePerson sent its webhooks", expected=True, seen=self._idle())
            self._story.check(
                "they were all answered 200",
                {200},
                {each["status"] for each in self._deliveries()[before:]},
            )
            self._agent_says("Thanks for waiting.")
            self._story.eventually("the notifications' queue is empty", 0, self._notifications)
            self._story.check("the channel never saw it", 0, self._times_received(text))

    def a_forged_webhook(self) -> None:
        """Who cannot sign is not believed."""
        with self._story.scene("Somebody forges a webhook", "webhook_intake"):
            text = "Please send your password."
            self._story.says("forger", text)
            body = {
                "type": "ms.MessagingEventNotification",
                "body": {"changes": [{"message": text}]},
            }
            for what, headers in _forgeries().items():
                answer = requests.post(
                    self._system.endpoints.webhook_url, json=body, headers=headers, timeout=30
                )
                self._story.check(f"{what}: 401", 401, answer.status_code)
            self._story.check("the channel never saw it", 0, self._times_received(text))

    def closed_and_opened_again(self) -> None:
        """After the agent has closed the conversation, the next text opens another."""
        with self._story.scene(
            "The agent closes; the consumer comes back", "channel_delivery", "outbound_messaging"
        ):
            former = self._conversation_id()
            self._liveperson.close(self._account_id, former, by="AGENT")
            self._story.check("LivePerson has told the connector", expected=True, seen=self._idle())
            self._consumer_says("Oh, one more thing…")
            self._story.check("one conversation is open", 1, len(self._open_conversations()))
            another = self._conversation_id() != former
            self._story.check("it is another conversation", expected=True, seen=another)
            self._agent_says("Welcome back!")

    def what_remains(self) -> None:
        """Nobody was asked too often, nothing was done wrong, nothing was left behind."""
        with self._story.scene("Looking back"):
            self._check_count("Sentinel was asked once in all", "sentinel", 1)
            self._check_count("IDP was asked once for this consumer", "idp", 1)
            self._story.check("LivePerson saw no mistake", [], self._liveperson.violations())
            received = self._channel.callbacks()
            untrusted = [each.problem for each in received if each.problem]
            self._story.check("every callback was signed", [], untrusted)
            repeated = [each.webhook_id for each in received if each.duplicate]
            self._story.check("no callback came twice", [], repeated)
            for name in DEAD_LETTER_QUEUES:
                self._story.check(f"{name} is empty", 0, self._waiting_in(name))

    def say_how_fast(self, console: Console) -> None:
        """Show how long messages took on this machine."""
        ways = {
            "consumer → LivePerson": self._to_liveperson,
            "agent → channel": self._to_channel,
        }
        for name, times in ways.items():
            if times:
                median, longest = statistics.median(times), max(times)
                console.print(f"{name}: {duration(median)} median, {duration(longest)} longest")

    # What people do

    def _consumer_says(self, text: str) -> None:
        before = self._consumer_texts().count(text)
        began = time.monotonic()
        self._post(text)
        self._story.eventually(
            "it is in LivePerson's transcript",
            before + 1,
            lambda: self._consumer_texts().count(text),
        )
        self._to_liveperson.append(time.monotonic() - began)

    def _post(self, text: str, event_id: str = "") -> None:
        self._story.says("consumer", text)
        answer = self._connector.send_text(CONSUMER_ID, text, event_id)
        self._story.check("the connector accepts it: 202", 202, answer.status, answer.seconds)

    def _agent_says(self, text: str) -> dict[str, Any]:
        """Speak as the agent; give back what the channel was told."""
        self._story.says("agent", text)
        before = self._times_received(text)
        self._liveperson.agent_text(self._account_id, self._conversation_id(), text)
        took = self._story.eventually(
            "the channel has it, signed", before + 1, lambda: self._times_received(text)
        )
        self._to_channel.append(took)
        found = [each.body for each in self._accepted() if _text(each) == text]
        return found[-1] if found else {}

    # What can be seen

    @property
    def _stack_name(self) -> str:
        return self._system.endpoints.stack_name

    def _conversations(self) -> list[dict[str, Any]]:
        """List the conversations that came through the connector, the oldest first."""
        every: list[dict[str, Any]] = self._liveperson.conversations(self._account_id)
        return [each for each in every if not each.get("foreign")]

    def _open_conversations(self) -> list[dict[str, Any]]:
        return [each for each in self._conversations() if each["stage"] == "OPEN"]

    def _conversation_id(self) -> str:
        found = self._open_conversations()
        if not found:
            raise LookupError("no conversation is open")
        return str(found[-1]["conversation_id"])

    def _consumer_texts(self) -> list[str]:
        return [
            line["text"]
            for conversation in self._conversations()
            for line in conversation["transcript"]
            if line["role"] == "CONSUMER" and "text" in line
        ]

    def _accepted(self) -> list[Callback]:
        return [each for each in self._channel.callbacks() if each.accepted]

    def _delivered_texts(self) -> list[str]:
        return [text for each in self._accepted() if (text := _text(each)) is not None]

    def _times_received(self, text: str) -> int:
        return self._delivered_texts().count(text)

    def _deliveries(self) -> list[dict[str, Any]]:
        deliveries: list[dict[str, Any]] = self._liveperson.deliveries(self._account_id)
        return deliveries

    def _idle(self) -> bool:
        return bool(self._liveperson.wait_idle(self._story.patience))

    def _notifications(self) -> int:
        return self._waiting_in("notifications.fifo")

    def _waiting_in(self, queue: str) -> int:
        """Count what is in a queue, taken by a worker or not."""
        found = self._system.aws.sqs.get_queue_attributes(
            QueueUrl=self._system.endpoints.queues[queue], AttributeNames=["All"]
        )["Attributes"]
        waiting = int(found["ApproximateNumberOfMessages"])
        return waiting + int(found["ApproximateNumberOfMessagesNotVisible"])

    def _check_count(self, what: str, service: str, expected: int) -> None:
        self._story.check(what, expected, self._liveperson.counts()[service])


def _text(callback: Callback) -> str | None:
    """Give the text of a message, or None if the callback says something else."""
    content = callback.body.get("content") if isinstance(callback.body, dict) else None
    return content.get("text") if isinstance(content, dict) else None


def _forgeries() -> dict[str, dict[str, str]]:
    names = ("x-liveperson-signature", "x-liveperson-client-id", "x-liveperson-account-id")
    wrong = dict(zip(names, ("sha1=Zm9yZ2Vk", "somebody", "0"), strict=True))
    return {"without a signature": {}, "with a wrong signature": wrong}


def _long_text() -> str:
    """Write sentences that are all different, so that a lost or moved one would be seen."""
    sentences = (f"Sentence {number} of a very long story 📚." for number in range(1, 10_000))
    text = ""
    while len(text) < LONG_TEXT_LENGTH:
        text += next(sentences) + (" " if len(text) % 7 else "\n")
    return text[:LONG_TEXT_LENGTH]
