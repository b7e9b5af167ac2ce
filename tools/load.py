"""
What one text asks for: counted in ``measured.json``, and what is assumed of others.

Of both directions together, as the measured conversations have them: half of the texts are a
consumer's, half an agent's. ``cost.py`` says what it costs, ``limits.py`` where it meets a limit.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.template import functions, template

MEASURED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Waits:
    """How long a call to a partner takes, in milliseconds: assumed, not measured."""

    aws: float = 8
    liveperson: float = 150
    channel: float = 100


ASSUMED = Waits()


@cache
def measured() -> dict[str, Any]:
    """Read what was measured."""
    found: dict[str, Any] = json.loads(MEASURED.read_text())
    return found


def folders() -> list[str]:
    """Name the functions that were measured, in the order messages flow."""
    return list(measured()["functions"])


def conversations() -> int:
    """Give how many were measured."""
    return int(measured()["conversations"])


def each(folder: str, what: str) -> float:
    """Give a count of a function per conversation."""
    return float(measured()["functions"][folder].get(what, 0)) / conversations()


def total(what: str) -> float:
    """Give a count of all functions per conversation."""
    return sum(each(folder, what) for folder in folders())


def texts() -> int:
    """Give how many texts a conversation has, both ways."""
    return 2 * int(measured()["texts_each_way"])


def architecture() -> str:
    """Give the processor that the functions run on."""
    return str(template()["Parameters"]["Architecture"]["Default"])


def memory(folder: str) -> int:
    """Give a function's memory in MB."""
    default = template()["Globals"]["Function"]["MemorySize"]
    return int(functions()[folder].get("MemorySize", default))


def processor_milliseconds(folder: str) -> float:
    """Give how long one invocation computes, on the machine that measured."""
    return each(folder, "cpu_ms") / each(folder, "invocations")


def milliseconds(folder: str, waits: Waits = ASSUMED) -> float:
    """Give how long one invocation takes: its own time, and what it waits for."""
    waited = each(folder, "aws_calls") * waits.aws
    partners = {
        "outbound_messaging": int(measured()["calls_of_liveperson"]) * waits.liveperson,
        "channel_delivery": int(measured()["calls_of_the_channel"]) * waits.channel,
    }
    waited += partners.get(folder, 0) / conversations()
    return processor_milliseconds(folder) + waited / each(folder, "invocations")


def machine() -> str:
    """Describe this machine, for figures that are only true of it."""
    python = platform.python_version()
    return f"{_processor()}, {os.cpu_count()} processors, {platform.system()}, Python {python}"


def _processor() -> str:
    """Name the processor's model where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
