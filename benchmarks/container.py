"""
What a function finds in its container: a Python of its own, the layer as it is built, boto3.

Nothing else is there, not even what happens to be installed beside the tests: a library that is
found changes what others import. Nothing can be written, so what is not compiled stays so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sandbox.environment import find_python
from tools.template import PROJECT

# boto3 and what it stands on, which Lambda's runtime brings along.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")

# What a program says last of all. The parent could ask for ``ru_maxrss``, but there a child begins
# with the memory of its parent, of which it was a copy: small programs would all be equal.
_PEAK = """
try:
    with open("/proc/self/status") as about:
        print(next(line.split()[1] for line in about if line.startswith("VmHWM:")))
except OSError:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@dataclass(frozen=True)
class Run:
    """What a program in a container came to: its processor time, its memory, what it printed."""

    cpu_ms: float
    peak_mb: float
    said: str


@dataclass(frozen=True)
class Container:
    """Runs programs as in a container of a function; each run is a cold start."""

    python: Path
    layer: Path
    runtime: Path

    def run(self, program: str, environment: Mapping[str, str], *, event: object = None) -> Run:
        """Run a program that reads ``event`` as JSON from its standard input, or raise."""
        with TemporaryDirectory() as folder:
            given, said = Path(folder) / "event.json", Path(folder) / "said"
            given.write_text(json.dumps(event))
            with given.open() as stdin, said.open("w") as stdout:
                process = subprocess.Popen(
                    [self.python, "-S", "-c", program + _PEAK],
                    env={"PATH": os.defpath, "PYTHONPATH": self._path(), **environment},
                    stdin=stdin,
                    stdout=stdout,
                )
                # Of this very process: what others of the same parent cost must not be in it.
                _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"a measured program failed:\n{program}")
            cpu = (used.ru_utime + used.ru_stime) * 1000
            *lines, kilobytes = said.read_text().splitlines()
            return Run(cpu, int(kilobytes) / 1024, "\n".join(lines))

    def _path(self) -> str:
        return os.pathsep.join(map(str, (self.layer / "python", self.runtime)))


@contextmanager
def container(*, compiled: bool = True) -> Iterator[Container]:
    """Build the layer and lay boto3 beside it, while the block lasts."""
    python = find_python()
    with TemporaryDirectory() as folder:
        layer, runtime = Path(folder) / "layer", Path(folder) / "runtime"
        build_layer(layer, str(python) if compiled else "false")
        _lay_out(runtime, python)
        yield Container(python, layer, runtime)


def build_layer(target: Path, compiler: str) -> None:
    """Build the layer as `sam build` does."""
    target.mkdir()
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    subprocess.run(
        ["make", "--silent", "build-ConnectorLayer", f"ARTIFACTS_DIR={target}"],
        cwd=PROJECT / "layers" / "connector",
        env={**os.environ, "PATH": os.pathsep.join(path), "LAMBDA_PYTHON": compiler},
        check=True,
        capture_output=True,
    )


def calling(function: str) -> str:
    """Return a program that does what Lambda does: import, and hand one event over."""
    folder = PROJECT / "functions" / function
    return f"""
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, {str(folder)!r})
from handler import handler
class Context:
    def get_remaining_time_in_millis(self):
        return 30_000
answer = handler(json.load(sys.stdin), Context())
print(json.dumps(answer))
"""


def answer_of(run: Run) -> Any:
    """Return what the handler answered: the last line, below the log's."""
    return cast("Any", json.loads(run.said.splitlines()[-1]))


def _lay_out(runtime: Path, python: Path) -> None:
    """Copy boto3 and its company, compiled as in Lambda's runtime; its data need no copy."""
    runtime.mkdir()
    for name in RUNTIME:
        _copy(_place_of(name), runtime)
    subprocess.run([python, "-m", "compileall", "-q", runtime], check=True)


def _copy(source: Path, folder: Path) -> None:
    if source.is_file():
        shutil.copy(source, folder)
        return
    shutil.copytree(
        source, folder / source.name, ignore=shutil.ignore_patterns("data", "__pycache__")
    )
    if (source / "data").exists():
        (folder / source.name / "data").symlink_to(source / "data")


def _place_of(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise RuntimeError(f"{name} is not installed")
    origin = Path(found.origin)
    return origin.parent if origin.name == "__init__.py" else origin
