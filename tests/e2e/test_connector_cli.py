"""
Nine faults, set up one at a time, are named by ``connector``, with what mends them.

The tests have a sandbox of their own, since they break it. Where the fix is a command, it is run,
and the doctor finds nothing wrong afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from sandbox.channel import ConnectorClient
from sandbox.channel.inbox import Fault
from sandbox.progress import Progress
from sandbox.providers import stand_in
from sandbox.providers.stand_in import StandIn
from sandbox.system import Options, System, running
from tests.e2e.conftest import PROJECT, wait_for
from tests.support.interrupts import hear_interrupts
from tests.support.operators import CONNECTOR, Operator, Stack
from tests.support.terminal import Session, typed
from tests.support.tokens import app_jwt

CONSUMER = "+4915112345678"


@dataclass(frozen=True)
class Site:
    """A sandbox with one account, and its operator."""

    system: System
    operator: Operator
    stack: Stack

    @property
    def account_id(self) -> str:
        """The account."""
        return self.system.account.account_id

    @property
    def liveperson(self) -> Any:
        """The simulated LivePerson."""
        return self.system.liveperson

    @property
    def channel(self) -> Any:
        """The demo channel."""
        return self.system.channel

    def client(self) -> ConnectorClient:
        """Return the channel's client."""
        where = self.system.endpoints
        return ConnectorClient(where.channel_api_url, where.channel_api_key, self.account_id)

    def consumer_says(self, text: str, event_id: str, consumer_id: str = CONSUMER) -> None:
        """
        Let a consumer write, and wait until LivePerson has it and told us so.

        A webhook with a new secret may be refused for half a minute, the least time between two
        looks at a secret that does not fit, and is then sent again.
        """
        assert 202 == self.client().send_text(consumer_id, text, event_id).status
        wait_for(lambda: text in self._transcripts(), seconds=60, what=f"{text} at LivePerson")
        assert self.liveperson.wait_idle(60)

    def secrets(self) -> str:
        """Return what the operator types: the client secret and the signing secret."""
        account = self.system.account
        return f"{account.client_secret}\n{account.signing_secret}\n"

    def set_up_again(self) -> None:
        """Write the account as it was, as the doctor advises."""
        account = self.system.account
        said = self.operator.connector(
            *("account", "add", account.account_id, "--yes", "--stack-key"),
            *("--client-id", account.client_id, "--callback-url", account.callback_url),
            typed=self.secrets(),
        )
        assert 0 == said.code, said.err

    def _transcripts(self) -> list[str]:
        return [
            entry["text"]
            for each in self.liveperson.conversations(self.account_id)
            for entry in each["transcript"]
        ]


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("cli")
    options = Options(port=0, state_dir=state)
    with running(options, Progress(Console(quiet=True))) as system:
        operator = Operator(state / "endpoints.json")
        yield Site(system, operator, Stack(system.endpoints))


@contextmanager
def liveperson_fault(site: Site, **fault: Any) -> Iterator[None]:
    """Let LivePerson fail for a while."""
    site.liveperson.add_fault(**fault)
    try:
        yield
    finally:
        site.liveperson.clear_faults()


def names(finding: dict[str, Any], *words: str) -> bool:
    """Whether a finding says each of the words, in what is wrong or in what to do."""
    return all(word in f"{finding['detail']} {finding['fix']}" for word in words)


# ── Nothing is wrong ──


def test_a_sandbox_just_started_is_healthy(site: Site) -> None:
    """Of a healthy stack the doctor says so, and LivePerson finds no fault with its calls."""
    assert {} == site.operator.doctor()
    assert 0 == site.operator.connector("status").code
    assert [] == site.liveperson.violations()


# ── The nine faults ──


def test_wrong_secret(site: Site) -> None:
    """The client secret is not the installed app's: Sentinel refuses it, and so is it told."""
    site.liveperson.set(site.account_id, client_secret="another")

    wrong = site.operator.doctor()
    site.liveperson.set(site.account_id, client_secret=site.system.account.client_secret)

    assert {"Sentinel"} == set(wrong)
    assert names(wrong["Sentinel"], "refuses the credentials", "connector secrets rotate")
    assert {} == site.operator.doctor("--only", "AppJWT")


def test_expired_app_jwt_with_sentinel_down(site: Site) -> None:
    """Nothing can be sent, and the doctor tells that the token is old and who gives no other."""
    now = int(time.time())
    account = site.system.account
    old = app_jwt(aud=account.account_id, azp=account.client_id, iat=now - 7200, exp=now - 3600)
    ssm = site.stack.client("ssm")
    name = site.stack.parameter(site.account_id, "app-jwt")
    ssm.put_parameter(Name=name, Value=old, Type="SecureString", Overwrite=True)

    with liveperson_fault(site, service="sentinel", kind="status", status=503):
        wrong = site.operator.doctor()
        status = site.operator.connector("status")
    site.set_up_again()

    assert {"AppJWT", "Sentinel"} == set(wrong)
    assert names(wrong["AppJWT"], "expired 60 min ago", "nothing can be sent")
    assert names(wrong["Sentinel"], "503", "wait")
    assert (1, True) == (status.code, "has no valid AppJWT" in status.out)
    assert {} == site.operator.doctor("--only", "AppJWT")


def test_callback_answers_500(site: Site) -> None:
    """The channel is broken: whose callback, what it answers, and that nothing is lost."""
    site.channel.add_fault(Fault(status=500, times=1))

    wrong = site.operator.doctor()

    assert {"callback"} == set(wrong)
    assert names(wrong["callback"], "500", "sent again")
    assert {} == site.operator.doctor("--only", "callback")


def test_wrong_parameter_type(site: Site) -> None:
    """A secret that stands in the clear is found, and the advised command encrypts it."""
    ssm = site.stack.client("ssm")
    name = site.stack.parameter(site.account_id, "channel")
    value = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    ssm.delete_parameter(Name=name)
    ssm.put_parameter(Name=name, Value=value, Type="String")

    wrong = site.operator.doctor()
    site.set_up_again()

    assert {"parameters"} == set(wrong)
    assert names(wrong["parameters"], "String", "SecureString", "connector account add")
    assert {} == site.operator.doctor("--only", "parameters")


def test_missing_right(site: Site) -> None:
    """A right that somebody took away is named, with whose and on what."""
    iam, role = site.stack.client("iam"), site.stack.physical("OutboundMessagingRole")
    document = iam.get_role_policy(RoleName=role, PolicyName="OutboundMessaging")["PolicyDocument"]
    rest = [each for each in document["Statement"] if each["Sid"] != "GiveUp"]
    less = json.dumps({**document, "Statement": rest})
    iam.put_role_policy(RoleName=role, PolicyName="OutboundMessaging", PolicyDocument=less)

    wrong = site.operator.doctor()
    whole = json.dumps(document)
    iam.put_role_policy(RoleName=role, PolicyName="OutboundMessaging", PolicyDocument=whole)

    assert {"rights"} == set(wrong)
    assert names(wrong["rights"], "OutboundMessagingRole may not GiveUp", "sqs:SendMessage on")
    assert {} == site.operator.doctor("--only", "rights")


def test_settings_that_callers_do_not_reach(site: Site) -> None:
    """The alias still points to a version with the old ones; which, is said by name."""
    functions = site.stack.client("lambda")
    intake = site.stack.physical("MessageIntake")
    old = functions.get_function_configuration(FunctionName=intake)["Environment"]["Variables"]

    def configure(variables: dict[str, str]) -> None:
        functions.update_function_configuration(
            FunctionName=intake, Environment={"Variables": variables}
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=intake)

    configure({**old, "CONSUMER_ID_SALT": "changed by hand"})
    wrong = site.operator.doctor()
    configure(old)

    assert {"salt", "versions"} == set(wrong)
    assert names(wrong["versions"], intake, "CONSUMER_ID_SALT", "make deploy")
    assert "changed by hand" not in str(wrong)
    assert {} == site.operator.doctor("--only", "versions")


def test_disabled_mapping(site: Site) -> None:
    """A queue that nobody reads is named, with the command that lets it be read."""
    functions = site.stack.client("lambda")
    mapping = site.stack.physical("OutboundMessagingConsumerEvent")
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)

    wrong = site.operator.doctor()
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)

    assert {"mappings"} == set(wrong)
    assert names(
        wrong["mappings"],
        "OutboundMessagingConsumerEvent is Disabled",
        f"aws lambda update-event-source-mapping --uuid {mapping} --enabled",
    )
    assert {} == site.operator.doctor("--only", "mappings")


def test_full_dead_letter_queue(site: Site) -> None:
    """
    Dead letters are counted by reason; the advised commands list them and send them again.

    The emulator shows ten of a queue at a time, as AWS does of a group.
    """
    queue = site.stack.physical("NotificationsDeadLetters")
    for number in range(25):
        _bury(site, queue, f"c-{number % 5}", number)

    wrong = site.operator.doctor()
    status = site.operator.connector("status", "--json")
    listed = site.operator.connector("dead-letters", "list", "--reason", "channel_refused")
    planned = site.operator.connector(
        *("dead-letters", "redrive", "--reason", "channel_refused", "--dry-run", "--json")
    )
    thrown = site.operator.connector(
        "dead-letters", "discard", "--reason", "channel_refused", "--yes"
    )

    assert {"queues"} == set(wrong)
    assert names(wrong["queues"], "10 dead letters (and 15", "the channel answered 410")
    assert names(wrong["queues"], "connector dead-letters list --reason channel_refused")
    assert {"channel_refused": 10} == status.json()["dead_letters"]
    assert 15 == status.json()["dead_letters_not_shown"]
    assert (0, 10) == (listed.code, listed.out.count("channel_refused"))
    assert "15 more not seen" in listed.err
    assert "not for anybody's eyes" not in listed.out
    plan = planned.json()["notifications"]
    assert ({"channel_refused": 10}, 15) == (plan["moved"], plan["unseen"])
    assert 0 == thrown.code, thrown.err
    assert {} == site.operator.doctor("--only", "queues")


def test_domain_lookup_down(site: Site) -> None:
    """That LivePerson's addresses are not known is said before what follows from it."""
    with liveperson_fault(site, service="domain", kind="status", status=503):
        wrong = site.operator.doctor()

    assert "domains" == next(iter(wrong))
    assert names(wrong["domains"], site.system.endpoints.liveperson_url, "503", "wait")
    assert {} == site.operator.doctor("--only", "domains")


def test_clock_skew(site: Site) -> None:
    """A token that is old when it is new is told as what it is: a clock that is wrong."""
    now = int(time.time())
    account = site.system.account
    late = app_jwt(aud=account.account_id, azp=account.client_id, iat=now - 7200, exp=now - 3600)
    body = {"access_token": late, "token_type": "Bearer"}

    with liveperson_fault(site, service="sentinel", kind="status", status=200, body=body):
        wrong = site.operator.doctor()

    assert {"clock"} == set(wrong)
    assert names(wrong["clock"], "already expired", "set this machine's clock by NTP")
    assert {} == site.operator.doctor("--only", "AppJWT")


def _bury(site: Site, queue: str, conversation_id: str, number: int) -> None:
    change = {"conversationId": conversation_id, "event": {"message": "not for anybody's eyes"}}
    body = {"account_id": site.account_id, "type": "ms.MessagingEventNotification"}
    attributes = {
        "reason": "channel_refused",
        "problem": "the channel answered 410",
        "http_status": "410",
        "attempts": "1",
    }
    site.stack.client("sqs").send_message(
        QueueUrl=queue,
        MessageBody=json.dumps({**body, "change": change}),
        MessageGroupId=conversation_id,
        MessageDeduplicationId=str(number),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


# ── The other commands ──


def test_secrets_are_never_shown(site: Site) -> None:
    """Neither a page for people nor one for programs has a secret in it."""
    account = site.system.account
    shown = [
        site.operator.connector("account", "show", account.account_id),
        site.operator.connector("account", "show", account.account_id, "--json"),
        site.operator.connector("account", "list", "--json"),
        site.operator.connector("doctor", "--json"),
        site.operator.connector("secrets", "status", account.account_id, "--json"),
    ]

    for said in shown:
        assert 0 == said.code, said.err
        for secret in (account.client_secret, account.signing_secret):
            assert secret not in said.out + said.err


def test_an_account_is_shown_in_words(site: Site) -> None:
    """Names as people write them, times as they say them."""
    shown = site.operator.connector("account", "show", site.account_id).out

    assert re.search(r"^credentials +client id: [^,]+, previous client secret: no, ", shown, re.M)
    assert re.search(
        r"^app jwt +expires in: \d+ min, type: SecureString, written: .* ago$", shown, re.M
    )
    assert "_" not in shown.replace(site.system.account.client_id, "")


def test_watching_ends_with_ctrl_c(site: Site) -> None:
    """Quietly: it is how watching is meant to end. The exit code is that of what was shown."""
    watching = subprocess.Popen(
        [CONNECTOR, "status", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=site.operator.environ,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - it does nothing else
    )
    assert watching.stdout
    for line in watching.stdout:
        if line.startswith("held groups"):
            break
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=60)

    assert watching.returncode in {0, 1}
    assert "" == errors


def test_the_console_finds_a_message_and_ends_with_ctrl_c(site: Site) -> None:
    """As support staff do, on the page's own address; without a word of the message."""
    site.consumer_says("a word for the console", "console-1", "searched@example.com")
    serving = subprocess.Popen(
        [CONNECTOR, "console"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**site.operator.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - it does nothing else
    )
    assert serving.stdout
    url = serving.stdout.readline().removeprefix("Console: ").strip()
    wanted = {"x-wanted": "searched%40example.com"}
    found = requests.get(f"{url}find?minutes=60", headers=wanted, timeout=60)
    now = requests.get(f"{url}now", timeout=60)
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=60)

    assert {"accepted", "sent"} <= {each["outcome"] for each in found.json()["hops"]}
    assert {"problems", "failures", "values"} <= set(now.json())
    assert "for the console" not in found.text
    assert "searched@example.com" not in found.text
    assert 0 == serving.returncode


def test_an_account_is_checked_before_it_is_written(site: Site) -> None:
    """With a secret that LivePerson refuses, nothing is changed, and the command says so."""
    account = site.system.account
    said = site.operator.connector(
        *("account", "add", account.account_id, "--yes"),
        *("--client-id", account.client_id, "--callback-url", account.callback_url),
        typed=f"wrong\n{account.signing_secret}\n",
    )

    assert 1 == said.code
    assert "issues account" in said.err
    assert "do:" in said.err
    assert {} == site.operator.doctor("--only", "AppJWT")


def test_a_secret_is_rotated(site: Site) -> None:
    """Both secrets are believed; the old one is dropped when it is seen to be out of use."""
    rotate = ("secrets", "rotate", site.account_id)
    old, new = site.system.account.client_secret, "another0secret0of0the0tests"
    site.liveperson.set(site.account_id, client_secret=new)

    taken = site.operator.connector(*rotate, "--yes", typed=f"{new}\n")
    site.consumer_says("Signed with the new one", "rotate-1", "rotating")
    too_soon = site.operator.connector(*rotate, "--finish", "--yes")
    site.liveperson.set(site.account_id, client_secret=old)
    site.consumer_says("Signed with the old one", "rotate-2", "rotating")
    in_use = site.operator.connector(*rotate, "--finish", "--yes")
    site.liveperson.set(site.account_id, client_secret=new)
    forced = site.operator.connector(*rotate, "--finish", "--yes", "--force")
    healthy = site.operator.doctor()
    site.liveperson.set(site.account_id, client_secret=old)
    back = site.operator.connector(*rotate, "--yes", typed=f"{old}\n")
    done = site.operator.connector(*rotate, "--finish", "--yes", "--force")

    assert 0 == taken.code, taken.err
    assert (1, True) == (
        too_soon.code,
        "a webhook may have been signed with it" in too_soon.err,
    )
    assert (1, True) == (in_use.code, "a webhook may have been signed with it" in in_use.err)
    assert 0 == forced.code, forced.err
    assert {} == healthy
    assert (0, 0) == (back.code, done.code)


def test_a_conversation_is_traced(site: Site) -> None:
    """By consumer, event and conversation: every hop, and not a word of what was said."""
    site.consumer_says("a word that nobody logs", "trace-1", "traced@example.com")
    traced = site.operator.connector("trace", "traced@example.com", "--json").json()["lines"]
    conversation = next(each["conversation_id"] for each in traced if each["what"] == "sent")
    site.liveperson.agent_text(site.account_id, conversation, "an answer that nobody logs")
    wait_for(
        lambda: "delivered" in site.operator.connector("trace", conversation).out,
        seconds=90,
        what="the answer in the trace",
    )

    def hops() -> list[str]:
        found = _hops(site.operator.connector("trace", "trace-1", "--json").json())
        # The first event of an account has token_refresh copy the settings for the intake.
        return [each for each in found if each != "token_refresh"][:2]

    wait_for(
        lambda: hops() == ["message_intake", "outbound_messaging"],
        seconds=30,
        what="the first two hops in the trace",
    )
    by_consumer = site.operator.connector("trace", "traced@example.com", "--json")
    by_event = site.operator.connector("trace", "trace-1", "--json")
    by_conversation = site.operator.connector("trace", conversation, "--json")

    assert {"webhook_intake", "channel_delivery"} <= set(_hops(by_conversation.json()))
    for said in (by_consumer, by_event, by_conversation):
        assert "nobody logs" not in said.out
        assert "traced@example.com" not in said.out
    assert 1 == site.operator.connector("trace", "never heard of").code


def test_a_trace_shows_joins_transfers_and_ends(site: Site) -> None:
    """Whatever the channel is told of a conversation, and not only what is said in it."""
    site.consumer_says("Hello", "trace-2", "followed@example.com")
    traced = site.operator.connector("trace", "followed@example.com", "--json").json()["lines"]
    conversation = next(each["conversation_id"] for each in traced if each["what"] == "sent")
    site.liveperson.transfer(site.account_id, conversation, "7")  # its first: that is routing
    site.liveperson.agent_joins(site.account_id, conversation)
    site.liveperson.transfer(site.account_id, conversation, "8")
    site.liveperson.close(site.account_id, conversation)
    wait_for(
        lambda: "change closed" in site.operator.connector("trace", conversation).out,
        seconds=90,
        what="the end in the trace",
    )

    lines = site.operator.connector("trace", conversation, "--json").json()["lines"]
    told = [each["details"]["change"] for each in lines if each["what"] == "told_conversation"]
    assert ["opened", "agent_joined", "transferred", "closed"] == told


def _hops(told: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(each["function"] for each in told["lines"]))


# ── Recipes of docs/recipes, followed as they are written ──

BRAND = "12345678"
BRAND_SECRET, NEW_SECRET = "brand0secret0of0the0recipes", "brand0secret0after0rotation"
ERASED = "+4915112345678"


@dataclass(frozen=True)
class Cook:
    """An operator at a terminal, in an empty folder, who types what a recipe says."""

    site: Site
    folder: Path

    answers: dict[str, str] = field(default_factory=dict)
    """What is typed, by the question that asks for it."""

    def follows(self, recipe: str, block: int = 0, also: str = "", **instead: str) -> Session:
        """Run a block of a page as it stands, with ``instead`` of the page's placeholders."""
        page = (PROJECT / "docs/recipes" / f"{recipe}.md").read_text()
        command = re.findall(r"^ *```sh\n(.*?)^ *```$", page, flags=re.M | re.S)[block]
        for placeholder, value in instead.items():
            command = re.sub(rf"\b{placeholder}\b", value, command)
        callback_url = self.site.system.account.callback_url
        path = os.pathsep.join([str(CONNECTOR.parent), os.environ["PATH"]])
        return typed(
            command.replace("https://channel.example.com/callbacks", callback_url).rstrip() + also,
            self.answers,
            folder=self.folder,
            environ={**self.site.operator.environ, "PATH": path, "COLUMNS": "200"},
        )


@pytest.fixture(name="cook", scope="module")
def _cook(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Cook:
    """Follow the first recipe, on whose account the others stand."""
    answers = {
        "Client secret: ": BRAND_SECRET,
        "Signing secret: ": site.system.account.signing_secret,
        "New client secret: ": NEW_SECRET,
        "[y/N]: ": "y",
    }
    cook = Cook(site, tmp_path_factory.mktemp("recipes"), answers)
    webhook_url = site.system.endpoints.webhook_url
    site.liveperson.add_account(BRAND, "client-of-the-recipes", BRAND_SECRET, webhook_url)
    made = cook.follows("add-a-brand")
    added = cook.follows("add-a-brand", 1, ID="client-of-the-recipes")

    assert (0, 0) == (made.code, added.code), added.shown
    assert "Nothing is wrong." in added.shown
    assert 3 == added.shown.rpartition("Nothing is wrong.")[2].count("✓")
    return cook


def test_recipe_ask_livepersons_account_team(cook: Cook) -> None:
    """The manifest is written; a record that is as it says differs in nothing."""
    assert 0 == cook.follows("ask-livepersons-account-team").code
    shutil.copy(cook.folder / "manifest.json", cook.folder / "installed.json")
    assert 0 == cook.follows("ask-livepersons-account-team", 1).code


def test_recipe_find_a_lost_message(cook: Cook) -> None:
    """The way of what `connector try` sent, and the state of the stack."""
    said = cook.follows("find-a-lost-message", CONSUMER="connector-try")

    assert 2 == said.shown.count(" sent "), said.shown
    assert BRAND in said.shown.rpartition(" sent ")[2]


def test_recipe_erase_a_consumer(cook: Cook) -> None:
    """What there is, then the receipt, which says that nothing is left."""
    key_file = cook.folder / "key"  # the recipe's account has a key of its own
    cook.site.operator.connector("handover", BRAND, "--key-file", str(key_file))
    url = cook.site.system.endpoints.channel_api_url
    client = ConnectorClient(url, key_file.read_text().strip(), BRAND)
    assert 202 == client.send_text(ERASED, "to be erased", "erase-1").status
    liveperson = cook.site.liveperson
    wait_for(
        lambda: "to be erased" in json.dumps(liveperson.conversations(BRAND)),
        seconds=60,
        what="the text at LivePerson",
    )
    assert liveperson.wait_idle(60)

    # The receipt takes standard output, and with it the space that follows the question.
    said = replace(cook, answers={"[y/N]:": "y"}).follows("erase-a-consumer")

    assert 0 == said.code, said.shown
    receipt = (cook.folder / "receipt.json").read_text()
    assert json.loads(receipt)["complete"]
    assert ERASED not in receipt


def test_recipe_redrive_dead_letters(cook: Cook) -> None:
    """One is sent again by its reason, another is thrown away by its id."""
    operator, queue = cook.site.operator, cook.site.stack.physical("NotificationsDeadLetters")

    def buried(number: int) -> str:
        _bury(cook.site, queue, f"recipe-{number}", 100 + number)
        (letter,) = operator.connector("dead-letters", "list", "--json").json()
        return str(letter["id"])

    redriven = cook.follows("redrive-dead-letters", ID=buried(1))
    wait_for(
        lambda: operator.connector("dead-letters", "list", "--json").json() == [],
        seconds=60,
        what="no dead letters",
    )
    discarded = cook.follows("redrive-dead-letters", 1, ID=buried(2))

    assert (0, 0) == (redriven.code, discarded.code), redriven.shown + discarded.shown
    assert "redriven" in redriven.shown
    assert [] == operator.connector("dead-letters", "list", "--json").json()


def test_recipe_rotate_a_secret(cook: Cook) -> None:
    """The new one is taken; the old one stays while a webhook may be signed with it."""
    cook.site.liveperson.set(BRAND, client_secret=NEW_SECRET)
    said = cook.follows("rotate-a-secret")

    assert 1 == said.code
    assert "a webhook may have been signed with it" in said.shown
    # A webhook with a new secret may be refused until the intake may look at the secrets again.
    wait_for(lambda: not cook.site.operator.doctor(BRAND), seconds=90, what="a healthy account")


def test_recipe_add_a_ready_channel(cook: Cook) -> None:
    """The test person sees the message, and answers it."""
    with stand_in("telegram") as telegram:
        cook.answers["Token of the bot, from @BotFather: "] = telegram.settings["bot_token"]
        added = cook.follows("add-a-ready-channel", also=f" --set api_url={telegram.url}")
        ada = telegram.person("ada")
        answering = threading.Thread(target=_answers, args=(telegram,))
        answering.start()
        tried = cook.follows("add-a-ready-channel", 1, PERSON=ada)
        answering.join()

    assert (0, 0) == (added.code, tried.code), added.shown + tried.shown


def _answers(telegram: StandIn) -> None:
    wait_for(lambda: bool(telegram.seen("ada")), seconds=60, what="the message at the person")
    telegram.say("ada", {"text": "Here I am"})


# ── Before an upgrade ──


@contextmanager
def change_set(site: Site, old: str, new: str) -> Iterator[None]:
    """Prepare an upgrade to the deployed template with one thing changed."""
    client, name = site.stack.client("cloudformation"), site.system.endpoints.stack_name
    body = json.dumps(client.get_template(StackName=name)["TemplateBody"])
    assert old in body
    s3, bucket = site.stack.client("s3"), "upgrades"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="template.json", Body=body.replace(old, new).encode())
    kept = client.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    asked = {"StackName": name, "ChangeSetName": "the-upgrade"}
    client.create_change_set(
        **asked,
        TemplateURL=f"https://s3.amazonaws.com/{bucket}/template.json",
        Parameters=[{"ParameterKey": x["ParameterKey"], "UsePreviousValue": True} for x in kept],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("change_set_create_complete").wait(**asked)
    try:
        yield
    finally:
        client.delete_change_set(**asked)


def test_an_upgrade_that_would_lose_messages_is_named(site: Site) -> None:
    """By a change set that CloudFormation has read: a queue with another name is another queue."""
    with change_set(site, "-notifications.fifo", "-messages.fifo"):
        said = site.operator.connector("upgrade", "--check")

    assert 1 == said.code, said.out + said.err
    assert (
        "NotificationsQueue (AWS::SQS::Queue) is replaced: its messages would be lost" in said.out
    )


def test_an_upgrade_that_loses_nothing_is_described(site: Site) -> None:
    """Its exit code is 0, for a pipeline."""
    with change_set(site, "Called by the channel.", "Called by your channel."):
        said = site.operator.connector("upgrade", "--check", "--json")

    assert 0 == said.code, said.out + said.err
    assert {"note"} == {each["level"] for each in said.json()}
    assert "modify 1 × AWS::Lambda::Function" in [each["what"] for each in said.json()]


def test_without_a_prepared_upgrade_the_operator_is_told_how(site: Site) -> None:
    """The command that makes a change set is named."""
    said = site.operator.connector("upgrade", "--check")

    assert 1 == said.code
    assert "--no-execute-changeset" in said.err
