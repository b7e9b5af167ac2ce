"""What reaches an operator's terminal: safe to print, and plain English."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest

from connector_cli import output
from connector_cli.errors import Problem
from connector_cli.groups import Program

CLEAR_SCREEN = "\x1b[2J\x1b[H"
HOSTILE = f"{CLEAR_SCREEN}\r✓ all is well\n\x07\x08\x7f\x9b31m\u202eltr\u2028\ud83d\ufeff\u0000"
EMOJI = "👩‍👧‍👦 नमस्ते क्‍ष"  # joiners inside


def is_safe(text: str) -> bool:
    """Whether a terminal would only show it: no control, format or half character but joiners."""
    return all(
        unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or each in "\u200d\u200c"
        for each in text
    )


def test_control_characters_are_shown_and_never_sent() -> None:
    """Whatever prints: a line, a cell, a heading's rows, a note, an error."""
    assert not is_safe(HOSTILE)
    assert is_safe(output.visible(HOSTILE))
    assert output.visible(CLEAR_SCREEN) == r"\x1b[2J\x1b[H"


def test_everything_that_prints_makes_control_characters_visible(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One hostile text through each of the ways to the terminal, and through JSON."""
    output.say(HOSTILE)
    output.say(HOSTILE, "red")
    output.table(("id",), [(HOSTILE,)])
    output.note(HOSTILE)
    output.data({HOSTILE: [HOSTILE]})
    shown = capsys.readouterr()

    for line in (shown.out + shown.err).split("\n"):
        assert is_safe(line), ascii(line)


def test_an_error_makes_control_characters_visible(capsys: pytest.CaptureFixture[str]) -> None:
    """It may repeat what AWS, LivePerson or a file said."""

    def fail() -> None:
        raise Problem(HOSTILE, HOSTILE)

    with pytest.raises(SystemExit):
        Program("connector", callback=fail, invoke_without_command=True).main([], "connector")

    assert 2 == len(capsys.readouterr().err.rstrip("\n").split("\n"))


def test_a_program_reads_back_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Escaped in JSON, a text is still the same text."""
    output.data({"content": HOSTILE})

    assert {"content": HOSTILE} == json.loads(capsys.readouterr().out)


def test_letters_of_every_script_stay_as_they_are() -> None:
    """Joiners too, by which emoji are put together."""
    assert EMOJI == output.visible(EMOJI)


def test_secrets_are_lines_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody types; an empty line is no secret."""
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo \n\n"))

    assert ["one", "two"] == [output.ask_secret("Client secret"), output.ask_secret("Other")]
    with pytest.raises(Problem, match="no client secret was given"):
        output.ask_secret("Client secret")


def test_durations_are_read_at_a_glance() -> None:
    """One unit, the largest that says enough."""
    told = {seconds: output.duration(seconds) for seconds in (5, 119, 121, 3600, 7200, 200_000)}

    assert ["5 s", "119 s", "2 min", "60 min", "2 h", "2 d"] == list(told.values())


def test_one_is_not_told_as_many() -> None:
    """``1 letter``, ``2 letters``, ``0 letters``."""
    assert ["0 letters", "1 letter", "2 letters"] == [
        output.counted(number, "letter") for number in range(3)
    ]
    assert "1 alarm is gone" == output.counted(1, "alarm is gone", "alarms are gone")
    assert "3 alarms are gone" == output.counted(3, "alarm is gone", "alarms are gone")


def test_a_record_has_its_fix_under_the_former_name_too() -> None:
    """Scripts that read ``mend`` from ``--json`` go on working."""
    assert [{"problem": "p", "fix": "f", "mend": "f"}] == output.fixes(
        [{"problem": "p", "fix": "f"}]
    )
