"""A contender that did not do its work is not measured."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config

from benchmarks.contenders.clients import CONFIG, LEAN
from benchmarks.webhook import FLOOR, PEERS, check
from liveperson_connector.aws import clients

BEFORE = {"SendMessage": 7, "GetParameter": 1}
POWERTOOLS = PEERS[0]


def test_a_contender_that_sent_everything_counts() -> None:
    """As many messages as events, and nothing else."""
    check(FLOOR, 3, {"200": 3}, BEFORE, {**BEFORE, "SendMessage": 10})


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        ({"200": 3}, {"SendMessage": 9}),
        ({"200": 3}, {"SendMessage": 11}),
        ({"200": 3}, {"SendMessage": 10, "PutItem": 3}),
        ({"200": 2, "401": 1}, {"SendMessage": 10}),
        ({"200": 2}, {"SendMessage": 10}),
    ],
)
def test_a_contender_that_did_less_or_something_else_fails(
    statuses: dict[str, int], asked: dict[str, int]
) -> None:
    """A message that is missing, one too many, another service, an event that was refused."""
    with pytest.raises(RuntimeError, match="bare floor: 3 events"):
        check(FLOOR, 3, statuses, BEFORE, {**BEFORE, **asked})


def test_idempotency_is_part_of_the_work() -> None:
    """Without its two writes it would be cheaper than it is."""
    with pytest.raises(RuntimeError, match="Powertools"):
        check(POWERTOOLS, 1, {"200": 1}, {}, {"SendMessage": 1, "PutItem": 1})


def test_all_contenders_wait_as_long_and_try_as_often() -> None:
    """The floor has our settings, and the lean floor has all of them."""
    ours = options(clients._HURRIED)

    assert options(CONFIG).items() <= ours.items()
    assert options(LEAN) == ours


def options(config: Config) -> dict[str, Any]:
    """Give what was asked for."""
    given: dict[str, Any] = vars(config)["_user_provided_options"]
    return given
