"""The tree of errors: drawn, told apart, and known to the redrive."""

from __future__ import annotations

import re

import pytest

from liveperson_connector.domain import errors
from liveperson_connector.domain.errors import (
    ConnectorError,
    Permanent,
    Refused,
    Transient,
)
from liveperson_connector.flows import dead_letter_redrive
from liveperson_connector.liveperson import send_api

_ = send_api  # it defines an error of its own, which counts only once it is imported


def descendants(kind: type[ConnectorError]) -> set[type[ConnectorError]]:
    """Give every class below ``kind``."""
    return {each for child in kind.__subclasses__() for each in {child, *descendants(child)}}


def drawn() -> list[tuple[int, str, str]]:
    """Read depth, name and remark of every line of the drawn tree."""
    lines = re.findall(r"^    ([│├└─ ]*)([A-Z]\w+)(.*)$", errors.__doc__ or "", re.MULTILINE)
    return [(len(lead) // 4, name, remark) for lead, name, remark in lines]


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    """Whoever reads the picture at the top knows every error and what it is a kind of."""
    path: list[str] = []
    shown = set()
    for depth, name, _ in drawn():
        path = [*path[:depth], name]
        shown.add((name, path[-2] if depth else "Exception"))
    family: set[type[ConnectorError]] = {ConnectorError, *descendants(ConnectorError)}
    there = {
        (kind.__name__, kind.__bases__[0].__name__)
        for kind in family
        if kind.__module__ == errors.__name__
    }

    assert there == shown


def test_the_drawn_statuses_are_those_answered() -> None:
    """The number beside a refusal is the status its caller gets."""
    said = {name: int(number) for _, name, r in drawn() for number in re.findall(r"^ +(\d{3}) ", r)}

    assert {kind.__name__: kind.status for kind in Refused.__subclasses__()} == said


def test_every_reason_is_a_word_of_its_own() -> None:
    """A dead letter's reason names one kind of error."""
    reasons = [kind.reason for kind in descendants(ConnectorError) if "reason" in vars(kind)]

    assert sorted(set(reasons)) == sorted(reasons)
    assert all(re.fullmatch(r"[a-z_]+", each) for each in reasons)


def test_every_error_that_can_be_raised_has_a_reason() -> None:
    """No letter dies of "error"."""
    nameless = [
        kind.__name__
        for kind in descendants(ConnectorError)
        if kind.reason == "error" and kind not in {Refused, Transient, Permanent}
    ]

    assert [] == nameless


def test_transient_reasons_are_those_of_every_transient_error() -> None:
    """However deep in the tree it stands, what was transient for the worker comes back."""
    expected = {kind.reason for kind in descendants(Transient)}

    assert expected == errors.transient_reasons()
    assert expected <= dead_letter_redrive._TRANSIENT


def test_permanent_and_transient_reasons_do_not_meet() -> None:
    """A letter that only a person can judge never comes back by itself."""
    assert set() == errors.transient_reasons() & {kind.reason for kind in descendants(Permanent)}


def test_a_transient_error_carries_what_the_partner_said() -> None:
    """Wait, doubt, status and code are there for the worker and the dead letter."""
    error = errors.LivePersonUnavailable(
        "no", retry_after=3, maybe_done=True, http_status=503, error_code="x"
    )

    assert (3, True, 503, "x") == (
        error.retry_after,
        error.maybe_done,
        error.http_status,
        error.error_code,
    )


@pytest.mark.parametrize("kind", Transient.__subclasses__())
def test_a_transient_error_is_sure_and_patient_unless_told(kind: type[Transient]) -> None:
    """Nothing is in doubt, and nobody named a wait, unless the error says so."""
    error = kind("no")

    assert (None, False) == (error.retry_after, error.maybe_done)


def test_problems_are_told_together() -> None:
    """An invalid event's message lists every problem with its place."""
    problems = [errors.Problem("id", "is missing"), errors.Problem("text", "is empty")]

    assert "id: is missing; text: is empty" == str(errors.InvalidEvent(problems))


@pytest.mark.parametrize(
    "error",
    [
        errors.LivePersonRefused("no", http_status=400, error_code="BAD"),
        errors.ConsumerJwsRejected("no", http_status=401, error_code="40103"),
        errors.NoConversation("none"),
        errors.FileRefused("too large"),
        errors.UnreadableMessage("no JSON"),
    ],
)
def test_a_permanent_error_is_made_again_of_what_was_kept(error: Permanent) -> None:
    """As what it was, with its words, status and code."""
    again = errors.permanent_error(error.reason, str(error), error.http_status, error.error_code)

    assert (type(error), vars(error), str(error)) == (type(again), vars(again), str(again))
