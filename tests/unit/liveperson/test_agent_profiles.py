"""An agent's public profile: what of it may reach a consumer."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_connector.domain.conversations import AgentProfile
from liveperson_connector.domain.errors import LivePersonUnavailable, UntrustedHost
from liveperson_connector.liveperson.agent_profiles import AgentProfiles
from liveperson_connector.liveperson.domains import AGENT_PROFILES, IDP, Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from simulator import SimulatedLivePerson
from simulator.conversations import agent_id
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.servers import json_answer, serving

PICTURE = "https://cdn.example/alex.png"


def profiles(url: str) -> AgentProfiles:
    """Look up agents at the LivePerson at ``url``."""
    return AgentProfiles(LivePersonHttp(), Domains(LivePersonHttp(), url))


def found(profile: Any) -> AgentProfile:
    """Give what is read of a profile that LivePerson answers."""
    hosts: list[dict[str, str]] = []
    with serving(
        lambda request: json_answer({"baseURIs": hosts} if "baseURI" in request.path else profile)
    ) as server:
        hosts.append({"service": AGENT_PROFILES, "baseURI": server.url})
        return profiles(server.url).find(ACCOUNT, "agent-1")


def test_profile_is_looked_up_without_a_token(liveperson: SimulatedLivePerson) -> None:
    """By the id that webhooks have; the simulator checks the request."""
    liveperson.set(ACCOUNT, agent_picture_url=PICTURE)

    agent = agent_id(ACCOUNT, "ASSIGNED_AGENT")
    assert AgentProfile("Alex", PICTURE) == profiles(liveperson.url).find(ACCOUNT, agent)
    assert [] == liveperson.violations()


def test_agent_without_a_profile_has_an_empty_one(liveperson: SimulatedLivePerson) -> None:
    """LivePerson does not know it: that is an answer, which may be remembered."""
    assert AgentProfile() == profiles(liveperson.url).find(ACCOUNT, "another-agent")


def test_odd_id_is_not_asked_for(liveperson: SimulatedLivePerson) -> None:
    """It could lead to another address."""
    before = liveperson.counts()

    assert AgentProfile() == profiles(liveperson.url).find(ACCOUNT, "../../service")
    assert before == liveperson.counts()


def test_no_answer_is_no_profile(liveperson: SimulatedLivePerson) -> None:
    """It is not remembered as an agent without a name."""
    liveperson.add_fault(service="accdn", kind="status", status=503)

    with pytest.raises(LivePersonUnavailable):
        profiles(liveperson.url).find(ACCOUNT, agent_id(ACCOUNT, "ASSIGNED_AGENT"))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"nickname": " Alex\n\u202eB. ", "fullName": "Alexandra Berg"}, AgentProfile("Alex B.")),
        ({"nickname": "A" * 101}, AgentProfile("A" * 100)),
        ({"fullName": "Alexandra Berg", "employeeId": "E-7"}, AgentProfile()),
        ({"nickname": 7, "pictureUrl": ["x"]}, AgentProfile()),
        ({"pictureUrl": "http://cdn.example/alex.png"}, AgentProfile()),
        ({"pictureUrl": "javascript:alert(1)"}, AgentProfile()),
        ({"pictureUrl": "https://someone:secret@cdn.example/"}, AgentProfile()),
        ({"pictureUrl": f"https://cdn.example/{'x' * 2048}"}, AgentProfile()),
        ([], AgentProfile()),
    ],
)
def test_only_a_nickname_and_a_safe_picture_are_read(profile: Any, expected: AgentProfile) -> None:
    """The nickname is the name that the brand shows; a client will load the picture."""
    assert expected == found(profile)


def test_content_network_is_called_for_profiles_alone(
    liveperson: SimulatedLivePerson, clock: Clock
) -> None:
    """It is LivePerson's, but what goes to the other services has secrets."""
    host = "accdn.lpsnmedia.net"
    liveperson.set(ACCOUNT, base_uris={AGENT_PROFILES: host, IDP: host})
    domains = Domains(LivePersonHttp(), liveperson.url, clock=clock)

    assert f"https://{host}" == domains.base(ACCOUNT, AGENT_PROFILES)
    with pytest.raises(UntrustedHost):
        domains.base(ACCOUNT, IDP)
