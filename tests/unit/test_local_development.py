"""What docs/local-development.md tells people to type and to read is there."""

from __future__ import annotations

import re

from sandbox.commands import options
from sandbox.ports import AWS_PORT
from sandbox.state_dir import SHARED
from tests.support.template import PROJECT, functions

PAGE = PROJECT / "docs" / "local-development.md"
TEXT = PAGE.read_text()


def folder(function: str) -> str:
    """Give the folder of a function by its name in the template."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def test_every_function_is_invoked_with_its_own_event() -> None:
    """All six, and none that is not there."""
    invoked = re.findall(
        r"sam local invoke (\w+) -t \$TEMPLATE --event (events/(\w+)\.json|-)", TEXT
    )

    assert functions().keys() == {folder(name) for name, _, _ in invoked}
    for name, event, of in invoked:
        assert event == "-" or (folder(name) == of and (PROJECT / event).exists())


def test_the_template_is_where_the_sandbox_writes_it() -> None:
    """On the usual port."""
    place = (SHARED / str(AWS_PORT) / "sam-local" / "template.json").relative_to(PROJECT)

    assert f"TEMPLATE={place}" in TEXT


def test_the_sandbox_takes_the_option() -> None:
    """`make sandbox` hands on what stands in ARGS."""
    (arguments,) = set(re.findall(r"make sandbox ARGS=(\S+)$", TEXT, re.MULTILINE))

    assert options(["up", arguments]).sam_local
