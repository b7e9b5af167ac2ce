"""What an operator would see: log lines and metrics, captured."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Output:
    """Everything that was written so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        """Give it as it stands in the log."""
        self._text += self._capsys.readouterr().out
        return self._text

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Give every line as JSON."""
        return [json.loads(line) for line in self.text.split("\n") if line]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Give the log lines."""
        return [each for each in self.objects if "_aws" not in each]

    @property
    def messages(self) -> list[str]:
        """Give the word of each log line."""
        return [each["message"] for each in self.lines]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Give the metrics."""
        return [each for each in self.objects if "_aws" in each]


class _StandardOutput:
    """Whatever is standard output at the moment of writing; pytest exchanges it all the time."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@contextmanager
def captured(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    """Let the connector's logger write where pytest reads; metrics do so by themselves."""
    handlers = [
        handler
        for handler in logging.getLogger("liveperson-connector").handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    before = [handler.stream for handler in handlers]
    for handler in handlers:  # not setStream, which flushes: the former may be closed by now
        handler.stream = _StandardOutput()
    try:
        yield Output(capsys)
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.stream = stream
