"""
Write ``docs/scale.md``, what happens at 10, 1,000 and 100,000 messages a second.

    python tools/scale.py                         # write the page
    python tools/scale.py --liveperson-ms 400     # print it for a slower LivePerson
    python tools/scale.py check                   # try the model on the sandbox, in a few minutes

Everything that is assumed (``World`` in ``scale_model.py``) is an option.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from tools.scale_check import check  # noqa: E402
from tools.scale_model import World  # noqa: E402
from tools.scale_page import render  # noqa: E402

PAGE = PROJECT / "docs" / "scale.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, print it for another world, or check the model."""
    options = _parser().parse_args(arguments)
    if options.what == "check":
        return check()
    world = World(**{field.name: getattr(options, field.name) for field in fields(World)})
    if world != World():
        print(render(world))
        return 0
    PAGE.write_text(render(world))
    print(f"wrote {PAGE.relative_to(PROJECT)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("what", nargs="?", choices=["page", "check"], default="page")
    for field in fields(World):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=type(field.default), default=field.default)
    return parser


if __name__ == "__main__":
    sys.exit(main())
