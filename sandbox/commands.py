"""The command line: its options, its signals, and how it explains a failure."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from sandbox.account import EVENTS_ACCOUNT, Account
from sandbox.channel.signature import is_signing_secret
from sandbox.demo import demo
from sandbox.deployment import STACK_NAME
from sandbox.errors import SandboxError
from sandbox.folders import SHARED
from sandbox.soak.command import add_options as add_soak_options
from sandbox.soak.command import command as soak_command
from sandbox.system import Options
from sandbox.up import up

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130


class Stopped(BaseException):
    """A signal asked us to end; not an Exception, so that nothing on the way swallows it."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; give back the exit code."""
    console = _console()
    command = _command(arguments)
    for number in STOPPING:
        signal.signal(number, _stop)
    try:
        return command(options(arguments), console)
    except Stopped:
        console.print("Stopped.")
        return 0 if command is up else INTERRUPTED
    except SandboxError as error:
        _explain(error, console)
        return 1


def options(arguments: Sequence[str]) -> Options:
    """Turn the command line into what a sandbox is told."""
    chosen = _parser().parse_args(arguments)
    names = ("account_id", "client_id", "client_secret", "callback_url", "signing_secret")
    given = {name: getattr(chosen, name, None) for name in names}
    sam_local = getattr(chosen, "sam_local", False)
    return Options(
        port=chosen.port,
        state_dir=chosen.state_dir.resolve(),
        stack_name=chosen.stack_name,
        least_privilege=chosen.auth,
        account=replace(
            EVENTS_ACCOUNT if sam_local else Account(),
            **{name: value for name, value in given.items() if value},
        ),
        liveperson_url=getattr(chosen, "liveperson_url", "").rstrip("/"),
        sam_local=sam_local,
    )


def _command(arguments: Sequence[str]) -> Callable[[Options, Console], int]:
    chosen = _parser().parse_args(arguments)
    found: Callable[[Options, Console], int] = (
        soak_command(chosen) if chosen.command is soak_command else chosen.command
    )
    return found


def _console() -> Console:
    """Write to standard output, whatever it can write."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace", line_buffering=True)
    return Console(highlight=False)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in STOPPING:  # once is enough: what follows is cleaning up
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _explain(error: SandboxError, console: Console) -> None:
    console.print(f"\n[red]sandbox: {escape(error.problem)}[/]", soft_wrap=True)
    if error.details:
        console.print(escape(error.details), soft_wrap=True)
    if error.hint:
        console.print(f"hint: {escape(error.hint)}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="The whole system on one machine."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    keep = commands.add_parser("up", help="keep the whole system running until stopped")
    keep.set_defaults(command=up)
    _add_where(keep)
    _add_replacements(keep)
    keep.add_argument(
        "--sam-local", action="store_true", help="let the containers of `sam local` in (Docker)"
    )
    show = commands.add_parser(
        "demo", help="every kind of message through the whole deployed system, on this machine"
    )
    show.set_defaults(command=demo, port=0)
    _add_where(show)
    long = commands.add_parser("soak", help="many conversations while everything around breaks")
    long.set_defaults(command=soak_command, port=0)
    _add_where(long)
    add_soak_options(long)
    return parser


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--port", "-p"),
        type=_port,
        help="port of the AWS emulator; 0: any free one; up: 4566 unless taken",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=SHARED,
        help="where endpoints.json and the running sandbox's files are kept (.sandbox)",
    )
    parser.add_argument("--stack-name", default=STACK_NAME, help=f"default: {STACK_NAME}")
    parser.add_argument(
        "--auth",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hold the functions to the permissions of their roles (default)",
    )


def _add_replacements(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--liveperson-url", default="", help="use this LivePerson (Domain API)")
    parser.add_argument("--account-id", help="LivePerson account")
    parser.add_argument("--client-id", help="client id of the app install")
    parser.add_argument("--client-secret", help="client secret of the app install")
    parser.add_argument("--callback-url", help="use this channel instead of the demo one")
    parser.add_argument(
        "--signing-secret", type=_signing_secret, help="the channel's secret, whsec_…"
    )


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is between 0 and 65535")
    return number


def _signing_secret(text: str) -> str:
    if not is_signing_secret(text):
        raise argparse.ArgumentTypeError(
            "a signing secret is whsec_ and the base64 of 24 to 64 bytes"
        )
    return text
