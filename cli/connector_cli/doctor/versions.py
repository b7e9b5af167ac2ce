"""
Check that callers reach the version that was deployed last.

Callers reach an intake's alias, which points to a published version with settings of its own. A
deployment updates ``$LATEST`` and publishes it as a version (`make deploy` does both).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .finding import CheckContext, Finding, ok, warning, wrong

_DEPLOY = "make deploy STAGE=…, with this stack's stage of samconfig.toml"

# Fields of GetFunctionConfiguration that a version freezes. Descriptions may differ.
_KEPT = ("Architectures", "CodeSha256", "Handler", "MemorySize", "Role", "Runtime", "Timeout")

_Settings = Mapping[str, Any]


def versions(context: CheckContext) -> Iterator[Finding]:
    """Compare the version of each alias with what was deployed last."""
    client = context.stack.client("lambda")
    aliases = context.stack.of_type("AWS::Lambda::Alias")
    well = 0
    for alias in aliases:
        function, _, name = alias.physical.split(":function:")[-1].partition(":")
        found = client.get_alias(FunctionName=function, Name=name)
        live = client.get_function_configuration(FunctionName=function, Qualifier=name)
        newest = client.get_function_configuration(FunctionName=function)
        is_under_way = bool(found.get("RoutingConfig", {}).get("AdditionalVersionWeights"))
        different = sorted(_different(live, newest))
        if is_under_way:
            yield warning(
                "versions",
                f"{function}: a gradual deployment is in progress",
                "wait until the deployment has ended",
            )
        elif different:
            yield wrong(
                "versions",
                f"{function}: callers reach version {found['FunctionVersion']}, not what was "
                f"deployed last; they differ in {', '.join(different)}",
                _DEPLOY,
            )
        else:
            well += 1
    if well == len(aliases):
        yield ok("versions", f"{well} intakes run what was deployed last")


def _different(live: _Settings, newest: _Settings) -> Iterator[str]:
    """Yield the names of the settings that differ, never the values: one is the salt."""
    before, now = _environment(live), _environment(newest)
    yield from (name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    yield from (name for name in _KEPT if live.get(name) != newest.get(name))
    if _layers(live) != _layers(newest):
        yield "Layers"


def _environment(settings: _Settings) -> Mapping[str, str]:
    found: Mapping[str, str] = settings.get("Environment", {}).get("Variables", {})
    return found


def _layers(settings: _Settings) -> list[str]:
    return [each["Arn"] for each in settings.get("Layers", [])]
