"""A consumer who was everywhere is nowhere afterwards, and others keep what is theirs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pytest

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.aws.person_store import PersonStore
from liveperson_connector.channel.consumer_events import read_event
from liveperson_connector.domain.conversations import Consumer, Conversation, Progress
from liveperson_connector.domain.errors import LivePersonRefused
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.domain.queue_messages import OutgoingMessage, stable_id
from liveperson_connector.domain.ready_channels import SentMessage
from liveperson_connector.flows.failed_events import failure_message
from tests.support.accounts import ACCOUNT, SALT
from tests.support.messages import posted, queued_event, text_event
from tests.support.moto_stack import MotoStack, moto_stack

EVENTS, NOTIFICATIONS = "ConsumerEventsDeadLetters", "NotificationsDeadLetters"


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    """Give a stack in which no account is set up: it was removed."""
    with moto_stack() as stack:
        yield stack


@dataclass(frozen=True)
class Person:
    """A consumer with one conversation, which ended with a survey, and another that is open."""

    stack: MotoStack
    consumer_id: str

    @property
    def words(self) -> str:
        """What nobody else says."""
        return f"words of {self.consumer_id}"

    @property
    def key(self) -> str:
        """The pseudonym."""
        return consumer_key(SALT, ACCOUNT, self.consumer_id)

    @cached_property
    def ids(self) -> dict[str, str]:
        """LivePerson's ids: of the consumer, its conversations and the survey."""
        names = ("lp", "ended", "survey", "open")
        return {name: f"{name}-{stable_id(self.consumer_id, name)[:30]}" for name in names}

    @property
    def traces(self) -> set[str]:
        """Everything that is this consumer's alone."""
        return {self.consumer_id, self.key, *self.ids.values()}

    def be_everywhere(self) -> None:
        """Leave something in every store."""
        self.be_in_the_table()
        for letter in self.letters():
            self.bury(*letter)
        self.stack.client("s3").put_object(
            Bucket=self.stack.bucket,
            Key=f"{ACCOUNT}/{stable_id(self.consumer_id)[:8]}",
            Body=self.words.encode(),
            Metadata={"consumer": self.key},
        )

    def be_in_the_table(self) -> None:
        """Talk, be asked how it was, and talk again."""
        dynamodb, table = self.stack.client("dynamodb"), self.stack.table
        memory, ids = ConversationStore(dynamodb, table), self.ids
        consumer = Consumer(ACCOUNT, self.consumer_id, self.key, ids["lp"], "a-jws")
        memory.save_consumer(consumer)
        ended = Conversation(ACCOUNT, ids["ended"], self.consumer_id, self.key, ids["lp"])
        memory.adopt(ended, is_current=True)
        surveyed = replace(ended, survey_dialog_id=ids["survey"])
        memory.point_consumer_at(ended, surveyed)
        over = replace(ended, is_open=False)
        memory.point_consumer_at(surveyed, over)
        memory.save_state(over)
        consumer = memory.save_opened(consumer, ids["open"], ())
        memory.save_sent(consumer, "m-1", Progress(1, done=True), 3)
        for name in ("ended", "survey", "open"):
            memory.mark_delivered(ACCOUNT, f"{ids[name]}:7")
        setbacks = DeliveryState(dynamodb, table)
        for group in (stable_id(ACCOUNT, self.key), stable_id(ACCOUNT, ids["open"])):
            setbacks.hold(group)

    def letters(self) -> Iterator[tuple[str, OutgoingMessage]]:
        """Give the dead letters of every kind."""
        event = read_event(ACCOUNT, self.consumer_id, posted(text_event("m-2", self.words)))
        body = json.dumps(
            {**json.loads(queued_event(dict(event.raw))), "consumer_id": self.consumer_id}
        )
        for number in range(13):
            yield EVENTS, OutgoingMessage(body, stable_id(ACCOUNT, self.key), f"{number}")
            yield NOTIFICATIONS, self._notification("open", number)
        yield EVENTS, OutgoingMessage(f"no JSON: {self.words}", stable_id(ACCOUNT, self.key), "x")
        yield NOTIFICATIONS, self._notification("ended", 1)
        yield NOTIFICATIONS, self._notification("survey", 1, field="dialogId")
        echoes = stable_id(ACCOUNT, self.ids["open"], "echo")
        yield NOTIFICATIONS, replace(self._notification("open", 99), group=echoes)
        yield NOTIFICATIONS, failure_message(event, LivePersonRefused("no", http_status=400), "m")
        for name in ("lp", "open"):
            yield NOTIFICATIONS, unreadable({"of": self.ids[name], "said": self.words})
        yield NOTIFICATIONS, unreadable({"author": self.key, "said": self.words})

    def bury(self, queue: str, letter: OutgoingMessage) -> None:
        """Put a letter among the dead."""
        self.stack.send(queue, letter.body, letter.group, reason="unreadable")

    def _notification(
        self, where: str, number: int, field: str = "conversationId"
    ) -> OutgoingMessage:
        change = {field: self.ids[where], "sequence": number, "event": {"message": self.words}}
        body = json.dumps({"account_id": ACCOUNT, "type": "x", "change": change})
        return OutgoingMessage(body, stable_id(ACCOUNT, self.ids[where]), f"{number}")


@dataclass(frozen=True)
class ReadyPerson(Person):
    """A person of a ready channel, of whom more is remembered."""

    @property
    def words(self) -> str:
        """What nobody else says."""
        return f"words of a ready channel's {self.consumer_id}"

    @property
    def key(self) -> str:
        """The pseudonym."""
        return consumer_key(SALT, ACCOUNT, self.consumer_id, "loft")

    @cached_property
    def ids(self) -> dict[str, str]:
        """LivePerson's ids, of another consumer than a webhook channel's of the same id."""
        names = ("lp", "ended", "survey", "open")
        return {name: f"{name}-{stable_id(self.key, name)[:30]}" for name in names}

    @property
    def traces(self) -> set[str]:
        """Everything that is this person's alone."""
        return {self.key, *self.ids.values()}

    def be_in_the_table(self) -> None:
        """Be written to, be offered something, and have it reported."""
        super().be_in_the_table()
        persons = PersonStore(self.stack.client("dynamodb"), self.stack.table)
        conversation = Conversation(
            ACCOUNT, self.ids["open"], self.consumer_id, self.key, channel="loft"
        )
        note = SentMessage(self.ids["open"], self.ids["open"], 3)
        persons.save_heard(ACCOUNT, self.key, 1.0, "mark")
        persons.save_delivery(conversation, "notification", 1, note, "provider's id")

    def letters(self) -> Iterator[tuple[str, OutgoingMessage]]:
        """Give a dead letter of an event and of a report."""
        queued = {
            **json.loads(queued_event(text_event("m-2", self.words))),
            "consumer_id": self.consumer_id,
            "channel": "loft",
        }
        for kind in ((), ("report",)):
            group = stable_id(ACCOUNT, self.key, *kind)
            yield EVENTS, OutgoingMessage(json.dumps(queued), group, f"event {kind}")


def unreadable(webhook: Any) -> OutgoingMessage:
    """Keep a webhook as one that is signed and not understood."""
    encoded = base64.b64encode(json.dumps(webhook).encode()).decode()
    body = json.dumps({"account_id": ACCOUNT, "body_base64": encoded})
    return OutgoingMessage(body, stable_id(ACCOUNT, "unreadable"), stable_id(encoded))


def decoded(stack: MotoStack) -> str:
    """Give everything there is, with what is encoded in it."""
    everything = stack.everything()
    bodies = [json.loads(each) for each in stack.bodies(NOTIFICATIONS)]
    kept = [base64.b64decode(each["body_base64"]) for each in bodies if "body_base64" in each]
    return everything + "".join(each.decode() for each in kept)


def traces(stack: MotoStack, person: Person) -> set[str]:
    """Give what is still there of a person."""
    everything = decoded(stack)
    return {each for each in (*person.traces, person.words) if each in everything}


ERASE = ("consumer", "erase", "anna@example.com", "--account", ACCOUNT, "--json")


def test_nothing_of_a_consumer_stays_and_nobody_else_loses_anything(stack: MotoStack) -> None:
    """In the table, among the dead letters however many, in files; of an account that is gone."""
    other, anna = Person(stack, "ben@example.com"), Person(stack, "anna@example.com")
    other.be_everywhere()
    others = (sorted(stack.items()), sorted(stack.bodies(EVENTS) + stack.bodies(NOTIFICATIONS)))
    anna.be_everywhere()
    assert {*anna.traces, anna.words} == traces(stack, anna)

    done = stack.connector(*ERASE, "--yes")
    receipt = json.loads(done.stdout)

    assert (0, set()) == (done.exit_code, traces(stack, anna)), done.stderr
    assert len(list(anna.letters())) == receipt["dead_letters"]
    assert (True, 1) == (receipt["complete"], receipt["files"])
    kinds = {"consumer", "lp-consumer", "conversation", "event", "notification", "hold"}
    assert kinds == set(receipt["table"])
    left = (sorted(stack.items()), sorted(stack.bodies(EVENTS) + stack.bodies(NOTIFICATIONS)))
    assert others == left
    assert {*other.traces, other.words} == traces(stack, other)
    assert "anna" not in done.stdout


def test_a_ready_channels_person_is_erased_and_no_namesake(stack: MotoStack) -> None:
    """Whatever the account's own channel calls its consumers."""
    namesake, anna = Person(stack, "loft:anna"), ReadyPerson(stack, "loft:anna")
    namesake.be_everywhere()
    anna.be_everywhere()
    assert {*anna.traces, anna.words} == traces(stack, anna)

    erase = ("consumer", "erase", "anna", "--channel", "loft", "--account", ACCOUNT, "--json")
    done = stack.connector(*erase, "--yes")
    receipt = json.loads(done.stdout)

    assert (0, set()) == (done.exit_code, traces(stack, anna)), done.stderr
    assert {"person", "provider-message", "delivery"} <= set(receipt["table"])
    assert 2 == receipt["dead_letters"]
    assert {*namesake.traces, namesake.words} == traces(stack, namesake)


def test_an_erasure_that_was_interrupted_is_finished_by_another(stack: MotoStack) -> None:
    """What leads to the rest goes last."""
    anna = Person(stack, "anna@example.com")
    anna.be_everywhere()
    s3, place = stack.client("s3"), {"Bucket": stack.bucket}
    name = s3.list_objects_v2(**place)["Contents"][0]["Key"]
    s3.delete_object(**place, Key=name)
    s3.delete_bucket(**place)
    broken = stack.connector(*ERASE, "--yes")
    s3.create_bucket(**place)
    done = stack.connector(*ERASE, "--yes")

    assert (1, True) == (broken.exit_code, "NoSuchBucket" in broken.stderr)
    assert (0, set()) == (done.exit_code, traces(stack, anna)), done.stderr


def test_a_dry_run_erases_nothing(stack: MotoStack) -> None:
    """It tells what there is, and how many letters it could not see."""
    anna = Person(stack, "anna@example.com")
    anna.be_everywhere()
    before = decoded(stack)
    said = stack.connector(*ERASE, "--dry-run")
    receipt = json.loads(said.stdout)

    assert (0, before) == (said.exit_code, decoded(stack))
    assert (False, False, 1) == (receipt["erased"], receipt["complete"], receipt["files"])
    assert any("not seen" in each for each in receipt["stays"])


def test_what_cannot_be_told_apart_is_told(stack: MotoStack) -> None:
    """An unreadable webhook without an id may be anybody's; a waiting message too."""
    anna = Person(stack, "anna@example.com")
    anna.be_in_the_table()
    anna.bury(NOTIFICATIONS, unreadable({"said": "no id at all"}))
    stack.send("ConsumerEventsQueue", "{}", "g")
    said = stack.connector(*ERASE, "--yes")
    stays = " ".join(json.loads(said.stdout)["stays"])

    assert 0 == said.exit_code
    assert "1 unreadable dead letter" in stays
    assert f"discard --reason unreadable --account {ACCOUNT}" in stays
    assert "ConsumerEventsQueue: 1 message" in stays


def test_a_letter_that_another_reader_has_makes_the_erasure_incomplete(stack: MotoStack) -> None:
    """A redrive may be looking at it: exit code 1, and when to erase again."""
    anna = Person(stack, "anna@example.com")
    for queue, letter in list(anna.letters())[:2]:
        anna.bury(queue, letter)
    url = stack.queues[EVENTS]
    stack.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=300)
    said = stack.connector(*ERASE, "--yes")
    receipt = json.loads(said.stdout)

    assert (1, False) == (said.exit_code, receipt["complete"])
    assert any("another reader has 1 dead letter" in each for each in receipt["stays"])
