"""Where LivePerson's services live, and which addresses may receive a secret."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.errors import LivePersonUnavailable, UntrustedHost
from liveperson_connector.liveperson.domains import (
    ASYNC_MESSAGING,
    IDP,
    SENTINEL,
    Domains,
    base_uris,
    trusted,
)
from liveperson_connector.liveperson.http import LivePersonHttp
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.servers import Answer, json_answer, serving

HOST = "va.sentinel.liveperson.net"
ONE = {"service": "sentinel", "account": ACCOUNT, "baseURI": HOST}


def domains(url: str, clock: Clock) -> Domains:
    """Ask the Domain API at ``url``."""
    return Domains(LivePersonHttp(), url, clock=clock)


def lookups(liveperson: SimulatedLivePerson) -> int:
    """Count what the Domain API was asked."""
    return int(liveperson.counts()["domain"])


def test_every_service_of_an_account_costs_one_look_up(
    liveperson: SimulatedLivePerson, clock: Clock
) -> None:
    """Sentinel, IDP and the Send API are learnt together."""
    where = domains(liveperson.url, clock)
    found = {where.base(ACCOUNT, service) for service in (SENTINEL, IDP, ASYNC_MESSAGING)}

    assert {liveperson.url} == found
    assert 1 == lookups(liveperson)
    assert [] == liveperson.violations()


def test_address_is_looked_up_again_after_an_hour(
    liveperson: SimulatedLivePerson, clock: Clock
) -> None:
    """LivePerson asks not to write addresses down for ever."""
    where = domains(liveperson.url, clock)
    where.base(ACCOUNT, IDP)
    liveperson.set(ACCOUNT, base_uris={"idp": HOST})
    clock.pass_seconds(3599)
    before = where.base(ACCOUNT, IDP)
    clock.pass_seconds(1)

    assert (liveperson.url, f"https://{HOST}") == (before, where.base(ACCOUNT, IDP))


def test_last_good_address_is_kept(liveperson: SimulatedLivePerson, clock: Clock) -> None:
    """While the Domain API fails, the services are where they were."""
    where = domains(liveperson.url, clock)
    where.base(ACCOUNT, IDP)
    clock.pass_seconds(7200)
    liveperson.add_fault(service="domain", kind="status", status=503)

    assert liveperson.url == where.base(ACCOUNT, IDP)


def test_forgotten_address_is_looked_up_again(
    liveperson: SimulatedLivePerson, clock: Clock
) -> None:
    """A service that can't be reached may have moved."""
    where = domains(liveperson.url, clock)
    where.base(ACCOUNT, IDP)
    where.forget(ACCOUNT)
    where.base(ACCOUNT, IDP)

    assert 2 == lookups(liveperson)


def test_account_that_is_not_known_is_worth_another_try(
    liveperson: SimulatedLivePerson, clock: Clock
) -> None:
    """A new account may not be everywhere yet; its messages wait."""
    with pytest.raises(LivePersonUnavailable) as unknown:
        domains(liveperson.url, clock).base("99999999", IDP)

    assert 404 == unknown.value.http_status


def test_service_missing_from_the_list_is_asked_for_by_name(clock: Clock) -> None:
    """The list need not be complete."""

    def behaviour(request: object) -> Answer:
        path = getattr(request, "path", "")
        return json_answer(ONE if "/service/sentinel/" in path else {"baseURIs": []})

    with serving(behaviour) as server:
        where = domains(server.url, clock)
        found = [where.base(ACCOUNT, SENTINEL), where.base(ACCOUNT, SENTINEL)]

    assert [f"https://{HOST}"] * 2 == found
    assert 2 == len(server.requests)


def test_service_that_has_no_address_is_unavailable(clock: Clock) -> None:
    """Nothing is invented for a service that the Domain API does not name."""
    nothing = json_answer({"baseURIs": []})

    with serving(nothing) as server, pytest.raises(LivePersonUnavailable, match="names no idp"):
        domains(server.url, clock).base(ACCOUNT, IDP)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ONE, {"sentinel": HOST}),
        ({"baseURIs": [ONE, {**ONE, "service": "idp"}]}, {"sentinel": HOST, "idp": HOST}),
        ([ONE, {**ONE, "service": "idp"}], {"sentinel": HOST, "idp": HOST}),
        (
            {"baseURIs": [ONE, None, {"service": 1, "baseURI": "x"}, {"service": "a"}]},
            {"sentinel": HOST},
        ),
        ({"baseURIs": None}, {}),
        ({}, {}),
        ([], {}),
        (None, {}),
        ("sentinel", {}),
    ],
)
def test_every_form_of_answer_is_read(answer: object, expected: dict[str, str]) -> None:
    """One object, an array with or without its name; what has another form is left out."""
    assert expected == base_uris(answer)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (HOST, f"https://{HOST}"),
        (f"https://{HOST}/", f"https://{HOST}"),
        ("va.sentinel.liveperson.com", "https://va.sentinel.liveperson.com"),
        ("VA.SENTINEL.LIVEPERSON.NET", f"https://{HOST}"),
        (f"{HOST}:443", f"https://{HOST}"),
        (f"{HOST}:8443", f"https://{HOST}:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:8080/simulator/", "http://127.0.0.1:8080/simulator"),
    ],
)
def test_livepersons_own_hosts_and_loopback_are_trusted(address: str, url: str) -> None:
    """Host names are called with https; a simulator on this machine may be plain."""
    assert url == trusted(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        f"http://{HOST}",
        f"ftp://{HOST}",
        "liveperson.net",
        "evil-liveperson.net",
        "liveperson.net.evil.example",
        "https://evil.example",
        f"https://{HOST}@evil.example",
        f"https://evil.example/{HOST}",
        f"https://evil.example?.{HOST}",
        f"https://evil.example#.{HOST}",
        "http://127.0.0.1.evil.example",
        "http://169.254.169.254",
        "http://10.0.0.1",
        "http://0.0.0.0:8080",
        "ftp://127.0.0.1",
        "https://[::1",
        "https://[::ffff:10.0.0.1]",
        r"evil.example\.liveperson.net",
        r"https://evil.example\.liveperson.net",
        rf"https://evil.example\@{HOST}",
        rf"https://evil.example:80\@{HOST}",
        f"https://evil.example%2f.{HOST}",
        f"https://evil.example%23@{HOST}",
        f"https://user@{HOST}",
        f"https://user:word@{HOST}",
        "https://user@127.0.0.1:8080",
        f"{HOST}.",
        f".{HOST}",
        f"-.{HOST}",
        f"_.{HOST}",
        "a..liveperson.net",
        f"{HOST}:",
        f"{HOST}:0",
        f"{HOST}:443@evil.example",
        f"{HOST}:99999",
        f"{HOST}?x",
        f"{HOST}/?x",
        f"{HOST}#x",
        f"{HOST}/a/../b",
        f"{HOST}//evil.example",
        f"{HOST}/%2e%2e",
        f"{HOST} evil.example",
        f"{HOST}\tevil.example",
        f"evil.example\n.{HOST}",
        f" {HOST}",
        f"{HOST}\n",
        "bücher.liveperson.net",
        "xn--va.liveperson.ｎｅｔ",
        "va。sentinel。liveperson。net",
        "https://evil.example⁄.liveperson.net",
        "liveperson.com",
        ".liveperson.com",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    """No secret goes where LivePerson is not, and nothing odd is given the benefit of the doubt."""
    with pytest.raises(UntrustedHost) as refused:
        trusted(address)

    assert not address or address not in str(refused.value)


def test_secret_is_not_sent_where_a_look_up_was_led_astray(clock: Clock) -> None:
    """Whatever the Domain API says: what is checked is what would be called."""
    odd = json_answer({"service": "sentinel", "baseURI": r"evil.example\.liveperson.net"})
    with serving(odd) as server, pytest.raises(UntrustedHost, match="sentinel"):
        domains(server.url, clock).base(ACCOUNT, SENTINEL)
