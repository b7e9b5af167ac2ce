"""AWS clients, as they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liveperson_connector.aws.clients import hurried, patient
from tests.support.servers import json_answer, serving


@pytest.mark.parametrize("client", [hurried, patient])
def test_a_client_names_the_connector(
    client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's own logs tell who called; and a short name costs less than botocore's own."""
    with serving(json_answer({"MessageId": "1"})) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        client("sqs").send_message(QueueUrl=f"{aws.url}/queue", MessageBody="Hello")

    (request,) = aws.requests
    name, *_ = request.headers["user-agent"].split()  # Powertools adds its own to all
    assert "liveperson-connector" == name
