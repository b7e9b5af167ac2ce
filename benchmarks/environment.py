"""The environment in which measured functions run: nobody's account, nobody's configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.accounts import SALT
from tests.support.fake_credentials import credentials

SERVICE = "measured"


def variables(aws_url: str) -> dict[str, str]:
    """Return what the functions' environment needs beside their own settings."""
    return {
        **credentials(),
        "AWS_ENDPOINT_URL": aws_url,
        "POWERTOOLS_SERVICE_NAME": SERVICE,
        "POWERTOOLS_METRICS_NAMESPACE": "LivePersonConnector",
    }


def settings(url: str, table: str) -> dict[str, str]:
    """Return the functions' own settings, of an account whose partners are all at ``url``."""
    queues = f"{url}/000000000000"
    return {
        "PARAMETER_PREFIX": "/measured",
        "TABLE_NAME": table,
        "CONSUMER_EVENTS_QUEUE_URL": f"{queues}/consumer-events.fifo",
        "CONSUMER_EVENTS_DEAD_LETTERS_URL": f"{queues}/consumer-events-dlq.fifo",
        "NOTIFICATIONS_QUEUE_URL": f"{queues}/notifications.fifo",
        "NOTIFICATIONS_DEAD_LETTERS_URL": f"{queues}/notifications-dlq.fifo",
        "TOKEN_REFRESH_DEAD_LETTERS_URL": f"{queues}/token-refresh-dlq",
        "TYPING_TIMERS_QUEUE_URL": f"{queues}/typing-timers",
        "TOKEN_REFRESH_FUNCTION": "token-refresh",
        "LIVEPERSON_DOMAIN_API_URL": url,
        "CHANNEL_API_URL": url,
        "FILES_BUCKET": "files",
        "CONSUMER_ID_SALT": SALT,
        "CALLBACK_NETWORK": "loopback",
    }


def set_environment(aws_url: str) -> None:
    """Let this process talk to an AWS on loopback, and to no other."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables(aws_url))


@contextmanager
def quiet() -> Iterator[None]:
    """Let the functions write their lines to nowhere; writing them is part of their work."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
