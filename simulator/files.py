"""
File storage ("swift"): signed URLs that are valid for a minute, for one `PUT` or `GET`.

From the Connector API's examples page: the size is announced beforehand, `PUT` answers 201, and an
invalid or expired URL 401. An Authorization header is not needed and must not be sent.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid

from simulator.calls import Call, JsonObject
from simulator.http_server import Answer
from simulator.model import Account, StoredFile
from simulator.state import SimulatorState

_KEY = secrets.token_bytes(32)
MAGIC_NUMBERS = {
    b"\x89PNG": ("PNG",),
    b"\xff\xd8\xff": ("JPG", "JPEG"),
    b"GIF8": ("GIF",),
}


def announce(account: Account, owner: str, file_type: str, size: int) -> StoredFile:
    """Reserve a path for a file of this consumer."""
    digest = hashlib.sha256(owner.encode()).hexdigest()
    moment = time.strftime("%d-%m-%Y_%H-%M-%S", time.gmtime())
    name = f"{digest}_uuid_{uuid.uuid4()}_{moment}.{file_type}"
    path = f"/v1/AUTH_async-images/{account.account_id}/{name}"
    account.files[path] = StoredFile(path, file_type, size, owner)
    return account.files[path]


def signed_url(account: Account, method: str, path: str) -> JsonObject:
    """Return the path, and the query that allows one method on it for a minute."""
    expires = str(int(time.time() + account.settings.temp_url_life_seconds))
    return {
        "relativePath": path,
        "queryParams": {
            "temp_url_sig": _signature(method, path, expires),
            "temp_url_expires": expires,
        },
    }


def put(state: SimulatorState, call: Call) -> Answer:
    """Store the bytes that were announced; answer 201."""
    file = _allowed(state, call)
    if file is None:
        return Answer(401, b"Temp URL invalid")
    body = call.request.body
    if len(body) != file.size:
        state.records.violation(call, f"{len(body)} bytes came, {file.size} were announced")
        return Answer(400, b"size differs from what was announced")
    actual = _actual_types(body)
    if not actual:
        state.records.violation(call, "the bytes are no JPEG, PNG or GIF")
    elif file.file_type not in actual:
        state.records.violation(call, f"the bytes are {actual[0]}, {file.file_type} was announced")
        return Answer(400, b"type differs from what was announced")
    file.content = body
    return Answer(201)


def get(state: SimulatorState, call: Call) -> Answer:
    """Answer with the bytes of a stored file."""
    file = _allowed(state, call)
    if file is None:
        return Answer(401, b"Temp URL invalid")
    if file.content is None:
        return Answer(404, b"no such file")
    return Answer(200, file.content, {"content-type": "application/octet-stream"})


def _allowed(state: SimulatorState, call: Call) -> StoredFile | None:
    """Return the file that the URL is signed for, or None if it is invalid or has expired."""
    request = call.request
    if "authorization" in request.headers:
        state.records.violation(call, "header: no Authorization goes to file storage")
    account = state.accounts.get(call.account_id)
    expires = request.query.get("temp_url_expires", "")
    path = "/" + request.path.lstrip("/")
    right = _signature(request.method, path, expires)
    given = request.query.get("temp_url_sig", "")
    if account is None or not hmac.compare_digest(right.encode(), given.encode()):
        return None
    return account.files.get(path) if float(expires) >= int(time.time()) else None


def _signature(method: str, path: str, expires: str) -> str:
    message = f"{method}\n{expires}\n{path}".encode()
    return hmac.new(_KEY, message, "sha1").hexdigest()


def _actual_types(body: bytes) -> tuple[str, ...]:
    return next((kinds for start, kinds in MAGIC_NUMBERS.items() if body.startswith(start)), ())
