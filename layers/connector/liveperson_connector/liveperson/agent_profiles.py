"""
Look up what LivePerson shows consumers of an agent: a nickname and a picture.

The profile is public and needs no token
(https://developers.liveperson.com/messaging-window-api-api-reference-get-agent-public-profile.html,
https://developers.liveperson.com/consumer-int-agent-profile.html). It also has a full name and an
employee's number; these are not read, because the nickname is the name that a brand chose to show.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import quote

from ..domain.conversations import AgentProfile
from ..domain.errors import LivePersonRefused
from ..support.web_address import BadAddress, WebAddress
from .domains import AGENT_PROFILES, Domains
from .http import LivePersonHttp
from .json_fields import STRING, Fields, typed

SECONDS = 1.0
"""Time limit for each call; a name is not worth a longer wait."""

_PROFILE: Fields = {"nickname": STRING, "pictureUrl": STRING}

# LivePerson's public ids are UUIDs; its own older ones are numbers.
_AGENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_NAME = 100
_LONGEST_URL = 2048


class AgentProfiles:
    """Looks agents up, one at a time."""

    def __init__(self, http: LivePersonHttp, domains: Domains) -> None:
        self._http = http
        self._domains = domains

    def find(self, account_id: str, agent_id: str) -> AgentProfile:
        """
        Return the profile of an agent; an empty one if LivePerson has none of it.

        Raises a :class:`ConnectorError` where LivePerson does not say.
        """
        if not _AGENT_ID.fullmatch(agent_id):
            return AgentProfile()
        path = f"api/account/{quote(account_id)}/configuration/le-users/users/{agent_id}"
        with self._domains.reach(account_id, AGENT_PROFILES) as base:
            try:
                found = typed(self._http.get(f"{base}/{path}"), _PROFILE)
            except LivePersonRefused as refused:
                if refused.http_status != HTTPStatus.NOT_FOUND:
                    raise
                return AgentProfile()
        return AgentProfile(_name(found.get("nickname", "")), _picture(found.get("pictureUrl", "")))


def _name(text: str) -> str:
    """Return a name as one line of printable characters."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:_LONGEST_NAME]


def _picture(text: str) -> str:
    """Return an address that a consumer's client may load: https, without credentials."""
    try:
        is_fit = WebAddress.parse(text).scheme == "https" and "@" not in text
    except BadAddress:
        is_fit = False
    return text if is_fit and len(text) <= _LONGEST_URL else ""
