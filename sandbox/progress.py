"""Print each step of the sandbox's work, and how long it takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

WIDTH = 58


def duration(seconds: float) -> str:
    """Format a duration: in milliseconds below a second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


class Step:
    """One step; its line ends with `note`."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.note = ""
        self.mark = "[green]✓[/]"

    def warn(self, note: str) -> None:
        """Mark the step as done with a warning."""
        self.mark = "[yellow]![/]"
        self.note = note


class Progress:
    """Prints a line for each step, with a running clock on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """Show a step while it runs, and how it ended."""
        step, began = Step(what), time.monotonic()
        try:
            with self._under_way(what):
                yield step
        except BaseException:
            self._line("[red]✗[/]", what, time.monotonic() - began, "")
            raise
        self._line(step.mark, what, time.monotonic() - began, step.note)

    @contextmanager
    def _under_way(self, what: str) -> Iterator[None]:
        if not self.console.is_terminal:
            self.console.print(f"  … {escape(what)}", soft_wrap=True)
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Bar(*columns, console=self.console, transient=True) as bar:
            bar.add_task(escape(what), total=None)
            yield

    def _line(self, mark: str, what: str, seconds: float, note: str) -> None:
        clock = duration(seconds)
        text = f"  {mark} {escape(what):<{WIDTH}} [dim]{clock:>8}[/]  {escape(note)}"
        self.console.print(text, soft_wrap=True, highlight=False)
