"""Read and control a demo channel in another process."""

from typing import Any

import requests

from sandbox.channel.inbox import Callback, Fault

TIMEOUT = 10


class ChannelControl:
    """The demo channel's inspection API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/channel"
        self._session = requests.Session()
        self._session.trust_env = False  # loopback is not reached through a proxy

    def callbacks(self) -> list[Callback]:
        """List everything that arrived, in order, whatever it was answered."""
        found: list[dict[str, Any]] = self._call("GET", "callbacks")["callbacks"]
        return [_callback(shown) for shown in found]

    def clear_callbacks(self) -> None:
        """Forget what arrived."""
        self._call("DELETE", "callbacks")

    def add_fault(self, fault: Fault) -> None:
        """Fail the next callbacks."""
        self._call("POST", "faults", vars(fault))

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._call("DELETE", "faults")

    def _call(self, method: str, path: str, document: object = None) -> dict[str, Any]:
        answer = self._session.request(
            method, f"{self._url}/{path}", json=document, timeout=TIMEOUT
        )
        answer.raise_for_status()
        shown: dict[str, Any] = answer.json()
        return shown


def _callback(shown: dict[str, Any]) -> Callback:
    return Callback(**{name: value for name, value in shown.items() if name != "accepted"})
