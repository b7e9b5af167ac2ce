"""
`python -m sandbox demo`: conversations through the whole deployed template.

`Conversation` tells of texts, `EveryKind` of everything else; their methods are the scenes.
"""

from collections.abc import Callable
from dataclasses import replace

import requests
from rich.console import Console

from sandbox.account import has_app_jwt
from sandbox.demo.actors import Cast, waiting_in
from sandbox.demo.message_types import EveryKind
from sandbox.demo.scenario import Story
from sandbox.log_capture import keep_logs
from sandbox.progress import Progress
from sandbox.system import Options, System, running

CONSUMER_ID = "+49 151/23456789"  # a channel's own id: blanks, signs and all
ANOTHER_CONSUMER_ID = "alex@example.com"
CONSUMERS = 2
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
DEAD_LETTERS = {"consumer-events-dlq.fifo": 1, "notifications-dlq.fifo": 0, "token-refresh-dlq": 0}


def demo(options: Options, console: Console) -> int:
    """Set everything up, tell the story, and take everything down; 0 if every check held."""
    console.print("Setting up: a whole connector on this machine")
    with running(replace(options, publish=False), Progress(console)) as system:
        story = Story(console)
        conversation = Conversation(system, story, CONSUMER_ID)
        for scene in conversation.scenes():
            scene()
        for scene in EveryKind(system, story, ANOTHER_CONSUMER_ID).scenes():
            scene()
        looking_back(system, story)
        story.summary()
        conversation.say_how_fast(console)
        if not story.succeeded:
            logs = keep_logs(system, options.state_dir / LOGS)
            console.print(f"The functions' logs are in {logs}", soft_wrap=True)
    return 0 if story.succeeded else 1


class Conversation(Cast):
    """The story of one consumer and the texts that are exchanged."""

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


def looking_back(system: System, story: Story) -> None:
    """Nobody was asked too often, nothing was done wrong, nothing was left behind."""
    if system.channel is None or system.liveperson is None:
        return
    with story.scene("Looking back"):
        counts = system.liveperson.counts()
        story.check("Sentinel was asked once in all", 1, counts["sentinel"])
        story.check("IDP was asked once for each consumer", CONSUMERS, counts["idp"])
        story.check("LivePerson saw no mistake", [], system.liveperson.violations())
        received = system.channel.callbacks()
        untrusted = [each.problem for each in received if each.problem]
        story.check("every callback was signed", [], untrusted)
        repeated = [each.webhook_id for each in received if each.duplicate]
        story.check("no callback came twice", [], repeated)
        for name, left in DEAD_LETTERS.items():
            what = "holds the picture that was none" if left else "is empty"
            story.check(f"{name} {what}", left, waiting_in(system, name))


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
