"""The channel of docs/channel-guide.md is a whole one: the very program there, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from sandbox.account import Account, new_signing_secret, write_parameters
from sandbox.aws import Aws
from sandbox.ports import free_port
from tests.e2e.conftest import World, wait_for

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "channel-guide.md"
ACCOUNT = "guide"


def program() -> str:
    """Return the channel, as it is printed in the guide."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert 1 == len(blocks)
    return blocks[0]


def curl() -> str:
    """Return the guide's command for one event."""
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return next(each for each in blocks if "curl-1" in each)


def said(world: World) -> list[str]:
    """Return what was said in the guide's conversation."""
    talks = world.liveperson.conversations(ACCOUNT)
    return [each["text"] for talk in talks for each in talk["transcript"]]


def test_the_channel_of_the_guide_talks(world: World) -> None:
    """What its consumer types reaches LivePerson, and what an agent says is printed."""
    secret, port = new_signing_secret(), free_port()
    where = world.endpoints
    account = Account(
        ACCOUNT,
        client_id="guide-client",
        callback_url=f"http://127.0.0.1:{port}/",
        signing_secret=secret,
    )
    world.liveperson.add_account(
        ACCOUNT, account.client_id, account.client_secret, webhook_url=where.webhook_url
    )
    write_parameters(Aws(where.aws_endpoint_url), where.stack_name, account)
    environ = {
        **os.environ,
        "API": where.channel_api_url,
        "KEY": where.channel_api_key,
        "ACCOUNT": ACCOUNT,
        "SECRET": secret,
        "PORT": str(port),
    }
    channel = subprocess.Popen(
        [sys.executable, "-c", program()],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert channel.stdin
    assert channel.stdout
    printed: list[str] = []
    reader = threading.Thread(target=printed.extend, args=(channel.stdout,), daemon=True)
    try:
        reader.start()
        print("Grüße, is anyone there? 👋", file=channel.stdin, flush=True)
        wait_for(lambda: bool(said(world)), seconds=30, what="the words at LivePerson")
        talk = world.liveperson.conversations(ACCOUNT)[0]
        world.liveperson.agent_text(ACCOUNT, talk["conversation_id"], "Hello! How can I help?")
        wait_for(lambda: "agent: Hello! How can I help?\n" in printed, seconds=30, what="an answer")
        done = subprocess.run(
            ["/bin/sh", "-c", curl()], env=environ, capture_output=True, text=True, check=True
        )
    finally:
        channel.kill()
        channel.wait(10)

    assert ["Grüße, is anyone there? 👋", "Hello! How can I help?"] == said(world)[:2]
    assert '{"id": "curl-1", "status": "accepted"}' in done.stdout
