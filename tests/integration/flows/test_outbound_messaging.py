"""A consumer's words reach LivePerson in order and once, whatever happens on the way."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET
from tests.support.harness import CONSUMER_EVENTS, Bench
from tests.support.logs import Output
from tests.support.messages import PHONE, queued_event, text_event

ANOTHER = "+4915187654321"


# ── The plain way ──


def test_texts_keep_their_order(bench: Bench) -> None:
    """In the order in which the channel got its 202s, in one conversation."""
    for number in range(5):
        bench.post(text_event(f"m-{number}", f"text {number}"))
    bench.run()

    assert [f"text {n}" for n in range(5)] == bench.said()
    assert 1 == len(bench.conversations())


def test_a_repeat_is_ignored_days_later(bench: Bench) -> None:
    """SQS forgets an id after minutes; we know it for five days."""
    event_id = bench.say("once")
    bench.queue(queued_event(text_event(event_id, "once")))
    bench.run()

    assert ["once"] == bench.said()


def test_a_consumer_is_introduced_once(bench: Bench) -> None:
    """ConsumerJWSs never expire."""
    for _ in range(3):
        bench.say("Hello")

    assert (1, 1) == (bench.count("idp"), bench.count("conversation"))


def test_the_channels_own_id_is_not_told_to_liveperson(bench: Bench) -> None:
    """LivePerson knows the consumer by a pseudonym."""
    bench.say("Hello")

    assert "4915112345678" not in json.dumps(bench.liveperson.requests())


# ── Conversations end ──


def test_an_end_that_nobody_told_is_found_out(bench: Bench) -> None:
    """The webhook got lost; the words are not."""
    bench.say("first")
    bench.without_webhooks()
    bench.liveperson.close(ACCOUNT, bench.conversation_id)
    bench.say("second")

    assert [["first"], ["second"]] == [bench.said(0), bench.said(1)]
    assert [] == bench.dead_letters(CONSUMER_EVENTS)


def test_a_conversation_that_is_not_ready_is_waited_for(bench: Bench) -> None:
    """LivePerson may not take the first message at once."""
    bench.liveperson.set(ACCOUNT, new_conversation_usable_after_ms=1500)
    bench.say("early")
    before = bench.said()
    time.sleep(1.6)  # this is LivePerson's own time
    bench.pass_seconds(1)

    assert ([], ["early"]) == (before, bench.said())
    assert 1 == len(bench.conversations())


def test_an_open_conversation_that_we_do_not_know_is_adopted(bench: Bench) -> None:
    """Its opening's answer got lost; a webhook names it, and the waiting words go there."""
    bench.without_webhooks()
    bench.liveperson.add_fault(service="conversation", kind="lost_answer", times=1)
    bench.say("Hello")
    for _ in range(3):
        bench.pass_seconds(30)
    before = bench.said()
    bench.with_webhooks()
    bench.liveperson.agent_joins(ACCOUNT, bench.conversation_id)
    bench.run()
    bench.pass_seconds(30)

    assert ([], ["Hello"]) == (before, bench.said())
    assert 1 == len(bench.conversations())


# ── Answers get lost ──


def test_what_may_have_arrived_is_confirmed_by_its_echo(bench: Bench) -> None:
    """LivePerson took it and its answer got lost: it is not sent twice."""
    bench.say("first")
    bench.liveperson.add_fault(service="send", kind="lost_answer", times=1)
    bench.say("second")
    bench.pass_seconds(5)
    bench.say("third")

    assert ["first", "second", "third"] == bench.said()
    assert 3 == bench.count("send")


def test_what_surely_did_not_arrive_is_sent_again(bench: Bench) -> None:
    """No echo came in twenty seconds, so it is sent once more; what is behind it waits."""
    bench.say("first")
    bench.liveperson.add_fault(service="send", kind="reset_before", times=1)
    bench.say("second")
    bench.say("third")
    bench.pass_seconds(5)
    waiting = bench.said()
    bench.pass_seconds(20)

    assert ["first"] == waiting
    assert ["first", "second", "third"] == bench.said()


def test_the_same_words_twice_are_not_taken_for_an_echo(bench: Bench) -> None:
    """An older echo of the same words does not confirm the newer ones."""
    bench.say("yes")
    bench.liveperson.add_fault(service="send", kind="reset_before", times=1)
    bench.say("yes")
    for _ in range(3):
        bench.pass_seconds(10)

    assert ["yes", "yes"] == bench.said()


def test_a_lost_answer_among_many_parts_repeats_none(bench: Bench) -> None:
    """Each part is confirmed by itself."""
    text = "".join(f"{number:05} " for number in range(2000))
    bench.say("first")
    bench.liveperson.add_fault(service="send", kind="lost_answer", times=1, match="01000")
    bench.say(text)
    for _ in range(3):
        bench.pass_seconds(10)

    assert text == "".join(bench.said()[1:])


def test_who_asks_too_often_waits(bench: Bench) -> None:
    """429 surely did nothing, so the next try needs no echo."""
    bench.say("first")
    bench.liveperson.add_fault(service="send", kind="status", status=429, times=1)
    bench.say("second")
    bench.pass_seconds(2)

    assert ["first", "second"] == bench.said()


def test_another_consumer_does_not_wait(bench: Bench) -> None:
    """A failing message holds back its own group only."""
    bench.say("first")
    bench.liveperson.add_fault(service="send", kind="status", status=503, match="stuck")
    bench.say("stuck")
    bench.say("free", consumer_id=ANOTHER)

    assert ["free"] == bench.said()


# ── Tokens ──


def test_a_rejected_app_jwt_is_renewed_once_for_a_crowd(bench: Bench) -> None:
    """40102: one refresh, and every message arrives."""
    consumers = [f"+49151000{number}" for number in range(4)]
    for consumer_id in consumers:
        bench.say("before", consumer_id=consumer_id)
    before = bench.count("sentinel")
    bench.liveperson.revoke_tokens(ACCOUNT)
    bench.end_leases()
    for number, consumer_id in enumerate(consumers):
        bench.post(text_event(f"a-{number}", "after"), consumer_id)
    bench.run()

    assert [["before", "after"]] * 4 == [bench.said(index) for index in range(4)]
    assert 1 == bench.count("sentinel") - before


def test_a_rejected_consumer_jws_is_minted_again_once(bench: Bench) -> None:
    """40103: the same consumer gets another token, and the message arrives."""
    bench.say("before")
    bench.liveperson.revoke_consumer_jws(ACCOUNT)
    bench.say("after")
    bench.say("later")

    assert ["before", "after", "later"] == bench.said()
    assert (2, 1) == (bench.count("idp"), len(bench.conversations()))


def test_a_consumer_jws_that_stays_rejected_is_a_persons_matter(bench: Bench) -> None:
    """There is no loop, and no second conversation is tried."""
    bench.say("before")
    bench.liveperson.add_fault(
        service="send",
        kind="status",
        status=401,
        body={"kind": "resp", "code": 401, "body": {"title": "Invalid", "errorCode": 40103}},
    )
    bench.say("after")

    (letter,) = bench.dead_letters(CONSUMER_EVENTS)
    assert ("consumer_jws_rejected", "401", "40103") == (
        letter["reason"],
        letter["http_status"],
        letter["error_code"],
    )
    assert 1 == len(bench.conversations())


def test_wrong_credentials_are_waited_out(bench: Bench) -> None:
    """An operator mends them; nothing is lost meanwhile."""
    bench.write("credentials", {"client_id": CLIENT_ID, "client_secret": "wrong"})
    bench.say("Hello")
    before = bench.conversations()
    bench.write("credentials", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    bench.end_leases()
    for _ in range(3):
        bench.pass_seconds(15)

    assert ([], ["Hello"]) == (before, bench.said())


# ── What LivePerson will never take ──


def test_what_is_refused_goes_to_the_dead_letters(bench: Bench) -> None:
    """With status and code; the group moves on, and the channel is told."""
    bench.say("before")
    refusal = {"code": "BAD_REQUEST", "body": {"msg": "no such thing"}}
    bench.liveperson.add_fault(
        service="send", kind="status", status=400, body=refusal, match="never"
    )
    event_id = bench.say("never")
    bench.post(text_event("m-after", "after"))
    for _ in range(4):
        bench.pass_seconds(5)

    (letter,) = bench.dead_letters(CONSUMER_EVENTS)
    assert ("liveperson_refused", "400", "BAD_REQUEST") == (
        letter["reason"],
        letter["http_status"],
        letter["error_code"],
    )
    assert "LivePerson answered 400" == letter["problem"]
    assert (PHONE, event_id) == (letter["body"]["consumer_id"], letter["body"]["event"]["id"])
    assert ["before", "after"] == bench.said()
    assert [event_id] == [each["event_id"] for each in bench.told("failed")]


def test_what_was_given_up_comes_back_in_order(bench: Bench) -> None:
    """After its last try it is a dead letter, and what follows it too; redriven, all arrives."""
    bench.most_tries = 3
    bench.say("before")
    bench.liveperson.add_fault(service="send", kind="status", status=503, match="late")
    bench.say("late")
    bench.say("later")
    for _ in range(4):
        bench.pass_seconds(300)
    letters = bench.dead_letters(CONSUMER_EVENTS)
    bench.liveperson.clear_faults()
    moved = bench.redrive(queue="consumer-events")["consumer-events"]["moved"]
    for _ in range(3):
        bench.pass_seconds(300)

    assert "liveperson_unavailable" == letters[0]["reason"]
    assert 2 == len(letters) == sum(moved.values())
    assert ["before", "late", "later"] == bench.said()


# ── What partners answer ──


def test_a_file_that_can_never_be_fetched_holds_nothing_back(bench: Bench) -> None:
    """Its host does not exist: that is an answer, and the channel gets it."""
    bench.post({"id": "f-1", "type": "file", "file_type": "PNG", "url": "https://files.invalid/x"})
    bench.say("What do you think?")

    (failed,) = bench.told("failed")
    assert ["What do you think?"] == bench.said()
    assert ("f-1", "file_refused") == (failed["event_id"], failed["reason"])
    assert "a host that does not exist" in failed["message"]
    assert "files.invalid" not in failed["message"]


def test_livepersons_words_are_shown_nowhere(bench: Bench, output: Output) -> None:
    """Neither in the log, nor on the dead letter, nor to the channel: they may quote anything."""
    quoted = {"code": "BAD_REQUEST", "body": {"msg": "cannot read MY+PIN+IS+12"}}
    bench.liveperson.add_fault(service="send", kind="status", status=400, body=quoted)
    bench.say("my pin is 12")
    for _ in range(4):
        bench.pass_seconds(10)

    (failed,), (letter,) = bench.told("failed"), bench.dead_letters(CONSUMER_EVENTS)
    assert (400, "BAD_REQUEST") == (failed["http_status"], failed["error_code"])
    assert ("400", "BAD_REQUEST") == (letter["http_status"], letter["error_code"])
    shown = json.dumps([failed, {**letter, "body": ""}]) + output.text
    assert "pin" not in shown.casefold()


@pytest.mark.parametrize("body", ["no JSON", "{}", '{"account_id": "1"}'])
def test_an_unreadable_message_goes_to_the_dead_letters(bench: Bench, body: str) -> None:
    """It is kept as it was queued."""
    bench.queue(json.dumps(body) if body == "no JSON" else body)
    bench.run()

    (letter,) = bench.dead_letters(CONSUMER_EVENTS)
    assert "unreadable" == letter["reason"]
