"""
The whole system, put together and taken apart again.

    with running(Options(), Progress(console)) as system:
        system.endpoints.webhook_url

However the block ends, everything is stopped in the opposite order.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox import ports
from sandbox.account import Account, fetch_app_jwt, keep_salt, write_parameters
from sandbox.aws import ACCESS_KEY, REGION, Aws
from sandbox.certificates import make_certificate
from sandbox.channel import DemoChannel, FileHost
from sandbox.deployment import STACK_NAME, Deployment, build, deploy
from sandbox.emulator import Emulator
from sandbox.endpoints import Endpoints, announced, forget_dead
from sandbox.environment import emulator_python
from sandbox.errors import EmulatorFailed, FolderTaken, PortTaken
from sandbox.progress import Progress
from sandbox.providers.channels import connect_channels, start_stand_ins
from sandbox.providers.stand_in import StandIn
from sandbox.state_dir import SHARED, Folder, sweep
from simulator import SimulatedLivePerson

TRIES = 3
CERTIFICATE = "loopback.pem"


@dataclass(frozen=True)
class Options:
    """Options of a sandbox; LivePerson and the channel may be the caller's own."""

    port: int | None = None
    """Where the AWS emulator listens; 0: any free port; None: the usual one if it is free."""
    state_dir: Path = SHARED
    stack_name: str = STACK_NAME
    least_privilege: bool = True
    """Whether the functions may do only what their roles in the template say."""
    account: Account = field(default_factory=Account)
    """With a `callback_url`, that channel is used and no demo channel starts."""
    liveperson_url: str = ""
    """Use that LivePerson instead of the simulated one."""
    publish: bool = True
    """Whether to write `endpoints.json`."""
    console_url: str | None = None
    """Where the caller's console answers."""
    console_port: int = 0
    """Where `up` serves the console; 0: any free port."""
    sam_local: bool = False
    """Whether `up` lets the containers of `sam local` connect."""
    channels: tuple[str, ...] = ()
    """Kinds of ready channels that the account has beside its own, each with a stand-in."""


@dataclass(frozen=True)
class System:
    """A running sandbox: its addresses, and its parts unless they are the caller's own."""

    endpoints: Endpoints
    aws: Aws
    account: Account
    emulator: Emulator
    channel: DemoChannel | None
    liveperson: SimulatedLivePerson | None
    files: FileHost
    """The host from which the connector fetches consumers' files."""
    providers: Mapping[str, StandIn] = field(default_factory=dict)
    """The stand-ins of ready channels, by the name of the channel."""


@contextmanager
def running(options: Options, progress: Progress) -> Iterator[System]:
    """Start everything, yield it when it is ready, and stop everything."""
    with ExitStack() as parts:
        emulator = _start_emulator(options, progress, parts)
        aws = Aws(emulator.url)
        certificate = make_certificate(emulator.folder.path / CERTIFICATE)
        liveperson, liveperson_url = _start_liveperson(options, progress, parts)
        channel, account = _start_channel(options, progress, parts)
        files = _start_files(certificate, parts)
        providers = start_stand_ins(options.channels, progress, parts)
        deployment = _deploy(options, progress, emulator, liveperson_url)
        _connect(progress, aws, deployment, account, liveperson)
        channels = connect_channels(providers, aws, deployment, account, progress)
        endpoints = _endpoints(emulator, deployment, account, channel, liveperson_url)
        endpoints = replace(endpoints, providers=channels)
        endpoints = replace(endpoints, console_url=options.console_url)
        if liveperson is None:
            endpoints = replace(endpoints, liveperson_is_simulated=False)
        if options.publish:
            parts.enter_context(announced(endpoints, emulator.folder.path))
        yield System(endpoints, aws, account, emulator, channel, liveperson, files, providers)


def _start_emulator(options: Options, progress: Progress, parts: ExitStack) -> Emulator:
    with progress.step("The emulator's Python environment") as step:
        python = emulator_python()
        step.note = str(python.parent.parent)
    with progress.step("AWS emulator (MiniStack)") as step:
        sweep(options.state_dir)
        forget_dead(options.state_dir)
        emulator = _emulator_on_some_port(options, python, parts)
        step.note = emulator.url
    return emulator


def _emulator_on_some_port(options: Options, python: Path, parts: ExitStack) -> Emulator:
    """Start it; choose another port, if that is allowed, when the chosen one was just taken."""
    for _ in range(TRIES - 1):
        try:
            return _emulator_on(ports.choose(options.port), options, python, parts)
        except (PortTaken, FolderTaken, EmulatorFailed):
            if options.port:
                raise
    return _emulator_on(ports.free_port(), options, python, parts)


def _emulator_on(port: int, options: Options, python: Path, parts: ExitStack) -> Emulator:
    with ExitStack() as attempt:
        folder = Folder.claim(options.state_dir.resolve() / str(port))
        attempt.callback(folder.release)
        emulator = Emulator(python, folder, port, least_privilege=options.least_privilege)
        attempt.callback(emulator.stop)
        emulator.start()
        parts.push(attempt.pop_all())
    return emulator


def _start_liveperson(
    options: Options, progress: Progress, parts: ExitStack
) -> tuple[SimulatedLivePerson | None, str]:
    if options.liveperson_url:
        return None, options.liveperson_url
    with progress.step("Simulated LivePerson") as step:
        liveperson = SimulatedLivePerson(port=0)
        liveperson.start()
        parts.callback(liveperson.stop)
        account = options.account
        liveperson.add_account(account.account_id, account.client_id, account.client_secret)
        step.note = liveperson.url
    return liveperson, liveperson.url


def _start_channel(
    options: Options, progress: Progress, parts: ExitStack
) -> tuple[DemoChannel | None, Account]:
    if options.account.callback_url:
        return None, options.account
    with progress.step("Demo channel") as step:
        channel = DemoChannel(options.account.signing_secret)
        channel.start()
        parts.callback(channel.stop)
        step.note = channel.url
    return channel, replace(options.account, callback_url=channel.callback_url)


def _start_files(certificate: Path, parts: ExitStack) -> FileHost:
    files = FileHost(certificate)
    files.start()
    parts.callback(files.stop)
    return files


def _deploy(
    options: Options, progress: Progress, emulator: Emulator, liveperson_url: str
) -> Deployment:
    with progress.step("Build the layer and the functions (sam build)"):
        template = build(emulator.folder.path / "build", emulator.folder.path / CERTIFICATE)
    with progress.step("Deploy template.yaml (sam deploy)") as step:
        aws = Aws(emulator.url)
        deployment = deploy(aws, template, options.stack_name, liveperson_url)
        step.note = f"stack {deployment.stack_name}"
    return deployment


def _connect(
    progress: Progress,
    aws: Aws,
    deployment: Deployment,
    account: Account,
    liveperson: SimulatedLivePerson | None,
) -> None:
    with progress.step("Account: credentials, channel, AppJWT") as step:
        keep_salt(aws, deployment.functions["message_intake"], deployment.stack_name)
        write_parameters(aws, deployment.stack_name, account)
        if liveperson is not None:
            liveperson.set_webhook_url(account.account_id, deployment.webhook_url)
        function = deployment.functions["token_refresh"]
        if fetch_app_jwt(aws, function, deployment.stack_name, account):
            step.note = f"account {account.account_id}"
        else:
            step.warn("token_refresh stored no AppJWT yet; nothing can be sent until it does")


def _endpoints(
    emulator: Emulator,
    deployment: Deployment,
    account: Account,
    channel: DemoChannel | None,
    liveperson_url: str,
) -> Endpoints:
    return Endpoints(
        aws_endpoint_url=emulator.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        region=REGION,
        stack_name=deployment.stack_name,
        webhook_url=deployment.webhook_url,
        channel_api_url=deployment.channel_api_url,
        channel_api_key=deployment.channel_api_key,
        liveperson_url=liveperson_url,
        liveperson_is_simulated=True,
        account_id=account.account_id,
        client_id=account.client_id,
        client_secret=account.client_secret,
        channel_callback_url=account.callback_url,
        channel_signing_secret=account.signing_secret,
        channel_url=channel.url if channel else None,
        queues=dict(deployment.queues),
        functions=dict(deployment.functions),
        table_name=deployment.table_name,
        emulator_log=str(emulator.log),
        pid=os.getpid(),
        loopback_certificate=str(emulator.folder.path / CERTIFICATE),
    )
