"""
Providers' own descriptions of their APIs, and Prism, which judges requests by them.

The descriptions are not part of this project. ``PROVIDER_DESCRIPTIONS`` names a folder with
``twilio/twilio_api_v2010.messages.json`` and ``twilio/twilio_messaging_v2.json`` of
https://github.com/twilio/twilio-oai, ``line/messaging-api.yml`` and ``line/webhook.yml`` of
https://github.com/line/line-openapi. Prism is a program for Node.js:
https://docs.stoplight.io/docs/prism.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from liveperson_connector.channel.adapters.interface import Call
from sandbox import ports
from tests.support import npm
from tests.support.listening import wait_until_open
from tools.template import PROJECT

PRISM = Path(__file__).with_name("prism")
DESCRIPTIONS = Path(
    os.environ.get("PROVIDER_DESCRIPTIONS", PROJECT.parent / "shared" / "providers")
)
FILES = {
    "api.twilio.com": "twilio/twilio_api_v2010.messages.json",
    "messaging.twilio.com": "twilio/twilio_messaging_v2.json",
    "api.line.me": "line/messaging-api.yml",
    "api-data.line.me": "line/messaging-api.yml",
    "example.com": "line/webhook.yml",
}
"""Which description judges requests to a host; LINE describes webhooks at a made-up one."""
SECONDS = 60


def why_not() -> str:
    """Say why nothing can be judged here; empty if it can."""
    missing = [each for each in FILES.values() if not (DESCRIPTIONS / each).is_file()]
    if missing:
        return f"{DESCRIPTIONS} has no {missing[0]}; see PROVIDER_DESCRIPTIONS"
    return npm.why_not(PRISM)


class Judge:
    """A Prism for each description."""

    def __init__(self, ports_by_file: Mapping[str, int]) -> None:
        self._ports = ports_by_file
        self._session = requests.Session()
        self._session.trust_env = False

    def problems(self, call: Call) -> list[str]:
        """Return what is wrong with a request; nothing if it is as described."""
        url = urlsplit(call.url)
        port = self._ports[FILES[url.hostname or ""]]
        here = url._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()
        answer = self._session.request(
            call.method, here, headers=dict(call.headers), data=call.body, timeout=SECONDS
        )
        if answer.ok:
            return []
        said = answer.json()
        return [each["message"] for each in said.get("validation", [])] or [said["title"]]


@contextmanager
def judging(folder: Path, calls: Iterable[Call]) -> Iterator[Judge]:
    """
    Start a Prism for each description, all at once.

    ``folder`` is for what they read. They know the paths of ``calls`` alone: the whole of LINE's
    description takes them a quarter of a minute.
    """
    program = npm.installed(PRISM) / "@stoplight" / "prism-cli" / "dist" / "index.js"
    paths = [urlsplit(each.url).path for each in calls]
    listening = {file: ports.free_port() for file in set(FILES.values())}
    with ExitStack() as running:
        for file, port in listening.items():
            known = yaml.safe_load((DESCRIPTIONS / file).read_text())  # JSON is YAML
            strict = folder / f"{Path(file).stem}.json"
            strict.write_text(json.dumps(as_judged(known, paths)))
            command = ["node", str(program), "mock", "--errors", "-h", "127.0.0.1", "-p", str(port)]
            process = subprocess.Popen([*command, strict], stdout=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.terminate)
        for port in listening.values():
            wait_until_open(port, SECONDS)
        yield Judge(listening)


# ── What Prism leaves open ──


def as_judged(description: Any, paths: Iterable[str]) -> Any:
    """
    Write a description so that Prism notices all that it says of these paths.

    Prism takes fields that are not described, does not look at ``discriminator``, answers by a
    described error without naming the mistake, and reads a form by the fields that it knows.
    """
    description["paths"] = {
        template: described
        for template, described in description["paths"].items()
        if any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) for path in paths)
    }
    for path in description["paths"].values():
        for method in path.keys() & {"get", "put", "post", "delete"}:
            path[method]["responses"] = {"200": {"description": "Taken"}}
            for media, content in path[method].get("requestBody", {}).get("content", {}).items():
                schema = _target(content["schema"], description)
                content["schema"] = {**schema, "additionalProperties": False}
                if "form" in media:
                    content["schema"] = _form(content["schema"])
    _name_kinds(description)
    return _with_kinds(description, description)


def _form(schema: Any) -> Any:
    """Describe a form, each list with one entry; behind a ``oneOf`` Prism drops no field of it."""
    once = {name: each.get("items", each) for name, each in schema["properties"].items()}
    return {"oneOf": [{**schema, "properties": once}]}


def _name_kinds(description: Any) -> None:
    """Have each kind of a ``discriminator`` say which one it is."""
    for each in description["components"]["schemas"].values():
        for kind, ref in each.get("discriminator", {}).get("mapping", {}).items():
            named = _target({"$ref": ref}, description).setdefault("properties", {})
            named["type"] = {"type": "string", "enum": [kind]}


def _with_kinds(node: Any, description: Any, *, is_base: bool = False) -> Any:
    """Let a schema be one of its kinds; not as a kind's own base, where that would recur."""
    if isinstance(node, list):
        return [_with_kinds(each, description, is_base=is_base) for each in node]
    if not isinstance(node, dict):
        return node
    kinds = _target(node, description).get("discriminator", {}).get("mapping")
    if "$ref" in node and kinds and not is_base:
        return {"oneOf": [{"$ref": ref} for ref in kinds.values()]}
    return {
        name: _with_kinds(each, description, is_base=name == "allOf") for name, each in node.items()
    }


def _target(node: Any, description: Any) -> Any:
    if not isinstance(node.get("$ref"), str):
        return node
    for step in node["$ref"].split("/")[1:]:
        description = description[step]
    return description
