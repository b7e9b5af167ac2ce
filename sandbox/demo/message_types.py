"""The demo's second part: every other kind of message, once each."""

import base64
from collections.abc import Callable
from typing import Any

from sandbox.demo.actors import Actors
from sandbox.demo.pictures import png

Object = dict[str, Any]

INWARD = ("message_intake", "outbound_messaging")
OUTWARD = ("webhook_intake", "channel_delivery")
FEATURES = ("AUTO_MESSAGES", "MULTI_DIALOG", "RICH_CONTENT", "QUICK_REPLIES")
NAMED = {"customer": {"customerId": "C-100"}, "personal": {"firstname": "Alex"}}
NAMED_ANEW = {"personal": {"firstname": "Alexandra"}}
ORDERS, RETURNS = "4711", "4712"  # skills
TEAL, CORAL, SAND = png(0, 128, 128), png(255, 127, 80), png(194, 178, 128)
QUESTION = "Which order is it about?"
THANKS = "Thank you for your time."


def _button(title: str, said: str, metadata_id: str) -> Object:
    return {
        "type": "button",
        "title": title,
        "tooltip": title,
        "click": {
            "actions": [{"type": "publishText", "text": said}],
            "metadata": [{"type": "ExternalId", "id": metadata_id}],
        },
    }


QUICK_REPLIES = {
    "type": "quickReplies",
    "itemsPerRow": 2,
    "replies": [
        _button("The shoes", "It is about the shoes", "order-shoes"),
        _button("The hat", "It is about the hat", "order-hat"),
    ],
}
CARD: Object = {
    "type": "vertical",
    "elements": [
        {"type": "image", "url": "https://example.com/hat.jpg", "tooltip": "A straw hat"},
        {"type": "text", "text": "Straw hat", "tooltip": "name", "style": {"bold": True}},
        {
            "type": "button",
            "title": "Where it is",
            "tooltip": "track",
            "click": {"actions": [{"type": "link", "uri": "https://example.com/track/1"}]},
        },
        _button("Send it again", "Please send it again", "again"),
    ],
}
CARD_AS_TEXT = [
    "A straw hat: https://example.com/hat.jpg",
    "Straw hat",
    "Where it is: https://example.com/track/1",
    "1. Send it again",
]


class EveryKind(Actors):
    """The scenes of a consumer whose app supports everything."""

    def scenes(self) -> list[Callable[[], None]]:
        """List the scenes in order."""
        return [
            self.opened_as_told,
            self.quick_replies,
            self.a_card_and_a_form,
            self.files,
            self.typing_and_receipts,
            self.handed_over,
            self.refused_for_good,
            self.closed_with_a_survey,
        ]

    def opened_as_told(self) -> None:
        """Check that a conversation is opened with profile, skill and the app's features."""
        with self._scenario.scene("A conversation with a profile, a skill and features", *INWARD):
            how = {
                "profile": NAMED,
                "routing": {"skill_id": ORDERS, "urgency": "URGENT"},
                "features": FEATURES,
            }
            self._scenario.says("consumer", "I am waiting for my order.")
            self._send("text", text="I am waiting for my order.", conversation=how)
            self._scenario.eventually(
                "it opened one, for this skill, as urgent",
                [(ORDERS, "URGENT", sorted(FEATURES))],
                lambda: [
                    (each["skill_id"], each["ttr"]["ttrType"], each["features"])
                    for each in self._open_conversations()
                ],
            )
            self._scenario.check("the agent sees who it is", *self._seen_profile(NAMED))
            self._liveperson.agent_joins(self._account_id, self._conversation_id())
            self._check_told_of("opened", "agent_joined")
            self._send("profile", **NAMED_ANEW)
            self._scenario.eventually(
                "a new profile arrives", _attributes(NAMED_ANEW), self._profile_at_liveperson
            )

    def quick_replies(self) -> None:
        """Check that a chosen quick reply arrives with its metadata."""
        with self._scenario.scene("Quick replies, and the one that is chosen", *OUTWARD, *INWARD):
            event = {"type": "ContentEvent", "contentType": "text/plain", "message": QUESTION}
            message = self._agent_sends({**event, "quickReplies": QUICK_REPLIES})
            self._scenario.says("agent", f"{QUESTION} [The shoes] [The hat]")
            self._scenario.check(
                "the channel has the replies to draw",
                {"type": "text", "text": QUESTION, "quick_replies": QUICK_REPLIES},
                message.get("content"),
            )
            self._reply(message, message["content"]["quick_replies"]["replies"][1])

    def a_card_and_a_form(self) -> None:
        """Check that structured content arrives whole, with a plain rendering beside it."""
        with self._scenario.scene("A card, and a secure form", *OUTWARD, *INWARD):
            message = self._agent_sends({"type": "RichContentEvent", "content": CARD})
            content = message.get("content", {})
            self._scenario.check("the channel has the card as it is", CARD, content.get("content"))
            for line in content.get("fallback_text", "").splitlines():
                self._scenario.says("as text", line)
            self._scenario.check(
                "and as text", CARD_AS_TEXT, content.get("fallback_text", "").splitlines()
            )
            self._reply(message, CARD["elements"][3])
            form = {
                "type": "ContentEvent",
                "contentType": "forms/secure-invitation",
                "message": {"invitationId": "0d9f-1", "title": "Delivery address"},
            }
            content = self._agent_sends(form).get("content", {})
            self._scenario.check(
                "the form is passed on, with its title",
                "Secure form: Delivery address",
                content.get("fallback_text"),
            )

    def files(self) -> None:
        """Check that pictures arrive both ways, byte by byte."""
        with self._scenario.scene("Pictures, both ways", *INWARD, *OUTWARD):
            inline = base64.b64encode(TEAL).decode()
            self._scenario.says("consumer", "🖼 in the event itself")
            self._send("file", file_type="PNG", caption="My shoes", content_base64=inline)
            self._scenario.says("consumer", "🖼 at an https address")
            self._send("file", file_type="PNG", url=self._system.files.put(CORAL))
            self._scenario.eventually(
                "LivePerson has both, byte by byte", [TEAL, CORAL], self._files_at_liveperson
            )
            self._scenario.says("agent", "🖼 A hat like this?")
            self._liveperson.agent_file(
                *(self._account_id, self._conversation_id()),
                base64.b64encode(SAND).decode(),
                caption="A hat like this?",
            )
            content = self._next_message("file").get("content", {})
            self._scenario.check("its caption arrives", "A hat like this?", content.get("caption"))
            fetched = self._connector.fetch(content["url"])
            self._scenario.check("the channel can fetch it, byte by byte", SAND, fetched.content)

    def typing_and_receipts(self) -> None:
        """Check that typing and receipts arrive both ways."""
        with self._scenario.scene("Who is typing, who has read it", *INWARD, *OUTWARD):
            before = len(self._consumer_lines())
            self._send("typing", state="composing")
            self._send("text", text="It should have been here today.")
            self._scenario.eventually(
                "the agent sees typing, the words, and no more typing",
                ["COMPOSING", "It should have been here today.", "PAUSE"],
                lambda: [_said(line) for line in self._consumer_lines()[before:]],
            )
            words = self._consumer_lines()[before + 1]["sequence"]
            self._liveperson.agent_receipt(self._account_id, self._conversation_id(), [words])
            self._scenario.eventually(
                "the channel is told that the agent has read them",
                [("read", [words])],
                lambda: [(each["status"], each["sequences"]) for each in self._told("receipt")],
            )
            self._liveperson.agent_typing(self._account_id, self._conversation_id())
            self._scenario.eventually(
                "and that the agent is typing",
                ["composing"],
                lambda: [each["state"] for each in self._told("typing")],
            )
            number = self._agent_says("I am looking into it.")["sequence"]
            self._send("receipt", status="read", sequences=[number])
            self._scenario.eventually(
                "the agent sees that the consumer has read it",
                [("READ", [number])],
                lambda: [*map(_receipt, self._consumer_lines()[-1:])],
            )

    def handed_over(self) -> None:
        """Check that the channel is told when another team takes over."""
        with self._scenario.scene("Handed over to another team", *OUTWARD):
            self._liveperson.transfer(self._account_id, self._conversation_id(), RETURNS)
            self._check_told_of("opened", "agent_joined", "transferred")
            self._liveperson.agent_joins(self._account_id, self._conversation_id())
            self._check_told_of("opened", "agent_joined", "transferred", "agent_joined")

    def refused_for_good(self) -> None:
        """Check that the channel is told which event failed for good, and why."""
        with self._scenario.scene("A picture that is none", *INWARD, *OUTWARD):
            words = base64.b64encode(b"these are words").decode()
            self._send("file", "no-picture", file_type="PNG", content_base64=words)
            self._scenario.eventually(
                "the channel is told which event failed",
                [("no-picture", "file", "file_refused")],
                lambda: [
                    (each["event_id"], each["event_type"], each["reason"])
                    for each in self._told("failed")
                ],
            )
            for each in self._told("failed"):
                self._scenario.says("connector", each["message"])
            self._consumer_says("Never mind the picture.")

    def closed_with_a_survey(self) -> None:
        """Check that a survey runs in its own dialog after the close, and the rating arrives."""
        with self._scenario.scene("The consumer closes; a survey follows", *INWARD, *OUTWARD):
            conversation_id = self._conversation_id()
            self._liveperson.set(self._account_id, survey=True)
            self._send("close")
            question = self._survey_message(with_choices=True)
            self._scenario.says("survey", question["content"]["text"])
            self._scenario.check(
                "the question belongs to a dialog of its own",
                expected=True,
                seen=question["dialog_id"] != conversation_id,
            )
            self._reply(question, question["content"]["quick_replies"]["replies"][4])
            self._scenario.check(
                "the answer went to the survey",
                question["dialog_id"],
                self._consumer_lines()[-1]["dialog_id"],
            )
            self._scenario.eventually("the survey says thank you", THANKS, self._last_survey_words)
            self._check_told_of("opened", "agent_joined", "transferred", "agent_joined", "closed")
            closed = self._told("conversation")[-1]
            self._scenario.check(
                "the channel knows who closed it", "CONSUMER", closed.get("reason")
            )
            self._send("rating", csat=5, resolved=True)
            self._scenario.eventually(
                "LivePerson has the rating",
                {"csatRate": 5, "csatResolutionConfirmation": True, "status": "FILLED"},
                lambda: self._conversations()[-1]["csat"],
            )

    # What the actors do

    def _agent_sends(self, event: Object) -> Object:
        """Send an event as the agent; return the message that the channel got."""
        before = len(self._told("message"))
        self._liveperson.agent_event(self._account_id, self._conversation_id(), event)
        self._scenario.eventually(
            "the channel has it, signed", before + 1, lambda: len(self._told("message"))
        )
        return self._told("message")[-1]

    def _reply(self, message: Object, element: Object) -> None:
        """Choose an element of a message, as a channel that can render it does."""
        said, metadata = element["click"]["actions"][0]["text"], element["click"]["metadata"]
        self._scenario.says("consumer", f"[{said}]")
        before = len(self._consumer_lines())
        self._send(
            "reply",
            text=said,
            metadata=metadata,
            to_sequence=message["sequence"],
            dialog_id=message["dialog_id"],
        )
        self._scenario.eventually(
            "LivePerson has the choice and the words, with their metadata",
            [("ACTION", [message["sequence"]], metadata), (said, None, metadata)],
            lambda: [
                (*_receipt(line), line.get("metadata")) for line in self._consumer_lines()[before:]
            ],
        )

    # What can be seen

    def _check_told_of(self, *events: str) -> None:
        self._scenario.eventually(
            f"the channel is told: {events[-1]}",
            list(events),
            lambda: [each["event"] for each in self._told("conversation")],
        )

    def _next_message(self, kind: str) -> Object:
        """Wait for the message whose content is of this kind."""
        self._scenario.eventually("the channel has it, signed", 1, lambda: len(self._of(kind)))
        return self._of(kind)[-1]

    def _of(self, kind: str) -> list[Object]:
        return [each for each in self._told("message") if each["content"]["type"] == kind]

    def _survey_words(self) -> list[Object]:
        return [each for each in self._told("message") if each["dialog_type"] == "post_survey"]

    def _last_survey_words(self) -> str:
        return str(self._survey_words()[-1]["content"]["text"])

    def _survey_message(self, *, with_choices: bool) -> Object:
        """Wait for the survey's question."""
        self._scenario.eventually(
            "the channel has the survey's question",
            expected=with_choices,
            look=lambda: any("quick_replies" in each["content"] for each in self._survey_words()),
        )
        return self._survey_words()[-1]

    def _profile_at_liveperson(self) -> list[Object]:
        """Return LivePerson's engagement attributes of this consumer."""
        who = self._conversations()[-1]["ext_consumer_id"]
        profile = self._liveperson.profile(self._account_id, who) or {}
        found: list[Object] = profile.get("authenticatedData", {}).get("lp_sdes", [])
        return found

    def _seen_profile(self, expected: Object) -> tuple[list[Object], list[Object]]:
        return _attributes(expected), self._profile_at_liveperson()


def _attributes(profile: Object) -> list[Object]:
    """Return a profile in LivePerson's form."""
    written: list[Object] = []
    if customer := profile.get("customer"):
        written.append({"type": "ctmrinfo", "info": customer})
    if personal := profile.get("personal"):
        written.append({"type": "personal", "personal": personal})
    return written


def _said(line: Object) -> str:
    """Return the text of a line, or its chat state."""
    return str(line.get("text") or line["event"].get("chatState"))


def _receipt(line: Object) -> tuple[str, Any]:
    """Return what a line acknowledges; for a text, the text and None."""
    event = line.get("event", {})
    if event.get("type") != "AcceptStatusEvent":
        return str(line.get("text")), None
    return event["status"], event["sequenceList"]
