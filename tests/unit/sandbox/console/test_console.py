"""The console's server without a sandbox: what it serves, and whom it refuses."""

from __future__ import annotations

import re

import pytest

from console.pages import PAGE, answer_file
from liveperson_connector.telemetry.outcomes import Outcome
from sandbox.console.gallery import GALLERY
from sandbox.console.skins import PLAIN, looks, names
from sandbox.console.watchers import hop


@pytest.mark.parametrize("name", sorted(each.name for each in PAGE.iterdir()))
def test_every_file_of_the_page_is_served_with_its_type(name: str) -> None:
    """And may load nothing from elsewhere."""
    answer = answer_file(f"/{name}")

    assert 200 == answer.status
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert b"http://" not in answer.payload().replace(b"http://127.0.0.1", b"")
    assert b"https://" not in answer.payload()


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/page/index.html", "/x"])
def test_nothing_else_is_served(path: str) -> None:
    """A path is looked up, never opened."""
    assert 404 == answer_file(path).status


@pytest.mark.parametrize("card", sorted(GALLERY))
def test_every_card_has_a_look_on_every_channel(card: str) -> None:
    """As the connector itself would send it."""
    callback = {
        "type": "message",
        "content": {"type": "rich", "content": GALLERY[card], "fallback_text": "plain"},
    }

    shown = looks(callback)

    assert {each["id"] for each in names()} - {PLAIN} == set(shown)
    assert all(any(piece["text"] for piece in pieces) for pieces in shown.values())


def test_every_outcome_that_the_page_colours_or_explains_exists() -> None:
    """A word that no function logs would never be seen."""
    source = (PAGE / "way.js").read_text()
    sets = re.findall(r"new Set\(\[(.*?)\]\)", source, re.DOTALL)
    coloured = set(re.findall(r'"([a-z_]+)"', " ".join(sets)))
    _, _, sentences = (PAGE / "verdict.js").read_text().partition("const BECAME")
    explained = set(re.findall(r"^  ([a-z_]+): \"", sentences, re.MULTILINE))

    assert 20 < len(coloured)
    assert 20 < len(explained)
    assert coloured | explained <= {str(each) for each in Outcome}


def test_what_is_no_outcome_is_no_hop() -> None:
    """Lambda's own lines and metrics are left out."""
    assert hop({"timestamp": 1, "message": "REPORT RequestId: 1"}) is None
    assert hop({"timestamp": 1, "message": '{"_aws": {}, "function": "x"}'}) is None
