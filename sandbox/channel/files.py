"""The web server from which the connector fetches consumers' files: https on loopback."""

import secrets
from pathlib import Path

from simulator.http_server import Answer, HttpServer, Request


class FileHost(HttpServer):
    """A web server for files, with a certificate that the sandbox's connector trusts."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(self._answer, certificate=certificate)
        self._files: dict[str, bytes] = {}
        self._fetched: list[str] = []

    def put(self, content: bytes) -> str:
        """Keep a file; return the URL to fetch it from."""
        path = f"/files/{secrets.token_urlsafe(12)}"
        self._files[path] = content
        return f"{self.url}{path}"

    def fetched(self, url: str) -> int:
        """Count how often a file was fetched."""
        return self._fetched.count(url.removeprefix(self.url))

    def _answer(self, request: Request) -> Answer:
        self._fetched.append(request.path)
        content = self._files.get(request.path)
        status = 404 if content is None else 200
        return Answer(status, content, {"content-type": "application/octet-stream"})
