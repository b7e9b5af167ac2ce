"""
Change the layer's decisions one at a time, and see whether the unit tests notice.

    python -m tools.mutation                      all modules that mutmut.toml names
    python -m tools.mutation --only '*worker*'    the mutants whose name fits
    python -m tools.mutation --keep FOLDER        leave the copy there, to look at and go on with

Everything happens in a copy of the project. Tells what survived and how much was killed, and
exits with 1 if that is less than nine in ten.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox import arguments
from tools.mutation.copying import copy_project
from tools.mutation.verdicts import Verdicts, read_verdicts

LEAST_KILLED = 0.9


def main() -> int:
    """Run, and say what came of it."""
    asked = _arguments()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as own:
        folder = Path(asked.keep or own).resolve()
        copy_project(folder)
        if _engine(folder, "run", "--max-children", str(asked.processes), *asked.only):
            return 2
        verdicts = read_verdicts(folder)
        if verdicts.survivors:
            _engine(folder, "changes", *verdicts.survivors)
    _report(verdicts, time.monotonic() - began)
    return int(verdicts.share_killed < LEAST_KILLED)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation")
    parser.add_argument("--only", nargs="*", default=[], help="patterns of mutants' names")
    parser.add_argument("--keep", help="a folder for the copy")
    parser.add_argument("--processes", type=arguments.count, default=os.cpu_count() or 1)
    return parser.parse_args()


def _engine(folder: Path, *arguments: str) -> int:
    command = [sys.executable, "tools/mutation/engine.py", *arguments]
    # Every mutant starts pytest anew: without plugins that these tests don't use it is quicker.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _report(verdicts: Verdicts, seconds: float) -> None:
    killed = f"{verdicts.share_killed:.1%} killed in {seconds / 60:.0f} minutes"
    lines = [*verdicts.lines(), f"{killed}; less than {LEAST_KILLED:.0%} is a failure"]
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
