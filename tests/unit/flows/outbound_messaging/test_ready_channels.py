"""What a ready channel's people do reaches LivePerson as the contract has it."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.ready_channels import Offer, OfferedChoice, SentMessage
from tests.simulation.fake_http import Reply
from tests.support.accounts import ACCOUNT
from tests.support.ready_channels import NAME
from tests.unit.flows.ready import PICTURE, Ready

YES = {"type": "ExternalId", "id": "yes"}
CHOICES = (OfferedChoice("Yes", "Yes, please", (YES,)), OfferedChoice("No", "No"))


@pytest.fixture(name="ready")
def _ready() -> Ready:
    """Give a brand with a ready channel, whose person has said hello."""
    ready = Ready()
    ready.write("Hello", "p-0")
    return ready


def offer(ready: Ready, reference: str = "o1", **more: Any) -> None:
    """Let the person have been offered a choice."""
    values = {"conversation_id": ready.conversation_id, "at": ready.clock(), **more}
    offered = Offer(reference, dialog_id="d", sequence=7, choices=CHOICES, **values)
    ready.container.persons.save_offer(conversation(ready), ready.person, offered)


def conversation(ready: Ready) -> Conversation:
    """Give the person's open conversation."""
    known = ready.container.store.load_conversation(ACCOUNT, ready.conversation_id)
    assert known
    return known


def published(ready: Ready) -> list[str]:
    """Give the words that were said after hello."""
    return [each["message"] for each in ready.events("ContentEvent")][1:]


def test_a_person_is_a_consumer_of_the_channel(ready: Ready) -> None:
    """Known to LivePerson by a pseudonym, and to the table with the channel's name."""
    consumer = ready.consumer(f"{NAME}:ann", NAME)

    assert (f"{NAME}:ann", NAME, ready.key) == (
        consumer.consumer_id,
        consumer.channel,
        consumer.key,
    )
    assert NAME == conversation(ready).channel
    assert ["Hello"] == ready.said()


def test_a_webhook_consumer_of_the_same_id_is_somebody_else(ready: Ready) -> None:
    """Whatever the brand's own channel calls its consumers."""
    ready.say("Hello from elsewhere", consumer_id=f"{NAME}:ann")

    assert "" == ready.consumer(f"{NAME}:ann").channel
    assert ready.consumer(f"{NAME}:ann").lp_consumer_id != (
        ready.consumer(f"{NAME}:ann", NAME).lp_consumer_id
    )


def test_the_agent_sees_the_name(ready: Ready) -> None:
    """As the provider tells it, in the profile with which the conversation was opened."""
    assert "Ann" in str(ready.requests("conversation")[0])


def test_a_repeated_webhook_has_one_effect(ready: Ready) -> None:
    """By the provider's own id."""
    ready.write("Again", "p-1")
    ready.write("Again", "p-1")

    assert ["Again"] == published(ready)


# ── Choices ──


def test_a_pressed_button_is_a_reply(ready: Ready) -> None:
    """With the element's metadata, at the message it belongs to."""
    offer(ready)
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": "o1:0", "text": "Yes"})

    (chosen,) = ready.events("AcceptStatusEvent")
    assert ("ACTION", [7]) == (chosen["status"], chosen["sequenceList"])
    assert ["Yes, please"] == published(ready)
    assert [YES] == ready.requests()[-1]["metadata"]


def test_an_element_without_metadata_is_said_in_words(ready: Ready) -> None:
    """LivePerson has nothing to know it by."""
    offer(ready)
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": "o1:1", "text": "No"})

    assert [] == ready.events("AcceptStatusEvent")
    assert ["No"] == published(ready)


def test_an_older_button_still_counts(ready: Ready) -> None:
    """A person may scroll up."""
    offer(ready, "o1")
    offer(ready, "o2")
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": "o1:0", "text": "Yes"})

    assert ["Yes, please"] == published(ready)


@pytest.mark.parametrize(("data", "text"), [("gone:0", "Yes"), ("o1:9", "Yes"), ("?", "Yes")])
def test_an_unknown_button_is_its_title(ready: Ready, data: str, text: str) -> None:
    """The agent at least reads what was pressed."""
    offer(ready)
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": data, "text": text})

    assert [text] == published(ready)


def test_an_unknown_button_without_a_title_is_told_honestly(ready: Ready) -> None:
    """Something was chosen."""
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": "gone:0", "text": ""})

    assert ["[choice: not carried here]"] == published(ready)


@pytest.mark.parametrize("typed", ["1", "1.", " #1 ", "yes", "Yes,  please"])
def test_a_choice_may_be_typed(ready: Ready, typed: str) -> None:
    """By its number where numbers were shown, or in its words."""
    offer(ready, is_numbered=True)
    ready.write(typed)

    assert ["Yes, please"] == published(ready)
    assert 1 == len(ready.events("AcceptStatusEvent"))


@pytest.mark.parametrize("typed", ["3", "0", "maybe", "yes no", "1 or 2"])
def test_whatever_else_is_typed_is_a_text(ready: Ready, typed: str) -> None:
    """Word by word."""
    offer(ready, is_numbered=True)
    ready.write(typed)

    assert [typed] == published(ready)
    assert [] == ready.events("AcceptStatusEvent")


def test_a_number_is_no_choice_where_none_was_shown(ready: Ready) -> None:
    """Buttons have no numbers: it answers another question."""
    offer(ready)
    ready.write("1")

    assert ["1"] == published(ready)


def test_yesterdays_choice_is_not_meant(ready: Ready) -> None:
    """What is typed a day later is about something else."""
    offer(ready, is_numbered=True, at=ready.clock() - 90_000)
    ready.write("1")

    assert ["1"] == published(ready)


def test_a_choice_of_an_ended_conversation_is_said_in_words(ready: Ready) -> None:
    """There is no message left that it could belong to."""
    offer(ready, conversation_id="another")
    ready.webhook({"id": "p-1", "from": "ann", "type": "button", "data": "o1:0", "text": "Yes"})

    assert [] == ready.events("AcceptStatusEvent")
    assert ["Yes, please"] == published(ready)


# ── Reports ──


def sent(ready: Ready, message: str = "m-9", *, is_last: bool = True) -> None:
    """Let the person have been sent a message."""
    known = conversation(ready)
    note = SentMessage(known.conversation_id, "d", 4, is_last)
    ready.container.persons.save_delivery(known, f"notification of {message}", 1, note, message)


def report(ready: Ready, status: str, report_id: str, message: str = "m-9") -> None:
    """Let the provider report."""
    ready.webhook({"id": report_id, "from": "ann", "message": message, "type": status})


def receipts(ready: Ready) -> list[tuple[str, list[int]]]:
    """Give what LivePerson was told of messages."""
    told = ready.events("AcceptStatusEvent")
    return [(each["status"], each["sequenceList"]) for each in told]


@pytest.mark.parametrize(
    ("status", "word"), [("delivered", "ACCEPT"), ("read", "READ"), ("failed", "NACK")]
)
def test_a_report_is_a_receipt_at_the_right_sequence(ready: Ready, status: str, word: str) -> None:
    """In the dialog of the message."""
    sent(ready)
    report(ready, status, "r-1")

    assert [(word, [4])] == receipts(ready)
    assert "d" == ready.requests()[-1]["body"]["dialogId"]


def test_an_older_report_that_comes_late_is_not_told(ready: Ready) -> None:
    """What was read was delivered."""
    sent(ready)
    for number, status in enumerate(["read", "delivered", "read"]):
        report(ready, status, f"r-{number}")

    assert [("READ", [4])] == receipts(ready)


def test_of_a_message_in_parts_the_last_one_counts(ready: Ready) -> None:
    """But a part that failed makes all of it a failure."""
    sent(ready, "part-1", is_last=False)
    report(ready, "delivered", "r-1", "part-1")
    assert [] == receipts(ready)

    report(ready, "failed", "r-2", "part-1")
    assert [("NACK", [4])] == receipts(ready)


def test_a_report_that_came_too_early_waits(ready: Ready) -> None:
    """The note of its message is written a moment later; no words wait meanwhile."""
    report(ready, "delivered", "r-1")
    ready.write("Still there?")
    assert ["Still there?"] == published(ready)

    sent(ready)
    ready.pass_seconds(2)
    assert [("ACCEPT", [4])] == receipts(ready)


def test_a_report_of_an_unknown_message_is_dropped(ready: Ready) -> None:
    """Other programs may write by the same number; it is no dead letter."""
    report(ready, "delivered", "r-1", "somebody-elses")
    for _ in range(10):
        ready.pass_seconds(20)

    assert [] == receipts(ready)
    assert [] == ready.reasons()
    assert [] == list(ready.queues["consumer-events.fifo"].messages)


def test_a_stranger_is_not_introduced_by_a_report() -> None:
    """LivePerson learns of a person by what the person says."""
    ready = Ready()
    ready.webhook({"id": "r-1", "from": "bob", "message": "m-1", "type": "read"})

    assert [] == ready.requests("conversation")
    assert [] == list(ready.queues["consumer-events.fifo"].messages)


def test_a_receipt_that_failed_is_told_at_the_next_try(ready: Ready) -> None:
    """That a report was taken up is no reason to forget it."""
    sent(ready)
    ready.answer("send", 503)
    report(ready, "delivered", "r-1")
    ready.pass_seconds(10)

    assert ("ACCEPT", [4]) == receipts(ready)[-1]
    assert 2 == len(receipts(ready))


def test_a_report_of_an_ended_conversation_is_dropped(ready: Ready) -> None:
    """LivePerson takes no receipt there, and nobody needs a dead letter for it."""
    sent(ready)
    ready.write("another conversation is opened", "p-1")
    known = conversation(ready)
    note = SentMessage("an earlier one", "d", 4)
    ready.container.persons.save_delivery(known, "earlier", 1, note, "m-8")
    report(ready, "read", "r-1", "m-8")

    assert [] == receipts(ready)
    assert [] == ready.reasons()


# ── Pictures ──


def picture(ready: Ready, answer: Reply | None = None) -> None:
    """Let the person send a picture, which the provider gives out so."""
    ready.pigeons.pictures["9"] = answer or Reply(200, PICTURE)
    ready.webhook({"id": "p-1", "from": "ann", "type": "picture", "picture": "9"})


def test_a_picture_is_fetched_with_the_channels_credentials(ready: Ready) -> None:
    """And shown to the agent."""
    picture(ready)

    (call,) = [each for each in ready.pigeons.calls if each.method == "GET"]
    assert call.headers["Authorization"].startswith("Bearer ")
    (shown,) = [each for each in ready.events("ContentEvent") if "relativePath" in str(each)]
    assert "JPG" in shown["message"]["fileType"] or "JPEG" in shown["message"]["fileType"]


@pytest.mark.parametrize(
    "answer", [Reply(404), Reply(200, b"no picture"), Reply(200, PICTURE + b"x" * 3_200_000)]
)
def test_a_picture_that_cannot_be_had_is_told_in_words(ready: Ready, answer: Reply) -> None:
    """Honestly, and once; it is no dead letter."""
    picture(ready, answer)

    assert ["[picture: not carried here]"] == published(ready)
    assert [] == ready.reasons()


def test_a_provider_that_is_down_for_files_lets_the_picture_wait(ready: Ready) -> None:
    """And nothing else of the brand."""
    ready.pigeons.answers.append(Reply(503))
    picture(ready)
    ready.say("Hello from elsewhere")
    assert "Hello from elsewhere" in ready.said()

    ready.pass_seconds(10)
    assert 1 == len([e for e in ready.events("ContentEvent") if "relativePath" in str(e)])


# ── Failures ──


def test_what_liveperson_refuses_is_a_dead_letter_and_told_to_no_webhook(ready: Ready) -> None:
    """The brand's own channel did not send it, and the provider has no use for it."""
    for _ in range(3):
        ready.answer("send", 400)
    ready.write("Refused")
    for _ in range(5):
        ready.pass_seconds(10)

    assert [] == ready.failures()
