"""`sam local` as a user types it, and whether this machine can run it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.ports import LOOPBACK, free_port

MACHINE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
IMAGE = f"public.ecr.aws/lambda/python:3.13-{MACHINE}"

ENGINE_SECONDS = 10
PULL_SECONDS = 60
SAM_SECONDS = 90  # it takes three; a busy machine may need much longer


def why_not() -> str:
    """Say why `sam local` can't run here; empty if it can. Fetches the image if there is none."""
    if shutil.which("docker") is None:
        return "there is no Docker on this machine"
    if not _docker("info", seconds=ENGINE_SECONDS):
        return "no Docker engine answers"
    if not _docker("image", "inspect", IMAGE, seconds=ENGINE_SECONDS) and not _docker(
        "pull", "--quiet", IMAGE, seconds=PULL_SECONDS
    ):
        return f"the image is not here and was not to be had in {PULL_SECONDS} s: {IMAGE}"
    return ""


def _docker(*arguments: str, seconds: float) -> bool:
    command = ["docker", *arguments]
    try:
        return (
            subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


class SamLocal:
    """`sam local` with a template, and with the emulator for AWS."""

    def __init__(self, template: Path, endpoint_url: str) -> None:
        self._template = template
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "SAM_CLI_TELEMETRY": "0",
            "NO_PROXY": LOOPBACK,
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def invoke(self, function: str, event: Path) -> Any:
        """Invoke a function with an event; give what it returned, which must not be an error."""
        command = self._command("invoke", function, "--event", str(event))
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=self._environ, stdout=pipe, stderr=pipe, text=True
        ) as process:
            try:
                output, said = process.communicate(timeout=SAM_SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()  # so that sam removes its container
                raise
        assert 0 == process.returncode, said
        return answered(output, said)

    @contextmanager
    def serving(self, what: str, log: Path) -> Iterator[str]:
        """Keep `start-api` or `start-lambda` running; give its address."""
        port = free_port()
        command = self._command(what, "--port", str(port), "--warm-containers", "LAZY")
        with log.open("w") as output, _running(command, self._environ, output) as process:
            _wait_for(port, process, log)
            yield f"http://{LOOPBACK}:{port}"

    def _command(self, what: str, *arguments: str) -> list[str]:
        sam = str(Path(sys.executable).with_name("sam"))
        template = ("--template", str(self._template))
        return [sam, "local", what, *arguments, *template, "--skip-pull-image"]


def answered(output: str, said: str) -> Any:
    """Read a function's result; sam's exit code is 0 even after an error, which has a type."""
    assert output.strip(), said
    result = json.loads(output.strip().splitlines()[-1])
    assert not (isinstance(result, dict) and "errorType" in result), f"{result}\n{said}"
    return result


@contextmanager
def _running(
    command: Sequence[str], environ: dict[str, str], output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()  # sam removes its containers on TERM
        process.wait(SAM_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SAM_SECONDS
    while not _listens(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
