"""The table, where DynamoDB answers as the emulator never does."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_connector.aws.clients import retrying
from liveperson_connector.aws.table import Table
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
