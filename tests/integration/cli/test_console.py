"""``connector console``: the flight recorder of a deployed stack, as a page that only reads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from connector_cli.console.recorder import WANTED, Recorder
from connector_cli.stack import Stack
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.delivery.circuit_breaker import CHANNEL
from liveperson_connector.domain.errors import ChannelUnavailable
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.telemetry import outcomes
from liveperson_connector.telemetry.outcomes import Outcome
from simulator.http_server import HttpServer
from tests.support import chromium
from tests.support.accounts import ACCOUNT, SALT
from tests.support.logs import captured
from tests.support.messages import PHONE, queued_event, text_event
from tests.support.moto_stack import STACK, MotoStack, moto_stack

CONVERSATION = "a6e5f2f0-conversation"
NOW = time.time()


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    """Make a stack with one account."""
    with moto_stack() as stack:
        stack.write_parameter("credentials", {"client_id": "a", "client_secret": "b"})
        yield stack


@pytest.fixture(name="console")
def _console(stack: MotoStack) -> Iterator[str]:
    """Serve the page of the stack; return its address."""
    with HttpServer(Recorder(Stack.find(STACK, None)).answer) as server:
        yield server.url


@pytest.fixture(name="_history")
def _history_in_the_logs(stack: MotoStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Let a message arrive, an answer fail, and another consumer write."""
    ids: dict[str, Any] = {"account_id": ACCOUNT, "consumer": consumer_key(SALT, ACCOUNT, PHONE)}
    unavailable = ChannelUnavailable("the channel answered 503", http_status=503)
    with captured(capsys) as output:
        with outcomes.context("message_intake", "trace-1"):
            outcomes.log(Outcome.ACCEPTED, **ids, event_id="m-1")
        with outcomes.context("outbound_messaging", "trace-1"):
            outcomes.log(Outcome.SENT, **ids, event_id="m-1", conversation_id=CONVERSATION)
        with outcomes.context("webhook_intake", "trace-2"):
            outcomes.log(Outcome.ACCEPTED_CURRENT_SECRET, account_id=ACCOUNT, changes=1)
        with outcomes.context("channel_delivery", "trace-2"):
            for _ in range(3):
                outcomes.failure(unavailable, **ids, conversation_id=CONVERSATION, sequence=2)
            outcomes.log(Outcome.DEAD_LETTERED, reason=unavailable.reason, **ids, sequence=2)
        with outcomes.context("message_intake", "trace-3"):
            outcomes.log(Outcome.ACCEPTED, account_id=ACCOUNT, consumer="another", event_id="m-9")
        stack.log(output.text)


def find(console: str, wanted: str, **more: str) -> requests.Response:
    """Search as the page does."""
    headers = {WANTED: quote(wanted), **more}
    return requests.get(f"{console}/find?minutes=60", headers=headers, timeout=30)


@pytest.mark.parametrize("wanted", [PHONE, CONVERSATION])
@pytest.mark.usefixtures("_history")
def test_a_persons_messages_are_found_with_every_hop(console: str, wanted: str) -> None:
    """By the channel's own id or LivePerson's, and those of no other person."""
    hops = find(console, wanted).json()["hops"]

    assert {"trace-1", "trace-2"} == {each["trace"] for each in hops}
    assert [Outcome.ACCEPTED, Outcome.SENT] == [each["outcome"] for each in hops[:2]]
    assert PHONE not in json.dumps(hops)


@pytest.mark.usefixtures("_history")
def test_what_fails_is_told_with_its_beginning(console: str, stack: MotoStack) -> None:
    """An open circuit, dead letters, and alike failures as one."""
    state = DeliveryState(stack.client("dynamodb"), stack.table)
    circuit = None
    for number in range(6):
        circuit = state.note_failure(ACCOUNT, CHANNEL, circuit, NOW + number, f"group-{number}")
    stack.send("ConsumerEventsDeadLetters", queued_event(text_event("m-1")), "g")

    told = requests.get(f"{console}/now", timeout=30).json()

    problems = {each["problem"]: each for each in told["problems"]}
    assert NOW == pytest.approx(
        problems[f"channel is down for account {ACCOUNT}; messages wait"]["since"]
    )
    assert "dead letters: 1 of the consumer-events were given up" in problems
    (repeated,) = [each for each in told["failures"] if each["count"] == 3]
    assert ("channel_delivery", "the channel answered 503") == (
        repeated["function"],
        repeated["problem"],
    )
    assert {"name": "consumer-events-dlq", "value": "1", "is": "bad"} in told["values"]
    queue = stack.queues["ConsumerEventsDeadLetters"]  # a redrive meanwhile finds it: none is lent
    assert stack.client("sqs").receive_message(QueueUrl=queue)["Messages"]


def test_nothing_can_be_done_and_no_other_page_may_ask(console: str) -> None:
    """The page reads, and answers GET alone; a page from elsewhere is refused."""
    for path in ("/", "/find?minutes=60", "/now", "/acts/weather"):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
            answer = requests.request(method, console + path, json={}, timeout=30)
            assert (405, "GET") == (answer.status_code, answer.headers["allow"])
    for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}):
        assert 403 == find(console, PHONE, **headers).status_code


def test_a_taken_port_is_said(stack: MotoStack, console: str) -> None:
    """With what to do about it."""
    said = stack.connector("console", "--port", console.rpartition(":")[2])

    assert (1, True) == (said.exit_code, "is taken" in said.stderr)


def test_what_is_wrong_is_said_with_its_fix(stack: MotoStack, console: str) -> None:
    """A stack that was deleted, a search for nothing, a time that is none."""
    stack.client("cloudformation").delete_stack(StackName=STACK)
    gone = find(console, PHONE)
    empty = find(console, " ")
    untimed = requests.get(f"{console}/find", headers={WANTED: "x"}, timeout=30)

    for answer in (gone, empty, untimed):
        assert 502 == answer.status_code
        assert answer.json()["error"]
        assert answer.json()["fix"]


@pytest.fixture(name="page")
def _page(console: str) -> Iterator[Page]:
    """Open the page in a browser; whatever the browser complains of fails the test."""
    if reason := chromium.why_not():
        pytest.skip(reason)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=list(chromium.FLAGS)
        )
        page = browser.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(console)
        page.wait_for_selector("#ready", state="attached")
        yield page
        browser.close()
    assert [] == complaints


@pytest.mark.usefixtures("_history")
def test_support_staff_read_what_became_of_a_message(page: Page) -> None:
    """With the keyboard alone, in sentences; and nothing of a sandbox is there."""
    expect(page.locator("#failing")).to_contain_text("3 times since")
    page.keyboard.type(PHONE)
    page.keyboard.press("Enter")

    expect(page.locator("#hops")).to_contain_text("From the consumer: arrived at LivePerson")
    expect(page.locator("#hops")).to_contain_text("From LivePerson: was given up")
    expect(page.locator("#found")).to_contain_text("2 messages, ")
    page.locator("#hops button", has_text="dead_lettered").press("Enter")
    expect(page.locator("#detail")).to_contain_text("channel_unavailable")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (1500, 400):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page)
            assert 0 == found.violations_count, found.generate_report()
    assert 0 == page.locator("#phone, #desk, #weather").count()


def test_nothing_found_is_said_in_plain_words(page: Page) -> None:
    """And so is that nothing fails, save what the account lacks."""
    expect(page.locator("#failing")).to_contain_text("there is no AppJWT")
    page.fill("#wanted", "unheard")
    page.press("#wanted", "Enter")

    expect(page.locator("#found")).to_contain_text("do not mention it")
