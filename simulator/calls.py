"""A request that found its service: what every service of a simulated partner is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.http_server import Request

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request: which service it is for, of which account, and the path's parameters."""

    service: str
    account_id: str
    """The path parameter `account`; empty where the path has none."""
    request: Request
    params: Mapping[str, str]
    """Every path parameter, decoded."""
