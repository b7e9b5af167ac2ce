"""Whether every account is set up, and LivePerson and its channel answer."""

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
from liveperson_connector.liveperson.app_jwt import AppJwt

from .. import output
from ..parameters import APP_JWT, CHANNEL, CREDENTIALS, SECURE
from ..partners import ping
from .finding import SERVICES, CheckContext, Finding, ok, warning, wrong

_OLD_SECONDS = 45 * 60


def set_up(patient: CheckContext) -> Iterator[Finding]:
    """Check that accounts have both parameters; of one that has not, this is all that is told."""
    for account_id in patient.wanted:
        missing = patient.missing(account_id)
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            detail = f"not set up: {' and '.join(missing)} {verb} not written"
            mend = f"connector account add {account_id}"
            if account_id in patient.parameters.written:
                mend += f", or take the rest away: connector account remove {account_id}"
            yield wrong("accounts", detail, mend, account_id)
    if not patient.wanted:
        mend = "connector account add ACCOUNT"
        yield warning("accounts", "none is set up: every event is answered 404", mend)


def parameters(patient: CheckContext) -> Iterator[Finding]:
    """Check that every parameter is there, encrypted, and in its form."""
    for account_id in patient.account_ids:
        problems = list(_parameter_problems(patient, account_id))
        yield from problems
        if not problems:
            yield ok("parameters", "credentials and channel are SecureStrings", account_id)


def _parameter_problems(patient: CheckContext, account_id: str) -> Iterator[Finding]:
    written = patient.parameters.written[account_id]
    mend = f"connector account add {account_id}"
    for kind, read in (
        (CREDENTIALS, patient.parameters.credentials),
        (CHANNEL, patient.parameters.channel),
    ):
        there = written[kind]
        if there.type != SECURE:
            detail = f"{kind} is a {there.type}, readable in the console: it must be a {SECURE}"
            yield wrong("parameters", detail, f"{mend}; then change the secret", account_id)
        try:
            read(account_id)
        except MisconfiguredAccount as problem:
            yield wrong("parameters", str(problem), mend, account_id)


def domains(patient: CheckContext) -> Iterator[Finding]:
    """Check that LivePerson tells where its services are."""
    url = patient.stack.domain_api_url
    for account_id in patient.account_ids:
        failure = patient.domain_failure(account_id)
        if failure is None:
            yield ok("domains", f"{len(SERVICES)} services are known", account_id)
            continue
        status = getattr(failure, "http_status", None)
        detail = f"the Domain API at {url} gives no addresses: {failure}"
        mend = (
            "compare the account id with the record of the installed app"
            if status and status < 500
            else f"wait, and look at {url} and https://status.liveperson.com; nothing is lost, "
            "events wait in their queue. Is the stack's LivePersonDomainApiUrl right?"
        )
        yield wrong("domains", detail, mend, account_id)


def app_jwt(patient: CheckContext) -> Iterator[Finding]:
    """Check that the stored AppJWT is good, and that Sentinel would give another."""
    for account_id in patient.account_ids:
        yield _stored_app_jwt(patient, account_id)
        yield _new_app_jwt(patient, account_id)


def _stored_app_jwt(patient: CheckContext, account_id: str) -> Finding:
    mend = f"see what Sentinel says below; then wait, or: connector account add {account_id}"
    there = patient.parameters.written.get(account_id, {}).get(APP_JWT)
    token = patient.parameters.store.app_jwt(account_id) if there else None
    if there is None or token is None:
        return wrong("AppJWT", "none is stored: nothing can be sent", mend, account_id)
    if there.type != SECURE:
        mend = f"aws ssm delete-parameter --name {there.name}; token_refresh writes it again"
        return wrong("AppJWT", f"it is stored as {there.type}", mend, account_id)
    try:
        left = AppJwt.read(token, account_id=account_id).expires_at - time.time()
    except ConnectorError as failure:
        return wrong("AppJWT", f"the stored one is not good: {failure}", mend, account_id)
    age = (datetime.now(UTC) - there.modified).total_seconds()
    told = f"{output.duration(age)} old, {output.duration(left)} left"
    if left <= 0:
        detail = f"the stored one expired {output.duration(-left)} ago: nothing can be sent"
        return wrong("AppJWT", detail, mend, account_id)
    if age > _OLD_SECONDS:
        detail = f"the stored one is {told}: two refreshes have failed"
        return wrong("AppJWT", detail, mend, account_id)
    return ok("AppJWT", told, account_id)


def _new_app_jwt(patient: CheckContext, account_id: str) -> Finding:
    credentials = credentials_of(patient, account_id)
    if credentials is None:
        detail = "not asked: the credentials cannot be read"
        return warning("Sentinel", detail, f"connector account add {account_id}", account_id)
    if patient.domain_failure(account_id):
        return warning("Sentinel", _NO_ADDRESS, _DOMAINS_FIRST, account_id)
    try:
        issued = patient.liveperson.app_jwt(account_id, credentials)
    except MisconfiguredAccount as failure:
        mend = f"connector secrets rotate {account_id}, or connector account add {account_id}"
        return wrong("Sentinel", str(failure), mend, account_id)
    except Transient as failure:
        if "our clock" in str(failure):
            return wrong("clock", f"Sentinel's new AppJWT: {failure}", _CLOCK, account_id)
        detail = f"gives no AppJWT: {failure}"
        mend = "wait: it is asked again every few minutes, and events wait in their queue"
        return wrong("Sentinel", detail, mend, account_id)
    left = output.duration(issued.expires_at - time.time())
    return ok(
        "Sentinel", f"gives an AppJWT for {left}; aud, azp, iss and exp are right", account_id
    )


_NO_ADDRESS = "not asked: its address at LivePerson is not known"
_DOMAINS_FIRST = "fix what stands at domains first"
_CLOCK = "set this machine's clock by NTP; if it is right, tell LivePerson that theirs is not"


def consumer_jws(patient: CheckContext) -> Iterator[Finding]:
    """Check that IDP takes the stored AppJWT, and introduces a consumer."""
    for account_id in patient.account_ids:
        token = _usable(patient, account_id)
        if token is None:
            detail = "not asked: no usable AppJWT is stored"
            yield warning("ConsumerJWS", detail, "fix the AppJWT first", account_id)
            continue
        if patient.domain_failure(account_id):
            yield warning("ConsumerJWS", _NO_ADDRESS, _DOMAINS_FIRST, account_id)
            continue
        try:
            patient.liveperson.consumer_jws(account_id, token)
        except ConnectorError as failure:
            mend = "wait if LivePerson is down; if it refuses the AppJWT: connector status"
            yield wrong("ConsumerJWS", f"IDP gives none: {failure}", mend, account_id)
        else:
            yield ok("ConsumerJWS", "IDP gives one", account_id)


def _usable(patient: CheckContext, account_id: str) -> AppJwt | None:
    token = patient.parameters.store.app_jwt(account_id)
    try:
        read = AppJwt.read(token, account_id=account_id) if token else None
    except ConnectorError:
        return None
    return read if read and read.is_usable(time.time()) else None


def callback(patient: CheckContext) -> Iterator[Finding]:
    """Check that the channel takes a signed callback."""
    for account_id in patient.account_ids:
        mend = f"connector account add {account_id}"
        try:
            settings = patient.parameters.channel(account_id)
        except MisconfiguredAccount:
            yield warning("callback", "not tried: channel cannot be read", mend, account_id)
            continue
        try:
            began = time.monotonic()
            status = ping(settings, account_id, patient.stack.callback_network)
        except MisconfiguredAccount as failure:
            yield wrong("callback", str(failure), mend, account_id)
        except ConnectorError as failure:
            yield wrong("callback", f"{failure}", _callback_mend(failure), account_id)
        else:
            took = round((time.monotonic() - began) * 1000)
            yield ok("callback", f"answers {status} to a signed ping, in {took} ms", account_id)


def _callback_mend(failure: ConnectorError) -> str:
    status = getattr(failure, "http_status", None)
    if status == 401:
        return "compare the signing secret with the channel's, and the channel's clock with ours"
    if status is not None and status < 500:
        return "the channel must answer 2xx to types that it does not know (docs/channel-api.md)"
    return "repair the channel's endpoint; callbacks wait in their queue and are sent again"


def credentials_of(patient: CheckContext, account_id: str) -> Credentials | None:
    """Return an account's credentials, or None if they can't be read: `parameters` tells that."""
    try:
        return patient.parameters.credentials(account_id)
    except ConnectorError:
        return None
