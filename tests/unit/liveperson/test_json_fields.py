"""Fields of the documented type, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.liveperson.json_fields import (
    ANYTHING,
    ARRAY,
    IDENTIFIER,
    MOMENT,
    NUMBER,
    STRING,
    moment,
    numbers,
    read_json,
    typed,
)

OF_TYPE: dict[str, list[Any]] = {
    "string": ["", "x"],
    "number": [0, 1, 2**63 - 1],
    "object": [{}, {"a": 1}],
    "array": [[], [1]],
    "neither": [None, True, False, 1.0, 0.5, -1, 2**63, 10**40],
}


@pytest.mark.parametrize(
    ("types", "allowed"),
    [
        (STRING, {"string"}),
        (NUMBER, {"number"}),
        (ARRAY, {"array"}),
        (IDENTIFIER, {"string", "number"}),
    ],
)
def test_field_of_another_type_is_as_if_it_were_absent(
    types: frozenset[type], allowed: set[str]
) -> None:
    """Each type against values of all; true is no number, nor is what has more than 64 bits."""
    for name, values in OF_TYPE.items():
        for value in values:
            expected = {"a": value} if name in allowed else {}
            assert expected == typed({"a": value, "b": value}, {"a": types}), value


@pytest.mark.parametrize("value", ["", "x", 7, 1.5, True, False, [], {}])
def test_anything_is_taken_but_null(value: object) -> None:
    """What decides who may read a message is looked at whatever its type is."""
    assert {"a": value} == typed({"a": value, "b": None}, {"a": ANYTHING, "b": ANYTHING})


@pytest.mark.parametrize("value", [None, "x", 7, True, [], [{"a": "x"}]])
def test_only_an_object_has_fields(value: object) -> None:
    """Whatever else stands in its place has none, so that nobody need ask whether it is there."""
    assert {} == typed(value, {"a": STRING})
    assert {"inner": {}} == typed({"inner": value}, {"inner": {"a": STRING}})
    assert {"inner": {}} == typed(value, {"inner": {"a": STRING}})


def test_objects_are_read_within_objects_and_arrays() -> None:
    """What stands between them and is none is left out."""
    array = [{"a": "x", "b": 1}, "x", None, {"a": 1}]

    assert {"inner": {"a": "x"}} == typed({"inner": array[0]}, {"inner": {"a": STRING}})
    assert {"all": [{"a": "x"}, {}]} == typed({"all": array}, {"all": [{"a": STRING}]})
    nothing: list[object] = [None, {}, "x"]
    for value in nothing:
        assert {"all": []} == typed({"all": value}, {"all": [{"a": STRING}]})


def test_numbers_of_an_array_are_read() -> None:
    """What is none is left out."""
    assert (3, 0) == numbers(["x", 3, True, -1, 1.0, {"a": 1}, 2**63, 0, None])


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1_700_000_000_500, datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)),
        (1, datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),
        (0, None),
        (2**62, None),
    ],
)
def test_time_stamp_is_read_as_a_moment(milliseconds: int, expected: datetime | None) -> None:
    """0 is no time that anything was said at, nor is one that no calendar has."""
    assert expected == moment(milliseconds)
    assert expected == typed({"at": milliseconds}, {"at": MOMENT})["at"]
    assert {} == typed({"at": str(milliseconds)}, {"at": MOMENT})


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "1e999"])
def test_what_is_no_json_by_its_standard_is_refused(text: str) -> None:
    """Python alone would take it, and write it on."""
    with pytest.raises(ValueError, match="not finite"):
        read_json(text)


@given(st.integers(0, 2**63 - 1))
def test_no_time_stamp_is_so_odd_that_reading_fails(milliseconds: int) -> None:
    """One outside of the calendar is none."""
    found = moment(milliseconds)

    assert found is None or found.tzinfo is UTC
