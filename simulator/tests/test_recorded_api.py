"""What a simulated partner remembers, and that it keeps no secret."""

from collections.abc import Iterator

import pytest
import requests

from simulator.calls import Call
from simulator.http_server import Answer, HttpServer, Refused
from simulator.recorded_api import RecordedApi
from simulator.records import Records

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


def send(call: Call) -> Answer:
    if "text" not in call.request.json():
        raise Refused(Answer(400, {"error": "no text"}))
    return Answer(200, {"to": call.account_id})


@pytest.fixture(name="api")
def _api() -> RecordedApi:
    return RecordedApi([("POST", "/bot{token}/{account}/texts", "texts", send)], Records(["texts"]))


@pytest.fixture(name="url")
def _url(api: RecordedApi) -> Iterator[str]:
    with HttpServer(api.answer) as server:
        yield f"{server.url}/bot{TOKEN}/shop%201/texts"


def test_a_request_is_counted_and_kept_with_its_answer(api: RecordedApi, url: str) -> None:
    """By service and account; a refusal too."""
    answers = [requests.post(url, json=body, timeout=5) for body in ({"text": "hi"}, {})]

    assert answers[0].json() == {"to": "shop 1"}
    assert api.records.counts() == {"texts": 2, "accounts": {"shop 1": {"texts": 2}}}
    assert [each["status"] for each in api.records.requests("texts")] == [200, 400]


def test_a_token_in_the_path_is_not_kept(api: RecordedApi, url: str) -> None:
    """Nor one in a header or in the query; the rest of the path is as it was sent."""
    headers = {"Authorization": TOKEN, "X-Api-Key": TOKEN}
    requests.post(f"{url}?access_token={TOKEN}", json={"text": "hi"}, headers=headers, timeout=5)

    [kept] = api.records.requests()
    assert TOKEN not in str(kept)
    assert kept["path"] == "/bot<redacted>/shop%201/texts"


def test_a_path_that_no_service_answers_is_a_violation(api: RecordedApi, url: str) -> None:
    """It is answered 404."""
    assert requests.post(f"{url}/more", json={}, timeout=5).status_code == 404
    assert [each["reason"] for each in api.records.violations()] == [
        "no service answers this method and path"
    ]


def test_a_fault_is_for_its_services_alone(api: RecordedApi, url: str) -> None:
    """An unknown service or kind is refused; a known one answers as often as it is told."""
    for rule in ({"service": "mars", "kind": "slow"}, {"service": "texts", "kind": "drop"}):
        with pytest.raises(ValueError, match=r"no such service|knows no fault"):
            api.faults.add(rule)
    api.faults.add({"service": "texts", "kind": "status", "status": 503, "times": 1})

    answers = [requests.post(url, json={"text": "hi"}, timeout=5).status_code for _ in range(2)]
    assert answers == [503, 200]
