"""
`make sandbox ARGS="--channel KIND"`: a stand-in whose control API plays the person.

What can be said over each kind, the demo shows (`sandbox/demo/ready_channels.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.providers import KINDS, stand_in
from tests.e2e.conftest import World
from tests.support.brands import eventually
from tests.support.operators import Operator

SECONDS = 60.0


@pytest.fixture(name="session")
def _session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("kind", KINDS)
def test_person_and_operator_at_a_stand_in(
    world: World, session: requests.Session, kind: str, tmp_path: Path
) -> None:
    """The person's words arrive; `channel register` and `channel try` work at each provider."""
    url, ada = f"{world.endpoints.providers[kind]['url']}/stand-in", f"Ada of {kind}"
    said = session.post(f"{url}/say", json={"person": ada, "text": f"Hello by {kind}"})
    assert [200] == said.json()["answers"]
    eventually(lambda: _is_heard(world, f"Hello by {kind}"), f"{kind}: in LivePerson", SECONDS)

    operator = Operator(tmp_path / "endpoints.json")
    operator.endpoints_file.write_text(json.dumps(asdict(world.endpoints)))
    place, person_id = (world.account_id, kind), stand_in(kind).person_id(ada)
    registered = operator.connector("channel", "register", *place)
    tried = operator.connector("channel", "try", *place, person_id, "--wait", "0")

    assert (0, 0) == (registered.code, tried.code), registered.err + tried.err
    assert "sends webhooks to" in registered.out
    seen: list[dict[str, Any]] = session.get(f"{url}/messages").json()["messages"]
    assert (ada, "Hello from connector channel try") == (seen[-1]["person"], seen[-1]["text"])


def _is_heard(world: World, text: str) -> bool:
    return any(
        entry.get("text") == text
        for each in world.liveperson.conversations(world.account_id)
        for entry in each["transcript"]
    )
