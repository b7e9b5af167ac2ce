"""
Both halves of a channel, in Python.

Needs Python 3.11 and `pip install standardwebhooks`. What is typed is sent as a consumer's text;
what agents say is printed. Settings: see README.md beside this folder.
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

CONSUMER = os.environ.get("CONSUMER", "+4915112345678")
NOT_NOW = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):
    """The connector will never take this event; the message says why."""


def send(event: dict) -> None:
    """Send an event until it is accepted. A repeat with the same id does no harm."""
    pause = 1.0
    while (wait := try_once(event)) is not None:
        time.sleep(pause if wait < 0 else wait)
        pause = min(2 * pause, 60.0)


def try_once(event: dict) -> float | None:
    """Return None once the event is accepted, else how long to wait; -1 if it was not said."""
    consumer = urllib.parse.quote(CONSUMER, safe="")
    request = urllib.request.Request(
        f"{os.environ['API']}/accounts/{os.environ['ACCOUNT']}/consumers/{consumer}/events",
        json.dumps(event).encode(),
        {"Content-Type": "application/json", "x-api-key": os.environ["KEY"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=30):
            return None
    except urllib.error.HTTPError as answer:
        if answer.code not in NOT_NOW:
            raise Refused(f"{answer.code}: {answer.read().decode()}") from None
        after = answer.headers.get("Retry-After", "")
        return float(after) if after.isdigit() else -1.0
    except OSError:  # no connection, no answer, a broken one
        return -1.0


class Callbacks(http.server.BaseHTTPRequestHandler):
    """Takes callbacks: verify the bytes, drop what was seen, answer quickly."""

    protocol_version = "HTTP/1.1"
    webhook = Webhook(os.environ["SECRET"])
    seen: set[str] = set()  # keep it for a week, in a database

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):
            self.answer(401)
            return
        if headers["webhook-id"] not in self.seen:
            self.seen.add(headers["webhook-id"])
            show(json.loads(body))
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def show(callback: dict) -> None:
    """Print what an agent said; ignore what you do not know."""
    content = callback.get("content") or {}
    said = content.get("text") or content.get("fallback_text") or content.get("url")
    print(f"agent: {said}" if said else f"({callback['type']})", flush=True)


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Callbacks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        send({"id": uuid.uuid4().hex, "type": "text", "text": line.strip()})
        print("sent", flush=True)
