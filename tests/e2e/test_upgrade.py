"""What is deployed is in service: new code, while people talk, and new values of parameters."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from sandbox.aws import Aws
from sandbox.deployment import build, deploy
from sandbox.progress import Progress
from sandbox.system import Options, System, running
from tests.e2e.conftest import wait_for
from tools.deploy import publish_anew

CONSUMERS = 3
PAUSE_SECONDS = 0.5

# The emulator ends a worker that is busy when its function is updated; on AWS it may finish. Its
# message comes back when its visibility times out, which need not take three minutes here.
VISIBILITY_SECONDS = 15
QUEUES = ("consumer-events.fifo", "notifications.fifo")

# The new version: the layer alone is changed, the handlers are not.
REQUESTS = "ConnectorLayer/python/liveperson_connector/entrypoints/api_gateway.py"
OLD = '"Content-Type": "application/json", **headers'
NEW = '"Content-Type": "application/json", "X-Version": "2", **headers'


@pytest.fixture(name="system", scope="module")
def _system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state = tmp_path_factory.mktemp("upgrade")
    with running(Options(port=0, state_dir=state, publish=False), Progress(Console())) as system:
        for name in QUEUES:
            system.aws.client("sqs").set_queue_attributes(
                QueueUrl=system.endpoints.queues[name],
                Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)},
            )
        yield system


class People:
    """Consumers who write without a pause, and an agent who answers all of them."""

    def __init__(self, system: System) -> None:
        assert system.liveperson is not None
        assert system.channel is not None
        self.liveperson, self.channel = system.liveperson, system.channel
        self.account_id = system.account.account_id
        self.where = system.endpoints
        self.statuses: list[int] = []
        self.versions: list[str | None] = []
        self.wrote: dict[str, list[str]] = {f"consumer-{each}": [] for each in range(CONSUMERS)}
        self.answered: dict[str, list[str]] = {name: [] for name in self.wrote}
        self._over = threading.Event()

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Let them talk while the block runs."""
        crowd = [threading.Thread(target=self._write, args=(name,)) for name in self.wrote]
        crowd.append(threading.Thread(target=self._answer))
        for each in crowd:
            each.start()
        try:
            yield
        finally:
            self._over.set()
            for each in crowd:
                each.join(60)

    def _write(self, name: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._over.wait(PAUSE_SECONDS):
                number = len(self.wrote[name])
                text = f"{name} says {number}"
                self.wrote[name].append(text)
                event = {"id": f"m-{number}", "type": "text", "text": text}
                while not self._post(session, name, event):
                    time.sleep(PAUSE_SECONDS)

    def _post(self, session: requests.Session, name: str, event: dict[str, str]) -> bool:
        """Send an event as a channel does: what got no answer is repeated."""
        try:
            answer = session.post(
                f"{self.where.channel_api_url}/accounts/{self.account_id}/consumers/{name}/events",
                json=event,
                headers={"x-api-key": self.where.channel_api_key},
                timeout=10,
            )
        except requests.RequestException:
            return False
        self.statuses.append(answer.status_code)
        self.versions.append(answer.headers.get("X-Version"))
        return answer.status_code == 202

    def _answer(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            for each in self.conversations():
                said = self.answered[each["ext_name"]]
                text = f"agent to {each['ext_name']}: {len(said)}"
                self.liveperson.agent_text(self.account_id, each["conversation_id"], text)
                said.append(text)

    def conversations(self) -> list[dict[str, Any]]:
        """List the conversations with the names of those who began to talk in them."""
        found = []
        for each in self.liveperson.conversations(self.account_id):
            said = _texts(each)
            if said:
                found.append({**each, "ext_name": said[0].split(" says ")[0]})
        return found

    def heard(self) -> dict[str, list[str]]:
        """Give what LivePerson has of each consumer."""
        return {each["ext_name"]: _texts(each) for each in self.conversations()}

    def told(self) -> dict[str, list[str]]:
        """Give what the channel has for each consumer."""
        told: dict[str, list[str]] = {name: [] for name in self.wrote}
        for each in self.channel.callbacks():
            if each.accepted and each.body["type"] == "message":
                told[each.body["consumer_id"]].append(each.body["content"]["text"])
        return told


def _texts(conversation: dict[str, Any]) -> list[str]:
    return [
        entry["text"]
        for entry in conversation["transcript"]
        if entry["role"] == "CONSUMER" and "text" in entry
    ]


@pytest.fixture(name="template", scope="module")
def _template(system: System) -> Path:
    """Build a version whose answers say that it is another."""
    folder = system.emulator.folder.path
    template = build(folder / "build-2", folder / "loopback.pem")
    module = template.parent / REQUESTS
    text = module.read_text()
    assert 1 == text.count(OLD)
    module.write_text(text.replace(OLD, NEW))
    for compiled in module.parent.glob(f"__pycache__/{module.stem}.*.pyc"):
        compiled.unlink()  # the layer's is believed without a look at its source
    return template


def test_an_upgrade_loses_nothing_and_refuses_nobody(system: System, template: Path) -> None:
    """Every event is answered 202, every webhook 200, every text arrives once and in order."""
    people = People(system)
    with people.talking():
        wait_for(lambda: len(people.statuses) >= 12, seconds=60, what="the first texts")
        before = len(people.statuses)
        deploy(
            Aws(system.endpoints.aws_endpoint_url),
            template,
            system.endpoints.stack_name,
            system.endpoints.liveperson_url,
        )
        during = len(people.statuses) - before
        wait_for(lambda: "2" in people.versions[-1:], seconds=60, what="the new version")
        time.sleep(1)
    wait_for(lambda: people.heard() == people.wrote, seconds=120, what="every text in LivePerson")
    wait_for(lambda: people.told() == people.answered, seconds=120, what="every answer")
    deliveries = people.liveperson.deliveries(people.account_id)
    answered = {each["status"] for each in deliveries} - {None}  # a slow machine's are repeated

    assert during  # so there was something to lose
    assert {202} == set(people.statuses)
    assert {200} == answered
    assert 0 == people.liveperson.webhook_state(people.account_id)["dropped"]
    assert (None, "2") == (people.versions[0], people.versions[-1])
    assert [] == people.liveperson.violations()


def test_the_new_version_takes_the_webhooks_too(system: System) -> None:
    """The deployment has moved both intakes' aliases, though only the layer is new."""
    refused = requests.post(system.endpoints.webhook_url, data=b"{}", timeout=90)

    assert (401, "2") == (refused.status_code, refused.headers.get("X-Version"))


def known_as(system: System, function: str, event_id: str) -> set[str]:
    """Give the ids by which a function's log knows the consumer of an event."""
    events = system.aws.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{system.endpoints.stack_name}-{function}"
    )["events"]
    lines = [json.loads(each["message"]) for each in events if event_id in each["message"]]
    return {line["consumer"] for line in lines if "consumer" in line}


def post_until_accepted(system: System, consumer_id: str, event_id: str) -> None:
    """Post a text as a channel should: again with the same id while the answer is 5xx."""
    where = system.endpoints
    consumer = f"accounts/{system.account.account_id}/consumers/{consumer_id}"

    def is_accepted() -> bool:
        answer = requests.post(
            f"{where.channel_api_url}/{consumer}/events",
            json={"id": event_id, "type": "text", "text": "Hello"},
            headers={"x-api-key": where.channel_api_key},
            timeout=90,
        )
        assert answer.status_code == 202 or answer.status_code >= 500, answer.text
        return answer.status_code == 202

    wait_for(is_accepted, seconds=30, what=f"a 202 for {event_id}")


def test_a_changed_parameter_is_in_service(system: System, template: Path) -> None:
    """The intake that callers reach has the new salt too: all hops hash a consumer alike."""
    publish_anew(template, datetime.now(UTC))
    where = system.endpoints
    deploy(
        Aws(where.aws_endpoint_url),
        template,
        where.stack_name,
        where.liveperson_url,
        ConsumerIdSalt="another",
    )
    live = system.aws.functions.get_function_configuration(
        FunctionName=where.functions["message_intake"], Qualifier="live"
    )
    post_until_accepted(system, "salted", "salted-1")
    wait_for(
        lambda: bool(known_as(system, "outbound-messaging", "salted-1")),
        seconds=60,
        what="the event at the next hop",
    )

    assert "another" == live["Environment"]["Variables"]["CONSUMER_ID_SALT"]
    assert known_as(system, "message-intake", "salted-1") == (
        known_as(system, "outbound-messaging", "salted-1")
    )
