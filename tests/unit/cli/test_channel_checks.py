"""What ``connector channel test`` finds of channels that are right, and wrong in one thing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connector_cli.main import cli
from tests.support.servers import Answer, HttpServer, Request, serving

SECRET = "whsec_bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0ZXN0cyE="

KNOWN_TYPES = {"message", "typing", "receipt", "conversation", "failed", "ping"}


def right(request: Request) -> int:
    """Answer as a channel should; the specification's own library judges the proof."""
    try:
        Webhook(SECRET).verify(request.body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return 401
    return 204


def checked(behaviour: Callable[[Request], int], *options: str, secret: str = SECRET) -> Result:
    """Run the command against a channel that answers with ``behaviour``'s status."""
    with serving(lambda request: Answer(behaviour(request), b"")) as channel:
        return command(channel.url, *options, secret=secret)


def command(url: str, *options: str, secret: str = SECRET) -> Result:
    """Run the command; the secret is piped in."""
    return CliRunner().invoke(cli, ["channel", "test", url, *options], input=f"{secret}\n")


def failed_checks(result: Result) -> dict[str, str]:
    """Return the failed checks and their problems."""
    return {each["check"]: each["problem"] for each in json.loads(result.stdout) if each["problem"]}


def test_a_right_channel_passes_and_gets_a_line_for_its_readme() -> None:
    """With what cannot be seen from outside."""
    result = checked(right)

    assert 0 == result.exit_code, result.output
    assert "✗" not in result.output
    assert "This must be shown once" in result.output
    assert "Tested with `connector channel test`" in result.output


def test_the_secret_is_shown_nowhere() -> None:
    """Neither when all is well nor when nothing is."""
    assert (
        SECRET.removeprefix("whsec_") not in checked(right).output + checked(lambda _: 500).output
    )


def takes_anything(_request: Request) -> int:
    """Check nothing."""
    return 204


def stale_time_is_taken(request: Request) -> int:
    """Check the signature, never the time."""
    fresh = {**request.headers}
    webhook = Webhook(SECRET)
    try:
        webhook.verify(request.body, fresh)
    except WebhookVerificationError as refused:
        return 204 if "timestamp too old" in str(refused).lower() else 401
    except ValueError:
        return 401
    return 204


def one_signature_alone(request: Request) -> int:
    """Take the header for one signature."""
    return 401 if " " in request.headers.get("webhook-signature", "") else right(request)


def only_known(part: Callable[[Mapping[str, Any]], bool]) -> Callable[[Request], int]:
    """Refuse what ``part`` does not know, once it is proven."""

    def behaviour(request: Request) -> int:
        status = right(request)
        return 400 if status == 204 and not part(request.json()) else status

    return behaviour


def seen_is_an_error() -> Callable[[Request], int]:
    """Answer 409 to a repeat."""
    seen: set[str] = set()

    def behaviour(request: Request) -> int:
        status, message_id = right(request), request.headers["webhook-id"]
        if status == 204 and message_id in seen:
            return 409
        if status == 204:
            seen.add(message_id)
        return status

    return behaviour


def numbers_only_rise() -> Callable[[Request], int]:
    """Answer 409 to a message whose number is lower than an earlier one's."""
    highest: dict[str, int] = {}

    def behaviour(request: Request) -> int:
        status = right(request)
        if status != 204 or request.json()["type"] != "message":
            return status
        dialog, sequence = request.json()["dialog_id"], request.json()["sequence"]
        if sequence < highest.get(dialog, -1):
            return 409
        highest[dialog] = sequence
        return status

    return behaviour


def one_at_a_time() -> Callable[[Request], int]:
    """Answer 503 to what comes while another callback is being worked on."""
    busy, others_wait = threading.Lock(), threading.Event()

    def behaviour(request: Request) -> int:
        if not busy.acquire(blocking=False):
            others_wait.set()
            return 503
        try:
            hello = request.body and b'"text": "Hello"' in request.body
            if hello:
                others_wait.wait(1)
            return right(request)
        finally:
            busy.release()

    return behaviour


def small_bodies_alone(request: Request) -> int:
    """Answer 413 to more than 100 KB."""
    return 413 if len(request.body) > 100_000 else right(request)


@pytest.mark.parametrize(
    ("behaviour", "names"),
    [
        (
            takes_anything,
            {
                "a wrong signature",
                "no signature",
                "an empty signature",
                "a body changed on the way",
                "another webhook-id than was signed",
                "a time stamp ten minutes old",
                "a time stamp that is no number",
            },
        ),
        (stale_time_is_taken, {"a time stamp ten minutes old"}),
        (one_signature_alone, {"two signatures, of which one is right"}),
        (only_known(lambda said: said["type"] in KNOWN_TYPES), {"a type that is new"}),
        (only_known(lambda said: "new_field" not in said), {"a field that is new"}),
        (
            only_known(lambda said: said.get("content", {}).get("type") != "hologram"),
            {"message: a kind of content that is new"},
        ),
        (
            only_known(lambda said: said.get("sender", {}).get("role") != "SOMETHING_NEW"),
            {"a role that is new"},
        ),
        (seen_is_an_error(), {"a repeat (the same webhook-id)"}),
        (numbers_only_rise(), {"a message that was redriven, a day late"}),
        (one_at_a_time(), {"5 conversations at once"}),
        (small_bodies_alone, {"a large card (a quarter of a megabyte)"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_channel_wrong_in_one_thing_is_told_that_thing_alone(
    behaviour: Callable[[Request], int], names: set[str]
) -> None:
    """And what to do about it; the command fails."""
    result = checked(behaviour, "--json")

    found = {
        name.removesuffix(" is refused").removesuffix(" is taken") for name in failed_checks(result)
    }
    assert (1, names) == (result.exit_code, found)
    assert all(each["fix"] for each in json.loads(result.stdout) if each["problem"])


def test_a_slow_answer_is_worth_a_word() -> None:
    """Though the connector would take it."""
    pause = threading.Event()

    def behaviour(request: Request) -> int:
        if b"must be shown once" in request.body:
            pause.wait(2.1)
        return right(request)

    assert ["every answer came within 2 s"] == list(failed_checks(checked(behaviour, "--json")))


def test_a_channel_that_does_not_answer_ends_the_test_at_once() -> None:
    """Fifty time-outs would tell no more."""
    with serving(lambda _request: None) as channel:
        result = command(channel.url, "--json")
        asked = _asked(channel)

    assert ["a signed callback is taken"] == list(failed_checks(result))
    assert asked <= 2


def _asked(channel: HttpServer) -> int:
    return len(channel.requests)


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("ftp://channel.example/", SECRET, "URL cannot be called"),
        ("https://channel.example/", "secret", "'signing_secret' does not begin with whsec_"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_posted(
    url: str, secret: str, words: str
) -> None:
    """In words that name it."""
    result = command(url, secret=secret)

    assert 1 == result.exit_code
    assert words in result.output
