"""
Ready channels of a sandbox: a stand-in for each, its parameter, and where its webhooks go.

With real providers, `connector channel add` does this.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from sandbox.account import Account, parameter
from sandbox.aws import Aws
from sandbox.deployment import Deployment
from sandbox.progress import Progress
from sandbox.providers import stand_in
from sandbox.providers.stand_in import StandIn


def start_stand_ins(
    wanted: Sequence[str], progress: Progress, parts: ExitStack
) -> dict[str, StandIn]:
    """Start a stand-in for each kind; return them by the channel's name, which is the kind."""
    started: dict[str, StandIn] = {}
    for kind in dict.fromkeys(wanted):
        with progress.step(f"Stand-in for {kind}") as step:
            started[kind] = parts.enter_context(stand_in(kind))
            step.note = started[kind].url
    return started


def connect_channels(
    providers: Mapping[str, StandIn],
    aws: Aws,
    deployment: Deployment,
    account: Account,
    progress: Progress,
) -> dict[str, dict[str, str]]:
    """Write each channel's parameter and register its webhook; return what endpoints.json says."""
    connected = {}
    for name, provider in providers.items():
        with progress.step(f"Ready channel {name}") as step:
            base = deployment.channel_api_url.rstrip("/")
            address = f"{base}/accounts/{account.account_id}/channels/{name}"
            aws.ssm.put_parameter(
                Name=parameter(deployment.stack_name, account, f"channels/{name}"),
                Value=json.dumps({"kind": provider.kind, **provider.settings, "address": address}),
                Type="SecureString",
                Overwrite=True,
            )
            provider.register(address)
            step.note = address
            connected[name] = {"kind": provider.kind, "url": provider.url, "webhook_url": address}
    return connected
