"""What `endpoints.json` promises to those who read it."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sandbox.endpoints import FILE, Endpoints, announced, forget_dead, read
from sandbox.state_dir import Folder


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / FILE


@pytest.fixture(name="endpoints")
def _endpoints(tmp_path: Path) -> Endpoints:
    log = tmp_path / "emulator.log"
    log.touch()
    return Endpoints(
        aws_endpoint_url="http://127.0.0.1:4600",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region="us-east-1",
        stack_name="connector",
        webhook_url="http://127.0.0.1:4600/webhooks/liveperson",
        channel_api_url="http://127.0.0.1:4600/v1",
        channel_api_key="key",
        liveperson_url="http://127.0.0.1:4601",
        liveperson_is_simulated=True,
        account_id="1",
        client_id="client",
        client_secret="made-up",
        channel_callback_url="http://127.0.0.1:4602/callbacks",
        channel_signing_secret="whsec_bWFkZS11cA==",
        channel_url=None,
        queues={"consumer-events.fifo": "http://127.0.0.1:4600/000000000000/q"},
        functions={"webhook_intake": "connector-WebhookIntake-1"},
        table_name="table",
        emulator_log=str(log),
        pid=1,
        loopback_certificate="/somewhere/loopback.pem",
    )


def test_what_is_written_can_be_read(file: Path, endpoints: Endpoints) -> None:
    """It is a JSON object whose names are those of the contract."""
    endpoints.write(file)

    assert asdict(endpoints) == json.loads(file.read_text())
    assert endpoints == read(file)


def test_nothing_else_is_left_beside_it(file: Path, endpoints: Endpoints) -> None:
    """It appears at once, through a draft that is gone afterwards."""
    endpoints.write(file)

    assert [file] == [each for each in file.parent.iterdir() if FILE in each.name]


# ── Several sandboxes ──


class Sandbox:
    """A sandbox as others see it: a folder that it holds the lock of, and what it announces."""

    def __init__(self, state_dir: Path, endpoints: Endpoints) -> None:
        self.folder = Folder.claim(state_dir / endpoints.aws_endpoint_url.rpartition(":")[2])
        self._announced = announced(endpoints, self.folder.path)
        self._announced.__enter__()

    def stop(self) -> None:
        """End as a sandbox does that is told to."""
        self._announced.__exit__(None, None, None)
        self.folder.release()

    def crash(self) -> None:
        """End as one that is killed: the system lets its lock go, and nothing is cleaned up."""
        os.close(self.folder._lock)


def at(port: int, endpoints: Endpoints) -> Endpoints:
    return replace(endpoints, aws_endpoint_url=f"http://127.0.0.1:{port}")


def found(state_dir: Path) -> str | None:
    """Say which sandbox an operator finds."""
    file = state_dir / FILE
    return read(file).aws_endpoint_url.rpartition(":")[2] if file.exists() else None


def test_a_sandbox_is_found_while_it_runs(tmp_path: Path, endpoints: Endpoints) -> None:
    """Before it is ready, and after it stopped, nothing is there to be believed."""
    before = found(tmp_path)
    sandbox = Sandbox(tmp_path, endpoints)
    during = found(tmp_path)
    sandbox.stop()

    assert (None, "4600", None) == (before, during, found(tmp_path))


def test_the_sandbox_that_was_ready_last_is_found(tmp_path: Path, endpoints: Endpoints) -> None:
    """And stays found when an earlier one stops; each also has a file of its own."""
    earlier = Sandbox(tmp_path, at(4600, endpoints))
    later = Sandbox(tmp_path, at(4700, endpoints))
    own = read(tmp_path / "4600" / FILE)
    both = found(tmp_path)
    earlier.stop()

    assert (at(4600, endpoints), "4700", "4700") == (own, both, found(tmp_path))
    later.stop()


@pytest.mark.parametrize("end", [Sandbox.stop, Sandbox.crash])
def test_when_the_later_sandbox_ends_the_earlier_is_found_again(
    tmp_path: Path, endpoints: Endpoints, end: Callable[[Sandbox], None]
) -> None:
    """It runs all the time, and looks after the copy: one that crashed cannot."""
    first = Sandbox(tmp_path, at(4600, endpoints))
    second = Sandbox(tmp_path, at(4700, endpoints))
    third = Sandbox(tmp_path, at(4800, endpoints))
    end(third)
    forget_dead(tmp_path)
    after_the_third = found(tmp_path)
    second.stop()

    assert ("4700", "4600") == (after_the_third, found(tmp_path))
    first.stop()


def test_the_file_of_a_crashed_sandbox_is_forgotten(tmp_path: Path, endpoints: Endpoints) -> None:
    """No sandbox runs that could be found."""
    sandbox = Sandbox(tmp_path, endpoints)
    sandbox.crash()
    forget_dead(tmp_path)

    assert found(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": 1}'])
def test_an_unreadable_file_is_forgotten(tmp_path: Path, text: str) -> None:
    """Whatever stands there, no living sandbox says it."""
    (tmp_path / FILE).write_text(text)

    forget_dead(tmp_path)

    assert found(tmp_path) is None


def test_only_their_owner_may_read_the_files(tmp_path: Path, endpoints: Endpoints) -> None:
    """The copy is as private as the sandbox's own."""
    sandbox = Sandbox(tmp_path, endpoints)

    for file in (tmp_path / FILE, tmp_path / "4600" / FILE):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sandbox.stop()
