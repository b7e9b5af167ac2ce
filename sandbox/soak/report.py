"""Print the result of a soak (promises and numbers), and write it into a file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.soak.invariants import Promise, Verdict
from sandbox.soak.plan import Plan
from sandbox.soak.record import Record

MOST_SHOWN = 8


def show_plan(plan: Plan, console: Console) -> None:
    """Print every action and every fault with its time."""
    lines = [
        (action.at, f"{action.what} {action.consumer or ''} {action.event_id}", action.text)
        for action in plan.actions
    ]
    lines += [
        (each.at, f"DISRUPTION {each.what} {each.seconds or ''}", "") for each in plan.disruptions
    ]
    for at, what, text in sorted(lines):
        console.print(f"{at:8.2f}  {escape(what):<34} {escape(_short(text))}", soft_wrap=True)
    console.print("\nFaults of single messages:")
    for fault in plan.planned_faults:
        console.print(f"  {fault.where:<15} {fault.tag:<10} {fault.kind} {fault.status or ''}")
    console.print("\nRandom faults:")
    for each in plan.random_faults:
        console.print(f"  {each.service:<15} {each.kind:<14} {each.probability:.3f} of requests")


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict."""
    if console.is_terminal:
        console.print(_promises(verdict))
    else:
        _plain_promises(verdict, console)
    for promise in verdict.promises:
        _show_what_broke(promise, console)
    if verdict.excused:
        console.print("\nSent twice, with a reason that excuses it:")
        for line in verdict.excused[:MOST_SHOWN]:
            console.print(f"  {escape(line)}", soft_wrap=True)
    console.print()
    for name, value in verdict.numbers.items():
        console.print(f"  {name.replace('_', ' '):<32} {escape(_plain(value))}", soft_wrap=True)
    broken = sum(not promise.held for promise in verdict.promises)
    if verdict.held:
        console.print(f"\n[green]Every promise held: {len(verdict.promises)}.[/]")
    else:
        console.print(f"\n[red]{broken} of {len(verdict.promises)} promises were broken.[/]")


def write(record: Record, verdict: Verdict, file: Path) -> None:
    """Write the verdict with its evidence."""
    document = {
        "held": verdict.held,
        "shape": asdict(record.plan.shape),
        "promises": [asdict(each) for each in verdict.promises],
        "numbers": verdict.numbers,
        "excused": list(verdict.excused),
        "happened": [asdict(each) for each in record.past_disruptions],
        "outcomes": dict(sorted(record.outcomes.items())),
        "dead": [asdict(each) for each in record.dead],
        "waiting": [asdict(each) for each in record.waiting],
        "struck": [asdict(each) for each in record.applied_faults],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _promises(verdict: Verdict) -> Table:
    table = Table(show_edge=False, pad_edge=False, header_style="bold", padding=(0, 2))
    for title in ("", "promise", "figure"):
        table.add_column(title)
    for each in verdict.promises:
        mark = "[green]✓[/]" if each.held else "[red]✗[/]"
        table.add_row(mark, escape(each.name), escape(each.figure))
    return table


def _plain_promises(verdict: Verdict, console: Console) -> None:
    for each in verdict.promises:
        mark = "✓" if each.held else "✗"
        console.print(f"  {mark} {escape(each.name):<46} {escape(each.figure)}", soft_wrap=True)


def _show_what_broke(promise: Promise, console: Console) -> None:
    if promise.held:
        return
    console.print(f"\n[red]✗ {escape(promise.name)}[/]")
    for line in promise.broken_by[:MOST_SHOWN]:
        console.print(f"    {escape(line)}", soft_wrap=True)
    more = len(promise.broken_by) - MOST_SHOWN
    if more > 0:
        console.print(f"    and {more} more")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "none"
    return str(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:60]}… ({len(text):,} characters)"
