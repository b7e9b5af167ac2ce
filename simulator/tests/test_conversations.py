"""What happens on the brand's side: agents, transfers, closing, surveys, files, engagements."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from simulator import ControlRefused, SimulatedLivePerson
from simulator.tests.helpers import (
    ACCOUNT,
    CLIENT,
    PNG,
    Connector,
    Endpoint,
    reasons,
)

SURVEY_CLIENT = {
    "Client-Properties": '{"type":".ClientProperties","features":["MULTI_DIALOG","QUICK_REPLIES"]}'
}


def stages(endpoint: Endpoint) -> list[tuple[str, str]]:
    details = [each["result"]["conversationDetails"] for each in endpoint.changes("cqm")]
    return [(each["state"], each["stage"]) for each in details]


def test_a_conversation_is_told_from_opening_to_closing(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Opening, an agent, a transfer and the close are told with the complete state, in order."""
    conversation_id = connector.opened()
    lp.agent_joins(ACCOUNT, conversation_id)
    lp.transfer(ACCOUNT, conversation_id, "99999999")
    lp.close(ACCOUNT, conversation_id, by="SYSTEM")
    assert lp.wait_idle(5)

    results = [each["result"] for each in endpoint.changes("cqm")]
    details = [each["conversationDetails"] for each in results]
    assert {each["convId"] for each in results} == {conversation_id}
    assert [len(each["participants"]) for each in details] == [1, 2, 1, 1]
    assert [each["skillId"] for each in details] == ["-1", "-1", "99999999", "99999999"]
    assert [each["stage"] for each in details] == ["OPEN", "OPEN", "OPEN", "CLOSE"]
    assert details[-1]["closeReason"] == "SYSTEM"
    assert details[-1]["dialogs"][0]["closedBy"] == "SYSTEM"
    assert [each["effectiveTTR"] == -1 for each in results] == [False, False, False, True]
    times = [each["metaDataLastUpdateTs"] for each in details]
    assert times == sorted(set(times))


def test_nobody_speaks_in_a_closed_conversation(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """The brand's side cannot speak where all is closed, nor where nothing is."""
    conversation_id = connector.opened()
    lp.close(ACCOUNT, conversation_id)

    with pytest.raises(ControlRefused, match="closed"):
        lp.agent_text(ACCOUNT, conversation_id, "too late")
    with pytest.raises(ControlRefused, match="no conversation"):
        lp.agent_text(ACCOUNT, "nowhere", "hi")


def test_a_survey_runs_from_close_to_thanks(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """
    A survey follows MAIN in a dialog of its own.

    Its numbers start at 0, greeting and question come in one webhook, an answer is an ACTION and
    a text with the button's metadata, and then the whole conversation is closed.
    """
    lp.set(ACCOUNT, survey=True)
    connector.extra = SURVEY_CLIENT
    lp.agent_joins(ACCOUNT, connector.opened())
    connector.close_main()
    assert lp.wait_idle(5)
    greeting, question = endpoint.changes()
    metadata = question["event"]["quickReplies"]["replies"][4]["click"]["metadata"]
    survey = question["dialogId"]
    action = {"type": "AcceptStatusEvent", "status": "ACTION", "sequenceList": [1]}
    acted = connector.event(action, survey, metadata=metadata)
    answered = connector.text("5", survey, metadata=metadata)
    assert lp.wait_idle(5)

    assert [greeting["sequence"], question["sequence"]] == [0, 1]
    assert [each.json()["body"]["sequence"] for each in (acted, answered)] == [2, 3]
    assert endpoint.texts()[-1] == "Thank you for your time."
    assert stages(endpoint)[-2:] == [("CLOSE", "OPEN"), ("CLOSE", "CLOSE")]
    last = endpoint.changes("cqm")[-1]["result"]["conversationDetails"]["dialogs"][1]
    assert (last["dialogType"], last["closedCause"]) == ("POST_SURVEY", "Completed")
    assert reasons(lp) == ""


def test_a_survey_can_be_skipped_and_takes_no_typing(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """The word skip ends a survey; a chat state in it is refused."""
    connector.extra = SURVEY_CLIENT
    conversation_id = connector.opened()
    lp.agent_joins(ACCOUNT, conversation_id)
    survey = lp.start_survey(ACCOUNT, conversation_id)

    typing = connector.event({"type": "ChatStateEvent", "chatState": "COMPOSING"}, survey)
    connector.text("Skip", survey)

    assert typing.status_code == 400
    assert lp.conversations(ACCOUNT)[0]["stage"] == "CLOSE"


@pytest.mark.parametrize("agent", [True, False])
def test_a_survey_needs_a_capable_client_and_an_agent(
    lp: SimulatedLivePerson, connector: Connector, *, agent: bool
) -> None:
    """Without MULTI_DIALOG, or never assigned, closing MAIN closes everything."""
    lp.set(ACCOUNT, survey=True)
    connector.extra = {} if agent else SURVEY_CLIENT
    conversation_id = connector.opened()
    if agent:
        lp.agent_joins(ACCOUNT, conversation_id)

    connector.close_main()

    assert lp.conversations(ACCOUNT)[0]["stage"] == "CLOSE"


def test_the_whole_can_be_closed_without_a_survey(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """Closing the stage, or the conversation state, skips the survey."""
    lp.set(ACCOUNT, survey=True, auto_join=True)
    connector.extra = SURVEY_CLIENT
    connector.opened()

    connector.field(field="Stage", conversationState="CLOSE")

    assert lp.conversations(ACCOUNT)[0]["stage"] == "CLOSE"


def test_agents_send_anything(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """Cards, receipts and typing go out as given; a receipt takes a number, typing none."""
    conversation_id = connector.opened()
    connector.text("hi")
    card = {"type": "RichContentEvent", "content": {"type": "vertical", "elements": []}}
    metadata = [{"type": "ExternalId", "id": "MY_CARD"}]

    assert lp.agent_event(ACCOUNT, conversation_id, card, metadata=metadata, role="MANAGER") == 1
    assert lp.agent_receipt(ACCOUNT, conversation_id, [0]) == 2
    lp.agent_typing(ACCOUNT, conversation_id)
    assert lp.wait_idle(5)

    rich, receipt, typing = endpoint.changes()[-3:]
    assert (rich["event"], rich["metadata"]) == (card, metadata)
    assert rich["originatorMetadata"]["role"] == "MANAGER"
    assert receipt["event"]["sequenceList"] == [0]
    assert {"sequence", "serverTimestamp"}.isdisjoint(typing)


# Files


def upload(connector: Connector, size: int, file_type: str = "PNG") -> tuple[str, str]:
    """Ask for an upload URL; give the path and the whole URL."""
    asked = {"fileSize": str(size), "fileType": file_type}
    body = connector.send("ms.GenerateURLForUploadFile", asked).json()["body"]
    return body["relativePath"], signed(connector, body)


def signed(connector: Connector, body: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in body["queryParams"].items())
    return f"{connector.url}{body['relativePath']}?{query}"


def file_event(path: str, file_type: str = "PNG") -> dict[str, Any]:
    message = {"caption": "", "relativePath": path, "fileType": file_type}
    return {"type": "ContentEvent", "contentType": "hosted/file", "message": message}


def test_a_file_goes_up_and_comes_down(lp: SimulatedLivePerson, connector: Connector) -> None:
    """A file is announced, put, published and fetched again, each with a signed URL."""
    connector.opened()
    path, url = upload(connector, len(PNG))
    early = connector.event(file_event(path))

    stored = requests.put(url, data=PNG, timeout=5)
    sent = connector.event(file_event(path))
    asked = connector.send("ms.GenerateURLForDownloadFile", {"relativePath": path})
    fetched = requests.get(signed(connector, asked.json()["body"]), timeout=5)

    statuses = [each.status_code for each in (early, stored, sent, fetched)]
    assert statuses == [400, 201, 200, 200]
    assert fetched.content == PNG


def test_a_signed_url_is_strict(lp: SimulatedLivePerson, connector: Connector) -> None:
    """Another size or type than announced is refused; so is a wrong or old signature."""
    connector.opened()
    _, url = upload(connector, len(PNG))
    _, as_gif = upload(connector, len(PNG), "GIF")
    lp.set(ACCOUNT, temp_url_life_seconds=-1)
    _, old = upload(connector, len(PNG))

    attempts = {
        "size": requests.put(url, data=PNG[:-1], timeout=5),
        "type": requests.put(as_gif, data=PNG, timeout=5),
        "signature": requests.put(url.replace("sig=", "sig=0"), data=PNG, timeout=5),
        "method": requests.get(url, timeout=5),
        "age": requests.put(old, data=PNG, timeout=5),
    }

    assert {name: each.status_code for name, each in attempts.items()} == {
        "size": 400,
        "type": 400,
        "signature": 401,
        "method": 401,
        "age": 401,
    }


def test_an_agents_file_is_for_its_consumer_alone(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """An agent's file is told in a webhook; only that consumer may fetch it."""
    content = base64.b64encode(PNG).decode()
    path = lp.agent_file(ACCOUNT, connector.opened(), content, caption="your bill")
    other = Connector(lp, "consumer-2")
    asking = ("ms.GenerateURLForDownloadFile", {"relativePath": path})

    own, foreign = connector.send(*asking), other.send(*asking)

    assert lp.wait_idle(5)
    assert endpoint.changes()[-1]["event"]["message"]["relativePath"] == path
    assert requests.get(signed(connector, own.json()["body"]), timeout=5).content == PNG
    assert foreign.status_code == 401


# Monitoring


def engagement(lp: SimulatedLivePerson, version: str = "1.1", **query: str) -> requests.Response:
    return requests.post(
        f"{lp.url}/api/account/{ACCOUNT}/app/{CLIENT}/engagement",
        params={"v": version, **query},
        data=json.dumps({"identities": [{"iss": "us", "acr": "0", "sub": "consumer-1"}]}),
        timeout=5,
    )


def test_an_engagement_is_offered_for_a_session(lp: SimulatedLivePerson) -> None:
    """A first call makes a session with 201, the next one is known with 200."""
    first = engagement(lp)
    session = first.json()
    second = engagement(lp, vid=session["visitorId"], sid=session["sessionId"])

    assert (first.status_code, second.status_code) == (201, 200)
    assert session["engagementDetails"][0]["status"] == "expose"


def test_an_engagement_names_the_open_conversation(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """When the consumer has a conversation, it is named: the way to find a lost one."""
    conversation_id = connector.opened()

    [details] = engagement(lp).json()["engagementDetails"]

    assert (details["status"], details["conversationId"]) == ("conversation", conversation_id)


@pytest.mark.parametrize(("version", "status", "code"), [("1.0", 500, 20), ("1.1", 202, 38)])
def test_a_loading_account_says_so(
    lp: SimulatedLivePerson, version: str, status: int, code: int
) -> None:
    """While loading, the old version answers 500 and the new one 202; then it is ready."""
    lp.set(ACCOUNT, monitoring="loading", loading_times=1)

    loading, ready = engagement(lp, version), engagement(lp, version)

    assert (loading.status_code, loading.json()["internalCode"]) == (status, code)
    assert ready.status_code == 201


def test_there_may_be_no_engagement(lp: SimulatedLivePerson) -> None:
    """Without an eligible engagement the answer has no details."""
    lp.set(ACCOUNT, monitoring="none")

    assert "engagementDetails" not in engagement(lp).json()
