"""The channel of docs/channel-guide.md is a whole one: the very program and commands there, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import requests

from sandbox.account import Account, new_signing_secret, write_parameters
from sandbox.aws import Aws
from sandbox.endpoints import Endpoints
from sandbox.ports import free_port
from tests.e2e.conftest import World, wait_for

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "channel-guide.md"
ACCOUNT = "guide"


def program() -> str:
    """Return the channel, as it is printed in the guide."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert 1 == len(blocks)
    return blocks[0]


def commands(word: str) -> str:
    """Return the guide's block of commands with a word in it."""
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (found,) = [each for each in blocks if word in each]
    return found


def said(world: World) -> list[str]:
    """Return what was said in the guide's conversation."""
    talks = world.liveperson.conversations(ACCOUNT)
    return [each["text"] for talk in talks for each in talk["transcript"]]


class Newcomer:
    """Somebody who follows the guide: in the project's folder first, then in one of their own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.port = world, free_port()
        self.project, self.folder = folder / "project", folder / "elsewhere"
        self.folder.mkdir()
        (self.project / ".sandbox").mkdir(parents=True)
        account = self._account()
        where = Endpoints(
            **{
                **vars(world.endpoints),
                "liveperson_url": world.liveperson.url,
                "account_id": ACCOUNT,
                "channel_signing_secret": account.signing_secret,
            }
        )
        where.write(self.project / ".sandbox" / "endpoints.json")

    def shell(self, *blocks: str) -> str:
        """Return the commands of one terminal: the exports, and then what is done elsewhere."""
        exports = commands("export API").replace("PORT=8900", f"PORT={self.port}")
        return "\n".join(["set -e", f"cd {self.project}", exports, f"cd {self.folder}", *blocks])

    def run(self, *blocks: str) -> str:
        """Run commands in a terminal of their own, and return what they print."""
        return subprocess.run(
            ["/bin/bash", "-c", self.shell(*blocks)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def channel(self) -> subprocess.Popen[str]:
        """Start the channel as the guide does."""
        (self.folder / "channel.py").write_text(program())
        return subprocess.Popen(
            ["/bin/bash", "-c", self.shell(f"exec {sys.executable} channel.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )

    def _account(self) -> Account:
        where = self.world.endpoints
        account = Account(
            ACCOUNT,
            client_id="guide-client",
            callback_url=f"http://127.0.0.1:{self.port}/",
            signing_secret=new_signing_secret(),
        )
        self.world.liveperson.add_account(
            ACCOUNT, account.client_id, account.client_secret, webhook_url=where.webhook_url
        )
        write_parameters(Aws(where.aws_endpoint_url), where.stack_name, account)
        return account


def test_the_channel_of_the_guide_talks(world: World, tmp_path: Path) -> None:
    """In a folder of one's own: what is typed reaches LivePerson, an agent's answer is printed."""
    newcomer = Newcomer(world, tmp_path)
    channel = newcomer.channel()
    assert channel.stdin
    assert channel.stdout
    printed: list[str] = []
    reader = threading.Thread(target=printed.extend, args=(channel.stdout,), daemon=True)
    try:
        reader.start()
        print("Grüße, is anyone there? 👋", file=channel.stdin, flush=True)
        wait_for(lambda: bool(said(world)), seconds=30, what="the words at LivePerson")
        newcomer.run(commands("agent-text"))
        wait_for(lambda: "agent: Hello! How can I help?\n" in printed, seconds=30, what="an answer")
        curled = newcomer.run(commands("curl-1"))
        channel.stdin.close()
        code = channel.wait(30)
    finally:
        channel.kill()
        channel.wait(10)

    assert ["Grüße, is anyone there? 👋", "Hello! How can I help?"] == said(world)[:2]
    assert '{"id": "curl-1", "status": "accepted"}' in curled
    assert 0 == code


def test_a_wrong_path_is_answered_as_the_contract_says(world: World) -> None:
    """By the gateway: 403, and a message that speaks of a token."""
    key = {"x-api-key": world.endpoints.channel_api_key}

    answer = requests.post(f"{world.endpoints.channel_api_url}/acounts/x", headers=key, timeout=30)

    assert (403, {"message": "Missing Authentication Token"}) == (answer.status_code, answer.json())
