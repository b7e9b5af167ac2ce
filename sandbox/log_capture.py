"""Keep the logs of the functions and of the emulator beyond the end of a sandbox."""

import time
from pathlib import Path
from typing import Any

from sandbox.system import System


def keep_logs(system: System, file: Path) -> Path:
    """Write every function's log into one file, the emulator's own last."""
    logs = system.aws.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    parts = [_part(group, _lines(logs, group)) for group in groups]
    parts.append(_part("the emulator", system.emulator.log.read_text(errors="replace")))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(parts))
    return file


def _part(title: str, text: str) -> str:
    return f"═══ {title} ═══\n{text}"


def _lines(logs: Any, group: str) -> str:
    events = [
        event
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    return "".join(_line(event) for event in sorted(events, key=_moment))


def _moment(event: dict[str, Any]) -> int:
    return int(event["timestamp"])


def _line(event: dict[str, Any]) -> str:
    clock = time.strftime("%H:%M:%S", time.gmtime(_moment(event) / 1000))
    return f"{clock} {str(event['message']).rstrip()}\n"
