"""
Nothing private is found where it does not belong, whatever goes well or wrong.

Texts, captions, profile fields and consumer ids that occur nowhere else are sent through the
deployed template in both directions, with every kind of failure on the way. Then everything that
an operator, a caller or a thief of one table could read is searched for them, and for the secrets
and tokens that were used.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests

from sandbox.account import Account, write_parameters
from sandbox.aws import Aws
from sandbox.channel import Callback, Fault, FileHost
from sandbox.emulator_workarounds import resources
from simulator.signing import sign
from tests.e2e.conftest import World
from tests.support.brands import PICTURE, Brand, Talk, base64_of, file_host
from tests.support.brands import eventually as within_seconds

Object = dict[str, Any]

ACCOUNT = "le70000777"
NO_CREDENTIALS = "le70000778"
BAD_CHANNEL = "le70000779"
BAD_CREDENTIALS = "le70000780"


TROUBLES = {
    "accepted",
    "delivered",
    "liveperson_unavailable",
    "channel_unavailable",
    "liveperson_refused",
    "channel_refused",
    "dead_lettered",
    "unexpected",
    "unreadable",
    "invalid_event",
    "too_large",
    "unknown_account",
    "untrusted_webhook",
    "misconfigured_account",
}
"""What the logs tell of when everything has happened."""

PATIENCE_SECONDS = 90.0


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Wait for something, also on a busy machine."""
    return within_seconds(look, what, PATIENCE_SECONDS)


def canary(what: str) -> str:
    """Make a text that occurs nowhere else."""
    return f"canary-{what}-{uuid.uuid4().hex[:12]}"


def phone() -> str:
    """Make a telephone number that nobody has."""
    return f"+4915{uuid.uuid4().int % 10**12:012}"


@dataclass
class Planted:
    """Everything private, by what it is."""

    words: list[str] = field(default_factory=list)
    """Texts, captions, fields of profiles: nowhere but in messages on their way."""
    consumers: list[str] = field(default_factory=list)
    """Consumers' own ids: in the table, and in messages on their way."""
    secrets: list[str] = field(default_factory=list)
    """Client secrets, signing secrets, the API key, AppJWTs: in parameters alone."""
    jwss: list[str] = field(default_factory=list)
    """ConsumerJWSs: in one attribute of the table."""
    answers: list[requests.Response] = field(default_factory=list)
    """What callers were answered."""

    def word(self, what: str) -> str:
        """Plant a text."""
        self.words.append(canary(what))
        return self.words[-1]

    def consumer(self) -> str:
        """Plant a consumer."""
        self.consumers.append(phone())
        return self.consumers[-1]

    def everything(self) -> list[str]:
        """Give all of it, with the forms in which it could hide."""
        plain = [*self.words, *self.consumers, *self.secrets, *self.jwss]
        hidden = [base64.b64encode(each.encode()).decode().rstrip("=") for each in plain]
        return [*plain, *(each[: len(each) // 4 * 4] for each in hidden)]


def found_in(text: str, private: list[str]) -> list[str]:
    """Return what is found in a text, as it stands or percent-encoded or escaped."""
    forms = [text, unquote(text), text.encode().decode("unicode_escape", "replace")]
    return [each for each in private if any(each in form for form in forms)]


# ── A session's worth of traffic, with everything that goes wrong ──


@dataclass
class Traffic:
    """Sends and spoils."""

    world: World
    brand: Brand
    planted: Planted
    aws: Aws
    files: FileHost

    def run(self) -> None:
        """Let everything happen once."""
        talk = self._talk_both_ways()
        self._let_both_sides_fail(talk)
        self._be_refused(talk)
        self._let_a_handler_fail(talk)
        self._post_what_is_wrong()
        self._call_as_strangers()
        self._misconfigure()
        self._redrive(talk)

    def _talk_both_ways(self) -> Talk:
        plant = self.planted.word
        profile = {"personal": {"firstname": plant("name"), "contacts": [{"email": plant("mail")}]}}
        consumer = self.planted.consumer()
        talk = Talk(self.brand, consumer)
        words = plant("text")
        talk.sends("text", text=words, conversation={"profile": profile})
        talk.conversation_id = eventually(lambda: self._where(words), what="the first text")
        talk.sends("text", text=f"{plant('long')} " * 300)
        talk.sends("profile", customer={"customerId": plant("customer"), "imei": plant("imei")})
        url = self.files.put(PICTURE)
        self.planted.words.append(url.rpartition("/")[2])
        talk.sends("file", file_type="PNG", url=url, caption=plant("caption"))
        reply = [{"type": "ExternalId", "id": plant("metadata")}]
        talk.sends("reply", text=plant("reply"), metadata=reply, to_sequence=0)
        talk.sends("typing", state="composing")
        talk.agent("joins")
        talk.agent("text", plant("answer"))
        talk.agent("file", base64_of(PICTURE), caption=plant("agent-caption"))
        talk.agent("event", {"type": "RichContentEvent", "content": {"title": plant("card")}})
        self.world.liveperson.private_note(ACCOUNT, talk.conversation_id, plant("private-note"))
        self.world.liveperson.foreign_conversation(ACCOUNT, [plant("other-channel")])
        eventually(lambda: len(talk.told("message")) >= 3, what="everything told")
        eventually(lambda: len(talk.events()) >= 5, what="everything said")
        return talk

    def _let_both_sides_fail(self, talk: Talk) -> None:
        words = self.planted.word("retried")
        self.world.liveperson.add_fault(
            account=ACCOUNT,
            service="send",
            kind="status",
            status=500,
            times=1,
            match=words,
            body={"error": f"cannot store {words}"},
        )
        talk.sends("text", text=words)
        self.brand.channel.inbox.add_fault(Fault(status=500, times=1))
        told = self.planted.word("retried-callback")
        talk.agent("text", told)
        eventually(lambda: self._at_channel(told), what="a callback after a 500")
        eventually(lambda: self._where(words), what="a text after a 500")

    def _be_refused(self, talk: Talk) -> None:
        words = self.planted.word("refused")
        self.world.liveperson.add_fault(
            account=ACCOUNT,
            service="send",
            kind="status",
            status=400,
            match=words,
            body={"code": "BAD", "body": {"msg": f"Not a word: {words}"}},
        )
        talk.sends("text", text=words)
        eventually(lambda: talk.told("failed"), what="the channel told of the refusal")
        self.world.liveperson.clear_faults()
        self.brand.channel.inbox.add_fault(Fault(status=410, times=1))
        talk.agent("text", self.planted.word("gone"))
        eventually(lambda: self._dead_letters("notifications-dlq.fifo"), what="a dead notification")

    def _let_a_handler_fail(self, talk: Talk) -> None:
        """Queue what no intake lets through: the error that comes of it quotes the value."""
        event = {"id": "bug", "type": "receipt", "status": self.planted.word("bug")}
        queued = {
            "account_id": ACCOUNT,
            "consumer_id": talk.consumer_id,
            "event": {**event, "sequences": [0]},
        }
        self._queue("consumer-events.fifo", json.dumps(queued))
        self._queue("consumer-events.fifo", f'{{"text": "{self.planted.word("unreadable")}"')
        change = {"conversationId": self.planted.word("conversation"), "event": 7}
        self._queue("notifications.fifo", json.dumps({"account_id": ACCOUNT, "change": change}))
        eventually(lambda: "unexpected" in "".join(logs(self.aws, self.world)), what="a bug")

    def _post_what_is_wrong(self) -> None:
        plant = self.planted.word
        consumer = self.planted.consumer()
        wrong: list[Any] = [
            {"id": "a", "type": "text", "text": [plant("wrong-type")]},
            {"id": plant("wrong id "), "type": "text", "text": plant("beside-it")},
            {"id": "a", "type": plant("wrong-kind")},
            {"id": "a", "type": "file", "file_type": "PNG", "url": f"http://{plant('url')}"},
            {"id": "a", "type": "profile", "personal": {"gender": plant("gender")}},
            {"id": "a", "type": "text", "text": plant("large") * 60_000},
            plant("no-object"),
        ]
        for event in wrong:
            self._post(ACCOUNT, consumer, json.dumps(event))
        self._post(ACCOUNT, consumer, f'{{"id": "{plant("broken")}')
        self._post("le70000999", consumer, json.dumps({"id": "a", "type": "text", "text": "x"}))
        self._post(ACCOUNT, "x" * 257 + plant("consumer"), json.dumps({"id": "a", "type": "close"}))
        self._post(ACCOUNT, consumer, "{}", key=plant("wrong-key"))
        where = f"{self.world.endpoints.channel_api_url}/accounts/{ACCOUNT}/files/{plant('file')}"
        self._keep(requests.get(where, headers=self._key(), timeout=90, allow_redirects=False))

    def _call_as_strangers(self) -> None:
        body = json.dumps({"type": "?", "text": self.planted.word("webhook")}).encode()
        secret = self.planted.secrets[0]
        good = {
            "x-liveperson-account-id": ACCOUNT,
            "x-liveperson-client-id": f"client-of-{ACCOUNT}",
            "x-liveperson-signature": sign(body, secret),
        }
        guess = sign(body, "a guess")
        self._webhook(body, good)  # signed, and of no kind we know: a dead letter
        self._webhook(body, {**good, "x-liveperson-signature": guess})
        self._webhook(body, {**good, "x-liveperson-signature": self.planted.word("signature")})
        self._webhook(body, {**good, "x-liveperson-client-id": self.planted.word("client")})
        self._webhook(body, {})

    def _misconfigure(self) -> None:
        """Write down accounts as no operator should, and use them."""
        stack, endpoints = self.world.endpoints.stack_name, self.world.endpoints
        secret = self.planted.word("wrong-client-secret")
        self.world.liveperson.add_account(NO_CREDENTIALS, "client", "another secret")
        self.world.liveperson.add_fault(
            account=NO_CREDENTIALS,
            service="sentinel",
            kind="status",
            status=401,
            body={"error": "invalid_client", "error_description": f"bad secret {secret}"},
        )
        url = self.brand.channel.callback_url
        account = Account(NO_CREDENTIALS, "client", secret, url)
        write_parameters(self.aws, stack, account)
        self._parameter(BAD_CHANNEL, "credentials", '{"client_id": "a", "client_secret": "b"}')
        self._parameter(BAD_CHANNEL, "channel", f'{{"signing_secret": "{self._secret()}"')
        self._parameter(BAD_CREDENTIALS, "credentials", f'["{self._secret()}"]')
        for name in (NO_CREDENTIALS, BAD_CHANNEL):
            event = {"id": "a", "type": "text", "text": self.planted.word("waits")}
            self._post(name, self.planted.consumer(), json.dumps(event))
        self._webhook(
            b"{}",
            {
                "x-liveperson-account-id": BAD_CREDENTIALS,
                "x-liveperson-signature": sign(b"{}", "a guess"),
            },
        )
        function = endpoints.functions["token_refresh"]
        # All of them first: who was asked about a moment before would be left alone.
        for asked in ({}, {"account_id": NO_CREDENTIALS}, {"account_id": BAD_CREDENTIALS}):
            self.aws.functions.invoke(FunctionName=function, Payload=json.dumps(asked).encode())

    def _redrive(self, talk: Talk) -> None:
        function = self.world.endpoints.functions["dead_letter_redrive"]
        who = talk.consumer_id
        asked: list[Object] = [
            {"consumer_id": who, "account_id": ACCOUNT, "dry_run": True},
            {"consumer_id": who},
            {"consumer_id": [who]},
            {"consumer": who},
        ]
        for request in asked:
            self.aws.functions.invoke(FunctionName=function, Payload=json.dumps(request).encode())

    # How

    def _secret(self) -> str:
        self.planted.secrets.append(canary("secret"))
        return self.planted.secrets[-1]

    def _parameter(self, account_id: str, kind: str, value: str) -> None:
        name = f"/{self.world.endpoints.stack_name}/accounts/{account_id}/{kind}"
        self.aws.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def _key(self) -> dict[str, str]:
        return {"x-api-key": self.world.endpoints.channel_api_key}

    def _post(self, account_id: str, consumer: str, body: str, key: str = "") -> None:
        base = f"{self.world.endpoints.channel_api_url}/accounts/{account_id}"
        url = f"{base}/consumers/{quote(consumer, safe='')}/events"
        headers = {"x-api-key": key} if key else self._key()
        self._keep(requests.post(url, data=body.encode(), headers=headers, timeout=90))

    def _webhook(self, body: bytes, headers: Mapping[str, str]) -> None:
        where = self.world.endpoints.webhook_url
        self._keep(requests.post(where, data=body, headers=headers, timeout=90))

    def _keep(self, answer: requests.Response) -> None:
        self.planted.answers.append(answer)

    def _queue(self, name: str, body: str) -> None:
        self.aws.sqs.send_message(
            QueueUrl=self.world.endpoints.queues[name],
            MessageBody=body,
            MessageGroupId=uuid.uuid4().hex,
            MessageDeduplicationId=uuid.uuid4().hex,
        )

    def _where(self, words: str) -> str:
        for each in self.world.liveperson.conversations(ACCOUNT):
            if any(line.get("text") == words for line in each["transcript"]):
                return str(each["conversation_id"])
        return ""

    def _at_channel(self, words: str) -> list[Callback]:
        return [each for each in self.brand.channel.inbox.callbacks() if words in str(each.body)]

    def _dead_letters(self, queue: str) -> list[Object]:
        return dead_letters(self.aws, self.world, queue)


# ── Where an operator, a caller or a thief would look ──


def logs(aws: Aws, world: World) -> Iterator[str]:
    """Give every line of every function's log, metrics included."""
    client = aws.client("logs")
    for name in world.endpoints.functions:
        group = f"/aws/lambda/{world.endpoints.stack_name}-{name.replace('_', '-')}"
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group):
            yield from (event["message"] for event in page["events"])


def dead_letters(aws: Aws, world: World, queue: str) -> list[Object]:
    """Look at dead letters and leave them where they are."""
    found: list[Object] = []
    for _ in range(5):
        answer = aws.sqs.receive_message(
            QueueUrl=world.endpoints.queues[queue],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        found += [dict(each) for each in answer.get("Messages", [])]
    return found


def items(aws: Aws, world: World) -> list[Object]:
    """Give every item of the table."""
    pages = aws.dynamodb.get_paginator("scan").paginate(TableName=world.endpoints.table_name)
    return [item for page in pages for item in page["Items"]]


@pytest.fixture(name="aws", scope="module")
def _aws(world: World) -> Aws:
    return Aws(world.endpoints.aws_endpoint_url)


@pytest.fixture(name="planted", scope="module")
def _planted(world: World, aws: Aws) -> Iterator[Planted]:
    """Let everything happen once, and give what was planted meanwhile."""
    planted = Planted()
    brand = Brand(world.endpoints, world.liveperson, ACCOUNT, {"receipts": "automatic"})
    files = file_host(world.endpoints)
    files.start()
    written = aws.ssm.get_parameters_by_path(
        Path=f"/{world.endpoints.stack_name}/accounts/{ACCOUNT}", WithDecryption=True
    )
    values = {each["Name"].rpartition("/")[2]: each["Value"] for each in written["Parameters"]}
    planted.secrets += [
        json.loads(values["credentials"])["client_secret"],
        json.loads(values["channel"])["signing_secret"].removeprefix("whsec_"),
        world.endpoints.channel_api_key,
    ]
    try:
        Traffic(world, brand, planted, aws, files).run()
        app_jwt = aws.ssm.get_parameter(
            Name=f"/{world.endpoints.stack_name}/accounts/{ACCOUNT}/app-jwt", WithDecryption=True
        )
        planted.secrets.append(app_jwt["Parameter"]["Value"])
        kept = [item["consumer_jws"]["S"] for item in items(aws, world) if "consumer_jws" in item]
        planted.jwss += kept
        assert kept
        yield planted
    finally:
        files.stop()
        brand.close()
        world.liveperson.clear_faults()


# ── Nothing is found ──


def test_everything_went_wrong_that_was_to_go_wrong(
    world: World, aws: Aws, planted: Planted
) -> None:
    """Otherwise it is no wonder that nothing is found."""
    statuses = {answer.status_code for answer in planted.answers}

    def missing() -> list[str]:
        told = {json.loads(line)["message"] for line in logs(aws, world) if '"message"' in line}
        return sorted(TROUBLES - told)

    eventually(lambda: not missing(), what=f"all troubles in the logs, such as {missing()}")
    assert statuses >= {200, 202, 400, 401, 403, 404, 413}


def test_no_log_line_and_no_metric_has_anything_private(
    world: World, aws: Aws, planted: Planted
) -> None:
    """Consumers are known by the beginning of their pseudonym, and by nothing else."""
    lines = [line for line in logs(aws, world) if found_in(line, planted.everything())]

    assert [] == lines
    known = [json.loads(line) for line in logs(aws, world) if '"consumer"' in line]
    assert known
    assert {12} == {len(each["consumer"]) for each in known}


def test_no_dead_letter_has_anything_private_on_its_envelope(
    world: World, aws: Aws, planted: Planted
) -> None:
    """Its body is the message; its attributes are shown in lists and on screens."""
    for queue in ("consumer-events-dlq.fifo", "notifications-dlq.fifo", "token-refresh-dlq"):
        letters = dead_letters(aws, world, queue)
        envelopes = [json.dumps({**each, "Body": ""}, default=str) for each in letters]

        assert letters or queue == "token-refresh-dlq"
        assert [] == [each for each in envelopes if found_in(each, planted.everything())]


def test_no_answer_has_anything_private_or_of_the_inside(planted: Planted) -> None:
    """Neither in its body nor in its headers, whatever was asked and however it ended."""
    for answer in planted.answers:
        shown = f"{answer.status_code} {json.dumps(dict(answer.headers))} {answer.text}"

        assert [] == found_in(shown, planted.everything()), shown
        for inside in ("Traceback", "boto", "arn:aws", ".py", "/accounts/"):
            assert inside not in answer.text


def test_the_table_has_no_words_and_tokens_in_one_place_alone(
    world: World, aws: Aws, planted: Planted
) -> None:
    """Whoever reads it knows who talked, and not what was said; ConsumerJWSs stand apart."""
    every = items(aws, world)
    tokens = [item.pop("consumer_jws", None) for item in every]
    private = [*planted.words, *planted.secrets, *planted.jwss]

    assert any(tokens)
    assert [] == [item for item in every if found_in(json.dumps(item, default=str), private)]


def test_what_consumers_are_called_stands_in_one_attribute(
    world: World, aws: Aws, planted: Planted
) -> None:
    """Keys are pseudonyms: they are shown in metrics and in error messages of AWS."""
    for item in items(aws, world):
        shown = json.dumps({name: each for name, each in item.items() if name != "consumer_id"})

        assert [] == found_in(shown, planted.consumers), sorted(item)


def test_names_of_kept_files_tell_nothing(world: World, aws: Aws, planted: Planted) -> None:
    """A bucket's list of names is read by more people than its files."""
    ((_, bucket),) = resources(aws, world.endpoints.stack_name, "AWS::S3::Bucket")
    listed = aws.client("s3").list_objects_v2(Bucket=bucket)
    names = [each["Key"] for each in listed.get("Contents", [])]

    assert names
    assert [] == found_in("\n".join(names), planted.everything())


def test_the_search_finds_what_is_there() -> None:
    """As it stands, in Base64, percent-encoded, or escaped in JSON."""
    planted = Planted(words=["canary-ü-123456789"], consumers=["+491511234"])
    private = planted.everything()
    encoded = base64.b64encode("canary-ü-123456789".encode()).decode()

    for text in ("a canary-ü-123456789!", "%2B491511234", r"canary-\u00fc-123456789", encoded):
        assert found_in(text, private), text
    assert [] == found_in("nothing of it: canary, +49", private)
