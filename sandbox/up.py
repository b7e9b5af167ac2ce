"""`python -m sandbox up`: keep everything running until a signal stops it."""

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from sandbox.console import Console as ConsolePage
from sandbox.endpoints import FILE, forget_dead
from sandbox.errors import EmulatorFailed, PortTaken
from sandbox.ports import is_free
from sandbox.progress import Progress
from sandbox.sam_local import opened
from sandbox.sam_local.bridge import meeting_point
from sandbox.system import Options, System, running

POLL_SECONDS = 0.5


def up(options: Options, console: Console) -> int:
    """Start everything, print the addresses, and wait for a signal."""
    console.print("Starting the sandbox")
    containers = meeting_point() if options.sam_local else None
    with ExitStack() as parts:
        page = _console_page(options.console_port)
        parts.callback(page.stop)
        options = replace(options, console_url=page.url)
        system = parts.enter_context(running(options, Progress(console)))
        template = parts.enter_context(opened(system, containers)) if containers else None
        page.start(system)
        _print_addresses(options, system, template, console)
        _watch(system, options.state_dir)
    return 0


def _console_page(port: int) -> ConsolePage:
    if port and not is_free(port):
        raise PortTaken(f"port {port} is taken", hint="choose another with --console-port")
    return ConsolePage(port=port)


def _print_addresses(
    options: Options, system: System, template: Path | None, console: Console
) -> None:
    where = system.endpoints
    lines = {
        "AWS": where.aws_endpoint_url,
        "Webhooks": where.webhook_url,
        "Channel API": where.channel_api_url,
        "LivePerson": where.liveperson_url,
        "Callbacks": where.channel_callback_url,
        **({"Console": where.console_url} if where.console_url else {}),
        "All of it": str(options.state_dir / FILE),
        **({"sam local": f"-t {template}"} if template else {}),
        **{name: f"{of['url']}/stand-in/messages" for name, of in where.providers.items()},
    }
    console.print("\nReady. Ctrl-C stops it.")
    for name, value in lines.items():
        console.print(f"  {name:<12} {escape(value)}", soft_wrap=True, highlight=False)
    if where.console_url:
        console.print(f"\nOpen {where.console_url} and play both sides.", highlight=False)


def _watch(system: System, state_dir: Path) -> None:
    while system.emulator.is_running():
        forget_dead(
            state_dir
        )  # after another sandbox was killed, the copy describes this one again
        time.sleep(POLL_SECONDS)
    raise EmulatorFailed(
        "the AWS emulator stopped by itself", details=system.emulator.last_log_lines()
    )
