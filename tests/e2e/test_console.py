"""
The console in a real browser: both sides are played, and the way of each message is seen.

Skipped where there is no Chromium.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright
from rich.console import Console as Terminal

from sandbox.console import Console
from sandbox.progress import Progress
from sandbox.system import Options, System, running
from tests.support import chromium

pytestmark = pytest.mark.skipif(bool(chromium.why_not()), reason=chromium.why_not() or "-")

MS = 90_000
"""How long anything may take on a busy machine."""


@pytest.fixture(name="console", scope="module")
def _console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    options = Options(port=0, state_dir=tmp_path_factory.mktemp("sandbox"), publish=False)
    console = Console()
    try:
        with running(options, Progress(Terminal(quiet=True))) as system:
            yield console.start(system)
            assert_no_words_in_the_logs(system)
            console.stop()
    finally:
        console.stop()


def assert_no_words_in_the_logs(system: System) -> None:
    """Nothing that was typed on the page stands in a log."""
    logs = system.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for page in pages:
            assert not any("ketchup" in event["message"] for event in page["events"])


@pytest.fixture(name="page")
def _page(console: Console) -> Iterator[Page]:
    """Open the page; whatever the browser complains of fails the test."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=list(chromium.FLAGS)
        )
        page = browser.new_page()
        page.set_default_timeout(MS)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(console.url)
        page.wait_for_selector("#ready", state="attached")
        yield page
        browser.close()
    assert [] == complaints


def talk(page: Page, words: str) -> None:
    """Write as a new consumer, and wait until the agent's desk shows the conversation."""
    page.click("#new-consumer")
    page.fill("#words", words)
    page.press("#words", "Enter")
    expect(page.locator("#transcript")).to_contain_text(words, timeout=MS)


def test_both_sides_are_played(page: Page) -> None:
    """Words reach the agent, a card reaches the consumer, a pressed button is the answer."""
    talk(page, "Where is my ketchup? 🍅")
    page.fill("#agent-words", "Let me see")
    page.press("#agent-words", "Enter")
    expect(page.locator("#screen")).to_contain_text("Let me see", timeout=MS)

    page.select_option("#gallery", "buttons")
    page.click("#send-card")
    page.locator("#screen button", has_text="The hat").click()

    expect(page.locator("#transcript li", has_text="The hat")).to_be_visible(timeout=MS)


def test_a_private_note_stays_with_agents(page: Page) -> None:
    """The desk has it, the phone does not, and the way says why."""
    talk(page, "Hello, ketchup")
    page.fill("#agent-words", "ketchup is out of stock")
    page.click("[data-agent=note]")

    expect(page.locator("#transcript")).to_contain_text("agents only", timeout=MS)
    expect(page.locator("#hops")).to_contain_text("withheld_not_for_consumers", timeout=MS)
    expect(page.locator("#screen")).not_to_contain_text("out of stock")


def test_each_hop_shows_what_went_over_the_wire(page: Page) -> None:
    """On a click, with the request's body and status."""
    talk(page, "ketchup by wire")
    page.locator("#hops button", has_text="outbound_messaging · sent").last.click()

    expect(page.locator("#detail")).to_contain_text("POST", timeout=MS)
    expect(page.locator("#detail")).to_contain_text("200")


def test_an_outage_is_seen_and_mended(page: Page) -> None:
    """LivePerson is away: the message waits, its breaker opens; back again: it arrives."""
    talk(page, "Before the ketchup")
    page.get_by_role("button", name="LivePerson away").click()
    page.fill("#words", "During the outage of ketchup")
    page.press("#words", "Enter")
    expect(page.locator("#hops")).to_contain_text("liveperson_unavailable", timeout=MS)

    page.get_by_role("button", name="LivePerson away").click()

    expect(page.locator("#transcript")).to_contain_text("During the outage", timeout=MS)


def test_a_card_looks_as_each_channel_shows_it(page: Page) -> None:
    """Telegram draws buttons; a text-only channel reads numbers."""
    talk(page, "ketchup card")
    page.select_option("#gallery", "buttons")
    page.click("#send-card")
    expect(page.locator("#screen button", has_text="The shoes")).to_be_visible(timeout=MS)

    page.select_option("#skin", "telegram")
    expect(page.locator("#screen button", has_text="The shoes")).to_be_visible()

    page.select_option("#skin", "twilio")
    expect(page.locator("#screen li", has_text="2. The shoes")).to_be_visible()


def test_what_cannot_be_done_is_said(page: Page) -> None:
    """With the words of the rule."""
    talk(page, "ketchup closed")
    page.click("[data-agent=close]")
    page.fill("#agent-words", "Too late")
    page.press("#agent-words", "Enter")

    expect(page.locator("#problem")).to_be_visible(timeout=MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Page, scheme: str) -> None:
    """Axe finds nothing, light and dark, wide and narrow."""
    talk(page, f"ketchup, {scheme}")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.locator("#hops button").first.click()
    for width in (1500, 400):
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert 0 == found.violations_count, found.generate_report()


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}],
    ids=["origin", "host"],
)
def test_a_page_from_elsewhere_is_refused(console: Console, headers: dict[str, str]) -> None:
    """It can neither act nor read."""
    acted = requests.post(f"{console.url}acts/weather", json={}, headers=headers, timeout=10)
    read = requests.get(f"{console.url}feed", headers=headers, timeout=10)

    assert {403} == {acted.status_code, read.status_code}
