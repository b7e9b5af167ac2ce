"""
Play Lambda for one contender: give its handler one event after the other, and tell what it cost.

    python -u -m benchmarks.contenders.serve floor

Each line of standard input is a list of events, each of them JSON text as Lambda has it; each is
answered by a line that counts the status codes and tells the processor time of the handler, all its
threads together, and that of the whole process since its interpreter began. What the handler itself
prints goes nowhere, unbuffered as in Lambda.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

_CONTEXT = SimpleNamespace(
    function_name="measured",
    function_version="$LATEST",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:measured",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 5000,
)


def main(name: str) -> None:
    """Answer until there is nothing left to read."""
    report = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    handler = import_module(name).handler
    for line in sys.stdin:
        print(json.dumps(_served(handler, json.loads(line))), file=report, flush=True)


def _served(handler: Callable[[Any, Any], Any], texts: Sequence[str]) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    seconds = 0.0
    for text in texts:
        event = json.loads(text)  # by Lambda's runtime, which is everybody's
        began = time.process_time()
        answer = handler(event, _CONTEXT)
        seconds += time.process_time() - began
        statuses[answer["statusCode"]] += 1
    return {"statuses": statuses, "seconds": seconds, "since_start": time.process_time()}


if __name__ == "__main__":
    main(sys.argv[1])
