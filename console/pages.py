"""What a browser can read of a console: the page's files, its setting and its live feed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from console.feed import Entry, Feed
from simulator.http_server import Answer, Request

PAGE = Path(__file__).with_name("page")

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

# Nothing from elsewhere, nothing inline; no other page may frame this one.
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def read(request: Request, feed: Feed, setting: Mapping[str, Any]) -> Answer:
    """Answer a GET: `/feed` (server-sent events), `/setting` (JSON), or a file of the page."""
    if request.path == "/feed":
        after = request.headers.get("last-event-id", "0")
        newer = feed.batches(int(after) if after.isdigit() else 0)
        return Answer(200, _events(newer), {"content-type": "text/event-stream", **HEADERS})
    if request.path == "/setting":
        return Answer(200, setting, HEADERS)
    return answer_file(request.path)


def answer_file(path: str) -> Answer:
    """Answer with a file of the page; a path is looked up, never opened."""
    name = "index.html" if path == "/" else path.removeprefix("/")
    known = {each.name: each for each in PAGE.iterdir() if each.suffix in _TYPES}
    if name not in known:
        return Answer(404, {"error": "there is no such page"})
    kind = f"{_TYPES[known[name].suffix]}; charset=utf-8"
    return Answer(200, known[name].read_bytes(), {"content-type": kind, **HEADERS})


def _events(batches: Iterator[list[tuple[int, Entry]]]) -> Iterator[bytes]:
    """Write entries as server-sent events; a comment says that the server is alive."""
    for batch in batches:
        lines = [f"id: {number}\ndata: {_compact(entry)}\n\n" for number, entry in batch]
        yield ("".join(lines) or ": alive\n\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
