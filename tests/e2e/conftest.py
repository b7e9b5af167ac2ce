"""One sandbox for all end-to-end tests, with a LivePerson and a channel that are the tests' own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.channel import ConnectorClient, DemoChannel
from sandbox.endpoints import Endpoints
from sandbox.providers import KINDS
from simulator import SimulatedLivePerson
from tests.support.brands import Brand, Talk

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0

# How much longer than on a quiet machine things may take on a busy one, before it is a failure.
BUSY = 3.0

ACCOUNT = "le55667788"
CLIENT_ID = "0d9f1c52-7d0a-4d5a-8a53-1f0f2f0e7a11"
CLIENT_SECRET = "an0thersecretfromthetests"
SIGNING_SECRET = "whsec_dGhlIHRlc3RzJyBvd24gc2lnbmluZyBrZXksIDMyIGI="


def run_sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m sandbox`` with these arguments to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@dataclass(frozen=True)
class World:
    """A deployed connector between a LivePerson and a channel."""

    endpoints: Endpoints
    liveperson: SimulatedLivePerson
    channel: DemoChannel
    account_id: str

    def client(self) -> ConnectorClient:
        """Return a client of the channel API; one per thread, since it holds a connection."""
        where = self.endpoints
        return ConnectorClient(where.channel_api_url, where.channel_api_key, self.account_id)

    def said(self, ext_consumer_id: str) -> list[str]:
        """Return what one consumer said, over all its conversations, as LivePerson has it."""
        return [
            entry["text"]
            for conversation in self.liveperson.conversations(self.account_id)
            if conversation["ext_consumer_id"] == ext_consumer_id
            for entry in conversation["transcript"]
            if entry["role"] == "CONSUMER" and entry["type"] == "ContentEvent"
        ]

    def violations(self) -> list[str]:
        """Return what LivePerson found wrong with the calls for this account alone."""
        return [
            each["reason"]
            for each in self.liveperson.violations()
            if each["account_id"] == self.account_id
        ]

    def told(self, consumer_id: str) -> list[str]:
        """Return the texts that reached the channel for one consumer, in order of arrival."""
        return [
            callback.body["content"]["text"]
            for callback in self.channel.inbox.callbacks()
            if callback.body["consumer_id"] == consumer_id and callback.body["type"] == "message"
        ]


@dataclass(frozen=True)
class Composer:
    """A consumer's talk, and since when they are typing in it."""

    talk: Talk
    since: float


@pytest.fixture(name="liveperson", scope="session")
def _liveperson() -> Iterator[SimulatedLivePerson]:
    with SimulatedLivePerson() as liveperson:
        liveperson.add_account(ACCOUNT, CLIENT_ID, CLIENT_SECRET)
        yield liveperson


@pytest.fixture(name="channel", scope="session")
def _channel() -> Iterator[DemoChannel]:
    channel = DemoChannel(SIGNING_SECRET)
    channel.start()
    yield channel
    channel.stop()


@pytest.fixture(name="sandbox", scope="session")
def _sandbox(
    liveperson: SimulatedLivePerson,
    channel: DemoChannel,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    state = tmp_path_factory.mktemp("sandbox")
    command = [
        *(sys.executable, "-m", "sandbox", "up", "--port", "0"),
        *("--state-dir", str(state)),
        *("--liveperson-url", liveperson.url),
        *("--account-id", ACCOUNT),
        *("--client-id", CLIENT_ID),
        *("--client-secret", CLIENT_SECRET),
        *("--callback-url", channel.callback_url),
        *("--signing-secret", SIGNING_SECRET),
        *(word for kind in KINDS for word in ("--channel", kind)),
    ]
    log = state / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=output)
    try:
        endpoints = _endpoints(process, state / "endpoints.json", log)
        liveperson.set_webhook_url(ACCOUNT, endpoints.webhook_url)
        yield World(endpoints, liveperson, channel, ACCOUNT)
    finally:
        process.terminate()
        process.wait(timeout=180)


@pytest.fixture(name="composer", scope="session")
def _composer(sandbox: World) -> Iterator[Composer]:
    """Let a consumer begin to type, whose indicator only the connector ends."""
    brand = Brand(sandbox.endpoints, sandbox.liveperson, "le70000000")
    talk = brand.open("composer")
    talk.sends("typing", state="composing")
    yield Composer(talk, time.monotonic())
    brand.close()


@pytest.fixture(name="world", scope="session")
def _world(sandbox: World, composer: Composer) -> World:
    """Give the sandbox; meanwhile the half minute passes after which typing is ended."""
    return sandbox


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait until ``condition`` holds, or fail saying ``what`` did not happen in good time."""
    deadline = time.monotonic() + seconds * BUSY
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds * BUSY} s: {what}")
        time.sleep(0.05)


def _endpoints(process: "subprocess.Popen[bytes]", file: Path, log: Path) -> Endpoints:
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the sandbox did not start:\n{log.read_text()}")
        time.sleep(0.1)
    return Endpoints(**json.loads(file.read_text()))
