"""
Ask the Monitoring API which campaign a new conversation belongs to.

Its engagement method finds the campaign and engagement for an entry point, and identifies the
visitor by two ids that every later call must repeat
(https://developers.liveperson.com/monitoring-api-methods-engagement.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..domain.errors import LivePersonUnavailable
from .domains import MONITORING, Domains
from .http import LivePersonHttp


@dataclass(frozen=True)
class Visit:
    """A visitor and its session, as the Monitoring API knows them; empty before the first call."""

    visitor_id: str = ""
    session_id: str = ""


class Monitoring:
    """Looks up engagements."""

    def __init__(self, http: LivePersonHttp, domains: Domains) -> None:
        self._http = http
        self._domains = domains

    def engagement(
        self,
        account_id: str,
        app_install_id: str,
        consumer: str,
        visit: Visit,
        entry_points: Sequence[str],
    ) -> tuple[Visit, dict[str, str]]:
        """
        Return the visit to remember, and the routing for a new conversation.

        The routing has the names of the channel's ``routing`` object; it is empty where no
        campaign has this entry point. Raises :class:`LivePersonUnavailable` while the
        account is loading there.
        """
        query = {"v": "1.1", **_visitor(visit)}
        asked = {
            "identities": [{"iss": "connector", "acr": "loa1", "sub": consumer}],
            "entryPoints": list(entry_points),
        }
        path = f"api/account/{quote(account_id)}/app/{quote(app_install_id)}/engagement"
        with self._domains.reach(account_id, MONITORING) as base:
            answer = self._http.post_json(f"{base}/{path}?{urlencode(query)}", asked, {})
        if not isinstance(answer, dict) or "sessionId" not in answer:
            raise LivePersonUnavailable("the Monitoring API is not ready for this account")
        known = Visit(str(answer.get("visitorId", "")), str(answer["sessionId"]))
        return known, _routing(known, answer)


def _visitor(visit: Visit) -> dict[str, str]:
    return {"vid": visit.visitor_id, "sid": visit.session_id} if visit.session_id else {}


def _routing(visit: Visit, answer: Mapping[str, Any]) -> dict[str, str]:
    details = answer.get("engagementDetails")
    offered = [each for each in details if isinstance(each, dict)] if details else []
    if not offered:
        return {}
    first = offered[0]
    names = {
        "campaign_id": "campaignId",
        "engagement_id": "engagementId",
        "context_id": "contextId",
    }
    found = {ours: str(first[theirs]) for ours, theirs in names.items() if theirs in first}
    return {**found, "visitor_id": visit.visitor_id, "session_id": visit.session_id}
