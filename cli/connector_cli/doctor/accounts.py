"""Check the accounts: parameters, tokens, LivePerson's services and the channel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import (
    ConnectorError,
    MisconfiguredAccount,
    Transient,
)
from liveperson_connector.domain.outages import MOST_PAUSE_SECONDS
from liveperson_connector.liveperson.app_jwt import AppJwt

from .. import output
from ..errors import Problem
from ..keys import BrandKeys, named_keys
from ..parameters import APP_JWT, CHANNEL, CREDENTIALS, SECURE
from ..partners import ping
from ..pause import paused_circuits
from ..status import OLD_TOKEN_SECONDS
from .finding import SERVICES, CheckContext, Finding, ok, warning, wrong


def set_up(context: CheckContext) -> Iterator[Finding]:
    """Check that accounts have both parameters; the other checks skip those that do not."""
    for account_id in context.wanted:
        missing = context.missing(account_id)
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            detail = f"not set up: {' and '.join(missing)} {verb} not written"
            fix = f"connector account add {account_id}"
            if account_id in context.parameters.written:
                fix += f", or remove the rest: connector account remove {account_id}"
            yield wrong("accounts", detail, fix, account_id)
    if not context.wanted:
        fix = "connector account add ACCOUNT"
        yield warning("accounts", "none is set up: the channel API answers 404 to every event", fix)


def parameters(context: CheckContext) -> Iterator[Finding]:
    """Check that every parameter exists, is encrypted and is valid."""
    for account_id in context.account_ids:
        problems = list(_parameter_problems(context, account_id))
        yield from problems
        if not problems:
            both = " and channel are SecureStrings" if context.has_own_channel(account_id) else ""
            yield ok("parameters", f"credentials{both or ' are a SecureString'}", account_id)


def _parameter_problems(context: CheckContext, account_id: str) -> Iterator[Finding]:
    written = context.parameters.written[account_id]
    fix = f"connector account add {account_id}"
    for kind, read in (
        (CREDENTIALS, context.parameters.credentials),
        (CHANNEL, context.parameters.channel),
    ):
        if kind not in written:
            continue  # ready channels have a check of their own
        there = written[kind]
        if there.type != SECURE:
            detail = f"{kind} is a {there.type}, readable in the console: it must be a {SECURE}"
            yield wrong("parameters", detail, f"{fix}; then rotate the secret", account_id)
        try:
            read(account_id)
        except MisconfiguredAccount as problem:
            yield wrong("parameters", str(problem), fix, account_id)


def keys(context: CheckContext) -> Iterator[Finding]:
    """Check that the API keys that accounts name exist, and that they are limited."""
    for account_id in filter(context.has_own_channel, context.account_ids):
        fix = f"connector key add {account_id}, or correct api_key_ids by hand"
        try:
            named = named_keys(context.parameters, account_id)
        except Problem as problem:
            yield wrong("keys", problem.message, fix, account_id)
            continue
        brand = BrandKeys(context.stack, account_id)
        dead = [each for each in named if not brand.is_enabled(each)]
        if dead:
            verb = "is" if len(dead) == 1 else "are"
            detail = f"{', '.join(dead)} {verb} not there or disabled at API Gateway"
            yield wrong("keys", detail, fix, account_id)
        elif not named:
            yield ok("keys", "the stack's key acts for it", account_id)
        else:
            limits = brand.limits or "no usage plan of its own"
            yield ok("keys", f"{output.counted(len(named), 'key')}, {limits}", account_id)


def pauses(context: CheckContext) -> Iterator[Finding]:
    """Tell which accounts' messages an operator lets wait, and until when at most."""
    for account_id in context.account_ids:
        paused = paused_circuits(context.stack, account_id)
        for destination, circuit in paused.items():
            ends = datetime.fromtimestamp(circuit.paused_at + MOST_PAUSE_SECONDS, UTC)
            detail = (
                f"messages to {destination} wait, at the latest until {ends:%Y-%m-%d %H:%M} UTC"
            )
            fix = f"connector account resume {account_id} --to {destination}"
            yield warning("pauses", detail, fix, account_id)
        if not paused:
            yield ok("pauses", "none", account_id)


def domains(context: CheckContext) -> Iterator[Finding]:
    """Check that the Domain API gives the addresses of LivePerson's services."""
    url = context.stack.domain_api_url
    for account_id in context.account_ids:
        failure = context.domain_failure(account_id)
        if failure is None:
            yield ok("domains", f"the addresses of {len(SERVICES)} services are known", account_id)
            continue
        status = getattr(failure, "http_status", None)
        detail = f"the Domain API at {url} gives no addresses: {failure}"
        fix = (
            "compare the account id with the record of the installed app"
            if status and status < 500
            else f"wait, and check {url} and https://status.liveperson.com; nothing is lost, "
            "events wait in their queue. Also check the stack's LivePersonDomainApiUrl"
        )
        yield wrong("domains", detail, fix, account_id)


def app_jwt(context: CheckContext) -> Iterator[Finding]:
    """Check that the stored AppJWT is valid, and that Sentinel issues another."""
    for account_id in context.account_ids:
        yield _stored_app_jwt(context, account_id)
        yield _new_app_jwt(context, account_id)


def _stored_app_jwt(context: CheckContext, account_id: str) -> Finding:
    fix = f"see the finding of Sentinel below; then wait, or: connector account add {account_id}"
    there = context.parameters.written.get(account_id, {}).get(APP_JWT)
    token = context.parameters.store.app_jwt(account_id) if there else None
    if there is None or token is None:
        return wrong("AppJWT", "none is stored: nothing can be sent", fix, account_id)
    if there.type != SECURE:
        fix = f"aws ssm delete-parameter --name {there.name}; token_refresh writes it again"
        return wrong("AppJWT", f"it is stored as {there.type}, not as {SECURE}", fix, account_id)
    try:
        left = AppJwt.read(token, account_id=account_id).expires_at - time.time()
    except ConnectorError as failure:
        return wrong("AppJWT", f"the stored one is invalid: {failure}", fix, account_id)
    age = (datetime.now(UTC) - there.modified).total_seconds()
    told = f"{output.duration(age)} old, {output.duration(left)} left"
    if left <= 0:
        detail = f"the stored one expired {output.duration(-left)} ago: nothing can be sent"
        return wrong("AppJWT", detail, fix, account_id)
    if age > OLD_TOKEN_SECONDS:
        detail = f"the stored one is {told}: two refreshes have failed"
        return wrong("AppJWT", detail, fix, account_id)
    return ok("AppJWT", told, account_id)


def _new_app_jwt(context: CheckContext, account_id: str) -> Finding:
    credentials = credentials_of(context, account_id)
    if credentials is None:
        detail = "not checked: the credentials cannot be read"
        return warning("Sentinel", detail, f"connector account add {account_id}", account_id)
    if context.domain_failure(account_id):
        return warning("Sentinel", _NO_ADDRESS, _DOMAINS_FIRST, account_id)
    try:
        issued = context.liveperson.app_jwt(account_id, credentials)
    except MisconfiguredAccount as failure:
        fix = f"connector secrets rotate {account_id}, or connector account add {account_id}"
        return wrong("Sentinel", str(failure), fix, account_id)
    except Transient as failure:
        if "our clock" in str(failure):
            return wrong("clock", f"Sentinel's new AppJWT: {failure}", _CLOCK, account_id)
        detail = f"issues no AppJWT: {failure}"
        fix = "wait: token_refresh tries again every few minutes, and events wait in their queue"
        return wrong("Sentinel", detail, fix, account_id)
    left = output.duration(issued.expires_at - time.time())
    return ok(
        "Sentinel", f"issues an AppJWT for {left}; aud, azp, iss and exp are right", account_id
    )


_NO_ADDRESS = "not checked: its address at LivePerson is not known"
_DOMAINS_FIRST = "fix the finding of domains first"
_CLOCK = (
    "set this machine's clock by NTP; if it is right, tell LivePerson that their clock is wrong"
)


def consumer_jws(context: CheckContext) -> Iterator[Finding]:
    """Check that IDP accepts the stored AppJWT and issues a ConsumerJWS."""
    for account_id in context.account_ids:
        token = _usable(context, account_id)
        if token is None:
            detail = "not checked: no usable AppJWT is stored"
            yield warning("ConsumerJWS", detail, "fix the AppJWT first", account_id)
            continue
        if context.domain_failure(account_id):
            yield warning("ConsumerJWS", _NO_ADDRESS, _DOMAINS_FIRST, account_id)
            continue
        try:
            context.liveperson.consumer_jws(account_id, token)
        except ConnectorError as failure:
            fix = "wait if LivePerson is down; if it refuses the AppJWT: connector status"
            yield wrong("ConsumerJWS", f"IDP issues none: {failure}", fix, account_id)
        else:
            yield ok("ConsumerJWS", "IDP issues one", account_id)


def _usable(context: CheckContext, account_id: str) -> AppJwt | None:
    token = context.parameters.store.app_jwt(account_id)
    try:
        read = AppJwt.read(token, account_id=account_id) if token else None
    except ConnectorError:
        return None
    return read if read and read.is_usable(time.time()) else None


def callback(context: CheckContext) -> Iterator[Finding]:
    """Check that the channel accepts a signed callback."""
    for account_id in filter(context.has_own_channel, context.account_ids):
        fix = f"connector account add {account_id}"
        try:
            settings = context.parameters.channel(account_id)
        except MisconfiguredAccount:
            yield warning(
                "callback", "not checked: the channel parameter cannot be read", fix, account_id
            )
            continue
        try:
            began = time.monotonic()
            status = ping(settings, account_id, context.stack.callback_network)
        except MisconfiguredAccount as failure:
            yield wrong("callback", str(failure), fix, account_id)
        except ConnectorError as failure:
            yield wrong("callback", f"{failure}", _callback_fix(failure), account_id)
        else:
            took = round((time.monotonic() - began) * 1000)
            yield ok("callback", f"answers {status} to a signed ping in {took} ms", account_id)


def _callback_fix(failure: ConnectorError) -> str:
    status = getattr(failure, "http_status", None)
    if status == 401:
        return "compare the signing secret and the clock with the channel's"
    if status is not None and status < 500:
        return "the channel must answer 2xx to types it does not know (docs/channel-api.md)"
    return "repair the channel's endpoint; callbacks wait in their queue and are sent again"


def credentials_of(context: CheckContext, account_id: str) -> Credentials | None:
    """Return an account's credentials; None if unreadable, which `parameters` reports."""
    try:
        return context.parameters.credentials(account_id)
    except ConnectorError:
        return None
