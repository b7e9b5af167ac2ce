"""Check that LivePerson's webhooks are accepted, and forged ones are not."""

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

# A text's webhook may arrive before the log line that says it was sent, or seconds after, and log
# lines are some seconds late. Within this time the order of log lines proves nothing.
_SETTLING = timedelta(seconds=30)

# The doctor posts its forged webhook within this time after its right one.
_FORGED_SECONDS = 3

_HOPS = ("outbound_messaging", "webhook_intake", "channel_delivery")
_COMPARE = (
    "compare the endpoints of the installed app: connector manifest diff RECORD.json; "
    "LivePerson may also have disabled the app"
)

_SECONDS = 10


def tls(context: CheckContext) -> Iterator[Finding]:
    """Check the webhook's certificate, and that it offers TLS 1.2 or newer."""
    if _asks_for_a_certificate(context):
        yield _not_tried("TLS")
        return
    url = urlsplit(context.stack.webhook_url)
    host = url.hostname or ""
    if url.scheme != "https":
        where = "a sandbox uses plain HTTP" if is_loopback(host) else "the webhook uses plain HTTP"
        level = ok("TLS", where) if is_loopback(host) else wrong("TLS", where, "deploy again")
        yield level
        return
    try:
        version, expires = _handshake(host, url.port or 443)
    except (OSError, ssl.SSLError) as failure:
        fix = "check the custom domain's certificate, DNS, and the network here"
        yield wrong("TLS", f"{host}: {type(failure).__name__}: {failure}", fix)
        return
    left = (expires - datetime.now(UTC)).days
    if left < 14:
        yield warning("TLS", f"the certificate expires in {_days(left)}", "renew it")
    else:
        yield ok("TLS", f"{version}, the certificate is valid for {_days(left)}")


def _days(count: int) -> str:
    return output.counted(count, "day")


def _asks_for_a_certificate(context: CheckContext) -> bool:
    return bool(context.stack.parameters.get("TrustStoreUri"))


def _not_tried(check: str) -> Finding:
    detail = "not checked: the webhook requires a client certificate that only LivePerson has"
    return warning(check, detail, "see the finding of webhooks below")


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


def signature(context: CheckContext) -> Iterator[Finding]:
    """Check that the deployed webhook accepts a right signature and refuses a forged one."""
    if _asks_for_a_certificate(context):
        yield _not_tried("signature")
        return
    for account_id in context.account_ids:
        credentials = credentials_of(context, account_id)
        if credentials is None:
            detail = "not checked: the credentials cannot be read"
            yield warning("signature", detail, f"connector account add {account_id}", account_id)
            continue
        first = post_signed_webhook(
            context.stack, account_id, credentials
        )  # it may meet a cold start
        right = post_signed_webhook(context.stack, account_id, credentials)
        forged = post_signed_webhook(context.stack, account_id, credentials, secret=new_id())
        yield from _signature_finding(right, first.seconds, forged.status, account_id)


def _signature_finding(
    right: WebhookAnswer, at_first: float, forged: int, account_id: str
) -> Iterator[Finding]:
    if right.status != 200:
        detail = f"the webhook answers {right.status} to a right one"
        yield wrong("signature", detail, _of_status(right.status), account_id)
    elif forged != 401:
        fix = "delete the API's stage, so that no webhook is accepted, until you know why"
        yield wrong("signature", f"the webhook answers {forged} to a forged one", fix, account_id)
    elif right.seconds > _SLOW_SECONDS:
        detail = f"the webhook takes {right.seconds:.1f} s; LivePerson may disable apps above 2.5 s"
        yield warning("signature", detail, "see docs/troubleshooting.md", account_id)
    else:
        cold = f" (after a cold start of {at_first:.1f} s)" if at_first > _SLOW_SECONDS else ""
        told = f"right: 200 in {round(right.seconds * 1000)} ms{cold}, forged: 401"
        yield ok("signature", told, account_id)


def _of_status(status: int) -> str:
    return {
        401: "a changed secret is read within half a minute: run this again",
        403: "the route does not exist: deploy again",
        503: "webhook_intake cannot queue: see the findings of rights and queues",
    }.get(status, "sam logs --name WebhookIntake")


def arriving(context: CheckContext) -> Iterator[Finding]:
    """Check that LivePerson echoes the texts that were sent, and count refused webhooks."""
    since = ago(_LOOK_BACK_SECONDS)
    stack = context.stack
    if not context.account_ids:
        return
    refused = lines(stack, since, having="untrusted_webhook", functions=("webhook_intake",))
    for account_id in context.account_ids:
        traffic = lines(stack, since, having=account_id, functions=_HOPS)
        yield webhook_finding(account_id, WebhookTraffic.of(traffic, refused, datetime.now(UTC)))


@dataclass(frozen=True)
class WebhookTraffic:
    """What the last hour's logs say about one account's webhooks."""

    sent: datetime | None
    """When the last text was sent whose echo should have arrived by now."""
    webhook: datetime | None
    """When LivePerson's last webhook came."""
    is_echoed: bool
    """Whether the echo of that text, or a later one, arrived."""
    refused: int
    """Webhooks with a wrong signature, except those that the doctor forged."""

    @classmethod
    def of(cls, traffic: Iterable[Line], refused: Iterable[Line], now: datetime) -> WebhookTraffic:
        """Read the log lines of one account, and those of all refused webhooks."""
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
    """Whether a line reports the echo of ``sent``, or of something sent later."""
    same = all(
        line.fields.get(name) == sent.fields.get(name) for name in ("conversation_id", "sequence")
    )
    return line.message == "withheld_echo" and (same or line.at >= sent.at)


def _is_own(refused: Line, checks: Iterable[datetime]) -> bool:
    """Whether a refused webhook followed one without changes, as the doctor's do."""
    return any(abs((refused.at - each).total_seconds()) < _FORGED_SECONDS for each in checks)


def webhook_finding(account_id: str, heard: WebhookTraffic) -> Finding:
    """Return whether webhooks arrive; ignore a text whose echo may still be on its way."""
    sent, webhook = heard.sent, heard.webhook
    if sent and not heard.is_echoed:
        if webhook and webhook >= sent - _SETTLING:
            detail = f"they arrive, but the text sent {output.ago(sent)} has no echo"
            fix = f"see the findings of mappings and queues; if both are well: {_COMPARE}"
            return warning("webhooks", detail, fix, account_id)
        if heard.refused:
            return _refused(account_id, heard.refused)
        detail = f"LivePerson's do not arrive: the text sent {output.ago(sent)} has no echo"
        return wrong("webhooks", detail, _COMPARE, account_id)
    if webhook is None:
        return ok("webhooks", "none is expected: nothing was sent in the last hour", account_id)
    return ok("webhooks", f"the last one came {output.ago(webhook)}", account_id)


def _refused(account_id: str, refused: int) -> Finding:
    count = output.counted(refused, "webhook was refused", "webhooks were refused")
    detail = f"{count} in the last hour, none was accepted: LivePerson signs with another secret"
    fix = f"set the installed app's secret: connector secrets rotate {account_id}"
    return wrong("webhooks", detail, fix, account_id)


def installed(context: CheckContext) -> Iterator[Finding]:
    """Check that the installed app sends its webhooks to this stack."""
    record = context.installed
    if record is None:
        return
    wanted = context.stack.output("WebhookUrl")
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
