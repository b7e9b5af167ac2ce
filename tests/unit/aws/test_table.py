"""The table, where DynamoDB answers as the emulator never does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.aws.clients import retrying
from liveperson_connector.aws.table import Put, Table
from tests.support.servers import Answer, Request, json_answer, serving

FAR = {"N": "99999999999"}


def item(pk: str) -> dict[str, Any]:
    """Give an item as DynamoDB writes it."""
    return {"pk": {"S": pk}, "expires_at": FAR}


def test_what_a_throttled_batch_left_out_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again, alone; what was answered as absent is not asked for twice."""
    asked: list[str] = []

    def dynamodb(request: Request) -> Answer:
        body = request.json()
        if request.headers["x-amz-target"].endswith("BatchGetItem"):
            left_out = {"table": {"Keys": [{"pk": {"S": "late"}}]}}
            return json_answer(
                {"Responses": {"table": [item("there")]}, "UnprocessedKeys": left_out}
            )
        asked.append(body["Key"]["pk"]["S"])
        return json_answer({"Item": item("late")})

    with serving(dynamodb) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        found = Table(retrying("dynamodb"), "table").get(["there", "late", "absent"])

    assert {"there", "late"} == found.keys()
    assert ["late"] == asked


# ── Values ──

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.integers(-(10**37), 10**37),
    st.decimals(-(10**10), 10**10, places=3),
    st.sets(st.text(), min_size=1),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda within: st.lists(within, max_size=3) | st.dictionaries(st.text(), within, max_size=3),
    max_leaves=8,
)


class _Recorder:
    """A client that keeps what it is given, and answers with it."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.item = request["Item"]
        return {}

    update_item = delete_item = put_item

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        return {"Responses": {"table": [self.item]}}


def _by_boto3(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(each) for name, each in item.items()}


@given(_VALUES)
def test_values_are_written_and_read_as_boto3_does(value: object) -> None:
    """Every type that the connector stores, in maps and lists too."""
    client = _Recorder()
    table = Table(client, "table")  # type: ignore[arg-type]
    table.write(Put({"pk": "a", "value": value}))

    written = TypeSerializer().serialize(value)
    assert _sorted(written) == _sorted(client.item["value"])
    assert {"a": _by_boto3(client.item)} == table.get(["a"])


def _sorted(typed: Any) -> Any:
    """Give a value in which the order of sets plays no part."""
    if isinstance(typed, dict):
        return {
            name: sorted(each) if name == "SS" and isinstance(each, list) else _sorted(each)
            for name, each in typed.items()
        }
    return [_sorted(each) for each in typed] if isinstance(typed, list) else typed


@pytest.mark.parametrize("value", [1.5, b"bytes", set(), {1}, {"a", 1}, object()])
def test_what_the_table_does_not_take_is_a_bug(value: object) -> None:
    """A float would lose digits without a word."""
    with pytest.raises(TypeError):
        Table(_Recorder(), "table").write(Put({"pk": "a", "value": value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", [{"B": b"bytes"}, {"NS": ["1"]}])
def test_what_the_connector_never_wrote_is_not_read(typed: dict[str, Any]) -> None:
    """It is a bug, too, or another program's item."""
    client = _Recorder()
    client.item = {"pk": {"S": "a"}, "value": typed}

    with pytest.raises(TypeError):
        Table(client, "table").get(["a"])  # type: ignore[arg-type]


def test_numbers_are_read_as_they_were_written() -> None:
    """Also those that a float cannot hold."""
    client = _Recorder()
    client.item = {"pk": {"S": "a"}, "value": {"N": "1795843426783.125"}}

    found = Table(client, "table").get(["a"])  # type: ignore[arg-type]

    assert Decimal("1795843426783.125") == found["a"]["value"]
