"""
Private words that were replaced do not come back; each stands here with its replacement.

To retire a word, add it here. The words of the field that we use are in ``docs/glossary.md``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tools.template import PROJECT

ROOMS = ("layers", "cli", "functions", "console", "simulator", "sandbox", "tools", "docs", "events")
PAGES = ("README.md", "CONTRIBUTING.md", "Makefile", "template.yaml")
KINDS = {".py", ".md", ".yaml", ".toml", ".json", ".txt"}

# A pattern of whole words, and what to write instead. Upper and lower case are told apart.
NAMES = {
    "Letter": "OutgoingMessage on its way, DeadLetter in a dead-letter queue",
    "Received": "QueueMessage",
    "Setbacks": "DeliveryState",
    "HeldBehind": "GroupHeld",
    "OutageWaited": "CircuitOpen",
    "Speech|Speaker": "MessageSender, AuthorizedCalls",
    "Patient": "CheckContext",
    "wiring": "entrypoints/container",
    "workers?\\.py": "delivery/retries, entrypoints/sqs",
    "observe|observe\\.py": "telemetry/outcomes",
    "guarded_session": "ssrf_safe_client",
    "hurried": "fail_fast",
    "never_left": "surely_not_sent",
    "Crew|Desk|Lane|World": "SenderPool, ConversationService, ConversationQueue, SimulatorState",
    "_Court|Wish|Struck": "invariants, SoakOptions, AppliedFault",
    "TroubleMaker|Cast": "FaultInjector, Actors",
    "Deed|Postman|Parcel": "Action, RetryingClient, PendingRequest",
}
WORDS = {
    "mend|mends|mended|mending": "fix, repair",
    "knock|knocks": "post_signed_webhook",
    "nobody|somebody|anybody": "name the program or the person",
    "speech|speaking": "sending",
    "deeds?": "request, action",
    "tolls?": "call counts",
    "postman|parcels?": "client, request",
}

# Where a word may stand, with the reason.
ALLOWED = {
    ("mend|mends|mended|mending", "cli/connector_cli/output.py"),  # the former name in --json
    ("mend|mends|mended|mending", "CONTRIBUTING.md"),  # named as the word to avoid
    ("nobody|somebody|anybody", "CONTRIBUTING.md"),
    ("postman|parcels?", "cli/connector_cli/channel/examples.py"),  # a parcel, in a sample text
}

# Rooms in which a word is still being replaced. This list only ever gets shorter.
NOT_YET = {"deeds?": {"sandbox"}}


@cache
def texts() -> dict[str, str]:
    """Read every source and page, by its path in the project; decisions tell of former names."""
    files = [
        *(file for room in ROOMS for file in (PROJECT / room).rglob("*") if file.suffix in KINDS),
        *(PROJECT / page for page in PAGES),
    ]
    return {
        str(file.relative_to(PROJECT)): file.read_text()
        for file in files
        if not {"decisions", "tests", "__pycache__"} & set(file.relative_to(PROJECT).parts)
    }


def room(path: str) -> str:
    """Return the top-level folder of a path; a dot for the project's own."""
    return path.partition("/")[0] if "/" in path else "."


def places(word: str) -> list[str]:
    """Return the lines with a retired word, except where it is allowed."""
    pattern = re.compile(rf"(?<![\w-])(?:{word})(?![\w-])")
    return [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}"
        for path, text in texts().items()
        if (word, path) not in ALLOWED and room(path) not in NOT_YET.get(word, ())
        for found in pattern.finditer(text)
    ]


@pytest.mark.parametrize(("word", "instead"), (NAMES | WORDS).items(), ids=(NAMES | WORDS).keys())
def test_a_retired_word_does_not_come_back(word: str, instead: str) -> None:
    """Whoever searches for the field's word finds the thing."""
    assert [] == places(word), f"write instead: {instead}"


@pytest.mark.parametrize(("word", "path"), sorted(ALLOWED))
def test_an_exception_is_still_needed(word: str, path: str) -> None:
    """An exception whose word is gone is removed, too."""
    assert re.search(rf"\b(?:{word})\b", (Path(PROJECT) / path).read_text())


# ── The words of the field ──

STANDARD = (
    *("at-least-once", "back-off", "circuit breaker", "composition root", "correlation id"),
    *("dead-letter queue", "deterministic simulation testing", "exactly-once", "half-open"),
    *("head-of-line blocking", "idempotency key", "invariant", "lease", "PII", "poison message"),
    *("SSRF", "visibility time-out"),
)


@pytest.mark.parametrize("term", STANDARD)
def test_a_standard_term_leads_to_the_glossary_and_to_its_code(term: str) -> None:
    """The glossary names the file, and the file names the term."""
    rows = re.findall(rf"^\| {term}.*\| (.+) \|$", texts()["docs/glossary.md"], re.MULTILINE)
    file = re.findall(r"`(.+?)`", rows[0])[0]
    layer = PROJECT / "layers/connector/liveperson_connector" / file
    text = (layer if layer.exists() else PROJECT / file).read_text()

    assert re.search(term.replace("-", "[- ]").replace(" ", r"\s"), text, re.IGNORECASE)
