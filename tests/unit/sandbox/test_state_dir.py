"""Who owns a sandbox's folder, and what happens to what a crash leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import FolderTaken
from sandbox.processes import started_at
from sandbox.state_dir import PROCESS, Folder, sweep


@pytest.fixture(name="process")
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of its own group, as the emulator is one."""
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as process:
        yield process
        process.kill()


def crashed(path: Path, pid: int, started: str | None) -> None:
    """Leave a folder as a sandbox leaves it that was killed: its lock is free again."""
    path.mkdir(parents=True)
    (path / "lock").touch()
    (path / "tmp").mkdir()
    (path / "tmp" / "leftover").touch()
    (path / PROCESS).write_text(json.dumps({"pid": pid, "started": started}))


def test_a_claimed_folder_cannot_be_claimed_again(tmp_path: Path) -> None:
    """Two sandboxes never share a folder."""
    folder = Folder.claim(tmp_path / "4600")

    with pytest.raises(FolderTaken):
        Folder.claim(tmp_path / "4600")
    folder.release()


def test_a_released_folder_is_gone_and_free(tmp_path: Path) -> None:
    """Nothing stays, and the next sandbox may have it."""
    folder = Folder.claim(tmp_path / "4600")
    (folder.path / "file").touch()
    folder.release()

    assert list(tmp_path.iterdir()) == []
    Folder.claim(tmp_path / "4600").release()


def test_only_its_owner_may_look_into_a_folder(tmp_path: Path) -> None:
    """What the emulator stores holds the account's secrets."""
    folder = Folder.claim(tmp_path / "4600")

    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.release()


def test_a_crashed_sandboxs_emulator_is_ended(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    """Its process is killed and its folder removed before another starts."""
    crashed(tmp_path / "4600", process.pid, started_at(process.pid))

    assert [tmp_path / "4600"] == sweep(tmp_path)
    assert process.wait(5) == -signal.SIGKILL
    assert not (tmp_path / "4600").exists()


def test_a_claim_clears_away_what_a_crash_left(tmp_path: Path) -> None:
    """The new owner finds its folder empty."""
    crashed(tmp_path / "4600", 1, "another time")

    folder = Folder.claim(tmp_path / "4600")

    assert [entry.name for entry in folder.path.iterdir()] == ["lock"]
    folder.release()


def test_a_process_that_merely_has_the_number_is_left_alone(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    """Process ids are used again; who started at another time is somebody else."""
    crashed(tmp_path / "4600", process.pid, "another time")

    sweep(tmp_path)

    assert process.poll() is None


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"pid": "x", "started": "y"}'])
def test_an_unreadable_record_ends_nobody(tmp_path: Path, record: str) -> None:
    """A record cut short by the crash is cleared away with the rest."""
    crashed(tmp_path / "4600", 1, "never")
    (tmp_path / "4600" / PROCESS).write_text(record)

    sweep(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_sweep_leaves_living_sandboxes_alone(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    """A folder whose lock is held has an owner."""
    folder = Folder.claim(tmp_path / "4600")
    folder.remember_process(process.pid)

    assert sweep(tmp_path) == []
    assert process.poll() is None
    (folder.path / PROCESS).unlink()
    folder.release()


def test_a_sweep_leaves_other_things_alone(tmp_path: Path) -> None:
    """Only folders of sandboxes have a lock; the shared environment has none."""
    (tmp_path / "emulator-venv").mkdir()
    (tmp_path / "endpoints.json").touch()

    assert sweep(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 2


def test_a_lock_is_free_when_its_owner_was_killed(tmp_path: Path) -> None:
    """However a sandbox ends, its folder can be claimed afterwards."""
    code = (
        "import sys, time; from pathlib import Path; from sandbox.state_dir import Folder;"
        "folder = Folder.claim(Path(sys.argv[1])); print('mine', flush=True); time.sleep(60)"
    )
    path = tmp_path / "4600"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[3],
    ) as owner:
        assert owner.stdout is not None
        assert b"mine" in owner.stdout.readline()
        with pytest.raises(FolderTaken):
            Folder.claim(path)
        owner.kill()

    Folder.claim(path).release()


def test_a_process_that_is_gone_has_no_start(process: subprocess.Popen[bytes]) -> None:
    """The same process always gives the same answer, and a dead one none."""
    assert started_at(process.pid) == started_at(process.pid) is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    deadline = time.monotonic() + 5
    while started_at(process.pid) and time.monotonic() < deadline:
        pass

    assert started_at(process.pid) is None
