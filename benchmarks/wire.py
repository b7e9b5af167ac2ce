"""
A wire that costs next to nothing: a process of its own that plays the AWS services.

It answers every call at once with what its sender needs in order to go on, and counts calls and
connections. Its processor time is its own, so what a contender is charged with is its own side of
the wire alone. All contenders talk to the same one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.accounts import CLIENT_ID, CLIENT_SECRET

CREDENTIALS = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
COUNTS = "/counts"


@dataclass(frozen=True)
class Wire:
    """A wire that runs: boto3's ``endpoint_url``."""

    url: str

    def counts(self) -> dict[str, int]:
        """Return how often each operation was called, and ``connections``, since it began."""
        with urllib.request.urlopen(self.url + COUNTS) as answer:
            found: dict[str, int] = json.load(answer)
            return found


@contextmanager
def wire(module: str = "benchmarks.wire", *arguments: str) -> Iterator[Wire]:
    """Run a wire while the block lasts: this one, or a module that builds on it."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield Wire(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.terminate()
        process.wait()


# ── In the process of its own ──


@dataclass
class Server:
    """Answers what arrives."""

    port: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    async def serve(self) -> None:
        """Say on which port it listens, and answer until the process ends."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        print(self.port, flush=True)
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_counted = False
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(_header(each) for each in head[1:] if each)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if COUNTS in head[0]:
                    answer = json.dumps(self.counts).encode()
                else:
                    self.counts["connections"] += not is_counted
                    is_counted = True
                    answer = self.answer(head[0].split()[1], headers, body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                    b"x-amzn-RequestId: 1\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, _path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Return the body of the answer to a request, and count it."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        self.counts[operation] += 1
        return json.dumps(_ANSWERS.get(operation, _nothing)(json.loads(body))).encode()


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name.lower(), value


def _nothing(_: Any) -> dict[str, Any]:
    return {}


def _sent_in_a_batch(request: Any) -> dict[str, Any]:
    sent = [{"Id": each["Id"], "MessageId": "1"} for each in request["Entries"]]
    return {"Successful": sent, "Failed": []}


def _parameter(request: Any) -> dict[str, Any]:
    return {"Parameter": {"Name": request["Name"], "Type": "SecureString", "Value": CREDENTIALS}}


def _empty(_: Any) -> dict[str, Any]:
    waiting, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    return {"Attributes": {waiting: "0", in_flight: "0"}}


def _parameters(request: Any) -> dict[str, Any]:
    """Answer for the intake: the account's channel, and the copy of it that names no keys."""
    state = {"Type": "String", "Value": '{"copy_of": "1@0.000"}', "Version": 1}
    return {
        "Parameters": [{"Name": name, **state, "LastModifiedDate": 0} for name in request["Names"]]
    }


_ANSWERS = {
    "GetQueueAttributes": _empty,
    "SendMessage": lambda _: {"MessageId": "1"},
    "SendMessageBatch": _sent_in_a_batch,
    "GetParameter": _parameter,
    "GetParameters": _parameters,
}

if __name__ == "__main__":
    asyncio.run(Server().serve())
