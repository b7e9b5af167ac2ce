"""What a consumer says reaches its conversation once, whatever became of an earlier try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.domain.conversations import (
    Consumer,
    Conversation,
    Progress,
    file_digest,
    text_digest,
)
from liveperson_connector.domain.errors import (
    AwsUnavailable,
    ConversationNotReady,
    ConversationUnknown,
    EchoAwaited,
    LivePersonRefused,
    LivePersonUnavailable,
)
from liveperson_connector.flows.outbound_messaging.send_progress import (
    FIRST_TRY_SECONDS,
    TRY_SECONDS,
    take_up,
)
from liveperson_connector.flows.outbound_messaging.sending import ECHO_SECONDS, MessageSender
from liveperson_connector.liveperson import payloads
from liveperson_connector.liveperson.payloads import Opening, Place, Request
from liveperson_connector.liveperson.send_api import AlreadyOpen
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.logs import Output
from tests.support.messages import PHONE, received

NOW = Clock().now
NEW = Consumer(ACCOUNT, PHONE, "0123456789abcdef", "lp-1", "jws")
TALKING = replace(NEW, conversation_id="c-1", last_sequence=4)
HERE = Place("c-1", "c-1")
LONG = "a" * 4000 + "b"


@dataclass
class LivePerson:
    """LivePerson and all that stands around speech; what happens is written down in order."""

    answers: list[object] = field(default_factory=list)
    openings: list[object] = field(default_factory=list)
    uploads: list[Exception] = field(default_factory=list)
    known: dict[str, Conversation] = field(default_factory=dict)
    failure: AwsUnavailable | None = None
    happened: list[tuple[object, ...]] = field(default_factory=list)

    # Speaker

    def call_as(
        self, consumer: Consumer, call: Callable[[object], object]
    ) -> tuple[Consumer, object]:
        """Call as the consumer."""
        return consumer, call(consumer.consumer_id)

    # SendApi

    def publish(self, who: object, request: Request) -> object:
        """Answer as told, with the next sequence otherwise."""
        self.happened.append(("send", who, request))
        answer = self.answers.pop(0) if self.answers else {"sequence": len(self.happened) + 100}
        if isinstance(answer, Exception):
            raise answer
        return cast("dict[str, object]", answer).get("sequence")

    def open_conversation(self, who: object, opening: Opening) -> str:
        """Open a conversation, or say why not."""
        self.happened.append(("open", who, opening))
        answer = self.openings.pop(0) if self.openings else "c-new"
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    # Routing

    def find(self, consumer: Consumer, given: object) -> tuple[Consumer, object]:
        """Remember a visit, and find a skill where none is given."""
        return replace(consumer, visitor_id="v-1"), given or {"skill_id": "found"}

    # Files

    def content(self, raw: object) -> bytes:
        """Fetch the channel's file."""
        self.happened.append(("content", raw))
        return b"file"

    def upload(self, who: object, content: bytes, file_type: str) -> str:
        """Take a file."""
        self.happened.append(("upload", who, content, file_type))
        if self.uploads:
            raise self.uploads.pop(0)
        return "/path"

    # Memory

    def load_conversation(self, account_id: str, conversation_id: str) -> Conversation | None:
        """Give a conversation."""
        assert ACCOUNT == account_id
        return self.known.get(conversation_id)

    def seek_conversation(self, account_id: str) -> None:
        """Note that a webhook is waited for."""
        self.happened.append(("seek", account_id))

    def restore_pointer(self, conversation: Conversation) -> bool:
        """Note where the consumer goes again."""
        self.happened.append(("restore", conversation))
        return True

    def save_opened(self, consumer: Consumer, conversation_id: str, features: object) -> Consumer:
        """Note a conversation."""
        self.happened.append(("opened", consumer, conversation_id, features))
        return replace(consumer, conversation_id=conversation_id, last_sequence=-1)

    def save_sent(
        self, consumer: Consumer, event_id: str, progress: Progress, sequence: int | None
    ) -> Consumer:
        """Note what LivePerson has taken."""
        self.happened.append(("sent", event_id, progress, sequence))
        if self.failure:
            raise self.failure
        return replace(consumer, last_sequence=-1 if sequence is None else sequence)

    def note_progress(self, account_id: str, key: str, event_id: str, progress: Progress) -> None:
        """Note how far an event has come."""
        self.happened.append(("progress", account_id, key, event_id, progress))

    # What tests ask

    def all(self, what: str) -> list[tuple[object, ...]]:
        """Give what happened of one kind."""
        return [each[1:] for each in self.happened if each[0] == what]

    @property
    def requests(self) -> list[object]:
        """Give what was sent."""
        return [request for _, request in self.all("send")]


def event(kind: str = "text", **fields: Any) -> ConsumerEvent:
    """Give an event as it was queued."""
    return ConsumerEvent(ACCOUNT, PHONE, {"id": "e-1", "type": kind, "text": "Hello", **fields})


def say(
    liveperson: LivePerson,
    consumer: Consumer = TALKING,
    *,
    said: ConsumerEvent | None = None,
    progress: Progress | None = None,
    **message: Any,
) -> Consumer:
    """Say something at the standing clock."""
    all_parts = cast("Any", liveperson)
    sender = MessageSender(
        all_parts, all_parts, all_parts, all_parts, all_parts, all_parts, Clock()
    )
    said = said or event()
    attempt = take_up(progress or Progress(), said, received(**message), Clock()())
    assert attempt
    return sender.send(said, consumer, attempt)


def refused(status: int = 400) -> LivePersonRefused:
    """Give a refusal."""
    return LivePersonRefused("no", http_status=status, error_code="BAD")


# ── Without any trouble ──


def test_a_text_is_said_where_the_consumer_is() -> None:
    """And its sequence is remembered with what is done."""
    liveperson = LivePerson(answers=[{"sequence": 7}])
    after = say(liveperson)

    assert [("send", PHONE, payloads.text(HERE, "Hello"))] == liveperson.happened[:1]
    assert [("e-1", Progress(1, done=True), 7)] == liveperson.all("sent")
    assert replace(TALKING, last_sequence=7) == after


def test_a_long_text_is_remembered_part_by_part() -> None:
    """So that a part that was taken is not said again."""
    liveperson = LivePerson(answers=[{"sequence": 7}, {"sequence": 8}])
    say(liveperson, said=event(text=LONG))

    assert [
        payloads.text(HERE, "a" * 4000),
        payloads.text(HERE, "b"),
    ] == liveperson.requests
    assert [("e-1", Progress(1), 7), ("e-1", Progress(2, done=True), 8)] == liveperson.all("sent")


def test_what_was_said_already_is_not_said_again() -> None:
    """A later try goes on where the earlier one ended."""
    liveperson = LivePerson()
    say(liveperson, said=event(text=LONG), progress=Progress(1))

    assert [payloads.text(HERE, "b")] == liveperson.requests
    assert [Progress(2, done=True)] == [each[1] for each in liveperson.all("sent")]


@pytest.mark.parametrize(
    ("kind", "expected"), [("reply", Place("c-1", "d-1")), ("text", Place("c-1", "s-1"))]
)
def test_a_reply_is_said_in_the_dialog_that_it_names(kind: str, expected: Place) -> None:
    """A text goes to the survey while one runs."""
    liveperson = LivePerson()
    in_survey = replace(TALKING, survey_dialog_id="s-1")
    say(liveperson, in_survey, said=event(kind, dialog_id="d-1", to_sequence=3))

    assert payloads.text(expected, "Hello") == liveperson.requests[-1]


def test_the_log_tells_what_was_sent(output: Output) -> None:
    """By ids, and with how many requests."""
    say(LivePerson(answers=[{"sequence": 7}]))

    told = next(each for each in output.lines if each["message"] == "sent")
    assert {
        "event_type": "text",
        "conversation_id": "c-1",
        "sequence": 7,
        "requests": 1,
        "account_id": ACCOUNT,
        "consumer": "0123456789ab",
        "event_id": "e-1",
    }.items() <= told.items()


def test_a_note_that_is_not_taken_leaves_a_doubt() -> None:
    """LivePerson has the message; whether we know of it, nobody knows."""
    liveperson = LivePerson(failure=AwsUnavailable("throttled"))
    with pytest.raises(AwsUnavailable) as unavailable:
        say(liveperson)

    assert unavailable.value.maybe_done


# ── Opening a conversation ──


def test_without_a_conversation_one_is_opened() -> None:
    """With what the event says of profile, routing and the client."""
    liveperson = LivePerson()
    asked = {
        "profile": {"customer": {"id": "1"}},
        "routing": {"skill_id": "7"},
        "features": ["RICH_CONTENT"],
    }
    after = say(liveperson, NEW, said=event(conversation=asked))

    opening = Opening({"customer": {"id": "1"}}, {"skill_id": "7"})
    visited = replace(NEW, visitor_id="v-1", features=("RICH_CONTENT",))
    assert [(PHONE, opening)] == liveperson.all("open")
    assert [(visited, "c-new", ("RICH_CONTENT",))] == liveperson.all("opened")
    assert [payloads.text(Place("c-new", "c-new"), "Hello")] == liveperson.requests
    assert "c-new" == after.conversation_id


def test_an_opening_without_wishes_is_routed_as_found() -> None:
    """No profile, no features, and the routing that a look-up gives."""
    liveperson = LivePerson()
    say(liveperson, NEW)

    assert [(PHONE, Opening({}, {"skill_id": "found"}))] == liveperson.all("open")
    assert () == liveperson.all("opened")[0][2]


def test_an_open_conversation_that_we_do_not_know_is_waited_for(output: Output) -> None:
    """A webhook will name it."""
    liveperson = LivePerson(openings=[AlreadyOpen("open")])
    with pytest.raises(ConversationUnknown) as unknown:
        say(liveperson, NEW)

    assert (5, []) == (unknown.value.retry_after, liveperson.requests)
    assert [(ACCOUNT,)] == liveperson.all("seek")


LAST = Conversation(ACCOUNT, "c-1", PHONE, NEW.key, "lp-1", survey_dialog_id="s-1")


def test_the_last_conversation_is_found_again_if_it_is_the_open_one() -> None:
    """Only the way there was lost: no webhook is waited for."""
    liveperson = LivePerson(openings=[AlreadyOpen("open")], known={"c-1": LAST})
    after = say(liveperson, replace(NEW, last_conversation_id="c-1"))

    (request,) = cast("list[Request]", liveperson.requests)
    assert ("c-1", "s-1") == (request.body["conversationId"], request.body["dialogId"])
    assert ("c-1", "s-1") == (after.conversation_id, after.survey_dialog_id)
    assert ([(LAST,)], []) == (liveperson.all("restore"), liveperson.all("seek"))


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"c-1": replace(LAST, is_open=False)},
        {"c-1": replace(LAST, is_ended=True)},
        {"c-1": replace(LAST, consumer_key="another")},
    ],
)
def test_the_last_conversation_is_left_alone_if_another_is_open(
    known: dict[str, Conversation],
) -> None:
    """It is over, or not this consumer's: a webhook will name the open one."""
    liveperson = LivePerson(openings=[AlreadyOpen("open")], known=known)
    with pytest.raises(ConversationUnknown):
        say(liveperson, replace(NEW, last_conversation_id="c-1"))

    assert ([], [(ACCOUNT,)]) == (liveperson.all("restore"), liveperson.all("seek"))


def test_an_opening_without_an_answer_leaves_no_doubt_of_the_words() -> None:
    """They were not said; only where the next ones go is not known."""
    lost = LivePersonUnavailable("no answer", maybe_done=True)
    with pytest.raises(LivePersonUnavailable) as unavailable:
        say(LivePerson(openings=[lost]), NEW)

    assert (False, True) == (unavailable.value.maybe_done, unavailable.value.maybe_opened)


def test_a_conversation_opened_just_now_may_not_be_ready() -> None:
    """It is a matter of a second, and what LivePerson said is kept."""
    with pytest.raises(ConversationNotReady, match="opened just now: no") as waits:
        say(LivePerson(answers=[refused()]), NEW)

    error = waits.value
    assert (1, 400, "BAD") == (error.retry_after, error.http_status, error.error_code)


# ── Refused in a conversation that seemed open ──


def test_what_is_refused_for_who_speaks_is_no_matter_of_where() -> None:
    """No conversation is opened for it."""
    liveperson = LivePerson(answers=[refused(401)])
    with pytest.raises(LivePersonRefused):
        say(liveperson)

    assert [] == liveperson.all("open")


def test_where_another_can_be_opened_the_old_one_is_over() -> None:
    """The message goes there, and the client's features with it."""
    liveperson = LivePerson(answers=[refused(), {"sequence": 0}])
    after = say(liveperson, said=event(conversation={"features": ["RICH_CONTENT"]}))

    assert [HERE, Place("c-new", "c-new")] == [
        Place(request.body["conversationId"], request.body["dialogId"])
        for request in cast("list[Request]", liveperson.requests)
    ]
    assert ("c-new", 0, ("RICH_CONTENT",)) == (
        after.conversation_id,
        after.last_sequence,
        after.features,
    )


def test_the_new_one_may_not_be_ready_either() -> None:
    """Then the message waits a second."""
    with pytest.raises(ConversationNotReady, match="opened just now: no") as waits:
        say(LivePerson(answers=[refused(), refused()]))

    assert 1 == waits.value.retry_after


@pytest.mark.parametrize("refusals", [0, 1])
def test_an_end_may_be_told_in_a_moment(refusals: int) -> None:
    """As long as it is likely, the message waits for it, however often it waited for others."""
    liveperson = LivePerson(answers=[refused()], openings=[AlreadyOpen("open")])
    with pytest.raises(ConversationNotReady, match="perhaps closed just now: no") as waits:
        say(
            liveperson,
            progress=Progress(settled_receives=7, settled_message="message-1", refusals=refusals),
            receive_count=8,
        )

    assert 2 == waits.value.retry_after


@pytest.mark.parametrize("known", [{}, {"c-1": Conversation(ACCOUNT, "c-1", PHONE, "key")}])
def test_in_the_end_it_was_the_message(known: dict[str, Conversation]) -> None:
    """Nobody waits for an end that is not told."""
    liveperson = LivePerson(answers=[refused()], openings=[AlreadyOpen("open")], known=known)
    with pytest.raises(LivePersonRefused):
        say(
            liveperson,
            progress=Progress(settled_receives=2, settled_message="message-1", refusals=2),
            receive_count=3,
        )


@pytest.mark.parametrize(
    ("refusals", "error", "wait"),
    [
        (6, ConversationNotReady, 2),
        (7, ConversationNotReady, 15),
        (10, ConversationNotReady, 15),
        (11, LivePersonRefused, None),
    ],
)
def test_another_conversation_may_be_on_its_way(
    refusals: int, error: type[Exception], wait: float | None
) -> None:
    """An earlier try may have opened it; then its name is waited for a while longer."""
    liveperson = LivePerson(answers=[refused()], openings=[AlreadyOpen("open")])
    progress = Progress(
        settled_receives=7, settled_message="message-1", refusals=refusals, may_have_opened=True
    )
    with pytest.raises(error) as raised:
        say(liveperson, progress=progress, receive_count=8)

    assert wait == getattr(raised.value, "retry_after", None)


def test_what_is_over_for_sure_is_not_the_messages_fault() -> None:
    """Another one is open that we don't know yet."""
    over = Conversation(ACCOUNT, "c-1", PHONE, "key", is_open=False)
    liveperson = LivePerson(
        answers=[refused()], openings=[AlreadyOpen("open")], known={"c-1": over}
    )
    with pytest.raises(ConversationUnknown):
        say(
            liveperson,
            progress=Progress(settled_receives=3, settled_message="message-1"),
            receive_count=3,
        )


# ── What an earlier try may have said ──


def heard(*echoes: tuple[int, str]) -> dict[str, Conversation]:
    """Give a conversation in which something was heard."""
    return {"c-1": Conversation(ACCOUNT, "c-1", PHONE, "key", echoes=echoes)}


@pytest.mark.parametrize(
    "consumer", [TALKING, replace(TALKING, conversation_id=None, last_conversation_id="c-1")]
)
def test_an_echo_tells_that_it_has_arrived(consumer: Consumer, output: Output) -> None:
    """Nothing is sent again, though the conversation has ended meanwhile."""
    liveperson = LivePerson(known=heard((5, text_digest("Hello"))))
    after = say(liveperson, consumer, progress=Progress(ambiguous_at=NOW))

    assert ([], [("e-1", Progress(1, done=True), 5)]) == (
        liveperson.requests,
        liveperson.all("sent"),
    )
    assert 5 == after.last_sequence
    told = next(each for each in output.lines if each["message"] == "confirmed_by_echo")
    assert (5, "e-1") == (told["sequence"], told["event_id"])


@pytest.mark.parametrize("echo", [(4, text_digest("Hello")), (5, text_digest("Bye"))])
def test_an_older_or_another_echo_tells_nothing(echo: tuple[int, str]) -> None:
    """Who says the same twice is heard twice."""
    with pytest.raises(EchoAwaited):
        say(LivePerson(known=heard(echo)), progress=Progress(ambiguous_at=NOW))


@pytest.mark.parametrize(("ago", "left"), [(0, ECHO_SECONDS), (ECHO_SECONDS - 1, 1)])
def test_an_echo_is_waited_for(ago: float, left: float) -> None:
    """As long as it may take, counted from the last try."""
    liveperson = LivePerson(known=heard())
    with pytest.raises(EchoAwaited) as awaited:
        say(liveperson, progress=Progress(ambiguous_at=NOW - ago))

    error = awaited.value
    assert (left, False, []) == (error.retry_after, error.maybe_done, liveperson.requests)


@pytest.mark.parametrize("known", [{}, heard()])
def test_what_was_not_heard_in_time_is_said_again(
    known: dict[str, Conversation], output: Output
) -> None:
    """It surely did not arrive."""
    liveperson = LivePerson(known=known)
    say(liveperson, progress=Progress(ambiguous_at=NOW - ECHO_SECONDS))

    assert [payloads.text(HERE, "Hello")] == liveperson.requests
    assert "sent_again" in output.messages
    noted = Progress(
        settled_message="message-1", begun_receive=1, begun_at=NOW, may_have_opened=True
    )
    assert ("progress", ACCOUNT, TALKING.key, "e-1", noted) == liveperson.happened[0]


def test_a_try_that_was_cut_off_is_waited_for_until_it_cannot_speak_any_more() -> None:
    """Its own time-out, and the time that an echo takes."""
    liveperson = LivePerson(known=heard())
    with pytest.raises(EchoAwaited) as awaited:
        say(liveperson, receive_count=2)

    left = FIRST_TRY_SECONDS + TRY_SECONDS + ECHO_SECONDS
    assert (left, []) == (awaited.value.retry_after, liveperson.requests)


def test_a_message_that_comes_back_after_its_visibility_waits_no_longer() -> None:
    """By then its echo had its time; or Lambda was throttled, and nothing was tried."""
    liveperson = LivePerson(known=heard())
    first = received().first_received_at - timedelta(seconds=180)
    say(liveperson, receive_count=2, first_received_at=first)

    assert [payloads.text(HERE, "Hello")] == liveperson.requests


def test_receives_that_no_try_followed_cost_no_wait(output: Output) -> None:
    """Lambda was throttled: what the tries before came to is known."""
    liveperson = LivePerson(known=heard())
    say(
        liveperson,
        progress=Progress(settled_receives=1, settled_message="message-1"),
        receive_count=4,
    )

    assert [payloads.text(HERE, "Hello")] == liveperson.requests
    assert "sent_again" not in output.messages


def test_a_later_try_notes_that_it_begins() -> None:
    """Before it says anything, and once however many parts there are."""
    liveperson = LivePerson()
    say(
        liveperson,
        said=event(text=LONG),
        progress=Progress(settled_receives=1, settled_message="message-1"),
        receive_count=2,
    )

    assert ["progress", "send", "sent", "send", "sent"] == [each[0] for each in liveperson.happened]


def test_who_never_had_a_conversation_has_said_nothing() -> None:
    """There is nowhere to look for an echo."""
    liveperson = LivePerson()
    say(liveperson, NEW, receive_count=2)

    assert 1 == len(liveperson.requests)


def test_only_the_next_part_can_be_in_doubt() -> None:
    """Once its try is settled, the others go out without waiting."""
    liveperson = LivePerson(known=heard((5, text_digest("a" * 4000))))
    say(liveperson, said=event(text=LONG), receive_count=2)

    assert [payloads.text(HERE, "b")] == liveperson.requests
    sent = [cast("Progress", each[1]) for each in liveperson.all("sent")]
    assert [1, 2] == [each.parts_sent for each in sent]


def test_what_has_no_echo_is_done_again() -> None:
    """That an element was chosen is not reported back; to choose it twice does no harm."""
    liveperson = LivePerson()
    say(liveperson, said=event("reply", to_sequence=3), receive_count=2)

    assert [
        payloads.accept_status(HERE, "ACTION", [3]),
        payloads.text(HERE, "Hello"),
    ] == liveperson.requests


def test_the_words_of_a_reply_outlive_its_conversation() -> None:
    """A try said which element was chosen; then the conversation ended, and the words are left."""
    liveperson = LivePerson()
    say(liveperson, NEW, said=event("reply", to_sequence=3), progress=Progress(1))

    assert [payloads.text(Place("c-new", "c-new"), "Hello")] == liveperson.requests


def test_after_the_end_a_reply_has_only_its_words() -> None:
    """What was chosen stood in a conversation that is over."""
    liveperson = LivePerson()
    say(liveperson, NEW, said=event("reply", to_sequence=3))

    assert [payloads.text(Place("c-new", "c-new"), "Hello")] == liveperson.requests
    assert [Progress(2, done=True)] == [each[1] for each in liveperson.all("sent")]


# ── Files ──


def test_a_file_is_uploaded_and_shown() -> None:
    """Its path is remembered before it is shown."""
    file = event("file", file_type="PNG", caption="Look")
    liveperson = LivePerson(answers=[{"sequence": 7}])
    say(liveperson, said=file)

    assert [
        ("content", file.raw),
        ("upload", PHONE, b"file", "PNG"),
        ("progress", ACCOUNT, TALKING.key, "e-1", Progress(uploaded="/path")),
        ("send", PHONE, payloads.hosted_file(HERE, "/path", "PNG", "Look")),
        ("sent", "e-1", Progress(1, done=True), 7),
    ] == liveperson.happened


def test_a_file_is_uploaded_once() -> None:
    """A later try shows the same one; a caption is optional."""
    liveperson = LivePerson()
    say(liveperson, said=event("file", file_type="PNG"), progress=Progress(uploaded="/before"))

    assert [payloads.hosted_file(HERE, "/before", "PNG", "")] == liveperson.requests
    assert [] == liveperson.all("upload")


def test_a_file_is_known_by_its_path_when_it_echoes() -> None:
    """It was shown by the try whose answer got lost."""
    liveperson = LivePerson(known=heard((5, file_digest("/before"))))
    say(
        liveperson,
        said=event("file", file_type="PNG"),
        progress=Progress(uploaded="/before", ambiguous_at=NOW),
    )

    assert [] == liveperson.requests


def test_an_upload_without_an_answer_leaves_no_doubt() -> None:
    """A file that nobody was shown can be uploaded again."""
    liveperson = LivePerson(uploads=[LivePersonUnavailable("no answer", maybe_done=True)])
    with pytest.raises(LivePersonUnavailable) as unavailable:
        say(liveperson, said=event("file", file_type="PNG"))

    assert not unavailable.value.maybe_done


def test_an_answer_that_did_not_come_passes_through() -> None:
    """The frame around it notes the doubt."""
    with pytest.raises(LivePersonUnavailable):
        say(LivePerson(answers=[LivePersonUnavailable("no", maybe_done=True)]))
