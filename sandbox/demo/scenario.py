"""The frame of the demo: print scenes and checks, and count what held."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.progress import duration

Seen = TypeVar("Seen")

PATIENCE_SECONDS = 30.0
PATIENCE_AFTER_A_FAILURE_SECONDS = (
    3.0  # after a first failure the other checks must not take minutes
)
POLL_SECONDS = 0.02
WIDTH = 62
LONGEST = 70
LONGEST_VALUE = 1_000


@dataclass
class Scene:
    """One scene: how many checks held and failed, and how long it took."""

    title: str
    functions: tuple[str, ...] = ()
    """The functions whose logs help if a check fails."""
    held: int = 0
    failed: int = 0
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)


class Scenario:
    """Prints scenes and checks; `succeeded` says whether every check held."""

    def __init__(self, console: Console, patience: float = PATIENCE_SECONDS) -> None:
        self.scenes: list[Scene] = []
        self._console = console
        self.patience = patience

    @property
    def succeeded(self) -> bool:
        """Whether there was a scene, and every check held."""
        return bool(self.scenes) and not any(scene.failed for scene in self.scenes)

    @contextmanager
    def scene(self, title: str, *functions: str) -> Iterator[None]:
        """Play one scene; an exception fails the scene, and the next one is played."""
        scene = Scene(title, functions)
        self.scenes.append(scene)
        self._print(f"\n[bold]{len(self.scenes)}  {escape(title)}[/]")
        try:
            yield
        except Exception as error:  # noqa: BLE001 (any error fails the scene)
            self._failed("the scene was cut short", "no error", f"{type(error).__name__}: {error}")
        scene.seconds = time.monotonic() - scene.began

    def says(self, who: str, text: str) -> None:
        """Print a line of the conversation."""
        self._print(f"     [cyan]{who:<9}[/] {escape(_short(text))}")

    def check(self, what: str, expected: object, seen: object, seconds: float = 0.0) -> None:
        """Compare the expected value with what is seen, and print the result."""
        if seen == expected:
            self._held(what, seconds)
        else:
            self._failed(what, expected, seen)

    def eventually(self, what: str, expected: Seen, look: Callable[[], Seen]) -> float:
        """Poll until the expected value is seen or `patience` seconds pass; return the seconds."""
        began = time.monotonic()
        seen = look()
        while seen != expected and time.monotonic() - began < self.patience:
            time.sleep(POLL_SECONDS)
            seen = look()
        took = time.monotonic() - began
        self.check(what, expected, seen, took)
        return took

    def summary(self) -> None:
        """Print every scene with its checks and its time, and the result."""
        table = Table(show_edge=False, pad_edge=False, header_style="bold", padding=(0, 2))
        table.add_column("")
        table.add_column("scene")
        table.add_column("checks", justify="right")
        table.add_column("time", justify="right")
        for scene in self.scenes:
            mark = "[red]✗[/]" if scene.failed else "[green]✓[/]"
            checks = f"{scene.held}/{scene.held + scene.failed}"
            table.add_row(mark, escape(scene.title), checks, duration(scene.seconds))
        self._console.print()
        self._console.print(table)
        self._verdict()

    def _verdict(self) -> None:
        held = sum(scene.held for scene in self.scenes)
        every = held + sum(scene.failed for scene in self.scenes)
        if self.succeeded:
            self._print(f"\n[green]Every check held: {held} of {every}.[/]")
        else:
            self._print(f"\n[red]{every - held} of {every} checks failed.[/]")

    def _held(self, what: str, seconds: float) -> None:
        self.scenes[-1].held += 1
        clock = f"[dim]{duration(seconds):>8}[/]" if seconds else ""
        self._print(f"     [green]✓[/] {escape(what):<{WIDTH}} {clock}")

    def _failed(self, what: str, expected: object, seen: object) -> None:
        self.scenes[-1].failed += 1
        self.patience = min(self.patience, PATIENCE_AFTER_A_FAILURE_SECONDS)
        self._print(f"     [red]✗ {escape(what)}[/]")
        self._print(f"         expected: {escape(repr(expected)[:LONGEST_VALUE])}")
        self._print(f"         seen:     {escape(repr(seen)[:LONGEST_VALUE])}")
        if self.scenes[-1].functions:
            self._print(f"         look at:  the logs of {' and '.join(self.scenes[-1].functions)}")

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{' '.join(text[:LONGEST].split())}… ({len(text):,} characters)"
