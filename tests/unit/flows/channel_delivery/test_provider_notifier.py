"""What agents say reaches the person as the provider can show it: in order, once, honestly."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from liveperson_connector.channel.adapters.interface import (
    Call,
    Piece,
    ReadMark,
    Recipient,
    Settings,
    Template,
    Typing,
)
from tests.simulation.connector import PREFIX
from tests.simulation.fake_http import Reply
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.ready_channels import NAME, TOKEN, said
from tests.unit.flows.ready import Able, Ready

HOUR = 3600.0
YES = {"type": "ExternalId", "id": "yes"}


def button(title: str, text: str = "", metadata: Any = None) -> dict[str, Any]:
    """Give a button of structured content."""
    click: dict[str, Any] = {"actions": [{"type": "publishText", "text": text or title}]}
    if metadata:
        click["metadata"] = metadata
    return {"type": "button", "title": title, "click": click}


def quick_replies(*titles: str) -> dict[str, Any]:
    """Give quick replies."""
    return {"type": "quickReplies", "replies": [button(each, metadata=[YES]) for each in titles]}


class Marking(Able):
    """An adapter that can show typing, set read marks and send templates."""

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write what the plain one has no form for."""
        match piece:
            case Typing():
                told = f"typing {piece.is_typing} {recipient.mark}"
            case ReadMark():
                told = f"read {piece.message}"
            case Template():
                told = f"template {piece.name} {piece.language}"
            case _:
                return super().request(piece, recipient, settings)
        return Call(
            "POST", "https://api.pigeon.example/marks", {}, f'{{"told": "{told}"}}'.encode()
        )


def marking(can: dict[str, Any], **settings: Any) -> Ready:
    """Give a brand whose channel can do more, and whose person has said hello."""
    ready = Ready(can=can, **settings)
    ready.adapter = Marking(**can)
    ready.write("Hello", "p-0")
    return ready


@pytest.fixture(name="ready")
def _ready() -> Ready:
    """Give a brand with a ready channel, whose person has said hello."""
    ready = Ready()
    ready.write("Hello", "p-0")
    return ready


def told(ready: Ready) -> list[str]:
    """Give the marks that the provider was told."""
    return [each["told"] for each in ready.pigeons.sent if "told" in each]


# ── Texts ──


def test_agents_words_reach_the_person(ready: Ready) -> None:
    """By the provider's own id, with the channel's token, and to no webhook."""
    ready.agent(message="Hello Ann 👋")

    (sent,) = ready.pigeons.sent
    assert ("ann", "Hello Ann 👋", []) == (sent["to"], sent["text"], sent["buttons"])
    assert f"Bearer {TOKEN}" == ready.pigeons.calls[-1].headers["Authorization"]
    assert [] == ready.channel.callbacks


def test_repeat_of_livepersons_is_told_once(ready: Ready) -> None:
    """By dialog and sequence."""
    ready.agent(message="Hello Ann")
    ready.agent(message="Hello Ann")

    assert ["Hello Ann"] == ready.texts


def test_long_text_is_cut_where_a_person_would(ready: Ready) -> None:
    """At white space, in the channel's own length, and inside no character."""
    words = " ".join(f"word{number}" for number in range(40)) + " 👩‍👩‍👧‍👦" * 20
    ready.agent(message=words)

    assert len(ready.texts) > 2
    assert all(len(each) <= 160 for each in ready.texts)
    assert words.split() == " ".join(ready.texts).split()


@pytest.mark.parametrize(("length", "parts"), [(160, 1), (161, 2)])
def test_one_character_too_many_is_another_message(ready: Ready, length: int, parts: int) -> None:
    """And not one earlier."""
    ready.agent(message="x" * length)

    assert parts == len(ready.texts)


@pytest.mark.parametrize(("unit", "fits"), [("characters", 40), ("utf16", 20), ("bytes", 10)])
def test_lengths_are_counted_as_the_provider_counts(unit: str, fits: int) -> None:
    """An emoji is one, two or four."""
    for number, parts in ((fits, 1), (fits + 1, 2)):
        ready = Ready(can={"text": 40, "unit": unit})
        ready.write("Hello", "p-0")
        ready.agent(message="😀" * number)

        assert parts == len(ready.texts)


def test_each_piece_has_a_key_of_its_own(ready: Ready) -> None:
    """A UUID, the same on every try: with it a provider can drop a repeat."""
    ready.pigeons.answers.extend([Reply(201, {"id": "1"}), Reply(503)])
    ready.agent(message="x" * 200)
    ready.later(10)

    keys = [each["key"] for each in ready.pigeons.sent]
    assert 3 == len(keys)
    assert keys[0] != keys[1] == keys[2]
    assert all(str(uuid.UUID(each)) == each for each in keys)


# ── Choices ──


def test_quick_replies_are_buttons(ready: Ready) -> None:
    """Where they fit; the words stand above them without numbers."""
    ready.agent(message="Red or blue?", quickReplies=quick_replies("Red", "Blue"))

    (sent,) = ready.pigeons.sent
    assert "Red or blue?" == sent["text"]
    assert ["Red", "Blue"] == [each["title"] for each in sent["buttons"]]
    assert all(len(each["data"]) <= 32 for each in sent["buttons"])


def test_pressed_button_comes_back_as_a_reply(ready: Ready) -> None:
    """All the way round: with the metadata, at the message's sequence."""
    ready.agent(7, message="Red or blue?", quickReplies=quick_replies("Red", "Blue"))
    pressed = ready.pigeons.sent[0]["buttons"][1]
    ready.webhook(
        {"id": "p-9", "from": "ann", "type": "button", "data": pressed["data"], "text": "Blue"}
    )

    assert [("ACTION", [7])] == ready.receipts()
    assert "Blue" == ready.said()[-1]


@pytest.mark.parametrize(
    "titles",
    [
        ("One", "Two", "Three", "Four"),
        ("x" * 21, "Two"),
        ("Same", "same"),
    ],
)
def test_what_does_not_fit_is_numbered(ready: Ready, titles: tuple[str, ...]) -> None:
    """Too many, too long, or not to be told apart."""
    ready.agent(message="Which?", quickReplies=quick_replies(*titles))

    (sent,) = ready.pigeons.sent
    lines = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    assert "\n".join(["Which?", *lines]) == sent["text"]
    assert [] == sent["buttons"]


def test_number_comes_back_as_a_reply(ready: Ready) -> None:
    """Where numbers were shown."""
    ready.agent(7, message="Which?", quickReplies=quick_replies("One", "Two", "Three", "Four"))
    ready.write("4", "p-9")

    assert [("ACTION", [7])] == ready.receipts()
    assert "Four" == ready.said()[-1]


def test_list_is_taken_where_buttons_are_too_few() -> None:
    """If the provider has lists."""
    ready = Ready(can={"rows": 10, "row_title": 24})
    ready.write("Hello", "p-0")
    ready.agent(message="Which?", quickReplies=quick_replies("One", "Two", "Three", "x" * 24))

    (sent,) = ready.pigeons.sent
    assert ("Which?", 4) == (sent["text"], len(sent["buttons"]))


def test_structured_content_becomes_words_and_buttons(ready: Ready) -> None:
    """What can be pressed is not written as well."""
    content = {
        "type": "vertical",
        "elements": [{"type": "text", "text": "A blue phone"}, button("Buy", "I want it")],
    }
    ready.agent(type="RichContentEvent", content=content)

    (sent,) = ready.pigeons.sent
    assert ("A blue phone", ["Buy"]) == (sent["text"], [b["title"] for b in sent["buttons"]])


def test_long_text_has_its_buttons_at_the_end(ready: Ready) -> None:
    """Within what a message with buttons may have."""
    ready.agent(message="word " * 60, quickReplies=quick_replies("Yes", "No"))

    assert [[]] * (len(ready.pigeons.sent) - 1) == [e["buttons"] for e in ready.pigeons.sent[:-1]]
    assert 2 == len(ready.pigeons.sent[-1]["buttons"])
    assert len(ready.pigeons.sent[-1]["text"]) <= 120


# ── Once, though something fails in between ──


def test_try_that_was_cut_off_repeats_nothing(ready: Ready) -> None:
    """Of three pieces the second fails: the first is not sent again."""
    ready.pigeons.answers.extend([Reply(201, {"id": "1"}), Reply(500)])
    ready.agent(message=" ".join(["x" * 100] * 3))
    ready.later(10)

    assert ["x" * 100] * 4 == ready.texts  # the second one twice: it was refused at first
    assert [] == ready.dead


def test_what_comes_later_waits_behind_it(ready: Ready) -> None:
    """In LivePerson's order."""
    ready.pigeons.answers.append(Reply(503))
    ready.agent(1, message="one")
    ready.agent(2, message="two")
    assert ["one"] == ready.texts

    ready.later(10)
    assert ["one", "one", "two"] == ready.texts


def test_rate_limit_is_waited_for_as_the_provider_says(ready: Ready) -> None:
    """Without losing order, and without taking the provider for down."""
    for _ in range(6):
        ready.pigeons.answers.append(Reply(429, None, {"Retry-After": "7"}))
    ready.agent(1, message="one")
    ready.agent(2, message="two")
    ready.later(6)
    assert 1 == len(ready.texts)

    for _ in range(8):
        ready.later(10)
    assert ["one", "two"] == ready.texts[-2:]
    assert "outage" not in str(list(ready.table.items))


# ── Refused for good ──


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "blocked_by_user"), (404, "unknown_recipient"), (400, "invalid_message")],
)
def test_refusal_is_told_to_liveperson_and_the_group_moves_on(
    ready: Ready, status: int, reason: str
) -> None:
    """The agent sees it at the message; the dead letter says why."""
    words = {403: {"error": "blocked"}, 404: {"error": "no_such_person"}}
    ready.pigeons.answers.append(Reply(status, words.get(status)))
    ready.agent(1, message="one")
    ready.agent(2, message="two")

    assert [reason] == ready.dead
    assert [("NACK", [1])] == ready.receipts()
    assert ["one", "two"] == ready.texts


def test_credentials_that_are_refused_lose_nothing(ready: Ready) -> None:
    """An operator corrects them, and the message follows."""
    ready.pigeons.answers.extend([Reply(401), Reply(401)])
    ready.agent(message="one")
    assert [] == ready.dead

    ready.later(400)
    assert "one" == ready.texts[-1]


def test_new_credentials_are_tried_at_once(ready: Ready) -> None:
    """Should the operator have rotated them meanwhile."""
    ready.agent(1, message="one")
    ready.clock.now += 31
    rotated = {**ready.given, "token": "another-token-of-the-tests"}
    name = f"{PREFIX}/accounts/{ACCOUNT}/channels/{NAME}"
    ready.write_parameter(name, rotated)
    ready.pigeons.answers.append(Reply(401))
    ready.agent(2, message="two")

    assert "Bearer another-token-of-the-tests" == ready.pigeons.calls[-1].headers["Authorization"]
    assert "two" == ready.texts[-1]
    assert [] == ready.dead


# ── Reports ──


def test_what_was_delivered_is_known_by_the_providers_id(ready: Ready) -> None:
    """Which is kept with the message's sequence."""
    ready.agent(5, message="one")
    ready.webhook({"id": "r-1", "from": "ann", "message": "sent-1", "type": "read"})

    assert [("READ", [5])] == ready.receipts()


def test_of_a_message_in_pieces_the_last_report_counts(ready: Ready) -> None:
    """All of it was read."""
    ready.agent(5, message="x" * 200)
    for number in (1, 2):
        report = {"message": f"sent-{number}", "type": "delivered"}
        ready.webhook({"id": f"r-{number}", "from": "ann", **report})

    assert [("ACCEPT", [5])] == ready.receipts()


def test_where_a_provider_reports_nothing_taking_it_may_count() -> None:
    """If the settings say so."""
    ready = Ready(receipts="automatic")
    ready.write("Hello", "p-0")
    ready.agent(5, message="one")

    assert [("ACCEPT", [5])] == ready.receipts()


# ── Files ──


def agents_file(ready: Ready, file_type: str = "JPEG", caption: str = "Look") -> None:
    """Let the agent send a file."""
    message = {"relativePath": "/stored", "fileType": file_type, "caption": caption}
    ready.agent(contentType="hosted/file", message=message)


def test_agents_file_is_shown_by_a_link_without_a_key(ready: Ready) -> None:
    """Of some minutes, to our own bucket."""
    agents_file(ready)

    (sent,) = ready.pigeons.sent
    assert sent["picture"].startswith("https://files.example.com/")
    assert sent["picture"].endswith("for=900")
    assert "Look" == sent["caption"]


def test_long_caption_follows(ready: Ready) -> None:
    """Rather than being cut."""
    agents_file(ready, caption="x" * 41)

    assert ["", "x" * 41] == [each.get("caption", each.get("text")) for each in ready.pigeons.sent]


def test_file_that_the_channel_does_not_take_is_told_to_the_agent(ready: Ready) -> None:
    """By NACK; the person is told nothing."""
    agents_file(ready, file_type="PDF")

    assert [] == ready.pigeons.sent
    assert ["not_carried"] == ready.dead
    assert [("NACK", [1])] == ready.receipts()


# ── Typing, read marks, the end ──


def typing(ready: Ready, state: str) -> None:
    """Let the agent type."""
    ready.told(
        {
            "originatorId": "agent",
            "originatorMetadata": {"id": "agent", "role": "ASSIGNED_AGENT"},
            "event": {"type": "ChatStateEvent", "chatState": state},
            "conversationId": ready.conversation_id,
            "dialogId": ready.conversation_id,
            "messageAudience": "ALL",
        }
    )


@pytest.mark.parametrize(
    ("can", "expected"),
    [
        ({}, []),
        ({"typing_out": True}, ["typing True p-0"]),
        ({"typing_out": True, "typing_stops": True}, ["typing True p-0", "typing False p-0"]),
    ],
)
def test_typing_is_shown_as_far_as_the_channel_can(
    can: dict[str, Any], expected: list[str]
) -> None:
    """At the person's last message, by which some providers want it named."""
    ready = marking(can)
    typing(ready, "COMPOSING")
    typing(ready, "PAUSE")

    assert expected == told(ready)


def test_what_the_agent_has_read_is_marked() -> None:
    """Where the provider has read marks."""
    ready = marking({"read_marks": True})
    ready.agent(3, type="AcceptStatusEvent", status="READ", sequenceList=[0])
    ready.agent(4, type="AcceptStatusEvent", status="ACCEPT", sequenceList=[0])

    assert ["read p-0"] == told(ready)


def test_end_is_said_if_there_are_words_for_it() -> None:
    """By default nothing is."""
    for sentences, expected in (({}, []), ({"closed": "Goodbye!"}, ["Goodbye!"])):
        ready = Ready(sentences=sentences)
        ready.write("Hello", "p-0")
        open_one = ready.liveperson.open_of(ready.key)
        assert open_one
        ready.liveperson.close(open_one)
        ready.hear()

        assert expected == ready.texts


def test_channel_may_leave_callbacks_out() -> None:
    """As a webhook channel may."""
    ready = Ready(callbacks=["typing"])
    ready.write("Hello", "p-0")
    ready.agent(message="one")

    assert [] == ready.texts


# ── The provider's window for free text ──

WINDOW = {"window_seconds": 24 * 3600}


def test_within_the_window_words_are_sent() -> None:
    """A second before it closes."""
    ready = marking(WINDOW)
    ready.later(24 * HOUR - 1)
    ready.agent(message="one")

    assert ["one"] == ready.texts


def test_behind_the_window_the_agent_sees_that_nothing_was_sent() -> None:
    """Without a call."""
    ready = marking(WINDOW)
    ready.later(24 * HOUR)
    ready.agent(message="one")

    assert [] == ready.pigeons.sent
    assert ["window_closed"] == ready.dead
    assert [("NACK", [1])] == ready.receipts()


def test_template_stands_in_once_for_each_silence() -> None:
    """It asks the person to write; a second one would be a nuisance."""
    ready = marking(WINDOW, template={"name": "answer_waits", "language": "en_US"})
    ready.later(25 * HOUR)
    ready.agent(1, message="one")
    ready.agent(2, message="two")
    assert ["template answer_waits en_US"] == told(ready)
    assert ["window_closed"] == ready.dead

    ready.write("Here I am", "p-1")
    ready.agent(3, message="three")
    assert ["three"] == ready.texts


# ── Isolation ──


def test_provider_that_is_down_disturbs_no_other_channel(ready: Ready) -> None:
    """Not the brand's own one either: each has a circuit of its own."""
    ready.say("Hello from elsewhere")
    ready.webhook(said("Hello", "b-0", "bob"))
    conversations = [
        ready.conversation_id,
        ready.consumer(f"{NAME}:bob", NAME).conversation_id or "",
    ]
    ready.pigeons.answers.extend([Reply(503)] * 20)
    for each in conversations:
        ready.liveperson.agent_says(ready.liveperson.conversations[each], "to the person")
    for _ in range(6):
        ready.later(20)
    circuit = ready.container.persons.load_delivery(ready.conversation(), "any")[-1]
    elsewhere = str(ready.consumer().conversation_id)
    ready.liveperson.agent_says(ready.liveperson.conversations[elsewhere], "to the brand's own")
    ready.hear()

    assert circuit
    assert circuit.is_open
    assert any("to the brand's own" in str(each.body) for each in ready.channel.callbacks)
    ready.pigeons.answers.clear()
    for _ in range(30):
        ready.later(60)
    assert {"ann", "bob"} == {each["to"] for each in ready.pigeons.sent}
    assert [] == ready.dead


def test_what_is_said_is_not_logged(ready: Ready, output: Output) -> None:
    """Nor who said it, nor a token, nor what the provider says about it."""
    ready.pigeons.answers.append(Reply(400, {"problem": "the words were: my secret words"}))
    ready.agent(message="my secret words")
    ready.write("my secret answer", "p-8")

    assert "invalid_message" in output.text
    for secret in ("my secret", "ann", TOKEN):
        assert secret not in output.text.replace("channel", "").replace("connector", "")
