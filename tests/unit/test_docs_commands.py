"""What the pages tell people to type is there: commands, options, targets of make, links, files."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from connector_cli.main import cli
from tools.template import PROJECT, resources

PAGES = sorted(
    [
        *(PROJECT / "docs").glob("*.md"),
        *(PROJECT / "docs" / "recipes").glob("*.md"),
        *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md")),
        *(PROJECT / name for name in ("events/README.md", "sandbox/README.md")),
    ]
)
SOURCES = sorted((PROJECT / "cli").rglob("*.py"))


def name(file: Path) -> str:
    """Name a file in a test's id."""
    return str(file.relative_to(PROJECT))


def page(name: str) -> str:
    """Read a page of docs/."""
    return (PROJECT / "docs" / name).read_text()


def code(text: str) -> Iterator[str]:
    """Give the lines of a page's blocks, without comments, and its inline code, unwrapped."""
    for kind, block in re.findall(r"^```([\w-]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if kind.startswith("sh"):
            yield from re.sub(r"\\\n", " ", block).splitlines()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (re.sub(r"\s+", " ", each) for each in re.findall(r"`([^`]+)`", prose))


def connector_calls(line: str) -> Iterator[list[str]]:
    """Give the words of each call of ``connector`` in a line of a shell."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars="|;&()<>"))
    for start, word in enumerate(words):
        if word == "connector":
            rest = words[start + 1 :]
            ends = [at for at, each in enumerate(rest) if set(each) <= set("|;&()<>")]
            yield rest[: ends[0]] if ends else rest


def wrong_in(words: list[str]) -> str:
    """Say which word of a call is no command or option; empty if each is one."""
    command: click.Command = cli
    known = {"--help", "-h", "--version"}
    for word in words:
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", word):
            return word
        options = {each for param in command.params for each in param.opts}
        if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options | known:
            return word
    return ""


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_every_command_of_connector_is_there(file: Path) -> None:
    """With its options, wherever a page names one."""
    for line in code(file.read_text()):
        if re.search(r"\bconnector [a-z-]", line) and "aws " not in line:
            for words in connector_calls(line.replace("'", "")):
                assert "" == wrong_in(words), line


@pytest.mark.parametrize("file", SOURCES, ids=name)
def test_every_command_that_connector_advises_is_there(file: Path) -> None:
    """An advice that cannot be followed is worse than none."""
    source = re.sub(r'"\n\s*f?"', "", file.read_text())
    for advice in re.findall(
        r"connector ((?:[a-z-]+ ?)+(?:\{?[A-Za-z_]+\}? ?)?(?:--[a-z-]+)?)", source
    ):
        command, words = cli, advice.split()
        if words[0] not in cli.commands:
            continue  # prose
        assert "" == wrong_in(words), advice
        assert command


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_every_target_of_make_is_there(file: Path) -> None:
    """Those of the pages are those of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {
        each for line in code(file.read_text()) for each in re.findall(r"\bmake ([a-z-]+)", line)
    }

    assert named <= targets


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_links_lead_somewhere(file: Path) -> None:
    """To files that are there, and to headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
        if "://" in target or target.startswith("../../actions/"):  # a page of GitHub's
            continue
        path, _, anchor = target.partition("#")
        place = file.parent / path if path else file
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place.read_text()), target


def named_sources(text: str) -> set[str]:
    """Give the Python files that a page names with their folder."""
    return {
        each.partition("::")[0]
        for each in re.findall(r"`([^`\s]+)`", text)
        if "/" in each and each.partition("::")[0].endswith(".py") and "://" not in each
    }


@pytest.mark.parametrize("file", [*PAGES, *(PROJECT / "docs/decisions").glob("*.md")], ids=name)
def test_every_source_that_a_page_names_is_there(file: Path) -> None:
    """By its path in the project, or below the layer's package."""
    package = PROJECT / "layers/connector/liveperson_connector"
    roots = (PROJECT, package, file.parent, PROJECT / "sandbox")

    assert [] == [
        each
        for each in sorted(named_sources(file.read_text()))
        if "pigeon" not in each  # the example of how to add a channel
        and not any((root / each).exists() for root in roots)
    ]


def anchors(text: str) -> set[str]:
    """Give the anchors that a page's headings get."""
    found: list[str] = []
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        found.append(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"))
    repeats = (f"{each}-{found[:at].count(each)}" for at, each in enumerate(found))
    return {*found, *repeats}


def links(file: Path) -> set[Path]:
    """Give the files of the project that a page links to."""
    targets = re.findall(r"\]\(([^)\s#]+)", file.read_text())
    return {(file.parent / each).resolve() for each in targets if "://" not in each}


def test_every_page_is_two_steps_from_the_readme() -> None:
    """By links alone, for someone who reads the README and a page that it names."""
    one_step = links(PROJECT / "README.md")
    two_steps = {
        *one_step,
        *(each for page in one_step if page.suffix == ".md" for each in links(page)),
    }
    pages = set(tracked("*.md")) - {PROJECT / "README.md"}

    assert pages
    assert set() == {name(each) for each in pages - two_steps}


def test_the_list_of_decisions_is_complete() -> None:
    """Each with its number and its title."""
    folder = PROJECT / "docs/decisions"
    listed = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", (folder / "README.md").read_text(), re.M
    )
    titles = [each.read_text().partition("\n")[0] for each in sorted(folder.glob("0*.md"))]

    assert titles == [f"# {number}. {title}" for number, title, _ in listed]


def tracked(pattern: str) -> list[Path]:
    """Give the files in git that match; skip the test where there is no git."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not found:
        pytest.skip("this is no git repository")
    return [PROJECT / each for each in found]


def test_the_demo_is_described_in_one_way() -> None:
    """Whoever reads of it in two places reads the same."""
    told = "every kind of message through the whole deployed system, on this machine"
    for file in ("README.md", "Makefile", "sandbox/README.md", "sandbox/commands.py"):
        assert told in (PROJECT / file).read_text(), file


# ── One true advice about the stack's parameters ──


def test_parameters_are_set_in_samconfig_alone() -> None:
    """No page and no advice sends an operator to the command line, whose values stay for ever."""
    said = {
        name(file) for file in [*PAGES, *SOURCES] if "--parameter-overrides" in file.read_text()
    }

    assert {"docs/settings.md"} == said
    assert "replaces the stage's whole list" in page("settings.md")
    for file in (
        "docs/settings.md",
        "docs/onboarding.md",
        "cli/connector_cli/doctor/deployment.py",
    ):
        assert "samconfig.toml" in (PROJECT / file).read_text()


@pytest.mark.parametrize(
    "file", sorted((PROJECT / "docs/recipes").glob("*.md")), ids=lambda file: str(file.stem)
)
def test_a_recipe_is_one_screen_and_says_who_has_tried_it(file: Path) -> None:
    """Or that no test has, and what stands in its place."""
    lines = file.read_text().splitlines()

    assert len(lines) <= 45
    assert re.search(r"[Tt]ried (word for word )?by |Not tried: ", " ".join(lines[-4:]))


# ── The runbook, on what AWS does ──


def test_a_stubborn_message_sounds_the_age_alarm() -> None:
    """Both queues are FIFO, and in those a message keeps its place and its age."""
    for alarm, queue in (
        ("ConsumerEventsWaitAlarm", "ConsumerEventsQueue"),
        ("NotificationsWaitAlarm", "NotificationsQueue"),
    ):
        assert resources("AWS::SQS::Queue")[queue]["FifoQueue"]
        assert (
            "ApproximateAgeOfOldestMessage"
            == resources("AWS::CloudWatch::Alarm")[alarm]["MetricName"]
        )
    assert "One message that fails again and\nagain is enough" in page("runbook.md")


@pytest.mark.parametrize(
    "said",
    [
        "A version for this Lambda function exists",
        "Alias with weights can not be used with Provisioned Concurrency",
        "QueueDeletedRecently",
    ],
)
def test_the_runbook_knows_what_aws_answers(said: str) -> None:
    """Whoever searches it for the error finds the line that helps."""
    assert said in page("runbook.md")


def test_letters_are_thrown_away_by_the_command_that_releases_the_group() -> None:
    """Emptying the queue in SQS would leave messages waiting for letters that are gone."""
    for file in PAGES:
        assert "purge-queue" not in file.read_text(), file


def test_no_page_names_a_version_that_is_not_there() -> None:
    """A command with a made-up tag fails at night."""
    for file in PAGES:
        assert not re.search(r"git checkout v\d", file.read_text()), file


# ── The README's map ──


def test_the_map_names_every_folder_and_none_that_is_not_there() -> None:
    """As git has them, beside what is for tools alone."""
    readme = (PROJECT / "README.md").read_text()
    (block,) = re.findall(r"## Where things are\n\n```\n(.*?)```", readme, re.DOTALL)
    named = {
        line.split("/")[0] for line in block.splitlines() if "/ " in line.partition("  ")[0] + " "
    }
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.split()
    folders = {each.split("/")[0] for each in tracked if "/" in each}
    if not folders:
        pytest.skip("this is no git repository")

    assert {each for each in folders if not each.startswith(".")} == named
