"""The model of scale: its arithmetic, and that the page says what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from functions.webhook_intake.handler import ANSWER_SECONDS
from liveperson_connector import wiring
from liveperson_connector.flows.worker import _DELAYS
from tests.support.template import PROJECT
from tools import load, quotas, scale, scale_check, scale_model, scale_page
from tools.scale_model import INTAKES, WORKERS, World
from tools.scale_row import Row

PAGE = PROJECT / "docs" / "scale.md"
WORLD = World()


def test_the_page_is_what_the_model_says() -> None:
    """``make scale`` writes it again."""
    assert scale_page.render(WORLD) == PAGE.read_text()


@pytest.mark.parametrize("folder", load.folders())
def test_executions_at_a_time_are_rate_times_duration(folder: str) -> None:
    """Little's law."""
    expected = scale_model.per_message(folder) * load.milliseconds(folder) / 1000

    assert expected == pytest.approx(scale_model.running(folder, WORLD))


def test_a_container_serves_ten_requests_a_second_at_most() -> None:
    """So what is quick needs more of them than run at a time."""
    assert 1.15 / 10 == pytest.approx(scale_model.environments("webhook_intake", WORLD))
    slow = replace(WORLD, liveperson_ms=1000)
    at_a_time = scale_model.running("outbound_messaging", slow)
    assert at_a_time == scale_model.environments("outbound_messaging", slow)


def test_lambda_starts_a_thousand_at_once_and_a_hundred_a_second() -> None:
    """1,150 webhooks a second for a thousand messages: 115 containers of each thousand."""
    rates = {8_000: 0.0, 10_000: 1.5, 100_000: 105.0}

    for rate, expected in rates.items():
        assert expected == pytest.approx(scale_model.ramp_seconds("webhook_intake", WORLD, rate))


def test_a_queue_drains_by_what_is_left_over() -> None:
    """And never if more comes than is done."""
    assert 10 == scale_model.drain_seconds(100, drained=30, arriving=20)
    assert math.inf == scale_model.drain_seconds(100, drained=20, arriving=20)


def test_a_group_is_a_line() -> None:
    """One execution and two calls of SQS after the other."""
    one = load.milliseconds("outbound_messaging") + 2 * load.ASSUMED.aws

    assert 1000 / one == scale_model.group_rate("outbound_messaging", WORLD)


def test_every_limit_is_met_where_it_is_used_up() -> None:
    """The first that is met stands first."""
    found = scale_model.limits(WORLD)

    assert all(limit.used(limit.met_at) == pytest.approx(1) for limit in found)
    assert found == sorted(found, key=lambda limit: limit.met_at)


def test_our_own_limit_is_the_templates_and_grows_with_it() -> None:
    """Twice the workers, twice the messages."""
    first, second = (
        scale_model.limits(replace(WORLD, worker_concurrency=number))[0].met_at
        for number in (scale_model.default_concurrency(), 2 * scale_model.default_concurrency())
    )

    assert 2 * first == pytest.approx(second)


def test_a_slower_partner_lowers_the_first_limit() -> None:
    """What is assumed of LivePerson matters."""
    slow = scale_model.limits(replace(WORLD, liveperson_ms=1000))[0]

    assert slow.met_at < scale_model.limits(WORLD)[0].met_at
    assert "outbound_messaging" in slow.what


def test_the_advised_concurrency_leaves_something_in_hand() -> None:
    """Half as much again, but never less than the template's own."""
    assert scale_model.default_concurrency() == scale_model.concurrency_for(10, WORLD)
    advised = replace(WORLD, worker_concurrency=scale_model.concurrency_for(1000, WORLD))
    for folder in WORKERS:
        arriving = 1000 * scale_model.per_message(folder)
        assert scale_model.worker_rate(folder, advised) >= 1.5 * arriving


def test_a_cold_start_keeps_a_container_busy() -> None:
    """Intakes take as many as it needs, workers no more than they may."""
    for folder in INTAKES:
        rate = 100 * scale_model.per_message(folder)
        expected = rate * (scale_model.seconds(folder, WORLD) + WORLD.cold_start_ms / 1000)
        assert expected == pytest.approx(scale_model.cold_containers(folder, WORLD, 100))
    for folder in WORKERS:
        assert 50 == scale_model.cold_containers(folder, WORLD, 100_000)


def test_each_brand_has_parameters_of_its_own() -> None:
    """Five brands, five times the reads."""
    one, five = (scale_model.cold_reads(replace(WORLD, brands=n), 10) for n in (1, 5))

    assert 5 * one == pytest.approx(five)


def test_warm_containers_cover_the_rate_and_its_scatter() -> None:
    """The larger of both."""
    requests = math.ceil(1000 * scale_model.environments("webhook_intake", WORLD))
    assert requests == scale_model.warm_containers(1000, WORLD)
    slow = replace(WORLD, aws_ms=300)
    mean = 1000 * scale_model.running("webhook_intake", slow)
    assert math.ceil(mean + 3 * math.sqrt(mean)) == scale_model.warm_containers(1000, slow)


def test_the_quota_to_ask_for_covers_stream_and_start() -> None:
    """Of a start Lambda begins a thousand of a function at most; a small stack needs one step."""
    at_a_time = sum(scale_model.running(folder, WORLD) for folder in load.folders())
    asked = scale_model.executions_for(100_000, WORLD)

    assert 0 == asked % 100
    assert 1.5 * 100_000 * at_a_time <= asked
    assert 100 == scale_model.executions_for(10, WORLD)


def test_what_the_model_takes_from_the_code_is_there() -> None:
    """A constant that is changed is changed in the model too."""
    page = PAGE.read_text()

    assert wiring._PARAMETER_SECONDS == scale_model.PARAMETER_SECONDS
    assert f"503 after {ANSWER_SECONDS} s" in page
    assert (5, 10, 15, 120, 240, 480, 900) == _DELAYS
    assert "5 s, 10 s, 15 s, 2, 4, 8, then 15 minutes" in page.replace("\n", " ")


def test_every_figure_of_aws_has_its_page() -> None:
    """And says whether it was seen there."""
    assert len(quotas.ALL) > 15
    for quota in quotas.ALL:
        assert quota.page.startswith("https://docs.aws.amazon.com/")
        assert quota.seen in {quotas.READ, quotas.COPIED, quotas.NOT_VERIFIED}


def test_another_world_is_printed_and_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The page in docs is that of the assumptions that stand in the code."""
    before = PAGE.read_text()

    assert 0 == scale.main(["--liveperson-ms", "400", "--brands", "5"])

    assert "400 ms for one of LivePerson" in capsys.readouterr().out
    assert before == PAGE.read_text()


# ── The check ──


def test_executions_count_for_as_long_as_they_overlap() -> None:
    """One whole, one half, one that was over before."""
    runs = [scale_check.Run("", 0, 10), scale_check.Run("", 5, 20), scale_check.Run("", -3, -1)]

    assert 1.5 == scale_check.at_a_time(runs, 0, 10)


def test_a_second_in_which_the_machine_stood_still_does_not_count() -> None:
    """The median of the whole seconds."""
    runs = [scale_check.Run("", 0, 3), *(scale_check.Run("", 1, 2) for _ in range(50))]

    assert 1 == scale_check.usually_at_a_time(runs, 0, 3.5)


def test_what_is_done_at_a_rate_does_not_wait() -> None:
    """Ten in a tenth of a second, whatever each takes."""
    done: list[int] = []

    scale_check.at_rate(100, 0.1, done.append)

    assert list(range(10)) == done


def test_what_was_checked_is_written_with_its_machine(tmp_path: Path) -> None:
    """The page reads it."""
    result = tmp_path / "checked.json"

    scale_check.write([Row("a thing", "1 + 1", 2.0, 3.0, "s")], [1.0, 3.9], result)

    said = scale_page.checked(result)
    assert "| a thing | 1 + 1 | 2 s | 3 s | 1.50 |" in said["checked"]
    assert said["machine"] == load.machine()
    assert "1 to 4" == said["load"]
