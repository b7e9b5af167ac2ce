"""What is erased keeps pace with what is remembered."""

from __future__ import annotations

import re

from connector_cli.erase import ERASED, NAMELESS
from liveperson_connector.aws import conversation_store as memory
from liveperson_connector.aws import person_store


def test_every_kind_of_record_is_thought_of() -> None:
    """Each kind that the table holds is a consumer's and erased, or names nobody."""
    told = f"{memory.__doc__}{person_store.__doc__}"
    kinds = set(re.findall(r"^([a-z-]+)#\{", told, flags=re.MULTILINE))

    assert kinds
    assert ERASED | NAMELESS == kinds
    assert not ERASED & NAMELESS
