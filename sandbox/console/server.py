"""The console's server: the page, its feed and its acts, on loopback alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from sandbox.console import skins
from sandbox.console.acts import QUICK, WEATHER, Acts, Impossible
from sandbox.console.feed import Entry, Feed
from sandbox.console.gallery import GALLERY
from sandbox.console.watchers import Watchers
from sandbox.system import System
from simulator.http_server import Answer, HttpServer, Request

PAGE = Path(__file__).with_name("page")

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

# Nothing from elsewhere, nothing inline; no other page may frame this one.
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Console:
    """The page of one sandbox; `url` is known before there is a sandbox."""

    def __init__(self, *, port: int = 0) -> None:
        self.feed = Feed()
        self._server = HttpServer(self._answer, port=port)
        self.url = f"{self._server.url}/"
        self._acts: Acts | None = None
        self._watchers: Watchers | None = None
        self._setting = {
            "consumers": ["+4915112345678", "alex@example.com"],
            "skins": skins.names(),
            "gallery": {QUICK: None, **GALLERY},
            "weather": [
                {"name": name, "title": title, "lasts": lasts}
                for name, (title, lasts) in WEATHER.items()
            ],
        }

    def start(self, system: System) -> Self:
        """Begin to look at a running sandbox, and to answer; return the console."""
        self._acts = Acts(system, self.feed)
        self._watchers = Watchers(system, self.feed)
        self._watchers.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """End every page's feed, and stop; safe without `start`."""
        self.feed.close()
        self._server.stop()
        if self._watchers:
            self._watchers.stop()

    def _answer(self, request: Request) -> Answer:
        if request.method == "GET":
            return self._get(request)
        if request.method == "POST" and request.path.startswith("/acts/"):
            return self._act(request.path.removeprefix("/acts/"), request)
        return Answer(405, {"error": "GET a page or POST an act"})

    def _get(self, request: Request) -> Answer:
        if request.path == "/feed":
            after = request.headers.get("last-event-id", "0")
            newer = self.feed.batches(int(after) if after.isdigit() else 0)
            return Answer(200, _events(newer), {"content-type": "text/event-stream", **_HEADERS})
        if request.path == "/setting":
            return Answer(200, self._setting, _HEADERS)
        return answer_file(request.path)

    def _act(self, name: str, request: Request) -> Answer:
        try:
            values = request.json()
        except ValueError:
            return Answer(400, {"error": "the body is not JSON"})
        if self._acts is None or not isinstance(values, dict):
            return Answer(400, {"error": "the body is not a JSON object"})
        try:
            return Answer(200, {"result": self._acts.do(name, values)}, _HEADERS)
        except Impossible as problem:
            return Answer(200, {"error": str(problem)}, _HEADERS)  # an answer, no fault of the page


def answer_file(path: str) -> Answer:
    """Answer with a file of the page; a path is looked up, never opened."""
    name = "index.html" if path == "/" else path.removeprefix("/")
    known = {each.name: each for each in PAGE.iterdir() if each.suffix in _TYPES}
    if name not in known:
        return Answer(404, {"error": "there is no such page"})
    kind = f"{_TYPES[known[name].suffix]}; charset=utf-8"
    return Answer(200, known[name].read_bytes(), {"content-type": kind, **_HEADERS})


def _events(batches: Iterator[list[tuple[int, Entry]]]) -> Iterator[bytes]:
    """Write entries as server-sent events; a comment says that the server is alive."""
    for batch in batches:
        lines = [f"id: {number}\ndata: {_compact(entry)}\n\n" for number, entry in batch]
        yield ("".join(lines) or ": alive\n\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
