"""
Writes the schemas of the contract into ``openapi.yaml``: ``make openapi``.

What is above the line ``components`` / ``schemas`` is written by hand; the schemas are those of
``contract.json``, which the connector itself checks events against. A test compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

HERE = Path(__file__).parent
CONTRACT = HERE.parent / "layers/connector/liveperson_connector/channel/contract.json"
DESCRIPTION = HERE / "openapi.yaml"

MARK = "  schemas:  # written by `make openapi` from the connector's own contract.json\n"


def with_schemas(description: str) -> str:
    """Return ``description`` with the schemas of the contract after the mark."""
    by_hand, mark, _ = description.partition(MARK)
    if not mark:
        raise ValueError(f"{DESCRIPTION} has lost its mark: {MARK}")
    schemas = json.loads(CONTRACT.read_text())["components"]["schemas"]
    text = yaml.safe_dump(schemas, sort_keys=False, allow_unicode=True, width=100)
    return by_hand + mark + "".join(f"    {line}\n" for line in text.splitlines())


if __name__ == "__main__":
    DESCRIPTION.write_text(with_schemas(DESCRIPTION.read_text()))
