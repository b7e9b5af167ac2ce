"""
What a channel of one's own must do (docs/channel-api.md), tried from outside, check by check.

Each check posts callbacks, as the connector would or as a forger would, and judges the answers.
What a channel shows to its consumer cannot be seen from outside: the command says what to look for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from liveperson_connector.channel.callbacks import sign
from liveperson_connector.channel.ssrf import LOOPBACK, basic_auth, checked, ssrf_safe_client
from liveperson_connector.domain.queue_messages import new_id
from liveperson_connector.support.dialer import NoAnswer
from liveperson_connector.support.http_client import HttpClient

from . import examples
from .examples import Callback

SECONDS = 10.0
"""How long a channel may take for an answer."""

SLOW_SECONDS = 2.0
"""From here on an answer is worth a word: callbacks of one conversation wait for each other."""

_STALE_SECONDS = 600
_IN_A_ROW = 10
_AT_ONCE = 5


@dataclass(frozen=True)
class Finding:
    """A check's result; ``problem`` is empty if it holds, ``fix`` says what to do otherwise."""

    check: str
    problem: str = ""
    fix: str = ""


@dataclass
class Channel:
    """A channel under test; ``slowest`` is the longest time that an answer took, in seconds."""

    url: str
    key: bytes = field(repr=False)
    client: HttpClient = field(default_factory=lambda: ssrf_safe_client(LOOPBACK), repr=False)
    slowest: float = 0.0

    def post(self, callback: Callback, message_id: str = "", **headers: str | None) -> str:
        """Post a callback, rightly signed unless ``headers`` say otherwise; return what came."""
        body = json.dumps(callback).encode()
        return self.post_body(body, self.signed(body, message_id or f"msg_{new_id()}"), **headers)

    def post_body(self, body: bytes, headers: Mapping[str, str], **changes: str | None) -> str:
        """Post bytes; a header that is changed to None is left out."""
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        sent = {name: value for name, value in {**headers, **changed}.items() if value is not None}
        address = checked(self.url, network=LOOPBACK)
        began = time.monotonic()
        try:
            answer = self.client.call(
                "POST",
                address,
                seconds=SECONDS,
                headers={"Content-Type": "application/json", **basic_auth(address), **sent},
                body=body,
            )
        except NoAnswer as failure:
            return f"no answer ({failure})"
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        return str(answer.status)

    def signed(self, body: bytes, message_id: str, *, seconds_old: int = 0) -> dict[str, str]:
        """Return the three headers of the Standard Webhooks specification."""
        timestamp = int(time.time()) - seconds_old
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.key, message_id, timestamp, body),
        }


def run(channel: Channel) -> Iterator[Finding]:
    """Run every check; the first that fails because nothing answers at all is the last."""
    first = _takes(channel, "a signed callback", examples.others(new_id())["ping"])
    yield first
    if first.problem.startswith("no answer"):
        return
    for check in (_proofs, _types, _repeats, _order, _sizes):
        yield from check(channel)
    yield _speed(channel)


# ── Who may call ──


def _proofs(channel: Channel) -> Iterator[Finding]:
    body = json.dumps(examples.others(new_id())["ping"]).encode()
    headers = channel.signed(body, f"msg_{new_id()}")
    real = headers["webhook-signature"]
    timestamp = int(headers["webhook-timestamp"])
    forged = sign(b"another key, not the channel's", headers["webhook-id"], timestamp, body)
    refused: dict[str, Callable[[], str]] = {
        "a wrong signature": lambda: channel.post_body(body, headers, webhook_signature=forged),
        "no signature": lambda: channel.post_body(body, headers, webhook_signature=None),
        "an empty signature": lambda: channel.post_body(body, headers, webhook_signature=""),
        "a body changed on the way": lambda: channel.post_body(body + b" ", headers),
        "another webhook-id than was signed": lambda: channel.post_body(
            body, headers, webhook_id=f"msg_{new_id()}"
        ),
        "a time stamp ten minutes old": lambda: channel.post_body(
            body, channel.signed(body, f"msg_{new_id()}", seconds_old=_STALE_SECONDS)
        ),
        "a time stamp that is no number": lambda: channel.post_body(
            body, headers, webhook_timestamp="yesterday"
        ),
    }
    for name, post in refused.items():
        yield _refuses(name, post())
    both = channel.post_body(body, headers, webhook_signature=f"{forged} {real}")
    yield _judged(
        "two signatures, of which one is right",
        both,
        "take a callback if any signature of the header, split at blanks, is right: "
        "so a secret can be changed without a gap",
    )


def _refuses(name: str, answer: str) -> Finding:
    check = f"{name} is refused"
    if answer.startswith("4") and answer not in ("408", "425", "429"):
        return Finding(check)
    return Finding(
        check,
        f"answered {answer}" if answer.isdigit() else answer,
        "answer 401 before anything of the body is used; the libraries of the Standard Webhooks "
        "specification check signature and time stamp",
    )


# ── What comes ──


def _types(channel: Channel) -> Iterator[Finding]:
    conversation = new_id()
    for number, (name, content) in enumerate(examples.contents().items()):
        yield _takes(channel, f"message: {name}", examples.message(conversation, number, content))
    for name, callback in examples.others(conversation).items():
        yield _takes(channel, name, callback)
    unknown = {**examples.message(conversation, 90, examples.text("Hello")), "new_field": [1, {}]}
    yield _takes(channel, "a field that is new", unknown)
    other_role = examples.message(conversation, 91, examples.text("Hello"))
    other_role["sender"] = {"id": "", "role": "SOMETHING_NEW"}
    yield _takes(channel, "a role that is new", other_role)


def _repeats(channel: Channel) -> Iterator[Finding]:
    said = examples.message(new_id(), 1, examples.text("This must be shown once"))
    message_id = f"msg_{new_id()}"
    channel.post(said, message_id)
    yield _judged(
        "a repeat (the same webhook-id) is taken",
        channel.post(said, message_id),
        "answer 2xx to what you have seen, and do nothing: anything else brings it back",
    )


def _order(channel: Channel) -> Iterator[Finding]:
    fix = "take a message whatever its sequence is; dialog_id and sequence say where it belongs"
    conversation = new_id()
    in_a_row = [
        channel.post(examples.message(conversation, number, examples.text(f"{number + 1}")))
        for number in range(0, 2 * _IN_A_ROW, 2)
    ]
    yield _judged(
        f"{_IN_A_ROW} messages in a row, with gaps in their numbers", _worst(in_a_row), fix
    )
    redriven = examples.message(conversation, 3, examples.text("This is older"), hours_old=30)
    yield _judged("a message that was redriven, a day late", channel.post(redriven), fix)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        at_once = list(
            threads.map(
                lambda number: channel.post(
                    examples.message(new_id(), number, examples.text("Hello"))
                ),
                range(_AT_ONCE),
            )
        )
    yield _judged(
        f"{_AT_ONCE} conversations at once",
        _worst(at_once),
        "callbacks of different conversations come at the same time",
    )


def _sizes(channel: Channel) -> Iterator[Finding]:
    yield _takes(
        channel,
        "a large card (a quarter of a megabyte)",
        examples.large(new_id()),
        fix="let your server and what stands before it take bodies of 1 MB",
    )


def _speed(channel: Channel) -> Finding:
    check = f"every answer came within {SLOW_SECONDS:.0f} s"
    if channel.slowest <= SLOW_SECONDS:
        return Finding(check)
    return Finding(
        check,
        f"the slowest took {channel.slowest:.1f} s",
        f"store the callback, answer 204, and work afterwards: after {SECONDS:.0f} s the connector "
        "sends it again, and the conversation's next callbacks wait for it",
    )


def _takes(
    channel: Channel,
    name: str,
    callback: Callback,
    fix: str = "answer 2xx; ignore types, fields and values that you do not know",
) -> Finding:
    return _judged(f"{name} is taken", channel.post(callback), fix)


def _judged(check: str, answer: str, fix: str) -> Finding:
    if answer.startswith("2"):
        return Finding(check)
    return Finding(check, f"answered {answer}" if answer.isdigit() else answer, fix)


def _worst(answers: list[str]) -> str:
    return next((each for each in answers if not each.startswith("2")), answers[0])
