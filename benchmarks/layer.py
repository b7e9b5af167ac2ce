"""The layer's size, unzipped and zipped, against what its libraries weigh as they are published."""

from __future__ import annotations

import zipfile
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.template import PROJECT

from .container import Container, container
from .measuring import Row, Section, once

TITLE = "The layer"
MOST_MB = 5.0
MOST_ZIPPED_MB = 1.5

_NOT_OF_WHEELS = {".pyc", ".so", ""}

_ABOUT = """
Built as `sam build` does, by Lambda's own Python version: the libraries compiled and without
sources, the connector's package with both, and nothing of Powertools that is not used. A megabyte
is a million bytes. The wheels weigh what their files do, without what is compiled for one machine.
"""


def measure(rounds: int) -> list[Section]:
    """Build the layer once and weigh it."""
    with container() as built:
        unzipped, zipped = weight(built)
    wheels = once(sum(map(_weight_of_wheel, _pinned())))
    rows = [
        Row(TITLE, "unzipped", "MB", once(unzipped), "the wheels it is made of", wheels),
        Row(TITLE, "unzipped", "MB", once(unzipped), "the goal", most=MOST_MB),
        Row(TITLE, "zipped", "MB", once(zipped), "the goal", most=MOST_ZIPPED_MB),
    ]
    return [Section(TITLE, _ABOUT, rows)]


def weight(built: Container) -> tuple[float, float]:
    """Return the megabytes of a layer: of its files, and of the archive that they make."""
    files = [each for each in sorted(built.layer.rglob("*")) if each.is_file()]
    unzipped = sum(each.stat().st_size for each in files)
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "layer.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for each in files:
                zipped.write(each, each.relative_to(built.layer))
        return unzipped / 1e6, archive.stat().st_size / 1e6


def _pinned() -> list[str]:
    """List the layer's libraries."""
    lines = (PROJECT / "layers" / "connector" / "requirements.txt").read_text().splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line]


def _weight_of_wheel(name: str) -> float:
    files = [Path(str(each.locate())) for each in distribution(name).files or []]
    return sum(each.stat().st_size for each in files if each.suffix not in _NOT_OF_WHEELS) / 1e6
