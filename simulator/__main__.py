"""Run the simulated LivePerson alone: `python -m simulator --account-id … …`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from simulator import arguments
from simulator.simulator import SimulatedLivePerson


def main(typed: list[str] | None = None) -> int:
    """Run until interrupted; without an account, say how to be called."""
    parser = _parser()
    given = parser.parse_args(typed)
    if not (given.account_id and given.client_id and given.client_secret):
        parser.print_help()
        return 2
    with SimulatedLivePerson(port=given.port) as liveperson:
        liveperson.add_account(
            given.account_id, given.client_id, given.client_secret, given.webhook_url
        )
        print(f"LivePerson is simulated at {liveperson.url}, controlled under /simulator")
        sys.stdout.flush()
        _wait_for_the_end()
    return 0


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument(
        "--port", type=arguments.port, default=0, help="0, the default, takes a free one"
    )
    parser.add_argument("--account-id", help="the brand's account, for example 12345678")
    parser.add_argument("--client-id", help="the app install's id")
    parser.add_argument("--client-secret", help="signs webhooks, too")
    parser.add_argument(
        "--webhook-url", type=arguments.http_url, help="where webhooks go; none are sent without"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
