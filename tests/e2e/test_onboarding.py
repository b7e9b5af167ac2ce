"""
The walkthrough: ``docs/onboarding.md`` is followed literally, in a terminal, step by step.

Every ``sh`` block of the seven steps is run as it stands, in order; the ``text`` block behind it is
what must be shown. Only three things are not as in the document: the values of the account, which
are a new one's; the name of the stack; and step 1, since the sandbox has deployed the template
already. Steps 3 and 4 have a part of LivePerson's and of the channel's, which the test plays.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.channel import DemoChannel
from sandbox.emulator_workarounds import local_address
from tests.e2e.conftest import PROJECT, World, wait_for
from tests.support.operators import CONNECTOR, Operator
from tests.support.terminal import Session, typed

DOCUMENT = PROJECT / "docs" / "onboarding.md"
NEW_ACCOUNT = "le90210001"
NEW_CLIENT_ID = "7d1a4c8e-3b52-4f0e-9a6d-2c5b8e0f1a93"
NEW_SECRET = "k3yf0rth3walkthr0ugh0nly42"


@dataclass(frozen=True)
class Block:
    """A command of the document, the step it is in, and what the document says it shows."""

    step: int
    command: str
    expected: str


def blocks() -> list[Block]:
    """Read the commands of the seven steps."""
    steps = re.split(r"^## (\d)\. .*$", DOCUMENT.read_text().split("\n## Later")[0], flags=re.M)
    return [block for step in range(1, len(steps), 2) for block in _of_step(steps, step)]


def _of_step(steps: list[str], index: int) -> Iterator[Block]:
    fences = re.findall(r"^```(\w[\w-]*)\n(.*?)^```$", steps[index + 1], flags=re.M | re.S)
    for number, (kind, text) in enumerate(fences):
        if kind == "sh":
            follows = fences[number + 1] if number + 1 < len(fences) else ("", "")
            yield Block(int(steps[index]), text, follows[1] if follows[0] == "text" else "")


def shows(session: Session, expected: str) -> None:
    """Check that each expected line was shown, in order; ``…`` is anything."""
    rest = session.shown
    for line in expected.splitlines():
        words = [re.escape(word) for word in line.strip().split("…")]
        pattern = ".*".join(re.sub(r"(\\ )+", r" +", word) for word in words)
        found = re.search(pattern, rest)
        assert found, f"not shown: {line}\n{session.shown}"
        rest = rest[found.end() :]


class Walk:
    """Somebody who follows the document."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.channel = DemoChannel("")
        file = folder / "endpoints.json"
        world.endpoints.write(file)
        self.operator = Operator(file)
        self.assigned = ""

    def do(self, block: Block) -> Session:
        """Run a block as it stands, with the account's own values."""
        command = self._own_values(block.command)
        session = typed(
            self.assigned + command, self._answers(), folder=self.folder, environ=self._environ()
        )
        assert 0 == session.code, session.shown
        expected = self._own_values(block.expected).replace(
            "/liveperson-connector/", f"/{self.world.endpoints.stack_name}/"
        )
        shows(session, expected)
        self.assigned += "".join(re.findall(r"^[A-Z_]+=.*\n", command, flags=re.M))
        return session

    def install_the_app(self) -> None:
        """Do the administrator's part: install the manifest as LivePerson would."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        webhooks = manifest["capabilities"]["webhooks"]
        webhook_urls = {
            kind: local_address(self.world.endpoints.aws_endpoint_url, entry["endpoint"])
            for kind, entry in webhooks.items()
            if "endpoint" in entry
        }
        self.world.liveperson.add_account(
            *(NEW_ACCOUNT, NEW_CLIENT_ID, NEW_SECRET),
            webhook_url=webhook_urls["cqm.ExConversationChangeNotification"],
            webhook_urls=webhook_urls,
            retention_time_seconds=webhooks["retry"]["retention_time"],
            echo_agent="An agent's answer to: {text}",
        )
        record = {**manifest, "client_id": NEW_CLIENT_ID, "client_secret": NEW_SECRET, "id": "1"}
        (self.folder / "installed.json").write_text(json.dumps(record))

    def open_the_channel(self) -> None:
        """Do the channel's part: take the signing secret, and callbacks from then on."""
        self.channel = DemoChannel((self.folder / "signing_secret").read_text().strip())
        self.channel.start()

    @property
    def was_answered(self) -> bool:
        """Whether the channel has heard of an agent."""
        return bool(self.answers_at_the_channel())

    def log_says_so(self) -> bool:
        """Whether the logs, which are a moment behind, have it too."""
        return "delivered" in self.operator.connector("trace", "first-consumer").out

    def answers_at_the_channel(self) -> list[Any]:
        """Return what agents said, as the channel has it."""
        return [
            each.body["content"]["text"]
            for each in self.channel.inbox.callbacks()
            if each.body["type"] == "message"
        ]

    def _own_values(self, text: str) -> str:
        return (
            text.replace("12345678", NEW_ACCOUNT)
            .replace("81fad476-88af-4d08-bc0e-20bc69439ed4", NEW_CLIENT_ID)
            .replace("https://channel.example.com/callbacks", self.channel.callback_url)
        )

    def _answers(self) -> dict[str, str]:
        file = self.folder / "signing_secret"
        return {
            "Client secret: ": NEW_SECRET,
            "Signing secret: ": file.read_text().strip() if file.exists() else "",
            "[y/N]: ": "y",
        }

    def _environ(self) -> dict[str, str]:
        path = os.pathsep.join([str(CONNECTOR.parent), os.environ["PATH"]])
        return {**self.operator.environ, "PATH": path, "COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture(name="walk")
def _walk(world: World, tmp_path: Path) -> Iterator[Walk]:
    walk = Walk(world, tmp_path)
    yield walk
    walk.channel.stop()


def test_the_walkthrough(walk: Walk) -> None:
    """From an account that nobody set up to its first conversation, through ``connector`` alone."""
    assert NEW_ACCOUNT not in walk.operator.connector("account", "list").out
    done = []

    for block in blocks():
        if block.step == 1:
            continue
        if "manifest diff" in block.command:
            walk.install_the_app()
        if "account add" in block.command:
            walk.open_the_channel()
        session = walk.do(block)
        assert NEW_SECRET not in session.shown
        if "connector try" in block.command:
            wait_for(lambda: walk.was_answered, seconds=90, what="the agent's answer")
            wait_for(walk.log_says_so, seconds=90, what="delivered in the log")
        done.append(block.step)

    assert [2, 3, 4, 5, 6, 7, 7, 7] == done
    assert ["An agent's answer to: Hello"] == walk.answers_at_the_channel()
    key = walk.folder / "channel_api_key"
    assert 0o600 == key.stat().st_mode & 0o777
    assert walk.world.endpoints.channel_api_key == key.read_text().strip()


def test_the_document_deploys_as_the_sandbox_does() -> None:
    """Step 1, which the walkthrough leaves out, is the project's own commands."""
    first = blocks()[0].command

    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", first, flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
