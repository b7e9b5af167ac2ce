"""What the page of a deployed stack may ask, by GET alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from console.pages import HEADERS, answer_file
from simulator.http_server import Answer, Request

from ..errors import Problem, errors_explained
from ..logs import Line
from ..stack import Stack
from ..trace import follow, names_in_logs
from .failing import failing

WANTED = "x-wanted"
"""The header that names what is searched: an id may be a phone number, and URLs are kept."""

# Fields of a log line that the page has already, or that help its programmers alone.
_NO_DETAILS = {"level", "location", "timestamp", "service", "message", "function", "xray_trace_id"}

_MOST_MINUTES = 31 * 24 * 60


class Recorder:
    """
    Answers the page's requests about one stack.

    ======= ====================================================================
    setting what the page is: ``reads_only``, and the name of the stack
    find    ``hops`` of what the header ``x-wanted`` names, in ``?minutes=``
    now     what :func:`failing` returns
    ======= ====================================================================

    Every other path is a file of the page. What AWS refuses is answered with status 502, ``error``
    and ``fix``.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        # boto3 makes clients in one thread at a time; and AWS limits how often logs are searched.
        self._one_at_a_time = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """Answer one request of a browser."""
        if request.method != "GET":
            return Answer(405, {"error": "this page only reads"}, {"allow": "GET", **HEADERS})
        if request.path == "/setting":
            return Answer(200, {"reads_only": True, "stack": self._stack.name}, HEADERS)
        if request.path not in ("/find", "/now"):
            return answer_file(request.path)
        try:
            with self._one_at_a_time, errors_explained():
                found = self._find(request) if request.path == "/find" else failing(self._stack)
        except Problem as problem:
            return Answer(502, {"error": problem.message, "fix": problem.fix}, HEADERS)
        return Answer(200, found, HEADERS)

    def _find(self, request: Request) -> Mapping[str, Any]:
        wanted = unquote(request.headers.get(WANTED, "")).strip()
        minutes = request.query.get("minutes", "")
        if not wanted:
            raise Problem("there is nothing to search for", "give the id of a message or a person")
        if not (minutes.isdecimal() and 1 <= int(minutes) <= _MOST_MINUTES):
            raise Problem("minutes is no number of minutes", f"use 1 to {_MOST_MINUTES}")
        names = names_in_logs(self._stack, wanted)
        return {"hops": [hop(each) for each in follow(self._stack, names, int(minutes))]}


def hop(line: Line) -> dict[str, Any]:
    """Return a log line as the page takes a hop."""
    return {
        "at": line.at.timestamp(),
        "function": line.function,
        "outcome": line.message,
        "trace": str(line.fields.get("trace", "")),
        "conversation_id": line.fields.get("conversation_id", ""),
        "details": {name: value for name, value in line.fields.items() if name not in _NO_DETAILS},
    }
