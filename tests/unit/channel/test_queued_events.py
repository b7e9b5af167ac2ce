"""What travels through the queue to the worker: what is read back is what was written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from liveperson_connector.channel.queued_events import (
    MAX_QUEUED_BYTES,
    TYPES,
    ConsumerEvent,
    automatic_receipt,
    read_queued,
    to_queue,
)
from liveperson_connector.domain.errors import TooLarge, UnreadableMessage

CONSUMER = "+4915112345678"


def event(kind: str, **fields: Any) -> ConsumerEvent:
    """Give an event as an intake has it."""
    return ConsumerEvent("12345678", CONSUMER, {"id": "m-1", "type": kind, **fields})


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_event_survives_the_queue(kind: str) -> None:
    """What was accepted, and when, comes out of the queue as it went in."""
    taken = event(kind)

    back = read_queued(to_queue(taken, accepted_at=1_700_000_000.25))

    assert ConsumerEvent("12345678", CONSUMER, taken.raw, 1_700_000_000.25) == back


def test_event_of_an_older_version_is_read() -> None:
    """What was queued without a time is read too: a deployment loses nothing."""
    body = json.dumps({"account_id": "1", "consumer_id": "c", "event": event("text").raw})

    assert 0.0 == read_queued(body).accepted_at


def test_event_queued_again_keeps_its_time() -> None:
    """An event that is queued again stays as old as it is."""
    once = read_queued(to_queue(event("text"), accepted_at=12.5))

    assert 12.5 == read_queued(to_queue(once)).accepted_at


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"account_id": "1", "consumer_id": "c"}',
        '{"account_id": "1", "consumer_id": "c", "event": []}',
        '{"account_id": "1", "consumer_id": "c", "event": {"id": "a"}}',
        '{"account_id": "1", "consumer_id": "c", "event": {"id": "", "type": "text"}}',
        '{"account_id": "1", "consumer_id": "c", "event": {"id": "a", "type": "dance"}}',
        '{"account_id": "1", "consumer_id": "c", "event": {"id": "a", "type": "text"},'
        ' "accepted_at": "noon"}',
    ],
)
def test_message_of_another_form_is_unreadable(body: str) -> None:
    """A queued message that nobody can act on goes to the dead letters."""
    with pytest.raises(UnreadableMessage):
        read_queued(body)


def test_largest_inline_file_fits() -> None:
    """The largest file that the contract lets in inline is small enough for the queue."""
    taken = event("file", content_base64="A" * 700_000, caption="😀" * 1000)

    assert len(to_queue(taken)) <= MAX_QUEUED_BYTES


def test_longest_text_fits() -> None:
    """The longest text fits the queue even where each character takes twelve bytes there."""
    assert len(to_queue(event("text", text="😀" * 40_000))) <= MAX_QUEUED_BYTES


def test_event_that_grows_too_large_is_refused() -> None:
    """Unknown fields can be large: then the answer is 413, and never a failing queue."""
    taken = event("text", unknown="ä" * 200_000)

    with pytest.raises(TooLarge):
        to_queue(taken)


def test_reading_loads_no_validator() -> None:
    """Reading the queue costs a worker's cold start nothing of the contract."""
    code = (
        "import sys; from liveperson_connector.channel.queued_events import read_queued;"
        'read_queued(\'{"account_id": "1", "consumer_id": "c",'
        ' "event": {"id": "a", "type": "close"}}\');'
        "sys.exit('fastjsonschema' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd="layers/connector", capture_output=True, check=False
    )

    assert (0, b"") == (done.returncode, done.stderr)


def test_automatic_receipt_has_one_id_for_each_message_and_status() -> None:
    """Fixed vector: made again for a repeat, it is known as the same event."""
    made = [
        automatic_receipt("12345678", CONSUMER, dialog_id, sequence, 1.5, status=status)
        for dialog_id, sequence, status in [
            ("d-1", 1, "accepted"),
            ("d-1", 2, "accepted"),
            ("d-2", 1, "accepted"),
            ("d-1", 1, "failed"),
        ]
    ]

    assert "accepted:c8e4a086b056350bc7fe77566f8eb0e7" == made[0].id
    assert 4 == len({each.id for each in made})
    assert ("", True, 1.5) == (made[0].channel, made[0].is_automatic, made[0].accepted_at)


def test_log_lines_carry_ids_and_not_the_consumers_own() -> None:
    """The consumer's is a pseudonym."""
    event = ConsumerEvent("12345678", "+49151", {"id": "e-1", "type": "text", "text": "Hello"})

    assert {"account_id": "12345678", "consumer": "0123456789abcdef", "event_id": "e-1"} == (
        event.log_ids("0123456789abcdef")
    )
