"""The command line: its options, its signals, and how it explains a failure."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType

from rich.console import Console
from rich.markup import escape

from sandbox import arguments
from sandbox.account import EVENTS_ACCOUNT, Account
from sandbox.channel.signature import is_signing_secret
from sandbox.demo.command import demo
from sandbox.deployment import STACK_NAME
from sandbox.drill import drill
from sandbox.errors import SandboxError
from sandbox.providers import KINDS
from sandbox.soak.command import add_options as add_soak_options
from sandbox.soak.command import command as soak_command
from sandbox.state_dir import SHARED
from sandbox.system import Options
from sandbox.up import up

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130


class Stopped(BaseException):
    """A signal asked to stop; not an Exception, so that no handler on the way swallows it."""


def main(given: Sequence[str]) -> int:
    """Run one command; return the exit code."""
    console = _console()
    chosen = parser().parse_args(given)
    command = soak_command(chosen) if chosen.command is soak_command else chosen.command
    for number in STOPPING:
        signal.signal(number, _stop)
    try:
        return int(command(_options(chosen), console))
    except Stopped:
        console.print("Stopped.")
        return 0 if command is up else INTERRUPTED
    except SandboxError as error:
        _explain(error, console)
        return 1


def options(given: Sequence[str]) -> Options:
    """Return the sandbox's options for a command line."""
    return _options(parser().parse_args(given))


def _options(chosen: argparse.Namespace) -> Options:
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
        liveperson_url=getattr(chosen, "liveperson_url", None) or "",
        console_port=getattr(chosen, "console_port", 0),
        sam_local=sam_local,
        channels=tuple(getattr(chosen, "channel", [])),
    )


def _console() -> Console:
    """Return a console on standard output that replaces what the output cannot encode."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace", line_buffering=True)
    return Console(highlight=False)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in STOPPING:  # a second signal must not interrupt the clean-up
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _explain(error: SandboxError, console: Console) -> None:
    console.print(f"\n[red]sandbox: {escape(error.problem)}[/]", soft_wrap=True)
    if error.details:
        console.print(escape(error.details), soft_wrap=True)
    if error.hint:
        console.print(f"  do: {escape(error.hint)}", soft_wrap=True)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="python -m sandbox", description="The whole system on one machine."
    )
    commands = root.add_subparsers(required=True, metavar="command")
    keep = commands.add_parser("up", help="keep the whole system running until stopped")
    keep.set_defaults(command=up)
    _add_where(keep)
    _add_replacements(keep)
    keep.add_argument(
        "--console-port",
        type=arguments.port,
        default=0,
        help="port of the console; 0: any free one",
    )
    keep.add_argument(
        "--sam-local",
        action="store_true",
        help="let the containers of `sam local` connect (Docker)",
    )
    keep.add_argument(
        "--channel",
        action="append",
        default=[],
        choices=KINDS,
        help="add a ready channel of this kind, with a stand-in for its provider; repeatable",
    )
    show = commands.add_parser(
        "demo", help="every kind of message through the whole deployed system, on this machine"
    )
    show.set_defaults(command=demo, port=0)
    _add_where(show)
    lose = commands.add_parser("drill", help="lose a stack, make it anew, see who is recognised")
    lose.set_defaults(command=drill, port=0)
    _add_where(lose)
    long = commands.add_parser(
        "soak", help="many conversations while everything around the connector fails"
    )
    long.set_defaults(command=soak_command, port=0)
    _add_where(long)
    add_soak_options(long)
    return root


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--port", "-p"),
        type=arguments.port,
        help="port of the AWS emulator; 0: any free one; up: 4566 unless taken",
    )
    parser.add_argument(
        "--state-dir",
        type=arguments.folder,
        default=SHARED,
        help="where endpoints.json and the running sandbox's files are kept (.sandbox)",
    )
    parser.add_argument(
        "--stack-name",
        type=arguments.stack_name,
        default=STACK_NAME,
        help=f"default: {STACK_NAME}",
    )
    parser.add_argument(
        "--auth",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="enforce the permissions of the functions' roles (default)",
    )


def _add_replacements(parser: argparse.ArgumentParser) -> None:
    options: tuple[tuple[str, Callable[[str], str], str], ...] = (
        ("--liveperson-url", arguments.liveperson_url, "use this LivePerson (Domain API)"),
        ("--account-id", arguments.account_id, "LivePerson account"),
        ("--client-id", arguments.some_text, "client id of the app install"),
        ("--client-secret", arguments.some_text, "client secret of the app install"),
        ("--callback-url", arguments.http_url, "use this channel instead of the demo one"),
        ("--signing-secret", _signing_secret, "the channel's secret, whsec_…"),
    )
    for name, reads, meaning in options:
        parser.add_argument(name, type=reads, help=meaning)


def _signing_secret(text: str) -> str:
    if not is_signing_secret(text):
        raise argparse.ArgumentTypeError("must be whsec_ and the base64 of 24 to 64 bytes")
    return text
