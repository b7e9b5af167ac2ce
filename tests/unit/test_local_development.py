"""What docs/local-development.md tells people to type and to read is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from sandbox.commands import options
from tools.template import PROJECT, functions

PAGE = PROJECT / "docs" / "local-development.md"
TEXT = PAGE.read_text()
BIN = Path(sys.executable).parent


def folder(function: str) -> str:
    """Give the folder of a function by its name in the template."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def test_every_function_is_invoked_with_its_own_event() -> None:
    """All seven, and none that is not there."""
    invoked = re.findall(
        r"sam local invoke (\w+) -t \"\$TEMPLATE\" --event (events/(\w+)\.json|-)", TEXT
    )

    assert functions().keys() == {folder(name) for name, _, _ in invoked}
    for name, event, of in invoked:
        assert event == "-" or (folder(name) == of and (PROJECT / event).exists())


def exports() -> str:
    """Return the page's block that tells `sam` where the sandbox is, without the build."""
    (block,) = re.findall(r"```sh\n(export PATH.*?)```", TEXT, re.DOTALL)
    return str(block).partition("sam build")[0]


def test_the_lines_for_sam_find_the_sandbox_on_any_port(tmp_path: Path) -> None:
    """Its address, and its template beside the emulator's log; a profile of one's own is out."""
    folder = tmp_path / ".sandbox" / "4570"
    folder.mkdir(parents=True)
    where = {"aws_endpoint_url": "http://127.0.0.1:4570", "emulator_log": f"{folder}/emulator.log"}
    (tmp_path / ".sandbox" / "endpoints.json").write_text(json.dumps(where))

    said = subprocess.run(
        ["/bin/bash", "-c", f"set -e\n{exports()}\necho $AWS_ENDPOINT_URL $TEMPLATE $AWS_PROFILE"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "AWS_PROFILE": "work", "PATH": f"{BIN}:{os.environ['PATH']}"},
    )

    assert f"http://127.0.0.1:4570 {folder}/sam-local/template.json\n" == said.stdout


def test_the_template_stands_beside_the_emulators_log() -> None:
    """As the page's lines expect."""
    emulator = (PROJECT / "sandbox" / "emulator.py").read_text()
    sam_local = (PROJECT / "sandbox" / "sam_local" / "__init__.py").read_text()

    assert 'self.log = folder.path / "emulator.log"' in emulator
    assert 'folder = system.emulator.folder.path / "sam-local"' in sam_local
    assert 'folder / "template.json"' in sam_local


def test_the_events_page_leads_to_the_same_lines() -> None:
    """It invokes with the variable that they set, and says that they come first."""
    page = (PROJECT / "events" / "README.md").read_text()

    assert "local-development.md#sam-local-on-the-sandbox" in page
    assert 'sam local invoke WebhookIntake -t "$TEMPLATE"' in page
    assert page.index("`export` lines") < page.index("sam local invoke")


def test_the_sandbox_takes_the_option() -> None:
    """`make sandbox` hands on what stands in ARGS."""
    (arguments,) = set(re.findall(r"make sandbox ARGS=(\S+)$", TEXT, re.MULTILINE))

    assert options(["up", arguments]).sam_local
