"""
The rehearsal: ``docs/onboarding.md`` is followed literally, in a terminal, step by step.

Every ``sh`` block of steps 2 to 7 is run as it stands, in order; the ``text`` block behind it is
what must be shown. What the section "Rehearse it on a sandbox" puts before or instead of a command
is run as it stands, too. Only the stack's name is not as in the document. Steps 0 and 1 are AWS's:
the sandbox has deployed the template already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.channel import ConnectorClient
from tests.e2e.conftest import PROJECT, World, wait_for
from tests.support.operators import CONNECTOR, Operator
from tests.support.terminal import Session, typed

DOCUMENT = (PROJECT / "docs" / "onboarding.md").read_text()
ACCOUNT = "12345678"
CLIENT_SECRET = "rehearsal"


@dataclass(frozen=True)
class Block:
    """A command of the document, the step it is in, and what the document says it shows."""

    step: int
    command: str
    expected: str


def fences(text: str) -> list[tuple[str, str]]:
    """Give the blocks of a text, each with its kind."""
    return re.findall(r"^```(\w[\w-]*)\n(.*?)^```$", text, flags=re.M | re.S)


def blocks() -> Iterator[Block]:
    """Read the commands of the steps."""
    steps = re.split(r"^## (\d)\. .*$", DOCUMENT.split("\n## Rehearse")[0], flags=re.M)
    for index in range(1, len(steps), 2):
        found = fences(steps[index + 1])
        for number, (kind, text) in enumerate(found):
            if kind == "sh":
                follows = found[number + 1] if number + 1 < len(found) else ("", "")
                shown = follows[1] if follows[0] == "text" else ""
                yield Block(int(steps[index]), text, shown)


class Rehearsal:
    """What the section on the rehearsal has for a newcomer, by the place it belongs to."""

    def __init__(self) -> None:
        section = DOCUMENT.split("\n## Rehearse it on a sandbox\n")[1].split("\n## ")[0]
        start, *parts = re.split(r"^\*\*(.+?)\*\*", section, flags=re.M)
        self.terminal = fences(start)[0][1]
        self.commands = {
            place: fences(text)[0][1] for place, text in zip(parts[::2], parts[1::2], strict=True)
        }

    def of(self, block: Block) -> list[str]:
        """Return what to run for a block of the document, in order."""
        if block.step == 3:
            return [self.commands["Before step 3's command"], block.command]
        if block.step == 4:
            return [self.commands["Instead of step 4's command"]]
        if block.step == 5:
            lines = block.command.splitlines(keepends=True)
            lines[2] = self.commands["Instead of step 5's third line"]
            return ["".join(lines)]
        if "connector trace" in block.command:
            return [self.commands["Before `connector trace` in step 7"], block.command]
        return [block.command]


class Newcomer:
    """Somebody who follows the document in an empty folder."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.rehearsal = Rehearsal()
        file = folder / ".sandbox" / "endpoints.json"
        file.parent.mkdir()
        world.endpoints.write(file)
        self.operator = Operator(file)
        self.assigned = ""

    def do(self, block: Block) -> Session:
        """Run what belongs to a block, and compare what is shown with the document."""
        *before, command = self.rehearsal.of(block)
        for each in before:
            self._run(each)
        if "connector trace" in command:
            wait_for(self._log_says_so, seconds=90, what="delivered in the log")
        session = self._run(command)
        shows(session, self._with_own_stack(block.expected))
        self.assigned += "".join(re.findall(r"^[A-Z_]+=.*\n", command, flags=re.M))
        return session

    def answers_at_the_channel(self) -> list[Any]:
        """Return what agents said to the account, as the channel has it."""
        return [
            each.body["content"]["text"]
            for each in self.world.channel.inbox.callbacks()
            if each.body["account_id"] == ACCOUNT and each.body["type"] == "message"
        ]

    def _run(self, command: str) -> Session:
        session = typed(
            self.rehearsal.terminal + self.assigned + command,
            self._answers(),
            folder=self.folder,
            environ=self._environ(),
        )
        assert 0 == session.code, session.shown
        return session

    def _log_says_so(self) -> bool:
        """Whether the logs, which are a moment behind, have the agent's answer."""
        return "delivered" in self.operator.connector("trace", "first-consumer").out

    def _with_own_stack(self, text: str) -> str:
        return text.replace("/liveperson-connector/", f"/{self.world.endpoints.stack_name}/")

    def _answers(self) -> dict[str, str]:
        file = self.folder / "signing_secret"
        return {
            "Client secret: ": CLIENT_SECRET,
            "Signing secret: ": file.read_text().strip() if file.exists() else "",
            "[y/N]: ": "y",
        }

    def _environ(self) -> dict[str, str]:
        path = os.pathsep.join([str(CONNECTOR.parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "COLUMNS": "200", "TERM": "dumb"}


def shows(session: Session, expected: str) -> None:
    """Check that each expected line was shown, in order; ``…`` is anything."""
    rest = session.shown
    for line in expected.splitlines():
        words = [re.escape(word) for word in line.strip().split("…")]
        pattern = ".*".join(re.sub(r"(\\ )+", r" +", word) for word in words)
        found = re.search(pattern, rest)
        assert found, f"not shown: {line}\n{session.shown}"
        rest = rest[found.end() :]


@pytest.fixture(name="newcomer")
def _newcomer(world: World, tmp_path: Path) -> Newcomer:
    return Newcomer(world, tmp_path)


def test_the_rehearsal(newcomer: Newcomer) -> None:
    """From an account that nobody set up to its first conversation, by the document alone."""
    assert ACCOUNT not in newcomer.operator.connector("account", "list").out
    done = []

    for block in blocks():
        if block.step >= 2:
            assert CLIENT_SECRET not in newcomer.do(block).shown
            done.append(block.step)

    assert [2, 3, 4, 5, 6, 7, 7, 7] == done
    assert ["Hello, how can I help?"] == newcomer.answers_at_the_channel()
    key = newcomer.folder / "channel_api_key"
    assert 0o600 == key.stat().st_mode & 0o777
    each_key_acts_for_its_own_brand(newcomer, key.read_text().strip())


def each_key_acts_for_its_own_brand(newcomer: Newcomer, key: str) -> None:
    """
    Let each of two brands try the other's account: to act, to read a file, and to exhaust it.

    The other brand is the sandbox's, which names no key; the first to be beyond its rate is the
    newcomer's, and the other notices nothing.
    """
    where = newcomer.world.endpoints
    url, stacks, other = where.channel_api_url, where.channel_api_key, where.account_id

    def act(account_id: str, with_key: str) -> int:
        client = ConnectorClient(url, with_key, account_id)
        return client.send_event("a-visitor", "typing", state="paused").status

    def read(account_id: str, with_key: str) -> int:
        address = f"{url}/accounts/{account_id}/files/none"
        return requests.get(address, headers={"x-api-key": with_key}, timeout=30).status_code

    assert (202, 403, 202, 403) == (
        *(act(ACCOUNT, key), act(other, key)),
        *(act(other, stacks), act(ACCOUNT, stacks)),
    )
    assert (404, 403, 403) == (read(ACCOUNT, key), read(other, key), read(ACCOUNT, stacks))

    said = newcomer.operator.connector("key", "limit", ACCOUNT, "--rate", "1", "--burst", "1")
    assert 0 == said.code, said.err
    assert 429 in {act(ACCOUNT, key) for _ in range(10)}
    assert {202} == {act(other, stacks) for _ in range(10)}


def test_the_documents_own_signing_secret_is_one(tmp_path: Path) -> None:
    """The command that the rehearsal leaves out makes a secret that the connector takes."""
    (command,) = [block.command for block in blocks() if block.step == 4]
    session = typed(command, {}, folder=tmp_path, environ={"PATH": os.environ["PATH"]})

    assert 0 == session.code, session.shown
    file = tmp_path / "signing_secret"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", file.read_text())
    assert 0o600 == file.stat().st_mode & 0o777


def test_the_document_deploys_as_the_sandbox_does() -> None:
    """Step 1, which the rehearsal leaves out, is the project's own commands."""
    first = next(block.command for block in blocks() if block.step == 1)

    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", first, flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
