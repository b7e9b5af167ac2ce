"""Check that the clocks agree: signatures and the expiry of tokens depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from liveperson_connector.domain.errors import ConnectorError
from liveperson_connector.liveperson.domains import trusted
from liveperson_connector.support.dialer import NoAnswer
from liveperson_connector.support.http_client import HttpClient
from liveperson_connector.support.web_address import BadAddress, WebAddress

from ..stack import Stack
from .finding import CheckContext, Finding, ok, warning, wrong

# Signatures of Standard Webhooks and of AWS are valid for five minutes.
_TOO_MUCH_SECONDS = 120
_NOTICEABLE_SECONDS = 10

_SECONDS = 10


def clock(context: CheckContext) -> Iterator[Finding]:
    """Check that this machine, AWS, LivePerson and the channels have the same time."""
    found = {
        "AWS": _date_of_aws(context.stack),
        "LivePerson": _date_of(trusted(context.stack.domain_api_url)),
        **{f"the channel of {each}": _channels(context, each) for each in context.account_ids},
    }
    offsets = {name: _offset(date) for name, date in found.items() if date}
    astray = {name: each for name, each in offsets.items() if abs(each) > _NOTICEABLE_SECONDS}
    for name, offset in astray.items():
        yield _finding(name, offset)
    if not astray:
        yield ok("clock", f"{', '.join(offsets)} and this machine agree")


def _finding(name: str, offset: float) -> Finding:
    detail = f"{name} is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} this machine"
    fix = f"set the clock that is wrong by NTP: {name}'s, or this machine's"
    if abs(offset) > _TOO_MUCH_SECONDS:
        return wrong("clock", f"{detail}: signatures and tokens will be refused", fix)
    return warning("clock", detail, fix)


def _offset(date: str) -> float:
    there = parsedate_to_datetime(date)
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    return (there - datetime.now(UTC)).total_seconds()


def _date_of_aws(stack: Stack) -> str:
    answer = stack.client("sts").get_caller_identity()
    return str(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))


def _date_of(url: str) -> str:
    try:
        answer = HttpClient().call("HEAD", WebAddress.parse(url), seconds=_SECONDS)
    except (NoAnswer, BadAddress):
        return ""  # other checks report that it does not answer
    return answer.headers.get("Date", "")


def _channels(context: CheckContext, account_id: str) -> str:
    try:
        return _date_of(context.parameters.channel(account_id).callback_url)
    except ConnectorError:
        return ""
