"""How the demo keeps count of what it promises."""

import io

import pytest
from rich.console import Console

from sandbox.demo.scenario import Story
from sandbox.progress import Progress, duration


@pytest.fixture(name="console")
def _console() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(name="story")
def _story(console: Console) -> Story:
    return Story(console, patience=0.1)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_story_succeeds_when_every_check_held(story: Story, console: Console) -> None:
    """The summary counts them."""
    with story.scene("One"):
        story.check("it is so", 1, 1)
    story.summary()

    assert story.succeeded
    assert "Every check held: 1 of 1." in shown(console)


def test_a_story_fails_when_one_check_failed(story: Story, console: Console) -> None:
    """What was expected, what was seen and where to look are said at once."""
    with story.scene("One", "webhook_intake"):
        story.check("it is so", "this", "that")
        story.check("and so", 1, 1)
    story.summary()

    assert not story.succeeded
    for part in ("'this'", "'that'", "the logs of webhook_intake", "1 of 2 checks failed"):
        assert part in shown(console)


def test_a_story_without_checks_does_not_succeed(story: Story) -> None:
    """Who checks nothing proves nothing."""
    assert not story.succeeded


def test_an_error_fails_its_scene_and_the_story_goes_on(story: Story, console: Console) -> None:
    """The other scenes are still told."""
    with story.scene("One"):
        raise LookupError("no conversation")
    with story.scene("Two"):
        story.check("it is so", 1, 1)

    assert [(scene.held, scene.failed) for scene in story.scenes] == [(0, 1), (1, 0)]
    assert "LookupError: no conversation" in shown(console)


def test_what_comes_later_is_waited_for(story: Story) -> None:
    """A check may look several times until it holds."""
    values = iter([1, 2, 3])
    with story.scene("One"):
        story.eventually("it becomes three", 3, lambda: next(values))

    assert story.succeeded


def test_patience_ends(story: Story) -> None:
    """What never comes fails its check."""
    with story.scene("One"):
        story.eventually("it comes", expected=True, look=lambda: False)

    assert not story.succeeded


def test_words_of_the_conversation_are_shown_as_they_are(story: Story, console: Console) -> None:
    """Square brackets are no markup here."""
    with story.scene("One"):
        story.says("consumer", "[red]as it is[/]")

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
