"""Whether LivePerson's webhooks get in, and no others."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from liveperson_connector.domain.queue_messages import new_id
from liveperson_connector.liveperson.domains import is_loopback

from .. import output
from ..logs import Line, ago, lines
from ..manifest.fields import EVENT_TYPES
from ..partners import WebhookAnswer, post_signed_webhook
from .accounts import credentials_of
from .finding import CheckContext, Finding, ok, warning, wrong

_LOOK_BACK_SECONDS = 3600

# LivePerson may disable an app that answers more slowly than 2.5 s.
_SLOW_SECONDS = 2.0

# The webhook of a text may come before the line that it was sent, or seconds after; log lines
# themselves are some seconds late. So long around a text no order of lines means anything.
_SETTLING = timedelta(seconds=30)

# The doctor's forged webhook follows its right one at once.
_FORGED_SECONDS = 3

_HOPS = ("outbound_messaging", "webhook_intake", "channel_delivery")
_COMPARE = (
    "compare the endpoints of the installed app: connector manifest diff RECORD.json; "
    "LivePerson may also have disabled the app"
)

_SECONDS = 10


def tls(patient: CheckContext) -> Iterator[Finding]:
    """Check that the webhook has a certificate that LivePerson takes, and TLS 1.2 or newer."""
    if _asks_for_a_certificate(patient):
        yield _not_tried("TLS")
        return
    url = urlsplit(patient.stack.webhook_url)
    host = url.hostname or ""
    if url.scheme != "https":
        where = "a sandbox's is not encrypted" if is_loopback(host) else "it is not encrypted"
        level = ok("TLS", where) if is_loopback(host) else wrong("TLS", where, "deploy again")
        yield level
        return
    try:
        version, expires = _handshake(host, url.port or 443)
    except (OSError, ssl.SSLError) as failure:
        mend = "check the custom domain's certificate, DNS, and the network here"
        yield wrong("TLS", f"{host}: {type(failure).__name__}: {failure}", mend)
        return
    left = (expires - datetime.now(UTC)).days
    if left < 14:
        yield warning("TLS", f"the certificate expires in {_days(left)}", "renew it")
    else:
        yield ok("TLS", f"{version}, the certificate is good for {_days(left)}")


def _days(count: int) -> str:
    return output.counted(count, "day")


def _asks_for_a_certificate(patient: CheckContext) -> bool:
    return bool(patient.stack.parameters.get("TrustStoreUri"))


def _not_tried(check: str) -> Finding:
    detail = "not tried: the webhook asks for a client certificate, which is LivePerson's alone"
    return warning(check, detail, "look at whether webhooks arrive, below")


def _handshake(host: str, port: int) -> tuple[str, datetime]:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate: Any = secure.getpeercert()
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        return secure.version() or "", expires


def signature(patient: CheckContext) -> Iterator[Finding]:
    """Check that the deployed webhook believes a right signature, and no wrong one."""
    if _asks_for_a_certificate(patient):
        yield _not_tried("signature")
        return
    for account_id in patient.account_ids:
        credentials = credentials_of(patient, account_id)
        if credentials is None:
            detail = "not tried: the credentials cannot be read"
            yield warning("signature", detail, f"connector account add {account_id}", account_id)
            continue
        first = post_signed_webhook(
            patient.stack, account_id, credentials
        )  # it may meet a cold start
        right = post_signed_webhook(patient.stack, account_id, credentials)
        forged = post_signed_webhook(patient.stack, account_id, credentials, secret=new_id())
        yield from _judged(right, first.seconds, forged.status, account_id)


def _judged(
    right: WebhookAnswer, at_first: float, forged: int, account_id: str
) -> Iterator[Finding]:
    if right.status != 200:
        detail = f"a right one is answered {right.status}"
        yield wrong("signature", detail, _of_status(right.status), account_id)
    elif forged != 401:
        mend = "let nobody in: take the API's stage away until it is clear why"
        yield wrong("signature", f"a forged one is answered {forged}", mend, account_id)
    elif right.seconds > _SLOW_SECONDS:
        detail = f"the webhook takes {right.seconds:.1f} s; LivePerson disables apps after 2.5 s"
        yield warning("signature", detail, "see docs/troubleshooting.md", account_id)
    else:
        cold = f" (after a cold start of {at_first:.1f} s)" if at_first > _SLOW_SECONDS else ""
        told = f"right: 200 in {round(right.seconds * 1000)} ms{cold}, forged: 401"
        yield ok("signature", told, account_id)


def _of_status(status: int) -> str:
    return {
        401: "a changed secret is read within half a minute: run this again",
        403: "the route is not there: deploy again",
        503: "it cannot queue: see rights and queues",
    }.get(status, "sam logs --name WebhookIntake")


def arriving(patient: CheckContext) -> Iterator[Finding]:
    """Check that what was said to LivePerson comes back as echoes, and who was refused."""
    since = ago(_LOOK_BACK_SECONDS)
    stack = patient.stack
    if not patient.account_ids:
        return
    refused = lines(stack, since, having="untrusted_webhook", functions=("webhook_intake",))
    for account_id in patient.account_ids:
        traffic = lines(stack, since, having=account_id, functions=_HOPS)
        yield judged(account_id, Heard.of(traffic, refused, datetime.now(UTC)))


@dataclass(frozen=True)
class Heard:
    """What the last hour's logs tell of one account's webhooks."""

    sent: datetime | None
    """When the last text was sent whose echo should have come by now."""
    webhook: datetime | None
    """When LivePerson's last webhook came."""
    is_echoed: bool
    """Whether that text's echo came, or a later one."""
    refused: int
    """Webhooks with a wrong signature, without those that the doctor itself has forged."""

    @classmethod
    def of(cls, traffic: Iterable[Line], refused: Iterable[Line], now: datetime) -> Heard:
        """Read the lines of one account, and those of every webhook that was refused."""
        traffic = list(traffic)
        accepted = [each for each in traffic if each.message.startswith("accepted_")]
        checks = [each.at for each in accepted if not each.fields.get("changes")]
        sent = max(
            (each for each in traffic if _is_text(each) and each.at < now - _SETTLING),
            key=lambda line: line.at,
            default=None,
        )
        return cls(
            sent.at if sent else None,
            max((each.at for each in accepted if each.fields.get("changes")), default=None),
            any(_is_echo(each, sent) for each in traffic) if sent else False,
            sum(not _is_own(each, checks) for each in refused),
        )


def _is_text(line: Line) -> bool:
    return line.message == "sent" and line.fields.get("event_type") == "text"


def _is_echo(line: Line, sent: Line) -> bool:
    """Whether a line tells of the echo of what was sent, or of something sent later."""
    same = all(
        line.fields.get(name) == sent.fields.get(name) for name in ("conversation_id", "sequence")
    )
    return line.message == "withheld_echo" and (same or line.at >= sent.at)


def _is_own(refused: Line, checks: Iterable[datetime]) -> bool:
    """Whether a refused webhook followed one without changes, as the doctor's do."""
    return any(abs((refused.at - each).total_seconds()) < _FORGED_SECONDS for each in checks)


def judged(account_id: str, heard: Heard) -> Finding:
    """Say whether webhooks arrive; a text whose echo may still be on its way proves nothing."""
    sent, webhook = heard.sent, heard.webhook
    if sent and not heard.is_echoed:
        if webhook and webhook >= sent - _SETTLING:
            detail = f"they arrive, but no echo of what was sent {output.ago(sent)}"
            mend = f"are notifications read (mappings, queues)? If so: {_COMPARE}"
            return warning("webhooks", detail, mend, account_id)
        if heard.refused:
            return _refused(account_id, heard.refused)
        detail = f"LivePerson's do not arrive: what was sent {output.ago(sent)} has no echo"
        return wrong("webhooks", detail, _COMPARE, account_id)
    if webhook is None:
        return ok("webhooks", "none is expected: nothing was sent in the last hour", account_id)
    return ok("webhooks", f"the last one came {output.ago(webhook)}", account_id)


def _refused(account_id: str, refused: int) -> Finding:
    count = output.counted(refused, "webhook was refused", "webhooks were refused")
    detail = f"{count} in the last hour, none was believed: another secret signs"
    mend = f"take the installed app's secret: connector secrets rotate {account_id}"
    return wrong("webhooks", detail, mend, account_id)


def installed(patient: CheckContext) -> Iterator[Finding]:
    """Check that the installed app's webhooks go to this stack."""
    record = patient.installed
    if record is None:
        return
    wanted = patient.stack.output("WebhookUrl")
    found = _mapping(_mapping(_mapping(record).get("capabilities")).get("webhooks"))
    astray = {
        kind: _mapping(found.get(kind)).get("endpoint")
        for kind in EVENT_TYPES
        if str(_mapping(found.get(kind)).get("endpoint", "")).partition("?")[0] != wanted
    }
    for kind, endpoint in astray.items():
        detail = f"{re.sub('^.*[.]', '', kind)} goes to {endpoint or 'no address'}"
        yield wrong("manifest", detail, f"at LivePerson, set its endpoint to {wanted}")
    if not astray:
        yield ok("manifest", f"all {len(EVENT_TYPES)} event types go to this stack")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
