"""
The documentation as a site, as a visitor's browser shows it.

`make docs` builds it. A broken link, or a page that no menu leads to, fails the build already.
Skipped where there is no site or no Chromium.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator

import pytest
import yaml
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.e2e.conftest import PROJECT
from tests.support import chromium
from tests.support.servers import Answer, Request, serving

SITE = PROJECT / "site"
MISSING = chromium.why_not() or ("" if SITE.exists() else "there is no site: make docs builds it")

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")


@pytest.fixture(name="asked_outside", scope="module")
def _asked_outside() -> list[str]:
    return []


@pytest.fixture(name="page", scope="module")
def _page(asked_outside: list[str]) -> Iterator[Page]:
    def abort(route: Route) -> None:
        asked_outside.append(route.request.url)
        route.abort()

    with serving(_file) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=list(chromium.FLAGS)
        )
        page = browser.new_context(base_url=server.url).new_page()
        page.route(lambda address: not address.startswith(server.url), abort)
        yield page
        browser.close()


def _file(request: Request) -> Answer:
    path = SITE / request.path.lstrip("/")
    if not path.is_file():
        return Answer(404)
    return Answer(200, path.read_bytes(), {"Content-Type": mimetypes.guess_type(path)[0] or "-"})


def test_a_search_leads_to_the_page(page: Page) -> None:
    """Who types "dead letters" finds the recipe."""
    page.goto("/index.html")
    page.get_by_placeholder("Search").press_sequentially("redrive dead letters")
    page.locator(".md-search-result [href*='recipes/redrive-dead-letters.html']").first.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Redrive dead letters")


def test_the_contract_can_be_browsed(page: Page) -> None:
    """Every operation of docs/openapi.yaml stands on the page, drawn by Swagger UI."""
    page.goto("/docs/api.html")
    frame = page.frame_locator("iframe.swagger-ui-iframe")
    contract = yaml.safe_load((PROJECT / "docs" / "openapi.yaml").read_text())

    for path in contract["paths"]:
        expect(frame.locator(".opblock-summary-path", has_text=path)).to_be_visible()


def test_nothing_but_the_drawing_of_diagrams_comes_from_elsewhere(
    page: Page, asked_outside: list[str]
) -> None:
    """No font, script or picture is asked of another host, except the theme's Mermaid."""
    for path in ("/index.html", "/docs/architecture.html", "/docs/api.html"):
        page.goto(path)
        page.wait_for_load_state("networkidle")

    assert {url.split("/")[3].split("@")[0] for url in asked_outside} <= {"mermaid"}
