"""Log lines and metrics have the forms that people and CloudWatch read."""

from __future__ import annotations

import re

import pytest

from liveperson_connector.telemetry import logs
from tests.support.logs import Output


def test_a_line_says_when_and_whose_it_is(output: Output) -> None:
    """Level, message, time and stack stand on each, beside its own fields."""
    logs.info("sent", sequence=0)

    (line,) = output.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\+0000", line.pop("timestamp"))
    assert {
        "level": "INFO",
        "message": "sent",
        "service": "liveperson-connector",
        "sequence": 0,
    } == line


@pytest.mark.parametrize("level", ["INFO", "WARNING", "ERROR"])
def test_a_line_tells_how_bad_it_is(output: Output, level: str) -> None:
    """By the words that log viewers know."""
    getattr(logs, level.lower())("sent")

    assert level == output.lines[0]["level"]


def test_a_line_is_found_in_xray(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the trace that Lambda has just been given."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    logs.info("sent")

    assert "1-5759e988-bd862e3fe1be46a994272793" == output.lines[0]["xray_trace_id"]


def test_half_a_character_breaks_no_line(output: Output) -> None:
    """A partner may send one in an id, and UTF-8 has no bytes for it."""
    logs.info("sent", event_id="\ud83d")

    assert "\ud83d" == output.lines[0]["event_id"]


def test_what_json_does_not_know_is_written_as_text(output: Output) -> None:
    """A line is never lost for the kind of a field."""
    logs.info("sent", error=ValueError("no"))

    assert "no" == output.lines[0]["error"]


def test_metrics_are_written_as_cloudwatch_reads_them(output: Output) -> None:
    """One object describes them; names, units, dimensions and values stand where it says."""
    measured = [("sent", logs.COUNT, 1), ("took", logs.MILLISECONDS, 2.5)]
    logs.metrics({"function": "tests"}, measured)

    (written,) = output.metrics
    (described,) = written["_aws"]["CloudWatchMetrics"]
    assert isinstance(written["_aws"]["Timestamp"], int)
    assert {
        "Namespace": "LivePersonConnector",
        "Dimensions": [["function", "service"]],
        "Metrics": [
            {"Name": "sent", "Unit": "Count"},
            {"Name": "took", "Unit": "Milliseconds"},
        ],
    } == described
    assert ("tests", "liveperson-connector", [1], [2.5]) == (
        written["function"],
        written["service"],
        written["sent"],
        written["took"],
    )


def test_a_metric_of_several_values_is_described_once(output: Output) -> None:
    """Its values stand in one list."""
    logs.metrics({}, [("sent", logs.COUNT, 1), ("sent", logs.COUNT, 2)])

    (written,) = output.metrics
    assert [1, 2] == written["sent"]
    assert 1 == len(written["_aws"]["CloudWatchMetrics"][0]["Metrics"])


def test_a_line_has_no_more_metrics_than_cloudwatch_takes(output: Output) -> None:
    """Beyond a hundred there is another line."""
    logs.metrics({}, [("moved", logs.COUNT, number) for number in range(250)])

    assert [100, 100, 50] == [len(each["moved"]) for each in output.metrics]
    assert list(range(250)) == [value for each in output.metrics for value in each["moved"]]
