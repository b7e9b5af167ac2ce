"""
Start here: `python -m sandbox up` or `python -m sandbox demo`, with any Python.

The sandbox needs the tools of the project's own environment. Unless it runs there already, it makes
that environment (`make setup` does nothing when it is up to date) and starts again inside. So this
file must run with old Pythons, and imports only the standard library before that.
"""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"


def main() -> int:
    """Run the sandbox's command line inside the project's environment."""
    if not _inside_environment():
        _make_environment()
        _start_again_inside()
    from sandbox.commands import main as command_line  # noqa: PLC0415 (needs the environment)

    return command_line(sys.argv[1:])


def _inside_environment() -> bool:
    return Path(sys.prefix).resolve() == ENVIRONMENT.resolve()


def _make_environment() -> None:
    command = ["make", "--silent", "--no-print-directory", "-C", str(PROJECT), "setup"]
    if sys.version_info >= (3, 11):  # noqa: UP036 (any Python may begin)
        command.append("PYTHON=" + sys.executable)
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        sys.exit("sandbox: `make` is needed to install the project's tools; please install it")
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)


def _start_again_inside() -> None:
    python = str(ENVIRONMENT / "bin" / "python")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    os.execv(python, [python, "-m", "sandbox", *sys.argv[1:]])  # noqa: S606 (no shell is meant)


if __name__ == "__main__":
    sys.exit(main())
