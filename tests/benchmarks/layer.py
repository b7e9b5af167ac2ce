"""The layer's size, unzipped and zipped, against what its libraries weigh as they are published."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from .container import Container, container
from .measuring import Row, Section, once

TITLE = "The layer"
MOST_MB = 5.0
MOST_ZIPPED_MB = 1.5

_ABOUT = """
Built as `sam build` does, by Lambda's own Python version: the libraries compiled and without
sources, the connector's package with both, and nothing of Powertools that is not used. A megabyte
is a million bytes. All wheels together weigh more than twice that, because two thirds of Powertools
are for other purposes.
"""


def measure(rounds: int) -> list[Section]:
    """Build the layer once and weigh it."""
    with container() as built:
        unzipped, zipped = weight(built)
    rows = [
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
