"""
The functions in containers like Lambda's, through `sam local`, as docs/local-development.md says.

Each is invoked with its event, and what it should do is seen done: in the emulator's queues, in
LivePerson's transcript, at the channel. The deployed workers are paused, so that nobody else does
it. Skipped where no container can run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from rich.console import Console

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.queues import Queue
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.queue_messages import OutgoingMessage
from liveperson_connector.liveperson.signatures import SIGNATURE_HEADER
from sandbox.account import EVENTS_ACCOUNT, Account, has_app_jwt, write_parameters
from sandbox.aws import ACCESS_KEY, REGION
from sandbox.channel import ConnectorClient, DemoChannel
from sandbox.progress import Progress
from sandbox.sam_local import opened
from sandbox.sam_local.bridge import meeting_point
from sandbox.system import Options, System, running
from simulator import SimulatedLivePerson
from tests.support.sam_local import SAM_SECONDS, SamLocal, why_not
from tools.template import PROJECT

EVENTS = PROJECT / "events"
WITNESS = PROJECT / "tests" / "support" / "witness"
ACCOUNT = EVENTS_ACCOUNT.account_id
CONSUMER = "+4915112345678"


@dataclass(frozen=True)
class Site:
    """A sandbox, and `sam local` beside it."""

    system: System
    sam: SamLocal
    liveperson: SimulatedLivePerson
    channel: DemoChannel

    def queue(self, name: str) -> Queue:
        """Give one of the stack's queues."""
        return Queue(self.system.aws.sqs, self.system.endpoints.queues[name])

    def take(self, name: str) -> list[Any]:
        """Take everything that waits in a queue."""
        queue, bodies = self.queue(name), []
        while found := queue.receive():
            for each in found:
                bodies.append(json.loads(each.body))
                queue.delete(each.receipt_handle)
        return bodies

    def said(self) -> list[str]:
        """Give what LivePerson has of consumers' words."""
        return [
            entry["text"]
            for conversation in self.liveperson.conversations(ACCOUNT)
            for entry in conversation["transcript"]
            if entry["role"] == "CONSUMER"
        ]


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := why_not():
        pytest.skip(f"sam local: {reason}")
    options = Options(port=0, state_dir=tmp_path_factory.mktemp("sam-local"), publish=False)
    with running(options, Progress(Console(quiet=True))) as system:
        built = system.emulator.folder.path / "build" / "ConnectorLayer"
        with opened(system, meeting_point(), built) as template:
            add_witness(template)
            yield settled(system, SamLocal(template, system.endpoints.aws_endpoint_url))


def add_witness(template: Path) -> None:
    """Put a function beside the others that says what it finds around it."""
    content = json.loads(template.read_text())
    properties = {"CodeUri": str(WITNESS), "Timeout": 60}
    content["Resources"]["Witness"] = {
        "Type": "AWS::Serverless::Function",
        "Properties": properties,
    }
    template.write_text(json.dumps(content))


def settled(system: System, sam: SamLocal) -> Site:
    """Pause the deployed workers, and set the account of the event files up."""
    assert system.liveperson is not None
    assert system.channel is not None
    functions = system.aws.functions
    for each in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    account = Account(
        ACCOUNT,
        EVENTS_ACCOUNT.client_id,
        EVENTS_ACCOUNT.client_secret,
        callback_url=system.channel.callback_url,
        signing_secret=system.account.signing_secret,
    )
    system.liveperson.add_account(ACCOUNT, account.client_id, account.client_secret)
    write_parameters(system.aws, system.endpoints.stack_name, account)
    return Site(system, sam, system.liveperson, system.channel)


def event(name: str) -> Path:
    """Give the file with a function's event."""
    return EVENTS / f"{name}.json"


def queued_in(name: str) -> Any:
    """Give what stands in the message that a function's event carries."""
    (record,) = json.loads(event(name).read_text())["Records"]
    return json.loads(record["body"])


def dead_letter(identity: str) -> OutgoingMessage:
    """Make a letter that LivePerson's outage left behind."""
    attributes = {
        "reason": "liveperson_unavailable",
        "first_failed_at": datetime.now(UTC).isoformat(),
    }
    body = json.dumps({"account_id": ACCOUNT, "consumer_id": identity, "event": {"id": identity}})
    return OutgoingMessage(body, group=identity, deduplication_id=identity, attributes=attributes)


# ── sam local invoke: every function with its event ──


def test_token_refresh_stores_the_accounts_app_jwt(site: Site) -> None:
    """LivePerson's Sentinel is reached from the container, at the address it has outside."""
    stack = site.system.endpoints.stack_name
    assert not has_app_jwt(site.system.aws, stack, EVENTS_ACCOUNT)

    assert {ACCOUNT: "refreshed"} == site.sam.invoke("TokenRefresh", event("token_refresh"))
    assert has_app_jwt(site.system.aws, stack, EVENTS_ACCOUNT)


def test_message_intake_queues_what_outbound_messaging_takes(site: Site) -> None:
    """The consumer's words are in the queue, just as the next function's event has them."""
    answer = site.sam.invoke("MessageIntake", event("message_intake"))

    assert 202 == answer["statusCode"]
    assert [queued_in("outbound_messaging")] == site.take("consumer-events.fifo")


def test_outbound_messaging_says_it_to_liveperson(site: Site) -> None:
    """The words are in LivePerson's transcript."""
    answer = site.sam.invoke("OutboundMessaging", event("outbound_messaging"))

    assert {"batchItemFailures": []} == answer
    assert [queued_in("outbound_messaging")["event"]["text"]] == site.said()


def test_webhook_intake_queues_what_channel_delivery_takes(site: Site) -> None:
    """The agent's words are in the queue, just as the next function's event has them."""
    answer = site.sam.invoke("WebhookIntake", event("webhook_intake"))

    assert 200 == answer["statusCode"]
    assert [queued_in("channel_delivery")] == site.take("notifications.fifo")


def test_channel_delivery_tells_the_channel(site: Site) -> None:
    """A message of a conversation that is ours arrives, rightly signed."""
    change = queued_in("channel_delivery")["change"]
    memory = ConversationStore(site.system.aws.dynamodb, site.system.endpoints.table_name)
    ours = Conversation(ACCOUNT, change["conversationId"], CONSUMER, consumer_key="its pseudonym")
    memory.adopt(ours, is_current=False)

    answer = site.sam.invoke("ChannelDelivery", event("channel_delivery"))

    (callback,) = site.channel.callbacks()
    assert {"batchItemFailures": []} == answer
    assert callback.accepted
    assert CONSUMER == callback.body["consumer_id"]
    assert change["event"]["message"] == callback.body["content"]["text"]


def test_dead_letter_redrive_tells_what_it_would_move(site: Site) -> None:
    """Its event asks for a dry run: the letter is counted, and stays."""
    site.queue("consumer-events-dlq.fifo").send([dead_letter("m-dry")])

    answer = site.sam.invoke("DeadLetterRedrive", event("dead_letter_redrive"))

    assert {"liveperson_unavailable": 1} == answer["consumer-events"]["moved"]
    assert ["m-dry"] == [each["consumer_id"] for each in site.take("consumer-events-dlq.fifo")]
    assert [] == site.take("consumer-events.fifo")


# ── sam local start-api ──


@pytest.fixture(name="api", scope="module")
def _api(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site.sam.serving("start-api", tmp_path_factory.mktemp("api") / "sam.log") as url:
        requests.post(f"{url}/webhooks/liveperson", data=b"{}", timeout=SAM_SECONDS)  # a cold start
        yield url


def test_start_api_takes_livepersons_webhooks(site: Site, api: str) -> None:
    """LivePerson signs them itself, and posts them there; what they say is queued."""
    site.liveperson.set_webhook_url(ACCOUNT, f"{api}/webhooks/liveperson")
    site.liveperson.foreign_conversation(ACCOUNT, ["Grüß Gott 😊"])
    assert site.liveperson.wait_idle(SAM_SECONDS)

    queued = [each["change"].get("event", {}) for each in site.take("notifications.fifo")]
    assert "Grüß Gott 😊" in [each.get("message") for each in queued]


def test_start_api_takes_no_forged_webhook(site: Site, api: str) -> None:
    """The signature is proved in the container too, over the bytes that arrived."""
    webhook = json.loads(event("webhook_intake").read_text())
    forged = {**webhook["headers"], SIGNATURE_HEADER: "sha1=Zm9v"}
    url, body = f"{api}{webhook['path']}", webhook["body"].encode()

    assert 401 == requests.post(url, body, headers=forged, timeout=SAM_SECONDS).status_code
    assert [] == site.take("notifications.fifo")


def test_start_api_takes_consumer_events(site: Site, api: str) -> None:
    """202 means the same as everywhere: it is queued."""
    answer = ConnectorClient(api, "start-api asks for no key", ACCOUNT).send_text(CONSUMER, "Hi 👋")

    assert 202 == answer.status
    (queued,) = site.take("consumer-events.fifo")
    assert (CONSUMER, "Hi 👋") == (queued["consumer_id"], queued["event"]["text"])


# ── sam local start-lambda ──


@pytest.fixture(name="functions", scope="module")
def _functions(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with site.sam.serving("start-lambda", tmp_path_factory.mktemp("lambda") / "sam.log") as url:
        yield boto3.client(
            "lambda",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            config=Config(read_timeout=SAM_SECONDS, retries={"total_max_attempts": 1}),
        )


def invoke(functions: Any, name: str, request: Any) -> Any:
    """Invoke a function as any program does."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(request))
    result = json.load(answer["Payload"])
    assert "FunctionError" not in answer, result
    return result


def test_start_lambda_redrives_dead_letters(site: Site, functions: Any) -> None:
    """An operator's request moves a letter from one real queue to the other."""
    site.queue("consumer-events-dlq.fifo").send([dead_letter("m-back")])

    answer = invoke(functions, "DeadLetterRedrive", {"queue": "consumer-events"})

    assert {"liveperson_unavailable": 1} == answer["consumer-events"]["moved"]
    assert [] == site.take("consumer-events-dlq.fifo")
    assert ["m-back"] == [each["consumer_id"] for each in site.take("consumer-events.fifo")]


def test_the_containers_are_like_lambdas(site: Site, functions: Any) -> None:
    """Python 3.13 in Lambda's own runtime, with the layer at /opt and nowhere else."""
    found = invoke(functions, "Witness", {})

    assert found["python"].startswith("3.13.")
    assert "AWS_Lambda_python3.13" == found["runtime"]
    assert "/opt/python/liveperson_connector/__init__.py" == found["package"]
