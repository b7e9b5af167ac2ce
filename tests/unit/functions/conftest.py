"""The intakes as they are deployed, with an AWS over HTTP that answers as a test says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from liveperson_connector.entrypoints.container import container
from tests.support.accounts import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, parameters_with_copy
from tests.support.containers import begin_anew
from tests.support.servers import Answer, HttpServer, Request, json_answer, serving
from tools.template import functions

APP_SECRET = "0123456789abcdef" * 2
PHONE = {
    "kind": "whatsapp",
    "phone_number_id": "1234567890",
    "business_account_id": "1234567890",
    "token": "a-token-that-was-never-one",
    "app_secret": APP_SECRET,
    "verify_token": "a-verify-token-of-tests",
}
VALUES = {
    "credentials": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    "channel": {"callback_url": "https://a.example", "signing_secret": SIGNING_SECRET},
    "channels/phone": PHONE,
}
_A_PAGE = 10


class Aws:
    """Parameter Store, in which every account exists unless some are named, and SQS."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.accounts: list[str] | None = None
        self.sqs: Callable[[Request], Answer | None] = self.take
        self.queued: list[str] = []
        self.calls: list[str] = []

    @property
    def asked(self) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(self.calls)

    @property
    def reads(self) -> int:
        """How often parameters were read by their names."""
        return self.asked["GetParameter"] + self.asked["GetParameters"]

    def answer(self, request: Request) -> Answer | None:
        """Answer a call."""
        self.calls.append(request.headers.get("x-amz-target", "").rpartition(".")[2])
        if self.calls[-1] == "GetParameter":
            return self._parameter(request.json()["Name"])
        if self.calls[-1] == "GetParameters":
            return self._parameters(request.json()["Names"])
        if self.calls[-1] == "GetParametersByPath":
            return self._page(int(request.json().get("NextToken", 0)))
        return self.sqs(request)

    def take(self, request: Request) -> Answer:
        """Queue a message."""
        self.queued.append(request.json()["MessageBody"])
        return json_answer({"MessageId": "m", "MD5OfMessageBody": ""})

    def _parameter(self, name: str) -> Answer:
        _, _, account_id, kind = name.strip("/").split("/", 3)
        if self.accounts is not None and account_id not in self.accounts:
            return json_answer({"__type": "ParameterNotFound"}, 400)
        return json_answer({"Parameter": {"Name": name, "Value": json.dumps(VALUES[kind])}})

    def _parameters(self, names: list[str]) -> Answer:
        exists = self.accounts is None or names[0].split("/")[3] in self.accounts
        written = dict.fromkeys(names if exists else (), "encrypted")
        return json_answer(parameters_with_copy(names, written))

    def _page(self, start: int) -> Answer:
        names = [
            {"Name": f"/connector/accounts/{each}/{kind}", "Value": "encrypted"}
            for each in self.accounts or ()
            for kind in ("app-jwt", *VALUES)
        ]
        more = {"NextToken": str(start + _A_PAGE)} if start + _A_PAGE < len(names) else {}
        return json_answer({"Parameters": names[start : start + _A_PAGE], **more})


@pytest.fixture(name="aws")
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with serving(Answer()) as server:
        aws = Aws(server)
        server.behaviour = aws.answer
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        for function in functions().values():
            for name in function["Environment"]["Variables"]:
                monkeypatch.setenv(name, f"{server.url}/000000000000/queue.fifo")
        monkeypatch.setenv("PARAMETER_PREFIX", "/connector")
        begin_anew()
        for each in ("webhook_intake", "message_intake", "provider_intake"):
            getattr(container(), each)  # as Lambda does, before the time of an answer begins
        yield aws
        begin_anew()
