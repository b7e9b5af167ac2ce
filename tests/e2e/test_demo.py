"""The demo is what a newcomer runs first: it must work, and say so by its exit code."""

import re
from pathlib import Path

from tests.e2e.conftest import PROJECT, run_sandbox


def test_the_demo_tells_its_whole_story(tmp_path: Path) -> None:
    """Every check of every scene holds; nothing of it stays, and nothing else is disturbed."""
    said = run_sandbox("demo", "--state-dir", str(tmp_path))

    assert 0 == said.returncode, said.stdout + said.stderr
    assert "Every check held" in said.stdout
    assert "✗" not in said.stdout
    assert [] == [each for each in tmp_path.iterdir() if each.is_dir()]
    assert printed_in_readme() <= set(facts(said.stdout))


def facts(text: str) -> list[str]:
    """Return the scenes with their checks, and the sum: what is the same at every run."""
    rows = re.findall(r"^(✓ *│ .* │ +\d+/\d+ )", text, re.MULTILINE)
    sums = re.findall(r"^(Every check held: .*)$", text, re.MULTILINE)
    return [re.sub(r"\s+", " ", each) for each in (*rows, *sums)]


def printed_in_readme() -> set[str]:
    """Return what the README promises of the end of the demo."""
    found = set(facts((PROJECT / "README.md").read_text()))
    assert len(found) > 5
    return found
