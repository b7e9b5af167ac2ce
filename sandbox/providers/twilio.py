"""
Twilio's Messages for one WhatsApp sender, as far as the connector uses it.

Below https://www.twilio.com/docs: requests as in `/messaging/api/message-resource`, errors as in
`/api/errors`. A person who is silent (`{"silence": true}`) has written nothing for 24 hours.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode

from sandbox.providers.stand_in import RefusedByProvider, Seen, StandIn, Webhook
from simulator.http_server import Answer, Request

MEGABYTE = 1024 * 1024
LONGEST_TEXT = 1600
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
FIELDS = {"To", "From", "Body", "MediaUrl", "StatusCallback", "ContentSid", "PersistentAction"}


class TwilioStandIn(StandIn):
    """The API of one account."""

    kind = "twilio"

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        super().__init__(port, nth)
        self._account, self._sender_sid = f"AC{nth:032x}", f"XE{nth:032x}"
        self._token = f"0011223344556677{nth:016x}"
        self._number = f"whatsapp:+49305550{nth:02}"

    @property
    def settings(self) -> dict[str, str]:
        """The account's ids, and a made-up token."""
        return {
            "account_sid": self._account,
            "auth_token": self._token,
            "number": self._number,
            "sender_sid": self._sender_sid,
            "api_url": self.url,
        }

    def refusal(
        self, status: int, retry_after: int = 0, code: int = 0, message: str = ""
    ) -> Answer:
        """Write an error."""
        known = code or {429: 20429}.get(status, 20500)
        more = f"https://www.twilio.com/docs/errors/{known}"
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        return Answer(
            status,
            {"code": known, "message": message, "more_info": more, "status": status},
            headers,
        )

    def serve(self, request: Request) -> Answer:  # noqa: PLR0911 (a route each)
        """Answer a request with the account's token."""
        ours = b64encode(f"{self._account}:{self._token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {ours}":
            return self.refusal(401, code=20003, message="Authenticate")
        account = f"/2010-04-01/Accounts/{self._account}"
        match request.method, request.path:
            case "GET", path if path == f"{account}.json":
                return Answer(200, {"sid": self._account, "status": "active"})
            case "POST", path if path == f"{account}/Messages.json":
                return self._message(self._form(request))
            case "POST", "/v2/Indicators/Typing.json":
                return self._type(self._form(request))
            case "GET", path if path == f"/v2/Channels/Senders/{self._sender_sid}":
                return Answer(200, self._sender())
            case "POST", path if path == f"/v2/Channels/Senders/{self._sender_sid}":
                webhook = request.json().get("webhook", {})
                self.webhook_url = (webhook.get("callback_url") or "").partition("#")[0]
                return Answer(202, self._sender())
            case "GET", path if path.startswith(f"{account}/Messages/"):
                file = self.file(path.rpartition("/")[2])
                return Answer(404) if file is None else Answer(200, file)
        return self.refusal(404, code=20404, message="The requested resource was not found")

    def _sender(self) -> dict[str, Any]:
        return {
            "sid": self._sender_sid,
            "status": "ONLINE",
            "webhook": {"callback_url": self.webhook_url},
        }

    def _form(self, request: Request) -> dict[str, str]:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            self._refuse(20001, "Twilio takes forms")
        return dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))

    # ── Messages ──

    def _message(self, form: dict[str, str]) -> Answer:
        if not form.keys() <= FIELDS:
            self._refuse(20001, "an unknown parameter")
        if form.get("From") != self._number:
            self._refuse(63007, "Twilio could not find a channel with the From address")
        name = self.name_of(form.get("To", ""))
        if name is None:
            self._refuse(21211, "Invalid 'To' phone number")
        if name in self.blocked:
            self._refuse(63033, "Recipient has blocked the sender")
        if name in self.silent and "ContentSid" not in form:
            self._refuse(63016, "outside of the allowed window")
        message_id = f"SM{self.number():032x}"
        self.show(self._as_seen(name, message_id, form))
        return Answer(201, {"sid": message_id, "status": "queued", "error_code": None})

    def _as_seen(self, name: str, message_id: str, form: Mapping[str, str]) -> Seen:
        if "ContentSid" in form:
            if not re.fullmatch("HX[0-9a-f]{32}", form["ContentSid"]):
                self._refuse(21656, "The ContentSid is invalid")
            return Seen(name, "text", message_id, f"[{form['ContentSid']}]")
        body = form.get("Body", "")
        if len(body) > LONGEST_TEXT:
            self._refuse(21617, "The concatenated message body exceeds the 1600 character limit")
        if "MediaUrl" in form:
            return self._file(name, message_id, form["MediaUrl"])
        if not body:
            self._refuse(21602, "Message body is required")
        place = re.fullmatch(r"geo:(-?[\d.]+),(-?[\d.]+)\|[^|]+", form.get("PersistentAction", ""))
        if place:
            where = (float(place[1]), float(place[2]))
            return Seen(name, "location", message_id, body, location=where)
        return Seen(name, "text", message_id, body)

    def _file(self, name: str, message_id: str, url: str) -> Seen:
        file = self.fetch(url)
        is_picture = (file or b"").startswith(PICTURES)
        kind = "picture" if is_picture else "document"
        if file is None or len(file) > (5 if is_picture else 16) * MEGABYTE:
            return Seen(name, f"broken {kind}", message_id, url=url)
        return Seen(name, kind, message_id, url=url, size=len(file))

    def _type(self, form: Mapping[str, str]) -> Answer:
        sid = form.get("messageId", "")
        name = self.name_of("whatsapp:+" + str(int(sid[2:18], 16))) if _is_sid(sid) else None
        if name is None or form.get("channel") != "whatsapp":
            self._refuse(20001, "messageId or channel is invalid")
        self.show(Seen(name, "typing"))
        return Answer(200, {"success": True})

    def _refuse(self, code: int, message: str) -> NoReturn:
        raise RefusedByProvider(self.refusal(400, code=code, message=message))

    # ── Webhooks ──

    def person_id(self, name: str) -> str:
        """Make an address of a name."""
        return f"whatsapp:+4915{zlib.crc32(name.encode()):010d}"

    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write a message of a person's, signed; its SID says whose it is."""
        person = self.person(name)
        sid = f"SM{int(person.rpartition('+')[2]):016x}{self.number():016x}"
        return self._signed(
            {
                "MessageSid": sid,
                "AccountSid": self._account,
                "From": person,
                "To": self._number,
                "ProfileName": name,
                "NumMedia": "0",
                **self._content(sid, deed),
            }
        )

    def report(self, name: str, message_id: str, status: str) -> Webhook:
        """Write what has become of a message: delivered, read or failed."""
        told = {"MessageSid": message_id, "MessageStatus": status, "AccountSid": self._account}
        return self._signed({**told, "To": self.person(name), "From": self._number})

    def _content(self, sid: str, deed: Mapping[str, Any]) -> dict[str, str]:
        if "text" in deed:
            return {"Body": deed["text"]}
        if "press" in deed:  # buttons are numbered: a person types what is offered
            return {"Body": deed["press"]}
        if "picture" in deed:
            file = f"{self.url}/2010-04-01/Accounts/{self._account}/Messages/{sid}/Media/"
            url = file + self.keep_file(deed["picture"])
            return {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/png"}
        if "location" in deed:
            latitude, longitude = deed["location"]
            return {"Latitude": str(latitude), "Longitude": str(longitude)}
        if "sticker" in deed:
            url = f"{self.url}/none"
            return {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/webp"}
        raise ValueError("a person can say text, press, picture, location or sticker")

    def _signed(self, form: Mapping[str, str]) -> Webhook:
        from twilio.request_validator import RequestValidator  # noqa: PLC0415 (half a second)

        signature = RequestValidator(self._token).compute_signature(self.webhook_url, form)
        content_type = "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, "X-Twilio-Signature": signature}
        return Webhook(urlencode(form).encode(), headers)


STAND_IN = TwilioStandIn


def _is_sid(text: str) -> bool:
    return re.fullmatch("SM[0-9a-f]{32}", text) is not None
