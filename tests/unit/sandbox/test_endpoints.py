"""What `endpoints.json` promises to those who read it."""

import json
import stat
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sandbox.endpoints import Endpoints, forget_dead, read


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "endpoints.json"


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


def test_only_its_owner_may_read_it(file: Path, endpoints: Endpoints) -> None:
    """It holds keys, so its mode is 0600."""
    endpoints.write(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_else_is_left_beside_it(file: Path, endpoints: Endpoints) -> None:
    """It appears at once, through a draft that is gone afterwards."""
    endpoints.write(file)

    assert [file] == list(file.parent.iterdir())


def test_a_sandbox_removes_its_own_file(file: Path, endpoints: Endpoints) -> None:
    """After it stopped, nobody finds it any more; stopping twice does no harm."""
    endpoints.write(file)

    endpoints.remove(file)
    endpoints.remove(file)

    assert not file.exists()


def test_a_sandbox_leaves_the_file_of_a_later_one(file: Path, endpoints: Endpoints) -> None:
    """The last to start wins, and stays found when an earlier one stops."""
    later = replace(endpoints, pid=2)
    endpoints.write(file)
    later.write(file)

    endpoints.remove(file)

    assert later == read(file)


def test_the_file_of_a_crashed_sandbox_is_forgotten(file: Path, endpoints: Endpoints) -> None:
    """Its folder is gone, so nobody should believe that it runs."""
    endpoints.write(file)
    Path(endpoints.emulator_log).unlink()

    forget_dead(file)

    assert not file.exists()


def test_the_file_of_a_living_sandbox_stays(file: Path, endpoints: Endpoints) -> None:
    """Another sandbox that is running stays found until we are ready."""
    endpoints.write(file)

    forget_dead(file)

    assert file.exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": 1}'])
def test_an_unreadable_file_is_forgotten(file: Path, text: str) -> None:
    """Whatever stands there, if it says nothing it is removed."""
    file.parent.mkdir()
    file.write_text(text)

    forget_dead(file)

    assert not file.exists()
