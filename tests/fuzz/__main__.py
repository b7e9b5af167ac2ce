"""
Fuzz the two intakes and the parsers with as many inputs as asked for.

    python -m tests.fuzz --inputs 1000000            half webhooks, half consumer events
    python -m tests.fuzz --only channel:4711         one input again

Beside the inputs of the entry points, the parsers behind them get a fifth as many. Every input is
known by the seed and its number.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "liveperson-connector")

from tests.fuzz.run import TARGETS, Chunk, Tally, run, run_chunk

CHUNK = 2500
MOST_FAILURES = 50


def main() -> int:
    """Run, say what came of it, and exit with 1 if a promise was broken."""
    asked = _arguments()
    if asked.only:
        target, _, number = asked.only.partition(":")
        tally = run(asked.seed, target, [int(number)])
        _say(*(tally.failures or tally.outcomes))
        return bool(tally.failures)
    began = time.monotonic()
    tally = _run_all(asked)
    _report(asked, tally, time.monotonic() - began)
    return bool(tally.failures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="one input, such as webhook:17")
    return parser.parse_args()


def _chunks(asked: argparse.Namespace) -> Iterator[Chunk]:
    half = asked.inputs // 2
    shares = dict(zip(TARGETS, (half, asked.inputs - half, asked.inputs // 5), strict=True))
    for start in range(0, max(shares.values()), CHUNK):
        for target, share in shares.items():
            if start < share:
                yield asked.seed, target, range(start, min(start + CHUNK, share))


def _run_all(asked: argparse.Namespace) -> Tally:
    """
    Spread the chunks over processes.

    One that hangs ends its process; what was not done by then is begun again, once.
    """
    tally = Tally()
    left = list(_chunks(asked))
    for _ in range(2):
        left = _run_some(left, asked.processes, tally)
        if not left or len(tally.failures) >= MOST_FAILURES:
            break
    tally.failures += [f"{target}:{numbers} ended its process" for _, target, numbers in left]
    return tally


def _run_some(chunks: list[Chunk], processes: int, tally: Tally) -> list[Chunk]:
    """Run chunks and return those that came to no end."""
    left = set(chunks)
    shown = time.monotonic()
    # Not forked: a child begins with the connector as a container does.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawned) as pool:
        futures = {pool.submit(run_chunk, chunk): chunk for chunk in chunks}
        for future in as_completed(futures):
            try:
                tally.add(future.result())
            except BrokenProcessPool:
                break
            left.remove(futures[future])
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                _say(f"{tally.outcomes.total():,} inputs so far")
            if len(tally.failures) >= MOST_FAILURES:
                pool.shutdown(cancel_futures=True)
                break
    return [chunk for chunk in chunks if chunk in left]


def _report(asked: argparse.Namespace, tally: Tally, seconds: float) -> None:
    total = sum(tally.outcomes.values()) + len(tally.failures)
    for outcome, count in sorted(tally.outcomes.items()):
        _say(f"{count:>12,}  {outcome}")
    speed = f"{seconds:.0f} s: {total / seconds:.0f} a second"
    _say(f"{total:>12,}  inputs of seed {asked.seed}, in {speed}")
    _say(f"slowest: {tally.slowest:.3f} s ({tally.slowest_input})")
    for failure in tally.failures[:20]:
        _say(f"\nBROKEN {failure}")
    _say(f"{len(tally.failures)} broken promises")


def _say(*lines: object) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - to the person at the terminal


if __name__ == "__main__":
    sys.exit(main())
