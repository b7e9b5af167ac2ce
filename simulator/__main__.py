"""
Run the simulated LivePerson alone.

Prints its address when it answers, and runs until it is interrupted. Exit code 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from urllib.parse import urlsplit

from simulator.simulator import SimulatedLivePerson


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; without an account, print the help."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if not (given.account_id and given.client_id and given.client_secret):
        parser.print_help()
        return 2
    with SimulatedLivePerson(port=given.port) as liveperson:
        liveperson.add_account(
            given.account_id, given.client_id, given.client_secret, given.webhook_url
        )
        print(f"LivePerson is simulated at {liveperson.url}, controlled under /simulator")
        sys.stdout.flush()
        _wait_for_interrupt()
    return 0


def _wait_for_interrupt() -> None:
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()


def _parser() -> argparse.ArgumentParser:
    description = "Run the simulated LivePerson alone, until it is interrupted."
    parser = argparse.ArgumentParser(prog="python -m simulator", description=description)
    parser.add_argument("--port", type=_port, default=0, help="0, the default, takes a free one")
    parser.add_argument("--account-id", help="the brand's account, for example 12345678")
    parser.add_argument("--client-id", help="the app install's id")
    parser.add_argument("--client-secret", help="the app install's secret; it also signs webhooks")
    parser.add_argument("--webhook-url", type=_url, help="where to send webhooks; none: send none")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError("must be an address such as http://127.0.0.1:8080/")
    return text


if __name__ == "__main__":
    sys.exit(main())
