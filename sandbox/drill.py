"""
`python -m sandbox drill`: lose a stack with open conversations, make it anew, restore its people.

The steps are those of docs/recipes/restore-a-lost-stack.md; `connector` runs as for an operator.
"""

import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.account import fetch_app_jwt
from sandbox.channel import ConnectorClient
from sandbox.demo.actors import Actors, waiting_in
from sandbox.demo.scenario import Scenario
from sandbox.deployment import deploy
from sandbox.endpoints import FILE, Endpoints
from sandbox.processes import run
from sandbox.progress import Progress
from sandbox.system import Options, System, running

CONSUMERS = ("+49 151/11111111", "alex@example.com", "用户-3")
LOST = "Are you still there?"
BACKUP = "connector-table-backup"


def drill(options: Options, console: Console) -> int:
    """Play the loss and the restoration; return 0 if every check held."""
    console.print("Setting up: a whole connector on this machine")
    with running(replace(options, publish=False), Progress(console)) as system:
        scenario = Scenario(console)
        for scene in Drill(system, scenario).scenes():
            scene()
        scenario.summary()
    return 0 if scenario.succeeded else 1


class Consumer(Actors):
    """A consumer in a conversation with an agent that outlives the stack."""

    _conversation: str = ""

    def talks(self) -> None:
        """Open a conversation, and get an answer."""
        self._consumer_says(self._greeting)
        self._conversation = self._conversation_id()
        self._agent_says(f"Welcome, {self._consumer_id}")

    def writes_and_is_not_heard(self) -> None:
        """Send a text that waits in a queue, because LivePerson is away."""
        self._liveperson.add_fault(service="send", kind="status", status=503)
        self._post(LOST)
        self._scenario.eventually(
            "it waits in the queue", 1, partial(waiting_in, self._system, "consumer-events.fifo")
        )

    def moves_to(self, endpoints: Endpoints) -> None:
        """Use the new stack's addresses and key from now on, on both sides."""
        self._liveperson.clear_faults()
        self._liveperson.set_webhook_url(self._account_id, endpoints.webhook_url)
        self._connector = ConnectorClient(
            endpoints.channel_api_url, endpoints.channel_api_key, self._account_id
        )

    def goes_on(self) -> None:
        """Hear from the agent and answer, in the same conversation."""
        self._agent_says(f"Sorry for the interruption, {self._consumer_id}")
        self._consumer_says(f"No harm done, says {self._consumer_id}")
        every = self._liveperson.conversations(self._account_id)
        self._scenario.check("no consumer became a stranger", len(CONSUMERS), len(every))

    def sends_all_again(self) -> None:
        """Send old events again, as a channel does that does not know what arrived."""
        self._post(self._greeting)
        self._post(LOST)
        texts = self._consumer_texts
        self._scenario.eventually("what was lost arrives", 1, lambda: texts().count(LOST))
        count = texts().count(self._greeting)
        self._scenario.check("what had arrived does not arrive twice", 1, count)

    @property
    def _greeting(self) -> str:
        return f"Hello, I am {self._consumer_id}"

    def _post(self, text: str, event_id: str = "") -> None:
        super()._post(text, event_id or str(uuid.uuid5(uuid.NAMESPACE_URL, text)))

    def _conversations(self) -> list[dict[str, Any]]:
        found = super()._conversations()
        return [each for each in found if self._conversation in {"", each["conversation_id"]}]


@dataclass
class Drill:
    """The stack, what is lost, and the stack that takes its place."""

    system: System
    scenario: Scenario
    consumers: list[Consumer] = field(default_factory=list)
    endpoints: Endpoints = field(init=False)
    salt: str = ""

    def __post_init__(self) -> None:
        self.endpoints = self.system.endpoints

    def scenes(self) -> list[Callable[[], None]]:
        """List the scenes in order."""
        return [
            self.three_conversations,
            self.the_salt_is_kept,
            self.the_stack_is_lost,
            self.it_is_made_anew,
            self.what_it_knew_is_restored,
            self.the_conversations_go_on,
            self.what_was_lost_is_sent_again,
        ]

    def three_conversations(self) -> None:
        """Three consumers talk with agents; one more text waits in a queue."""
        with self.scenario.scene("Three open conversations"):
            for consumer_id in CONSUMERS:
                self.consumers.append(Consumer(self.system, self.scenario, consumer_id))
                self.consumers[-1].talks()
            self.consumers[-1].writes_and_is_not_heard()

    def the_salt_is_kept(self) -> None:
        """``make deploy`` does this on AWS after every deployment."""
        with self.scenario.scene("What consumers' ids depend on is kept"):
            self._connector("salt", "keep")
            name = f"/{self.endpoints.stack_name}/consumer-id-salt"
            found = self.system.aws.ssm.get_parameter(Name=name, WithDecryption=True)
            self.salt = found["Parameter"]["Value"]
            self.scenario.check("outside of the stack", True, bool(self.salt))

    def the_stack_is_lost(self) -> None:
        """All of it, with its table; a backup of the table remains."""
        with self.scenario.scene("The stack is lost, with its table"):
            name, table = self.endpoints.stack_name, self.endpoints.table_name
            tables = self.system.aws.dynamodb
            backup = tables.create_backup(TableName=table, BackupName=BACKUP)["BackupDetails"]
            client = self.system.aws.client("cloudformation")
            client.delete_stack(StackName=name)
            gone = client.get_waiter("stack_delete_complete")
            gone.wait(StackName=name, WaiterConfig={"Delay": 1})
            tables.update_table(TableName=table, DeletionProtectionEnabled=False)
            tables.delete_table(TableName=table)
            tables.restore_table_from_backup(TargetTableName=BACKUP, BackupArn=backup["BackupArn"])
            left = tables.list_tables()["TableNames"]
            self.scenario.check("its table is there as a backup alone", [BACKUP], left)

    def it_is_made_anew(self) -> None:
        """As ``make deploy`` does: with the kept salt."""
        with self.scenario.scene("It is made anew, with the kept salt"):
            template = self.system.emulator.folder.path / "build" / "template.yaml"
            made = deploy(
                self.system.aws,
                template,
                self.endpoints.stack_name,
                self.endpoints.liveperson_url,
                ConsumerIdSalt=self.salt,
            )
            self.endpoints = replace(
                self.endpoints,
                webhook_url=made.webhook_url,
                channel_api_url=made.channel_api_url,
                channel_api_key=made.channel_api_key,
                table_name=made.table_name,
                queues=dict(made.queues),
                functions=dict(made.functions),
            )
            refresh, account = made.functions["token_refresh"], self.system.account
            fetched = fetch_app_jwt(self.system.aws, refresh, made.stack_name, account)
            self.scenario.check("it is let in by LivePerson", True, fetched)

    def what_it_knew_is_restored(self) -> None:
        """From the table that remained; the partners get the new addresses."""
        with self.scenario.scene("What it knew is restored"):
            said = self._connector("restore", "--from", BACKUP, "--yes")
            self.scenario.check("three consumers are restored", True, " 3 consumer" in said)
            self.scenario.check("what is lost is named", True, "not restored: messages" in said)
            for consumer in self.consumers:
                consumer.moves_to(self.endpoints)

    def the_conversations_go_on(self) -> None:
        """LivePerson and the connector recognise everyone."""
        with self.scenario.scene("The conversations go on"):
            for consumer in self.consumers:
                consumer.goes_on()

    def what_was_lost_is_sent_again(self) -> None:
        """Repeat old events: one was lost in its queue, one had arrived."""
        with self.scenario.scene("The channel sends again"):
            self.consumers[-1].sends_all_again()

    def _connector(self, *arguments: str) -> str:
        file = self.system.emulator.folder.path / FILE
        self.endpoints.write(file)
        program = Path(sys.executable).with_name("connector")
        environ = {**os.environ, "CONNECTOR_ENDPOINTS": str(file)}
        what = f"connector {' '.join(arguments)}"
        self.scenario.says("operator", what)
        return run([program, *arguments], what=what, environ=environ, hint="run `make setup`")
