"""What the simulated Send API promises: who may call, what is accepted, what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import SimulatedLivePerson
from simulator.tests.helpers import (
    ACCOUNT,
    PROFILE,
    REQUEST,
    Connector,
    element,
    reasons,
)

GOOD_REQUEST = {"brandId": ACCOUNT, "channelType": "MESSAGING"}


def spoilt_headers(connector: Connector, **changes: str | None) -> dict[str, str]:
    names = {"app": "Authorization", "consumer": "X-LP-ON-BEHALF"}
    given: dict[str, str | None] = dict(connector.headers)
    given |= {names[name]: value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app": None, "consumer": None}, 40105),
        ({"consumer": None, "app": "nonsense"}, 40104),
        ({"app": "nonsense", "consumer": "nonsense"}, 40102),
        ({"consumer": "nonsense"}, 40103),
    ],
)
@pytest.mark.parametrize("path", ["", "/send"])
def test_tokens_are_checked_in_the_documented_order(
    connector: Connector, path: str, changes: dict[str, str | None], code: int
) -> None:
    """Missing headers come first, then a bad AppJWT, then a bad ConsumerJWS; all are 401."""
    answer = connector.post(path, [], spoilt_headers(connector, **changes))

    body = answer.json()
    assert (401, code) == (answer.status_code, body["body"]["errorCode"])
    assert (body["kind"], body["code"], body["type"]) == ("resp", 401, ".ReqBody$ErrorResp")


def test_an_app_jwt_without_iss_is_40001(lp: SimulatedLivePerson, connector: Connector) -> None:
    """An AppJWT without a mandatory claim is answered 400 with code 40001."""
    lp.set(ACCOUNT, app_jwt_omit_claims=["iss"])
    connector.app_jwt = connector.token().json()["access_token"]

    answer = connector.open()

    assert (answer.status_code, answer.json()["body"]["errorCode"]) == (400, 40001)


def test_revoked_consumer_tokens_are_40103(lp: SimulatedLivePerson, connector: Connector) -> None:
    """A ConsumerJWS can be made invalid; a new one works again."""
    lp.revoke_consumer_jws(ACCOUNT)
    refused = connector.open()
    connector.jws = connector.consumer("consumer-1").json()["token"]

    assert refused.json()["body"]["errorCode"] == 40103
    assert connector.open().status_code == 200


def test_a_conversation_opens(lp: SimulatedLivePerson, connector: Connector) -> None:
    """CONVERSATION answers an array in request order; nothing in it was wrong."""
    answer = connector.open()

    first, second = answer.json()
    assert (first["code"], first["reqId"]) == ("OK", "1")
    assert (second["code"], second["reqId"]) == ("OK", "2")
    [conversation] = lp.conversations(ACCOUNT)
    assert conversation["conversation_id"] == second["body"]["conversationId"]
    assert conversation["ext_consumer_id"] == "consumer-1"
    assert reasons(lp) == ""


def test_a_second_open_conversation_is_refused(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """One open conversation per consumer: the 400 is an array and does not say which one."""
    conversation_id = connector.opened()

    answer = connector.open()

    first, second = answer.json()
    assert (answer.status_code, first["code"], second["code"]) == (400, "OK", "BAD_REQUEST")
    assert "already has open conversation" in second["body"]["msg"]
    assert conversation_id not in answer.text
    assert len(lp.conversations(ACCOUNT)) == 1


def test_a_closed_conversation_makes_room(connector: Connector) -> None:
    """After closing, the consumer may open another."""
    first = connector.opened()
    connector.close()

    assert first != connector.opened()


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ({}, "must be an array"),
        ([element("1", PROFILE, {})], "SetUserProfile, then"),
        ([element("1", REQUEST, GOOD_REQUEST), element("2", PROFILE, {})], "SetUserProfile, then"),
        ([element("1", PROFILE, {}), element("2", REQUEST, {})], "brandId"),
        ([element("x" * 65, PROFILE, {}), element("2", REQUEST, GOOD_REQUEST)], "64 characters"),
        (
            [
                element("1", PROFILE, {"authenticatedData": {"lp_sdes": [{"type": "cart"}]}}),
                element("2", REQUEST, GOOD_REQUEST),
            ],
            "only ctmrinfo and personal",
        ),
    ],
)
def test_a_wrong_batch_is_refused(
    lp: SimulatedLivePerson, connector: Connector, batch: Any, reason: str
) -> None:
    """CONVERSATION is validated strictly, and says in the violations what was wrong."""
    answer = connector.post("", batch)

    assert answer.status_code == 400
    assert {"BAD_REQUEST"} == {each["code"] for each in answer.json()}
    assert reason in reasons(lp)
    assert lp.conversations(ACCOUNT) == []


def test_an_unknown_field_is_a_violation(lp: SimulatedLivePerson, connector: Connector) -> None:
    """An unknown field is accepted and noted, or refused if the account is set to."""
    accepted = connector.open(colour="red")
    lp.set(ACCOUNT, refuse_unknown_fields=True)
    connector.conversation_id = accepted.json()[1]["body"]["conversationId"]
    connector.close()

    assert (accepted.status_code, connector.open(colour="red").status_code) == (200, 400)
    assert "unknown fields colour" in reasons(lp)


def test_numbers_are_per_dialog_and_shared_by_texts_and_receipts(connector: Connector) -> None:
    """Texts and receipts take numbers from 0; a chat state takes none."""
    connector.opened()

    numbers = [
        connector.text("one"),
        connector.event({"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [0]}),
        connector.event({"type": "ChatStateEvent", "chatState": "COMPOSING"}),
        connector.text("two"),
    ]

    assert [each.json()["body"]["sequence"] for each in numbers] == [0, 1, 0, 2]


def test_a_number_as_id_comes_back_as_text(lp: SimulatedLivePerson, connector: Connector) -> None:
    """Published samples use a number as id: it is noted, and echoed as a string."""
    connector.opened()
    body = {"conversationId": connector.conversation_id}
    body["conversationField"] = [{"field": "TTRField", "ttrType": "URGENT", "value": 180}]  # type: ignore[assignment]

    answer = connector.post("/send", element(7, "cm.UpdateConversationField", body))

    assert (answer.status_code, answer.json()["reqId"]) == (200, "7")
    assert "id: should be a string" in reasons(lp)


def test_a_long_request_is_refused(lp: SimulatedLivePerson, connector: Connector) -> None:
    """5000 characters of JSON are the limit; above it is the documented 400."""
    connector.opened()

    answer = connector.text("x" * 5000)

    assert answer.status_code == 400
    assert (
        answer.json()["code"],
        answer.json()["body"],
    ) == ("BAD_REQUEST", {"msg": "Bad Request"})
    assert connector.text("x" * 4000).status_code == 200


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "ContentEvent", "contentType": "text/plain", "message": ""}, "not empty"),
        ({"type": "ContentEvent", "contentType": "text/html", "message": "x"}, "contentType"),
        ({"type": "ChatStateEvent", "chatState": "DANCING"}, "chatState"),
        ({"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [7]}, "has no [7]"),
        ({"type": "AcceptStatusEvent", "status": "READ", "sequenceList": []}, "at least one"),
        ({"type": "RichContentEvent", "content": {}}, "not documented"),
        ({"type": "HostedFile"}, "unknown type"),
    ],
)
def test_a_wrong_event_is_refused(
    lp: SimulatedLivePerson, connector: Connector, event: Any, reason: str
) -> None:
    """An event that is not as documented is a 400 with a reason, and is not published."""
    connector.opened()

    answer = connector.event(event)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert reason in reasons(lp)
    assert lp.conversations(ACCOUNT)[0]["transcript"] == []


def test_metadata_is_checked_and_kept(lp: SimulatedLivePerson, connector: Connector) -> None:
    """Metadata beside the body travels with the event; one that is too long is refused."""
    connector.opened()
    metadata = [{"type": "ExternalId", "id": "Yes-1234"}]

    accepted = connector.text("yep", metadata=metadata)
    refused = connector.text("yep", metadata=[{"type": "ExternalId", "id": "x" * 65}])

    assert (accepted.status_code, refused.status_code) == (200, 400)
    assert metadata == lp.conversations(ACCOUNT)[0]["transcript"][0]["metadata"]


@pytest.mark.parametrize("status", [400, 404, 409])
def test_the_answer_after_closing_is_a_switch(
    lp: SimulatedLivePerson, connector: Connector, status: int
) -> None:
    """What SEND answers for a closed or unknown conversation is unpublished: both are switches."""
    lp.set(ACCOUNT, closed_status=status, unknown_conversation_status=status)
    connector.opened()
    connector.close()

    answers = [connector.text("hello?"), connector.text("hello?", dialog_id="nowhere")]

    assert [status, status] == [each.status_code for each in answers]
    assert [each.json()["code"] for each in answers] == ["BAD_REQUEST"] * 2


def test_another_consumers_conversation_is_401(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """A consumer who touches another's conversation is unauthorised."""
    other = Connector(lp, "consumer-2")
    other.conversation_id = connector.opened()

    assert other.text("hi").status_code == 401
    assert other.close().status_code == 401


def test_a_new_conversation_may_not_be_usable_at_once(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """With its switch, the first SEND after CONVERSATION finds no conversation for a while."""
    lp.set(ACCOUNT, new_conversation_usable_after_ms=60_000)
    connector.opened()

    assert connector.text("too early").status_code == 400


def test_the_consumer_closes_and_rates(lp: SimulatedLivePerson, connector: Connector) -> None:
    """A rating is taken after the close; closing twice is refused."""
    connector.opened()
    closed = connector.close()
    rated = connector.field(
        field="CSATRate", csatRate=5, csatResolutionConfirmation=True, status="FILLED"
    )

    [conversation] = lp.conversations(ACCOUNT)
    assert closed.json()["body"] == {"msg": "OK Conversation resolved successfully"}
    assert (conversation["stage"], conversation["close_reason"]) == ("CLOSE", "CONSUMER")
    assert (rated.status_code, conversation["csat"]["csatRate"]) == (200, 5)
    assert connector.close().status_code == 400


def test_the_profile_is_kept(lp: SimulatedLivePerson, connector: Connector) -> None:
    """SetUserProfile can be sent alone, in the middle of a conversation."""
    connector.opened()
    sdes = [{"type": "personal", "personal": {"firstname": "Zoë"}}]

    answer = connector.send(PROFILE, {"authenticatedData": {"lp_sdes": sdes}})

    assert answer.status_code == 200
    profile = lp.profile(ACCOUNT, "consumer-1")
    assert profile is not None
    assert sdes == profile["authenticatedData"]["lp_sdes"]


def test_automatic_messages_need_their_header_every_time(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """A client that announced AUTO_MESSAGES must announce it on every SEND."""
    properties = '{"type":".ClientProperties","features":["AUTO_MESSAGES"]}'
    connector.extra = {"Client-Properties": properties}
    connector.opened()
    connector.extra = {}

    connector.text("hi")

    assert "AUTO_MESSAGES belongs on every SEND" in reasons(lp)
