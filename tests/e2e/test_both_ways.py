"""Texts travel both ways through the deployed template, between strangers to the sandbox."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from liveperson_connector import __version__
from tests.e2e.conftest import World, wait_for

CONSUMERS = 8
TEXTS = 10
TALK = int(os.environ.get("TALK", "30"))


def test_many_consumers_at_once(world: World) -> None:
    """Each of 8 consumers' 10 texts, and each answer, arrives once and in order."""
    names = [f"+49 151/{number:02d}@example.com 😀" for number in range(CONSUMERS)]
    texts = {name: [f"{name} says {number}" for number in range(TEXTS)] for name in names}

    def talk(name: str) -> None:
        client = world.client()
        for number, text in enumerate(texts[name]):
            assert 202 == client.send_text(name, text, f"m-{number}").status

    with ThreadPoolExecutor(CONSUMERS) as crowd:
        list(crowd.map(talk, names))
    conversations = _conversations(world, count=CONSUMERS, texts=TEXTS)

    assert sorted(texts.values()) == sorted(each["texts"] for each in conversations)

    answers = {}
    for each in conversations:
        answers[each["name"]] = [f"re {number}: {each['name']}" for number in range(TEXTS)]
    for number in range(TEXTS):
        for each in conversations:
            world.liveperson.agent_text(
                world.account_id, each["conversation_id"], answers[each["name"]][number]
            )
    wait_for(
        lambda: all(len(world.told(name)) >= TEXTS for name in names),
        seconds=60,
        what="every answer at the channel",
    )
    assert world.liveperson.wait_idle(30)

    assert answers == {name: world.told(name) for name in names}
    assert not [each for each in world.channel.inbox.callbacks() if each.problem]
    assert [] == world.violations()
    told = [each.body for each in world.channel.inbox.callbacks()]
    senders = [each["sender"] for each in told if each["type"] == "message"]
    assert "Alex" == senders[-1]["name"]


def test_monitor_is_answered_without_a_key(world: World) -> None:
    """The function has the right to see the alarms, and none of them is in alarm."""
    health = requests.get(f"{world.endpoints.channel_api_url}/health", timeout=10)

    assert (200, {"status": "ok", "version": __version__}) == (health.status_code, health.json())


def test_steady_state_asks_for_tokens_once(world: World) -> None:
    """However many texts follow a consumer's first, no token and no address is asked for again."""
    client = world.client()
    client.send_text("steady", "first", "first")
    wait_for(lambda: _heard(world, "first"), seconds=30, what="the first text")
    before = _counts(world)

    for number in range(TALK):
        assert 202 == client.send_text("steady", f"steady {number}", f"s-{number}").status
    wait_for(lambda: _heard(world, f"steady {TALK - 1}"), seconds=60, what="the last text")
    after = _counts(world)

    assert before.get("sentinel") == after.get("sentinel")
    assert before.get("idp") == after.get("idp")
    assert before.get("domain") == after.get("domain")
    assert before["send"] + TALK == after["send"]


def _counts(world: World) -> dict[str, int]:
    counts: dict[str, int] = world.liveperson.counts()["accounts"][world.account_id]
    return counts


def _conversations(world: World, *, count: int, texts: int) -> list[dict[str, Any]]:
    def all_said() -> bool:
        return count * texts <= sum(len(each["texts"]) for each in read())

    def read() -> list[dict[str, Any]]:
        found = []
        for each in world.liveperson.conversations(world.account_id):
            said = [entry["text"] for entry in each["transcript"] if entry["role"] == "CONSUMER"]
            said = [text for text in said if text]
            found.append(
                {
                    "conversation_id": each["conversation_id"],
                    "texts": said,
                    "name": said[0].partition(" says ")[0] if said else "",
                }
            )
        return found

    wait_for(all_said, seconds=90, what="every text at LivePerson")
    return read()


def _heard(world: World, text: str) -> bool:
    return any(
        entry["text"] == text
        for each in world.liveperson.conversations(world.account_id)
        for entry in each["transcript"]
    )
