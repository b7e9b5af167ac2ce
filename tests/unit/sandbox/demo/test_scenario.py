"""How the demo keeps count of what it promises."""

import io

import pytest
from rich.console import Console

from sandbox.demo.scenario import Scenario
from sandbox.progress import Progress, duration


@pytest.fixture(name="console")
def _console() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(name="scenario")
def _scenario(console: Console) -> Scenario:
    return Scenario(console, patience=0.1)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_scenario_succeeds_when_every_check_held(scenario: Scenario, console: Console) -> None:
    """The summary counts them."""
    with scenario.scene("One"):
        scenario.check("it is so", 1, 1)
    scenario.summary()

    assert scenario.succeeded
    assert "Every check held: 1 of 1." in shown(console)


def test_a_scenario_fails_when_one_check_failed(scenario: Scenario, console: Console) -> None:
    """What was expected, what was seen and where to look are said at once."""
    with scenario.scene("One", "webhook_intake"):
        scenario.check("it is so", "this", "that")
        scenario.check("and so", 1, 1)
    scenario.summary()

    assert not scenario.succeeded
    for part in ("'this'", "'that'", "the logs of webhook_intake", "1 of 2 checks failed"):
        assert part in shown(console)


def test_a_scenario_without_checks_does_not_succeed(scenario: Scenario) -> None:
    """Who checks nothing proves nothing."""
    assert not scenario.succeeded


def test_an_error_fails_its_scene_and_the_scenario_goes_on(
    scenario: Scenario, console: Console
) -> None:
    """The other scenes are still told."""
    with scenario.scene("One"):
        raise LookupError("no conversation")
    with scenario.scene("Two"):
        scenario.check("it is so", 1, 1)

    assert [(scene.held, scene.failed) for scene in scenario.scenes] == [(0, 1), (1, 0)]
    assert "LookupError: no conversation" in shown(console)


def test_what_comes_later_is_waited_for(scenario: Scenario) -> None:
    """A check may look several times until it holds."""
    values = iter([1, 2, 3])
    with scenario.scene("One"):
        scenario.eventually("it becomes three", 3, lambda: next(values))

    assert scenario.succeeded


def test_patience_ends(scenario: Scenario) -> None:
    """What never comes fails its check."""
    with scenario.scene("One"):
        scenario.eventually("it comes", expected=True, look=lambda: False)

    assert not scenario.succeeded


def test_words_of_the_conversation_are_shown_as_they_are(
    scenario: Scenario, console: Console
) -> None:
    """Square brackets are no markup here."""
    with scenario.scene("One"):
        scenario.says("consumer", "[red]as it is[/]")

    assert "[red]as it is[/]" in shown(console)


def test_each_step_says_how_it_ended(console: Console) -> None:
    """Also where no clock can run, as in a file."""
    progress = Progress(console)
    with progress.step("This") as step:
        step.note = "went well"
    with pytest.raises(LookupError), progress.step("That"):
        raise LookupError

    assert "✓ This" in shown(console)
    assert "went well" in shown(console)
    assert "✗ That" in shown(console)


@pytest.mark.parametrize(("seconds", "text"), [(0.0204, "20 ms"), (1.26, "1.3 s"), (61, "61.0 s")])
def test_durations_are_written_as_people_read_them(seconds: float, text: str) -> None:
    """Milliseconds while they are short."""
    assert text == duration(seconds)
