"""The console's server: the page, its feed and its acts, on loopback alone."""

from typing import Self

from console.feed import Feed
from console.pages import HEADERS, read
from sandbox.console import skins
from sandbox.console.acts import QUICK, WEATHER, Acts, Impossible
from sandbox.console.gallery import GALLERY
from sandbox.console.watchers import Watchers
from sandbox.system import System
from simulator.http_server import Answer, HttpServer, Request


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
            return read(request, self.feed, self._setting)
        if request.method == "POST" and request.path.startswith("/acts/"):
            return self._act(request.path.removeprefix("/acts/"), request)
        return Answer(405, {"error": "GET a page or POST an act"})

    def _act(self, name: str, request: Request) -> Answer:
        try:
            values = request.json()
        except ValueError:
            return Answer(400, {"error": "the body is not JSON"})
        if self._acts is None or not isinstance(values, dict):
            return Answer(400, {"error": "the body is not a JSON object"})
        try:
            return Answer(200, {"result": self._acts.do(name, values)}, HEADERS)
        except Impossible as problem:
            return Answer(200, {"error": str(problem)}, HEADERS)  # an answer, no fault of the page
