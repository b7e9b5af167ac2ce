"""Messages reach their conversation once, whatever became of an earlier try."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.domain.conversations import (
    Consumer,
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
from liveperson_connector.flows.outbound_messaging.sending import ECHO_SECONDS
from liveperson_connector.liveperson import payloads
from liveperson_connector.liveperson.payloads import Place
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.messages import PHONE, received

from .outbound import Object, Outbound, key_of

LONG = "a" * 4000 + "b"
PICTURE = b"\x89PNG\r\n\x1a\n"
SETTLED = Progress(settled_receives=1, settled_message="message-1")
OPEN_ALREADY = {"body": {"msg": "already has open conversation"}}
STORED = {"body": {"relativePath": "/path", "queryParams": {"sig": "1"}}}


@pytest.fixture(name="new")
def _new() -> Outbound:
    """Give a consumer whom LivePerson knows, without a conversation."""
    bench = Outbound()
    bench.container.authorized_calls.register_consumer(ACCOUNT, PHONE, key_of())
    return bench


@pytest.fixture(name="talking")
def _talking() -> Outbound:
    """Give a consumer who has said something in an open conversation."""
    bench = Outbound()
    bench.say("first", "m-0")
    bench.liveperson.asked.clear()
    return bench


def event(kind: str = "text", **fields: Any) -> ConsumerEvent:
    """Give an event as it was queued."""
    return ConsumerEvent(ACCOUNT, PHONE, {"id": "e-1", "type": kind, "text": "Hello", **fields})


def file(**fields: Any) -> ConsumerEvent:
    """Give a file event with its content in it."""
    return event(
        "file", file_type="PNG", content_base64=base64.b64encode(PICTURE).decode(), **fields
    )


def send(
    bench: Outbound,
    said: ConsumerEvent | None = None,
    progress: Progress | None = None,
    *,
    consumer: Consumer | None = None,
    first_received: float = 0.0,
    **message: Any,
) -> Consumer:
    """Send an event that was first received ``first_received`` seconds ago."""
    said = said or event()
    moment = datetime.fromtimestamp(bench.clock() - first_received, UTC)
    copy = received(sent_at=moment, first_received_at=moment, **message)
    attempt = take_up(progress or Progress(), said, copy, bench.clock())
    assert attempt
    sender = bench.container.outbound_flow.sender
    return sender.send(said, consumer or bench.consumer(), attempt)


def here(bench: Outbound) -> Place:
    """Name the main dialog of the consumer's conversation."""
    known = bench.consumer()
    last = str(known.conversation_id or known.last_conversation_id)
    return Place(last, last)


def bodies(bench: Outbound, service: str = "send") -> list[Object]:
    """Give the bodies of what LivePerson was asked."""
    return [each["body"] for each in bench.requests(service)]


def texts(bench: Outbound, *words: str, place: Place | None = None) -> list[object]:
    """Give the bodies by which some texts are sent."""
    return [payloads.text(place or here(bench), each).body for each in words]


def remember(bench: Outbound, *echoes: tuple[int, str], **state: Any) -> None:
    """Let the store know of echoes in the consumer's conversation, and of its state."""
    known = bench.container.store.load_conversation(ACCOUNT, here(bench).conversation_id)
    assert known
    if state:
        bench.container.store.save_state(replace(known, **state))
    for sequence, digest in echoes:
        known = bench.container.store.load_conversation(ACCOUNT, known.conversation_id)
        assert known
        bench.container.store.save_echo(known, sequence, digest)


def lose_conversation(bench: Outbound) -> Consumer:
    """Let the consumer's own record forget where it talks."""
    return replace(bench.consumer(), conversation_id=None)


def end(bench: Outbound) -> None:
    """Let LivePerson close the consumer's conversation; its webhook is still on its way."""
    liveperson = bench.liveperson
    liveperson.close(liveperson.conversations[here(bench).conversation_id])


# ── Without any trouble ──


def test_text_is_sent_where_the_consumer_is(talking: Outbound) -> None:
    """Its sequence and that it is done are remembered."""
    before = talking.consumer()
    after = send(talking)

    assert texts(talking, "Hello") == bodies(talking)
    assert Progress(1, done=True) == talking.progress("e-1")
    assert replace(before, last_sequence=before.last_sequence + 1) == after == talking.consumer()


def test_long_text_is_remembered_part_by_part(talking: Outbound) -> None:
    """A part that was taken is not sent again, though the next one fails."""
    talking.spoil("send", "none", "http_503")
    with pytest.raises(LivePersonUnavailable):
        send(talking, event(text=LONG))

    assert 1 == talking.progress("e-1").parts_sent
    send(talking, event(text=LONG), talking.progress("e-1"))
    assert ["first", "a" * 4000, "b"] == talking.said()
    assert Progress(2, done=True) == talking.progress("e-1")


def test_sent_parts_are_not_sent_again(talking: Outbound) -> None:
    """A later try goes on where the earlier one ended."""
    send(talking, event(text=LONG), Progress(1))

    assert texts(talking, "b") == bodies(talking)


@pytest.mark.parametrize(("kind", "expected"), [("reply", "d-1"), ("text", "s-1")])
def test_reply_goes_to_the_dialog_that_it_names(
    talking: Outbound, kind: str, expected: str
) -> None:
    """A text goes to the survey while one runs."""
    in_survey = replace(talking.consumer(), survey_dialog_id="s-1")
    for _ in range(2):
        talking.answer("send", 200, {"body": {"sequence": 0}})
    send(talking, event(kind, dialog_id="d-1", to_sequence=3), consumer=in_survey)
    place = Place(here(talking).conversation_id, expected)

    assert texts(talking, "Hello", place=place) == bodies(talking)[-1:]


def test_log_tells_what_was_sent(talking: Outbound, output: Output) -> None:
    """By ids, and with how many requests."""
    after = send(talking)
    told = [each for each in output.lines if each["message"] == "sent"][-1]

    assert {
        "event_type": "text",
        "conversation_id": after.conversation_id,
        "sequence": after.last_sequence,
        "requests": 1,
        "account_id": ACCOUNT,
        "consumer": key_of()[:12],
        "event_id": "e-1",
    }.items() <= told.items()


def test_note_that_is_not_taken_leaves_a_doubt(talking: Outbound) -> None:
    """LivePerson has the message; whether our note of it is written is not known."""
    consumer = talking.consumer()
    talking.spoil("dynamodb", "aws_error")
    with pytest.raises(AwsUnavailable) as unavailable:
        send(talking, consumer=consumer)

    assert unavailable.value.maybe_done


# ── Opening a conversation ──


def test_conversation_is_opened_as_the_event_asks(new: Outbound) -> None:
    """With its profile, routing and what the client can do."""
    asked: Object = {
        "profile": {"customer": {"customerId": "1"}},
        "routing": {"skill_id": "7"},
        "features": ["RICH_CONTENT"],
    }
    after = send(new, event(conversation=asked))

    assert [
        payloads.profile(asked["profile"]).body,
        payloads.conversation(ACCOUNT, {"skill_id": "7"}).body,
    ] == [each["body"] for each in cast("list[Object]", new.requests("conversation")[0])]
    assert texts(new, "Hello") == bodies(new)
    assert ("RICH_CONTENT",) == after.features
    assert after == new.consumer()


def test_unknown_open_conversation_is_waited_for(new: Outbound) -> None:
    """A webhook will name it."""
    new.answer("conversation", 400, OPEN_ALREADY)
    with pytest.raises(ConversationUnknown) as unknown:
        send(new)

    assert (5, []) == (unknown.value.retry_after, bodies(new))
    assert f"sought#{ACCOUNT}" in new.table.items


def test_last_conversation_is_found_again_if_it_is_the_open_one(talking: Outbound) -> None:
    """Only the pointer to it was lost: no webhook is waited for."""
    place = here(talking)
    remember(talking, survey_dialog_id="s-1")
    talking.answer("conversation", 400, OPEN_ALREADY)
    talking.answer("send", 200, {"body": {"sequence": 0}})
    after = send(talking, consumer=lose_conversation(talking))

    survey = Place(place.conversation_id, "s-1")
    assert texts(talking, "Hello", place=survey) == bodies(talking)
    assert (place.conversation_id, "s-1") == (after.conversation_id, after.survey_dialog_id)
    assert f"sought#{ACCOUNT}" not in talking.table.items


@pytest.mark.parametrize("state", [{"is_open": False}, {"is_ended": True}])
def test_last_conversation_is_left_alone_if_it_is_over(
    talking: Outbound, state: dict[str, bool]
) -> None:
    """Another one is open; a webhook will name it."""
    remember(talking, **state)
    talking.answer("conversation", 400, OPEN_ALREADY)
    with pytest.raises(ConversationUnknown):
        send(talking, consumer=lose_conversation(talking))

    assert f"sought#{ACCOUNT}" in talking.table.items


def test_last_conversation_is_left_alone_if_it_is_anothers(talking: Outbound) -> None:
    """A conversation whose record names another consumer is not entered."""
    known = talking.container.store.load_conversation(ACCOUNT, here(talking).conversation_id)
    assert known
    talking.container.store.adopt(replace(known, consumer_key="another"), is_current=False)
    talking.answer("conversation", 400, OPEN_ALREADY)
    with pytest.raises(ConversationUnknown):
        send(talking, consumer=lose_conversation(talking))

    assert [] == bodies(talking)


def test_opening_without_an_answer_leaves_no_doubt_of_the_words(new: Outbound) -> None:
    """They were not sent; only where the next ones go is not known."""
    new.spoil("conversation", "answer_lost")
    with pytest.raises(LivePersonUnavailable) as unavailable:
        send(new)

    assert (False, True) == (unavailable.value.maybe_done, unavailable.value.maybe_opened)


def test_conversation_opened_just_now_may_not_be_ready(new: Outbound) -> None:
    """The message waits a second, and LivePerson's status and code are kept."""
    new.answer("send", 400, {"code": "BAD"})
    with pytest.raises(ConversationNotReady, match="opened just now: LivePerson") as waits:
        send(new)

    error = waits.value
    assert (1, 400, "BAD") == (error.retry_after, error.http_status, error.error_code)


# ── Refused in a conversation that seemed open ──


def test_refused_token_opens_no_conversation(talking: Outbound) -> None:
    """A 401 is about who speaks, not about where."""
    talking.answer("send", 401)
    with pytest.raises(LivePersonRefused):
        send(talking)

    assert [] == talking.requests("conversation")


def test_text_goes_to_a_new_conversation_where_the_old_one_is_over(talking: Outbound) -> None:
    """If another one can be opened it is; the client's features go with it."""
    old = here(talking)
    end(talking)
    after = send(talking, event(conversation={"features": ["RICH_CONTENT"]}))

    assert [*texts(talking, "Hello", place=old), *texts(talking, "Hello")] == bodies(talking)
    assert old.conversation_id != after.conversation_id
    assert (0, ("RICH_CONTENT",)) == (after.last_sequence, after.features)


def test_new_conversation_may_not_be_ready_either(talking: Outbound) -> None:
    """Then the message waits a second."""
    end(talking)
    talking.answer("send", 400)
    talking.answer("send", 400)
    with pytest.raises(ConversationNotReady, match="opened just now") as waits:
        send(talking)

    assert 1 == waits.value.retry_after


def refuse(bench: Outbound) -> None:
    """Let LivePerson refuse a message though the conversation is open."""
    bench.answer("send", 400)
    bench.answer("conversation", 400, OPEN_ALREADY)


@pytest.mark.parametrize("refusals", [0, 1])
def test_end_of_a_conversation_may_be_told_in_a_moment(talking: Outbound, refusals: int) -> None:
    """As long as it is likely, the message waits for it, however often it waited for others."""
    refuse(talking)
    progress = Progress(settled_receives=7, settled_message="message-1", refusals=refusals)
    with pytest.raises(ConversationNotReady, match="perhaps closed just now") as waits:
        send(talking, progress=progress, receive_count=8)

    assert 2 == waits.value.retry_after


def test_message_is_refused_in_the_end(talking: Outbound) -> None:
    """An end that is not told is not waited for any longer."""
    refuse(talking)
    progress = Progress(settled_receives=2, settled_message="message-1", refusals=2)
    with pytest.raises(LivePersonRefused):
        send(talking, progress=progress, receive_count=3)


@pytest.mark.parametrize(
    ("refusals", "error", "wait"),
    [
        (6, ConversationNotReady, 2),
        (7, ConversationNotReady, 15),
        (10, ConversationNotReady, 15),
        (11, LivePersonRefused, None),
    ],
)
def test_name_of_another_conversation_may_be_on_its_way(
    talking: Outbound, refusals: int, error: type[Exception], wait: float | None
) -> None:
    """If an earlier try may have opened one, its name is waited for a while longer."""
    refuse(talking)
    progress = Progress(
        settled_receives=7, settled_message="message-1", refusals=refusals, may_have_opened=True
    )
    with pytest.raises(error) as raised:
        send(talking, progress=progress, receive_count=8)

    assert wait == getattr(raised.value, "retry_after", None)


def test_message_is_not_at_fault_where_its_conversation_is_over(talking: Outbound) -> None:
    """Another one is open that is not known yet."""
    remember(talking, is_open=False)
    refuse(talking)
    progress = Progress(settled_receives=3, settled_message="message-1")
    with pytest.raises(ConversationUnknown):
        send(talking, progress=progress, receive_count=3)


# ── What an earlier try may have sent ──


@pytest.mark.parametrize("has_ended", [False, True])
def test_echo_tells_that_a_text_has_arrived(
    talking: Outbound, output: Output, has_ended: bool
) -> None:
    """Nothing is sent again, even if the conversation has ended meanwhile."""
    sequence = talking.consumer().last_sequence + 1
    remember(talking, (sequence, text_digest("Hello")))
    consumer = lose_conversation(talking) if has_ended else talking.consumer()
    after = send(talking, progress=Progress(ambiguous_at=talking.clock()), consumer=consumer)

    assert ([], Progress(1, done=True)) == (bodies(talking), talking.progress("e-1"))
    assert sequence == after.last_sequence
    told = next(each for each in output.lines if each["message"] == "confirmed_by_echo")
    assert (sequence, "e-1") == (told["sequence"], told["event_id"])


@pytest.mark.parametrize(("later", "text"), [(0, "Hello"), (1, "Bye")])
def test_older_or_other_echo_tells_nothing(talking: Outbound, later: int, text: str) -> None:
    """A consumer who says the same twice is heard twice."""
    remember(talking, (talking.consumer().last_sequence + later, text_digest(text)))
    with pytest.raises(EchoAwaited):
        send(talking, progress=Progress(ambiguous_at=talking.clock()))


@pytest.mark.parametrize(("ago", "left"), [(0, ECHO_SECONDS), (ECHO_SECONDS - 1, 1)])
def test_echo_is_awaited_as_long_as_it_may_take(talking: Outbound, ago: float, left: float) -> None:
    """Counted from the last try."""
    with pytest.raises(EchoAwaited) as awaited:
        send(talking, progress=Progress(ambiguous_at=talking.clock() - ago))

    error = awaited.value
    assert pytest.approx(left, abs=0.2) == error.retry_after
    assert (False, []) == (error.maybe_done, bodies(talking))


def test_text_without_an_echo_is_sent_again(talking: Outbound, output: Output) -> None:
    """Once its echo would have come; that this try begins is noted before it sends."""
    talking.spoil("send", "http_503")
    doubt = Progress(ambiguous_at=talking.clock() - ECHO_SECONDS)
    with pytest.raises(LivePersonUnavailable):
        send(talking, progress=doubt)

    noted = talking.progress("e-1")
    assert "sent_again" in output.messages
    assert (1, True, None) == (noted.begun_receive, noted.may_have_opened, noted.ambiguous_at)
    assert pytest.approx(talking.clock(), abs=15) == noted.begun_at


def test_cut_off_try_is_awaited_until_it_cannot_send_any_more(talking: Outbound) -> None:
    """For its own time-out, and for the time that an echo takes."""
    with pytest.raises(EchoAwaited) as awaited:
        send(talking, receive_count=2)

    left = FIRST_TRY_SECONDS + TRY_SECONDS + ECHO_SECONDS
    assert pytest.approx(left, abs=0.2) == awaited.value.retry_after
    assert [] == bodies(talking)


def test_message_that_comes_back_after_its_visibility_waits_no_longer(talking: Outbound) -> None:
    """By then its echo had its time; or Lambda was throttled, and nothing was tried."""
    send(talking, receive_count=2, first_received=180)

    assert texts(talking, "Hello") == bodies(talking)


def test_receives_that_no_try_followed_cost_no_wait(talking: Outbound, output: Output) -> None:
    """Lambda was throttled: what the tries before came to is known."""
    send(talking, progress=SETTLED, receive_count=4)

    assert texts(talking, "Hello") == bodies(talking)
    assert "sent_again" not in output.messages


def test_first_try_leaves_no_note_before_it_sends(talking: Outbound) -> None:
    """It would cost every message a write."""
    talking.spoil("send", "http_503")
    with pytest.raises(LivePersonUnavailable):
        send(talking)

    assert Progress() == talking.progress("e-1")


def test_later_try_notes_that_it_begins(talking: Outbound) -> None:
    """Before it sends anything."""
    talking.spoil("send", "http_503")
    with pytest.raises(LivePersonUnavailable):
        send(talking, progress=SETTLED, receive_count=2)

    assert (1, 2) == (
        talking.progress("e-1").settled_receives,
        talking.progress("e-1").begun_receive,
    )


def test_consumer_without_a_conversation_has_sent_nothing(new: Outbound) -> None:
    """There is nowhere to look for an echo."""
    send(new, receive_count=2)

    assert ["Hello"] == new.said()


def test_doubt_is_of_the_next_part_alone(talking: Outbound) -> None:
    """Once its try is settled, the others are sent without waiting."""
    remember(talking, (talking.consumer().last_sequence + 1, text_digest("a" * 4000)))
    send(talking, event(text=LONG), receive_count=2)

    assert texts(talking, "b") == bodies(talking)
    assert Progress(2, done=True) == talking.progress("e-1")


def test_step_without_an_echo_is_done_again(talking: Outbound) -> None:
    """That an element was chosen is not reported back; to choose it twice does no harm."""
    send(talking, event("reply", to_sequence=3), receive_count=2)

    chosen = payloads.accept_status(here(talking), "ACTION", [3])
    assert [chosen.body, *texts(talking, "Hello")] == bodies(talking)


@pytest.mark.parametrize("progress", [Progress(), Progress(1)])
def test_words_of_a_reply_outlive_its_conversation(new: Outbound, progress: Progress) -> None:
    """What was chosen stood in a conversation that is over; the words go to a new one."""
    send(new, event("reply", to_sequence=3), progress)

    assert texts(new, "Hello") == bodies(new)
    assert Progress(2, done=True) == new.progress("e-1")


# ── Files ──


def test_file_is_uploaded_and_shown(talking: Outbound) -> None:
    """Under the path that LivePerson named."""
    talking.answer("send", 200, STORED)
    talking.answer("swift", 201)
    talking.answer("send", 200, {"body": {"sequence": 7}})
    after = send(talking, file(caption="Look"))

    assert [
        payloads.upload_url(len(PICTURE), "PNG").body,
        payloads.hosted_file(here(talking), "/path", "PNG", "Look").body,
    ] == bodies(talking)
    assert (7, Progress(1, done=True)) == (after.last_sequence, talking.progress("e-1"))


def test_path_of_a_file_is_remembered_before_it_is_shown(talking: Outbound) -> None:
    """So a later try shows the same one; a caption is optional."""
    talking.answer("send", 200, STORED)
    talking.answer("swift", 201)
    talking.answer("send", 503)
    with pytest.raises(LivePersonUnavailable):
        send(talking, file())
    assert "/path" == talking.progress("e-1").uploaded

    talking.liveperson.asked.clear()
    talking.answer("send", 200, {"body": {"sequence": 7}})
    send(talking, file(), Progress(uploaded="/path"))
    assert [payloads.hosted_file(here(talking), "/path", "PNG", "").body] == bodies(talking)


def test_file_is_known_by_its_path_when_it_echoes(talking: Outbound) -> None:
    """It was shown by the try whose answer got lost."""
    remember(talking, (talking.consumer().last_sequence + 1, file_digest("/before")))
    send(talking, file(), Progress(uploaded="/before", ambiguous_at=talking.clock()))

    assert [] == bodies(talking)


def test_upload_without_an_answer_leaves_no_doubt(talking: Outbound) -> None:
    """A file that was not shown can be uploaded again."""
    talking.answer("send", 200, STORED)
    talking.answer("swift", 503)
    with pytest.raises(LivePersonUnavailable) as unavailable:
        send(talking, file())

    assert not unavailable.value.maybe_done


def test_text_without_an_answer_is_in_doubt(talking: Outbound) -> None:
    """The flow around it notes the doubt."""
    talking.spoil("send", "answer_lost")
    with pytest.raises(LivePersonUnavailable) as unavailable:
        send(talking)

    assert unavailable.value.maybe_done
