"""Check ready channels: parameter, credentials, registration, and the last webhook."""

from __future__ import annotations

from collections.abc import Iterator

from .. import output
from ..channel.provider import Provider
from ..channel.ready import FOLDER, names, stored
from ..errors import Problem
from ..logs import Line, ago, lines
from ..parameters import SECURE
from .finding import CheckContext, Finding, ok, warning, wrong

_LOOK_BACK_SECONDS = 24 * 3600


def channels(context: CheckContext) -> Iterator[Finding]:
    """Ask each ready channel's provider, and read what its webhooks were answered."""
    for account_id in context.wanted:
        for name in names(context.parameters, account_id):
            yield from _channel(context, account_id, name)


def _channel(context: CheckContext, account_id: str, name: str) -> Iterator[Finding]:
    if context.parameters.written[account_id][FOLDER + name].type != SECURE:
        fix = f"connector channel add {account_id} {name} --kind KIND; then rotate its secrets"
        detail = f"{name} is readable in the console: it must be a {SECURE}"
        yield wrong("channels", detail, fix, account_id)
    try:
        channel = stored(context.parameters, account_id, name)
        provider = Provider(channel, context.stack.callback_network)
        provider.check_credentials()
        found = provider.addresses()
    except Problem as problem:
        yield wrong("channels", f"{name}: {problem.message}", problem.fix, account_id)
        return
    yield ok("channels", f"{name}: {channel.kind} accepts the credentials", account_id)
    if found is None:
        detail = f"{name}: {channel.kind} cannot be asked where it sends webhooks"
        yield warning("channels", detail, f"compare it with {channel.address}", account_id)
    elif channel.address not in found:
        detail = f"{name}: {channel.kind} sends webhooks elsewhere, or nowhere"
        fix = f"connector channel register {account_id} {name}"
        yield wrong("channels", detail, fix, account_id)
    else:
        yield ok("channels", f"{name}: {channel.kind} sends webhooks here", account_id)
    yield _last_webhook(context, account_id, name)


def _last_webhook(context: CheckContext, account_id: str, name: str) -> Finding:
    since = ago(_LOOK_BACK_SECONDS)
    found = [
        line
        for line in lines(context.stack, since, having=name, functions=("provider_intake",))
        if (line.fields.get("account_id"), line.fields.get("channel")) == (account_id, name)
        or _problem(line).startswith(f"channel {account_id}/{name}:")
    ]
    if not found:
        detail = f"{name}: no webhook has come within a day"
        return warning("channels", detail, "write to the channel as a consumer would", account_id)
    last = found[-1]
    told = f"{name}: the last webhook came {output.ago(last.at)}"
    if problem := _problem(last):
        fix = f"compare its secrets with the provider's: connector channel add {account_id} {name}"
        return wrong("channels", f"{told} and was refused: {problem}", fix, account_id)
    return ok("channels", f"{told} and was believed", account_id)


def _problem(line: Line) -> str:
    """Return why a webhook was refused; empty if it was not."""
    return str(line.fields.get("problem", ""))
