"""``connector console``: serve the page that shows each message's way."""

from __future__ import annotations

import threading

import click

from simulator.http_server import HttpServer

from .. import output
from ..errors import Problem
from ..options import on_a_stack
from ..stack import Stack
from .recorder import Recorder


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Serve the page on this port of 127.0.0.1. Default: a free one.",
)
@on_a_stack
def console(stack: Stack, port: int) -> None:
    """
    Serve a page to find a message's way and see what fails now.

    The page is for support staff: it shows what trace and status show, without message text, and
    cannot change anything. Only this machine reaches it. Ctrl-C ends it.
    """
    stack.check_exists()
    with _server(stack, port) as server:
        output.say(f"Console: {server.url}/")
        output.note("Open it in a browser. Ctrl-C ends it.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:  # how it is meant to end
            return


def _server(stack: Stack, port: int) -> HttpServer:
    try:
        return HttpServer(Recorder(stack).answer, port=port)
    except OSError:
        raise Problem(f"port {port} is taken", "choose another --port, or leave it out") from None
