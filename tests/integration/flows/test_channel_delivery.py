"""What agents do reaches the channel in order and once, and only what is meant for the consumer."""

from __future__ import annotations

import pytest

from sandbox.channel.inbox import Fault
from tests.support.accounts import ACCOUNT, SIGNING_SECRET
from tests.support.harness import NOTIFICATIONS, Bench


@pytest.fixture(name="open_bench")
def _open_bench(bench: Bench) -> Bench:
    """Let a conversation be open already."""
    bench.say("Hello")
    return bench


def answer(bench: Bench, text: str) -> None:
    """Let the agent say something, and let it travel."""
    bench.liveperson.agent_text(ACCOUNT, bench.conversation_id, text)
    bench.run()


def test_messages_keep_livepersons_order(open_bench: Bench) -> None:
    """However many come at once."""
    for number in range(10):
        open_bench.liveperson.agent_text(ACCOUNT, open_bench.conversation_id, f"{number}")
    open_bench.run()

    assert [f"{n}" for n in range(10)] == open_bench.texts()


def test_a_channel_that_fails_gets_everything_in_order_later(open_bench: Bench) -> None:
    """A failing message holds back what is behind it, and is repeated under the same id."""
    open_bench.channel.add_fault(Fault(status=503, times=2))
    for text in ("one", "two", "three"):
        answer(open_bench, text)
    before = open_bench.texts()
    for _ in range(3):
        open_bench.pass_seconds(30)

    tries = [each.webhook_id for each in open_bench.channel.callbacks() if "one" in str(each.body)]
    assert ([], ["one", "two", "three"]) == (before, open_bench.texts())
    assert (3, 1) == (len(tries), len(set(tries)))


def test_an_answer_that_got_lost_repeats_the_callback(open_bench: Bench) -> None:
    """The channel knows the repeat by its id."""
    open_bench.channel.add_fault(Fault(reset=True))
    answer(open_bench, "one")
    open_bench.pass_seconds(30)

    assert ["one"] == open_bench.texts()


def test_what_liveperson_resends_is_told_once(open_bench: Bench) -> None:
    """It may resend for three days, when SQS has long forgotten."""
    open_bench.liveperson.add_fault(service="webhook_sender", kind="duplicate", match="twice")
    answer(open_bench, "twice")
    (told,) = open_bench.told()
    body = (
        f'{{"account_id": "{ACCOUNT}", "type": "ms.MessagingEventNotification", "change": '
        f'{{"sequence": {told["sequence"]}, "conversationId": "{told["conversation_id"]}", '
        f'"dialogId": "{told["dialog_id"]}", "originatorMetadata": {{"role": "ASSIGNED_AGENT"}}, '
        '"event": {"type": "ContentEvent", "contentType": "text/plain", "message": "twice"}}}'
    )
    open_bench.queue(body, NOTIFICATIONS)
    open_bench.run()

    assert ["twice"] == open_bench.texts()


def test_another_channels_conversation_is_dropped(open_bench: Bench) -> None:
    """Webhooks are account-wide; nothing of it is told, and nothing waits for ever."""
    open_bench.liveperson.foreign_conversation(ACCOUNT, ["Hi", "Hello, stranger"])
    for _ in range(8):
        open_bench.pass_seconds(3)
    answer(open_bench, "for ours")

    assert ["for ours"] == open_bench.texts()
    assert [] == open_bench.dead_letters(NOTIFICATIONS)


def test_a_conversation_is_known_by_an_echo_too(bench: Bench) -> None:
    """Its opening's answer and the webhook about it got lost; what the consumer said names it."""
    bench.say("first")
    first = bench.conversation_id
    bench.without_webhooks()
    bench.liveperson.close(ACCOUNT, first)
    bench.say("second")
    bench.forget_conversation(bench.conversation_id)
    bench.with_webhooks()
    bench.say("third")
    answer(bench, "I see")

    assert (["second", "third"], ["I see"]) == (bench.said(), bench.texts())


def test_a_channel_that_refuses_for_ever_does_not_hold_the_rest(open_bench: Bench) -> None:
    """410 goes to the dead letters with its status, and the next message is told."""
    open_bench.channel.add_fault(Fault(status=410))
    answer(open_bench, "gone")
    answer(open_bench, "still here")

    (letter,) = open_bench.dead_letters(NOTIFICATIONS)
    assert ("channel_refused", "410") == (letter["reason"], letter["http_status"])
    assert ["still here"] == open_bench.texts()


def test_a_wrong_channel_parameter_is_waited_out(bench: Bench) -> None:
    """An operator mends it; what agents said meanwhile arrives."""
    bench.write("channel", {"callback_url": bench.channel.callback_url})
    bench.say("Hello")
    answer(bench, "one")
    before = bench.texts()
    bench.write(
        "channel",
        {"callback_url": bench.channel.callback_url, "signing_secret": SIGNING_SECRET},
    )
    for _ in range(3):
        bench.pass_seconds(30)

    assert ([], ["one"]) == (before, bench.texts())
    assert [] == bench.dead_letters(NOTIFICATIONS)


def test_in_the_form_of_2018_messages_reach_the_channel_too(open_bench: Bench) -> None:
    """Without conversation id and audience."""
    open_bench.liveperson.set(
        ACCOUNT, omit_conversation_id=True, omit_audience=True, omit_dialogs=True
    )
    answer(open_bench, "old words")

    assert ["old words"] == open_bench.texts()
