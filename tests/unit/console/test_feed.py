"""The console's feed: every page gets everything, in order, and the newest state once."""

from __future__ import annotations

import threading

from console.feed import Feed


def test_a_page_opened_later_gets_what_happened_before() -> None:
    """In order."""
    feed = Feed()
    feed.add("hop", {"outcome": "accepted"})
    feed.add("hop", {"outcome": "sent"})

    batch = next(feed.batches())

    assert ["accepted", "sent"] == [entry["outcome"] for _, entry in batch]


def test_a_page_that_lost_its_connection_gets_what_it_missed() -> None:
    """And nothing twice."""
    feed = Feed()
    for outcome in ("accepted", "sent", "delivered"):
        feed.add("hop", {"outcome": outcome})

    batch = next(feed.batches(after=2))

    assert [(3, "delivered")] == [(number, entry["outcome"]) for number, entry in batch]


def test_state_is_told_when_it_changes_alone() -> None:
    """However often it is looked at; a page opened later gets the newest alone."""
    feed = Feed()
    for value in ("closed", "closed", "open"):
        feed.replace("state", "", {"breakers": value})

    assert ["open"] == [entry["breakers"] for _, entry in next(feed.batches())]
    assert 2 == next(feed.batches())[-1][0]


def test_a_waiting_page_is_told_at_once() -> None:
    """Not at its next sign of life."""
    feed = Feed()
    batches = feed.batches()
    told: list[str] = []
    page = threading.Thread(target=lambda: told.extend(e["outcome"] for _, e in next(batches)))
    page.start()

    feed.add("hop", {"outcome": "sent"})
    page.join(5)

    assert ["sent"] == told


def test_a_closed_feed_ends_its_pages() -> None:
    """The sandbox does not wait for a browser."""
    feed = Feed()
    batches = feed.batches()
    ended = threading.Thread(target=lambda: list(batches))
    ended.start()

    feed.close()
    ended.join(5)

    assert not ended.is_alive()
