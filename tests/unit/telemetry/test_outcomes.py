"""What an operator sees, and what nobody may see."""

from __future__ import annotations

import json

from liveperson_connector.domain.errors import (
    ChannelRefused,
    InvalidEvent,
    LivePersonRefused,
    Problem,
    UntrustedWebhook,
)
from liveperson_connector.telemetry import outcomes
from liveperson_connector.telemetry.outcomes import Outcome
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output


def test_an_outcome_is_said_and_counted(output: Output) -> None:
    """One line with its ids, one metric with its function."""
    with outcomes.context("tests"):
        outcomes.outcome(Outcome.SENT, account_id=ACCOUNT, sequence=0)

    (line,), (metric,) = output.lines, output.metrics
    assert ("sent", "tests", ACCOUNT, 0) == (
        line["message"],
        line["function"],
        line["account_id"],
        line["sequence"],
    )
    assert ("tests", [1.0]) == (metric["function"], metric["sent"])
    assert "LivePersonConnector" == metric["_aws"]["CloudWatchMetrics"][0]["Namespace"]


def test_a_metric_counts_what_it_is_told(output: Output) -> None:
    """Several things at once are several."""
    with outcomes.context("tests"):
        outcomes.outcome("moved", count=3)

    assert [3.0] == output.metrics[0]["moved"]


def test_what_is_not_known_is_left_out(output: Output) -> None:
    """No line says that something is none."""
    with outcomes.context("tests"):
        outcomes.outcome(Outcome.SENT, account_id=None)

    assert "account_id" not in output.lines[0]


def test_of_a_consumer_a_line_shows_the_beginning_of_the_key(output: Output) -> None:
    """It is the same in every line, whoever writes it."""
    outcomes.outcome(Outcome.SENT, consumer="0123456789abcdef" * 4)

    assert "0123456789ab" == output.lines[0]["consumer"]


def test_ids_are_no_dimensions(output: Output) -> None:
    """A metric for each consumer would cost more than the connector."""
    with outcomes.context("tests"):
        outcomes.outcome(Outcome.SENT, account_id=ACCOUNT, consumer="k")

    dimensions = output.metrics[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert {"function", "service"} >= {name for each in dimensions for name in each}


def test_a_failure_is_said_with_what_the_partner_answered(output: Output) -> None:
    """Reason, problem, status and code make a diagnosis."""
    error = LivePersonRefused("LivePerson answered 400: no", http_status=400, error_code="BAD")
    with outcomes.context("tests"):
        outcomes.failure(error, message_id="m")

    (line,) = output.lines
    assert ("WARNING", "liveperson_refused", "LivePerson answered 400: no", 400, "BAD", "m") == (
        line["level"],
        line["message"],
        line["problem"],
        line["http_status"],
        line["error_code"],
        line["message_id"],
    )


def test_a_refusal_is_counted(output: Output) -> None:
    """How many strangers knock is worth knowing."""
    with outcomes.context("tests"):
        outcomes.refusal(UntrustedWebhook("the signature does not match the body"))

    assert ["untrusted_webhook"] == output.messages
    assert [1.0] == output.metrics[0]["untrusted_webhook"]


def test_a_bug_is_said_with_its_place_and_without_its_words(output: Output) -> None:
    """Its own words might quote a message."""
    try:
        dict[str, str]()["secret words"]
    except KeyError as bug:
        with outcomes.context("tests"):
            outcomes.unexpected_error(bug, message_id="m")

    (line,) = output.lines
    assert ("ERROR", "unexpected", "KeyError") == (line["level"], line["message"], line["kind"])
    assert line["places"][0].startswith("test_outcomes.py:")
    assert "secret words" not in output.text


def test_a_bug_is_said_the_same_while_it_is_being_handled(output: Output) -> None:
    """No logger adds the exception that is in the air."""
    try:
        raise ValueError("secret words")
    except ValueError as bug:
        with outcomes.context("tests"):
            outcomes.unexpected_error(bug)
            outcomes.outcome(Outcome.SENT)
            outcomes.failure(ChannelRefused("the channel answered 410", http_status=410))

    assert "secret words" not in output.text
    assert "Traceback" not in output.text


def test_the_problems_of_an_event_do_not_quote_it(output: Output) -> None:
    """Where and what is wrong, not what was said."""
    with outcomes.context("tests"):
        outcomes.refusal(InvalidEvent([Problem("text", "is empty")]))

    assert "text: is empty" == output.lines[0]["problem"]


def test_every_line_is_json(output: Output) -> None:
    """Whatever an id contains, a line stays a line."""
    with outcomes.context("tests"):
        outcomes.outcome(Outcome.SENT, conversation_id='a"b\nc\u2028👋')

    assert 'a"b\nc\u2028👋' == output.lines[0]["conversation_id"]
    assert 2 == len(output.text.strip().split("\n"))
    assert all(json.loads(line) for line in output.text.strip().split("\n"))
