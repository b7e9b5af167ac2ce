"""
Check a manifest against the documented rules, and against what this connector needs.

An *error* breaks a documented rule, or the connector cannot work with it. A *warning* is allowed
but unwise.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .fields import (
    CHAT_STATE,
    CONTENT,
    CONVERSATION,
    ENGAGEMENT,
    EVENT_TYPES,
    GRANT_TYPE,
    LONGEST_RETENTION,
    SCOPE,
)

ERROR = "error"
WARNING = "warning"

_LONGEST_TEXT = {
    "client_name": 128,
    "display_name": 128,
    "description": 256,
    "scope": 128,
    "logo_uri": 1024,
    "entry_uri": 1024,
}
_BOOLEANS = ("enabled", "quick_launch_enabled")
_GRANT_TYPES = {"client_credentials", "authorization_code", "refresh_token"}
_RESPONSE_TYPES = {"code", "token", "id_token", "id_token token"}
_MOST_RETRIES = 5
_SHORTEST_RETENTION = 2

# LivePerson adds these to the record of an installed app, so they are valid there.
_OF_RECORDS = {
    "id",
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "deleted",
    "installation_type",
    "is_internal",
}
_FIELDS = {
    *_LONGEST_TEXT,
    *_BOOLEANS,
    *_OF_RECORDS,
    "grant_types",
    "response_types",
    "redirect_uris",
    "enabled_for_profiles",
    "capabilities",
}
_ENTRY_POINTS = {"section", "url"}


@dataclass(frozen=True)
class Fault:
    """One fault: severity, path, problem, and what to write instead."""

    severity: str
    path: str
    problem: str
    fix: str = ""


def faults(manifest: object, *, webhook_url: str | None = None) -> list[Fault]:
    """Return the faults of ``manifest``; with ``webhook_url``, also endpoints that differ."""
    if not isinstance(manifest, Mapping):
        return [Fault(ERROR, "", "it is not a JSON object", "write one with `connector manifest`")]
    webhooks = _mapping(_mapping(manifest.get("capabilities")).get("webhooks"))
    return [
        *_unknown(manifest, _FIELDS, ""),
        *_texts(manifest),
        *_lists(manifest),
        *_access(manifest),
        *_capabilities(manifest),
        *_webhooks(webhooks),
        *_retry(webhooks),
        *_endpoints(webhooks, webhook_url),
        *_engagement(_mapping(manifest.get("capabilities"))),
    ]


def _texts(manifest: Mapping[str, Any]) -> Iterator[Fault]:
    name = manifest.get("client_name")
    if not (isinstance(name, str) and name.strip()):
        fix = "write a name that no other app of the account has; agents see it as the source"
        yield Fault(ERROR, "client_name", "is missing", fix)
    for field, longest in _LONGEST_TEXT.items():
        value = manifest.get(field)
        if value is not None and not isinstance(value, str):
            yield Fault(ERROR, field, "is not a string")
        elif value is not None and len(value) > longest:
            yield Fault(ERROR, field, f"has {len(value)} characters", f"at most {longest}")
    if not manifest.get("description"):
        yield Fault(WARNING, "description", "is missing", "the Connector App Hub asks for it")
    for field in _BOOLEANS:
        if not isinstance(manifest.get(field, True), bool):
            yield Fault(ERROR, field, "is neither true nor false")


def _lists(manifest: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _members(manifest, "grant_types", _GRANT_TYPES)
    yield from _members(manifest, "response_types", _RESPONSE_TYPES)
    for index, uri in enumerate(_list(manifest.get("redirect_uris"))):
        if not isinstance(uri, str) or len(uri) > 128:
            yield Fault(ERROR, f"redirect_uris.{index}", "is not a string of up to 128 characters")
    for index, profile in enumerate(_list(manifest.get("enabled_for_profiles"))):
        if not _is_whole(profile):
            yield Fault(ERROR, f"enabled_for_profiles.{index}", "is not an integer")


def _members(manifest: Mapping[str, Any], field: str, known: set[str]) -> Iterator[Fault]:
    given = manifest.get(field)
    if given is None:
        return
    if not isinstance(given, list):
        yield Fault(ERROR, field, "is not a list")
        return
    for each in given:
        if not (isinstance(each, str) and each in known):
            yield Fault(ERROR, field, f"{each!r} is unknown", f"some of {', '.join(sorted(known))}")


def _access(manifest: Mapping[str, Any]) -> Iterator[Fault]:
    if GRANT_TYPE not in _list(manifest.get("grant_types")):
        yield Fault(
            ERROR, "grant_types", "lets a connector get no AppJWT", f'write ["{GRANT_TYPE}"]'
        )
    if SCOPE not in str(manifest.get("scope", "")).split():
        problem = "does not let the connector send as a consumer"
        yield Fault(ERROR, "scope", problem, f'write "{SCOPE}"')
    if manifest.get("enabled") is False or manifest.get("deleted") is True:
        yield Fault(ERROR, "enabled", "the app is switched off or deleted", "write true")


def _capabilities(manifest: Mapping[str, Any]) -> Iterator[Fault]:
    capabilities = _mapping(manifest.get("capabilities"))
    yield from _unknown(capabilities, {"webhooks", "engagement", "broadcast"}, "capabilities.")
    if not isinstance(capabilities.get("webhooks"), Mapping):
        fix = "add it: without webhooks nothing reaches the consumers"
        yield Fault(ERROR, "capabilities.webhooks", "is missing", fix)


def _webhooks(webhooks: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _unknown(webhooks, {*EVENT_TYPES, "retry"}, "capabilities.webhooks.")
    for kind in EVENT_TYPES:
        path = f"capabilities.webhooks.{kind}"
        if kind not in webhooks:
            yield _not_subscribed(kind, path)
        elif not isinstance(webhooks[kind], Mapping):
            yield Fault(ERROR, path, "is not an object", '{"endpoint": "https://…"}')
        else:
            yield from _entry(webhooks[kind], path)


def _not_subscribed(kind: str, path: str) -> Fault:
    why = {
        CONTENT: "no text of an agent arrives, and an ambiguous send is never settled",
        CONVERSATION: "the connector learns neither who owns a conversation nor when it ends",
    }
    lost = why.get(kind, "these events do not reach the channel")
    return Fault(ERROR if kind in why else WARNING, path, f"is missing: {lost}")


def _entry(entry: Mapping[str, Any], path: str) -> Iterator[Fault]:
    yield from _unknown(entry, {"endpoint", "max_retries", "headers"}, f"{path}.")
    endpoint = entry.get("endpoint")
    if not (isinstance(endpoint, str) and endpoint.startswith("https://")):
        yield Fault(ERROR, f"{path}.endpoint", "does not begin with https://")
    retries = entry.get("max_retries", 0)
    if not (_is_whole(retries) and 0 <= retries <= _MOST_RETRIES):
        yield Fault(ERROR, f"{path}.max_retries", "is not an integer from 0 to 5")
    for index, header in enumerate(_list(entry.get("headers"))):
        if set(_mapping(header)) != {"header_name", "header_value"}:
            fix = '{"header_name": "…", "header_value": "…"}'
            yield Fault(ERROR, f"{path}.headers.{index}", "is not a header", fix)


def _retry(webhooks: Mapping[str, Any]) -> Iterator[Fault]:
    path = "capabilities.webhooks.retry.retention_time"
    retention = _mapping(webhooks.get("retry")).get("retention_time")
    if retention is None:
        fix = f"write {LONGEST_RETENTION} (three days)"
        problem = "is missing: LivePerson drops a webhook at its first failure"
        yield Fault(ERROR, path, problem, fix)
    elif not (_is_whole(retention) and _SHORTEST_RETENTION <= retention <= LONGEST_RETENTION):
        yield Fault(ERROR, path, "is not an integer (seconds) from 2 to 259200")
    elif retention < 3600:
        problem = f"is {retention} s: a longer outage of the connector loses webhooks"
        yield Fault(WARNING, path, problem, f"write up to {LONGEST_RETENTION}")
    yield from _retries_of_each(webhooks)


def _retries_of_each(webhooks: Mapping[str, Any]) -> Iterator[Fault]:
    for kind in EVENT_TYPES:
        entry = _mapping(webhooks.get(kind))
        path = f"capabilities.webhooks.{kind}.max_retries"
        retries = entry.get("max_retries")
        if kind == CHAT_STATE and entry and retries != 0:
            problem = "is not 0: a typing indicator that fails holds back every other event"
            yield Fault(WARNING, path, problem, "write 0")
        elif kind != CHAT_STATE and retries == 0:
            problem = "is 0: LivePerson drops a failed webhook of this kind, despite retention_time"
            yield Fault(ERROR, path, problem, "remove it")
        elif retries:
            problem = "retry by number is deprecated, and retention_time overrides it"
            yield Fault(WARNING, path, problem, "remove it")


def _endpoints(webhooks: Mapping[str, Any], webhook_url: str | None) -> Iterator[Fault]:
    for kind in EVENT_TYPES if webhook_url else ():
        endpoint = _mapping(webhooks.get(kind)).get("endpoint")
        if endpoint is not None and str(endpoint).partition("?")[0] != webhook_url:
            path = f"capabilities.webhooks.{kind}.endpoint"
            yield Fault(ERROR, path, f"is {endpoint}, not this stack's", f"write {webhook_url}")


def _engagement(capabilities: Mapping[str, Any]) -> Iterator[Fault]:
    if "engagement" not in capabilities:
        fix = "copy this part from `connector manifest`"
        problem = "is missing: no campaign can use this app as its source"
        yield Fault(WARNING, "capabilities.engagement", problem, fix)
        return
    given = _mapping(capabilities["engagement"])
    yield from _unknown(given, set(ENGAGEMENT), "capabilities.engagement.")
    for name, usual in ENGAGEMENT.items():
        path = f"capabilities.engagement.{name}"
        if name not in given:
            yield Fault(ERROR, path, "is missing; all fields of engagement are required")
        elif isinstance(usual, bool):
            if not isinstance(given[name], bool):
                yield Fault(ERROR, path, "is neither true nor false")
        else:
            yield from _choices(name, given[name], usual, path)


def _choices(name: str, given: object, usual: tuple[str, ...], path: str) -> Iterator[Fault]:
    if not isinstance(given, list):
        yield Fault(ERROR, path, "is not a list")
        return
    if name == "consumer_identity" and given != ["auth"]:
        yield Fault(ERROR, path, "must be exactly this", 'write ["auth"]')
        return
    known = _ENTRY_POINTS if name == "entry_point" else set(usual)
    for each in given:
        if not (isinstance(each, str) and each in known):
            yield Fault(ERROR, path, f"{each!r} is unknown", f"some of {', '.join(sorted(known))}")


def _unknown(given: Mapping[str, Any], known: set[str], prefix: str) -> Iterator[Fault]:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1, 0.7)
            fix = f"write {near[0]}" if near else "remove it: LivePerson documents no such field"
            yield Fault(ERROR if near else WARNING, f"{prefix}{name}", "is unknown", fix)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
