"""What the webhook sender promises: signature, echo, order, forms, retries."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from simulator import SimulatedLivePerson, sign
from simulator.tests.helpers import (
    ACCOUNT,
    CLIENT,
    SECRET,
    Connector,
    Endpoint,
    eventually,
)

PUBLISHED_SECRET = "rl9hacst6kqilbofup64n11ga3"
PAUSE = (
    '{"kind":"notification","body":{"changes":[{"originatorId":'
    '"2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58245f564fdfd91","originatorMetadata":'
    '{"id":"2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58245f564fdfd91","role":"CONSUMER"},'
    '"event":{"type":"ChatStateEvent","chatState":"PAUSE"},'
    '"conversationId":"b8b83fe9-75f0-46f2-baaa-2930f7192cfb",'
    '"dialogId":"b8b83fe9-75f0-46f2-baaa-2930f7192cfb"}]},'
    '"type":"ms.MessagingEventNotification"}'
)
CLOSED = (
    '{"kind":"notification","body":{"changes":[{"type":"UPSERT","result":{"convId":'
    '"b8b83fe9-75f0-46f2-baaa-2930f7192cfb","effectiveTTR":-1,"conversationDetails":{"skillId":'
    '"-1","participants":[{"id":"52e05c00-d5e4-5823-acf7-62570b939a63","role":"CONTROLLER"},'
    '{"id":"2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58245f564fdfd91","role":"CONSUMER"}],'
    '"dialogs":[{"dialogId":"b8b83fe9-75f0-46f2-baaa-2930f7192cfb","participantsDetails":[{"id":'
    '"2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58245f564fdfd91","role":"CONSUMER"},{"id":'
    '"52e05c00-d5e4-5823-acf7-62570b939a63","role":"CONTROLLER"}],"dialogType":"MAIN",'
    '"channelType":"MESSAGING","state":"CLOSE","creationTs":1545398580042,"endTs":1545399379370,'
    '"metaDataLastUpdateTs":1545399379370,"closedBy":"CONSUMER"}],"brandId":"42257269","state":'
    '"CLOSE","stage":"CLOSE","closeReason":"CONSUMER","startTs":1545398580042,"endTs":'
    '1545399379370,"metaDataLastUpdateTs":1545399379370,"ttr":{"ttrType":"PRIORITIZED","value":'
    '600}}}}]},"type":"cqm.ExConversationChangeNotification"}'
)


@pytest.mark.parametrize(
    ("body", "algorithm", "encoding", "signature"),
    [
        (PAUSE, "sha1", "base64", "sha1=e/TfS0wv1HbvEsMqcBMmFLcMslI="),
        (PAUSE, "sha1", "hex", "sha1=7bf4df4b4c2fd476ef12c32a70132614b70cb252"),
        (PAUSE, "sha256", "base64", "sha256=PH84lxXVcKluSQQ3Fy8oaaZe1vDHZ3JZMNEQoQjUjsU="),
        (CLOSED, "sha1", "base64", "sha1=CKiT6u4nb4Mpi0tdbCbgBXKAF1E="),
        (CLOSED, "sha256", "base64", "sha256=bcKJjIvTd3VYmQHR0dcqsI76LtNiHK5XiK5XTl6ZbhE="),
    ],
)
def test_the_published_signatures_come_out(
    body: str, algorithm: str, encoding: str, signature: str
) -> None:
    """The sample app's two webhooks, with its secret, have the signatures it publishes."""
    assert sign(body.encode(), PUBLISHED_SECRET, algorithm, encoding) == signature


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("encoding", ["base64", "hex"])
def test_a_webhook_is_signed_over_its_bytes(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint, algorithm: str, encoding: str
) -> None:
    """A webhook is compact UTF-8, signed in the account's way, and names account and app."""
    extra = {"x-extra": "yes"}
    lp.set(ACCOUNT, signature=algorithm, signature_encoding=encoding, webhook_headers=extra)
    connector.opened()
    connector.text("Héllo 👋")
    assert lp.wait_idle(5)

    body, headers = endpoint.bodies[-1], endpoint.headers[-1]
    assert "Héllo 👋".encode() in body
    assert b'": ' not in body
    assert headers["x-liveperson-signature"] == sign(body, SECRET, algorithm, encoding)
    assert headers["x-liveperson-account-id"] == ACCOUNT
    assert headers["x-liveperson-client-id"] == CLIENT
    assert headers["x-extra"] == "yes"


def test_what_the_consumer_sends_comes_back(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Every SEND is echoed with role CONSUMER and the consumer's LivePerson id."""
    conversation_id = connector.opened()
    connector.text("hi")
    assert lp.wait_idle(5)

    [echo] = endpoint.changes()
    consumer = lp.consumer_id(ACCOUNT, "consumer-1")
    assert echo["originatorId"] == consumer
    assert echo["originatorMetadata"] == {"id": consumer, "role": "CONSUMER"}
    assert (echo["sequence"], echo["messageAudience"]) == (0, "ALL")
    assert echo["conversationId"] == echo["dialogId"] == conversation_id


def test_private_notes_and_foreign_conversations_come_too(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Webhooks are account-wide: notes for agents and other channels' words arrive as well."""
    lp.private_note(ACCOUNT, connector.opened(), "churn risk")
    foreign = lp.foreign_conversation(ACCOUNT, ["from the web", "hello web"])
    assert lp.wait_idle(5)

    note = next(c for c in endpoint.changes() if c["event"]["message"] == "churn risk")
    others = [c for c in endpoint.changes() if c["conversationId"] == foreign]
    assert note["messageAudience"] == "AGENTS_AND_MANAGERS"
    roles = [each["originatorMetadata"]["role"] for each in others]
    assert roles == ["CONSUMER", "ASSIGNED_AGENT"]


def test_the_answer_does_not_wait_for_the_webhook(connector: Connector, endpoint: Endpoint) -> None:
    """A slow endpoint does not slow the Send API."""
    endpoint.pause = 1
    started = time.monotonic()

    connector.opened()
    connector.text("hi")

    assert time.monotonic() - started < 0.8


def test_order_is_kept_and_conversations_overtake(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """A conversation whose webhooks are slow holds back its own only, and none is misordered."""
    slow, quick = connector.opened(), Connector(lp, "consumer-2").opened()
    endpoint.hold = lambda body: time.sleep(0.02 if slow.encode() in body else 0)
    for number in range(10):
        lp.agent_text(ACCOUNT, slow, f"slow {number}")
        lp.agent_text(ACCOUNT, quick, f"quick {number}")
    assert lp.wait_idle(5)

    texts = endpoint.texts()
    assert [each for each in texts if "slow" in each] == [f"slow {n}" for n in range(10)]
    assert [each for each in texts if "quick" in each] == [f"quick {n}" for n in range(10)]
    assert texts.index("quick 9") < texts.index("slow 9")


def test_the_2018_forms(lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint) -> None:
    """Older forms lack conversationId, messageAudience, and all about dialogs."""
    old = {"omit_conversation_id": True, "omit_audience": True, "omit_dialogs": True}
    lp.set(ACCOUNT, **old, null_metadata=True, unknown_fields=True, envelope="sentTs")
    connector.opened()
    connector.text("hi")
    assert lp.wait_idle(5)

    [change] = endpoint.changes()
    details = endpoint.changes("cqm")[0]["result"]["conversationDetails"]
    assert {"conversationId", "messageAudience"}.isdisjoint(change)
    assert change["metadata"] is None
    assert {"dialogs", "stage", "skillId"}.isdisjoint(details)
    assert "sentTs" in json.loads(endpoint.bodies[-1])["body"]


def test_a_private_note_says_so_in_every_form(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Even where the audience is left out, a private note carries its own."""
    lp.set(ACCOUNT, omit_audience=True)
    lp.private_note(ACCOUNT, connector.opened(), "psst")
    assert lp.wait_idle(5)

    assert endpoint.changes()[0]["messageAudience"] == "AGENTS_AND_MANAGERS"


def test_two_changes_can_share_a_body(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """What waits may travel together, in order."""
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    lp.set(ACCOUNT, changes_per_body=2)
    endpoint.pause = 0.2
    for text in "abc":
        lp.agent_text(ACCOUNT, conversation_id, text)
    assert lp.wait_idle(5)

    assert endpoint.texts() == ["a", "b", "c"]
    assert len(endpoint.bodies) == 3


def test_each_kind_may_have_its_own_endpoint(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """The manifest has an endpoint per kind; a kind without one is not sent."""
    key = "ms.MessagingEventNotification.ContentEvent"
    lp.set(ACCOUNT, webhook_url=None, webhook_urls={key: f"{endpoint.url}/content"})
    connector.opened()
    connector.text("hi")
    connector.event({"type": "ChatStateEvent", "chatState": "ACTIVE"})
    assert lp.wait_idle(5)

    [delivery] = lp.deliveries(ACCOUNT)
    assert (delivery["topic"], delivery["url"]) == (key, f"{endpoint.url}/content")


def test_an_agent_can_answer_by_itself(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """In echo mode every consumer text is answered, in order, after a delay if one is set."""
    lp.set(ACCOUNT, echo_agent="you said {text}", echo_agent_delay_ms=10)
    connector.opened()
    connector.text("a")
    connector.text("b")
    assert lp.wait_idle(5)

    answers = [each for each in endpoint.texts() if each.startswith("you said")]
    assert answers == ["you said a", "you said b"]


# Retries


@pytest.mark.parametrize("status", [202, 204, 302, 500])
def test_only_200_and_201_are_success(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint, status: int
) -> None:
    """Without a retry mechanism, any other answer loses the webhook; the attempt is recorded."""
    lp.set(ACCOUNT, retry="none")
    endpoint.answers = [status]
    connector.opened()
    assert lp.wait_idle(5)

    first, last = lp.deliveries(ACCOUNT)
    assert (first["status"], first["delivered"], last["error"]) == (status, False, "dropped")
    assert endpoint.bodies == []


def test_retry_by_number_loses_the_order(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """The deprecated mechanism tries one event again, later, while others go on."""
    key = "ms.MessagingEventNotification.ContentEvent"
    lp.set(ACCOUNT, retry="number", max_retries={key: 2}, time_scale=0.005)
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    endpoint.answers = [500, 200, 500, 200]
    for text in "ab":
        lp.agent_text(ACCOUNT, conversation_id, text)
    assert lp.wait_idle(5)

    assert endpoint.texts() == ["b", "a"]
    assert [each["attempt"] for each in lp.deliveries(ACCOUNT)[-3:]] == [1, 2, 3]


def test_time_to_live_goes_through_the_four_states(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """While an endpoint fails all is stored; afterwards everything comes, once and in order."""
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    endpoint.down = True
    lp.agent_text(ACCOUNT, conversation_id, "0")
    eventually(lambda: lp.webhook_state(ACCOUNT)["state"] == "Failed")
    for number in range(1, 6):
        lp.agent_text(ACCOUNT, conversation_id, str(number))
    foreign = lp.foreign_conversation(ACCOUNT, ["x", "y"])
    endpoint.down = False
    assert lp.wait_idle(5)

    ours = [
        change["event"]["message"]
        for change in endpoint.changes()
        if change["conversationId"] != foreign
    ]
    assert ours == list("012345")
    state = lp.webhook_state(ACCOUNT)
    assert state["states"] == ["Up", "Failed", "In Transition", "Recovered", "Up"]
    assert state["dropped"] == 0


def test_order_survives_a_recovery(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """
    A conversation that goes on while the app fails and recovers loses and misorders nothing.

    What drains for longer than 4 s, here 1.2 s, is overtaken, as LivePerson documents it.
    """
    lp.set(ACCOUNT, time_scale=0.3)
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    endpoint.answers, endpoint.pause = [200, 500, 200, 500], 0.001
    for number in range(100):
        lp.agent_text(ACCOUNT, conversation_id, str(number))
        time.sleep(0.01)
    assert lp.wait_idle(10)

    assert endpoint.texts() == [str(number) for number in range(100)]
    assert lp.webhook_state(ACCOUNT)["states"].count("Failed") == 2


def test_pauses_double(lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint) -> None:
    """While failing, tries are 2, 4, 8 … seconds apart, here in hundredths."""
    endpoint.answers = [500] * 4
    connector.opened()
    assert lp.wait_idle(5)

    moments = [each["at"] for each in lp.deliveries(ACCOUNT)]
    pauses = [later - sooner for sooner, later in itertools.pairwise(moments)]
    for pause, least in zip(pauses, (0.02, 0.04, 0.08, 0.16), strict=True):
        assert least * 0.9 < pause < least * 3 + 0.5


def test_retention_ends(lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint) -> None:
    """What could not be delivered in its time is dropped, and says so."""
    lp.set(ACCOUNT, retention_time_seconds=5)
    endpoint.down = True
    connector.opened()
    assert lp.wait_idle(5)

    assert lp.deliveries(ACCOUNT)[-1]["error"] == "retention time is over"
    assert lp.webhook_state(ACCOUNT)["state"] == "Up"


def test_a_kind_without_retries_does_not_stop_the_app(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """A kind with `max_retries` 0 is dropped on failure and keeps the app Up."""
    lp.set(ACCOUNT, max_retries={"ms.MessagingEventNotification.ChatStateEvent": 0})
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    endpoint.answers = [500]
    lp.agent_typing(ACCOUNT, conversation_id)
    assert lp.wait_idle(5)

    assert lp.webhook_state(ACCOUNT)["states"] == ["Up"]
    assert lp.webhook_state(ACCOUNT)["dropped"] == 1


def test_no_answer_in_time_is_a_failure(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """An endpoint slower than the time-out has failed, even if it did take the webhook."""
    lp.set(ACCOUNT, retry="none", webhook_timeout_seconds=0.05)
    endpoint.pause = 1
    connector.opened()
    assert lp.wait_idle(5)

    first = lp.deliveries(ACCOUNT)[0]
    assert (first["status"], first["error"]) == (None, "ReadTimeout")
    assert first["milliseconds"] < 900


def test_a_slow_app_would_be_disabled(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Slower than allowed for the whole of the allowed time sets a flag."""
    lp.set(ACCOUNT, slow_answer_seconds=0.01, time_scale=0.0025)
    endpoint.pause = 0.2
    connector.opened()
    assert lp.wait_idle(5)
    once = lp.webhook_state(ACCOUNT)["would_be_disabled"]
    connector.text("a")
    assert lp.wait_idle(5)

    assert (once, lp.webhook_state(ACCOUNT)["would_be_disabled"]) == (False, True)
