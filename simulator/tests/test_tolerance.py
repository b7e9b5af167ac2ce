"""What real clients send beside the documents is taken, noted, and refused by switch."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from simulator import SimulatedLivePerson
from simulator.tests.helpers import (
    ACCOUNT,
    CLIENT,
    PNG,
    PROFILE,
    REQUEST,
    SECRET,
    Connector,
    element,
    reasons,
)

Send = Callable[[Connector], requests.Response]

TOKEN = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
TEXT = {"type": "ContentEvent", "contentType": "text/plain", "message": "hi"}


def domain(path: str) -> Send:
    return lambda c: c.session.get(f"{c.url}/api/account/{ACCOUNT}/service/{path}", timeout=5)


def sentinel(query: dict[str, str], headers: dict[str, str]) -> Send:
    return lambda c: c.session.post(
        f"{c.url}/sentinel/api/account/{ACCOUNT}/app/token",
        params={**query, **TOKEN},
        headers=headers,
        timeout=5,
    )


def idp(query: str = "?v=1.0", kind: str = "application/json", **more: str) -> Send:
    return lambda c: c.session.post(
        f"{c.url}/api/account/{ACCOUNT}/consumer{query}",
        data=json.dumps({"ext_consumer_id": "consumer-2", **more}),
        headers={"Authorization": c.app_jwt, "content-type": kind},
        timeout=5,
    )


def opening(**fields: Any) -> Send:
    return lambda c: c.open(**fields)


def saying(query: str = "?v=3", kind: str = "application/json") -> Send:
    def send(connector: Connector) -> requests.Response:
        place = {"dialogId": connector.opened(), "event": TEXT}
        return connector.session.post(
            f"{connector.url}/api/account/{ACCOUNT}/messaging/consumer/conversation/send{query}",
            data=json.dumps(element("1", "ms.PublishEvent", place)),
            headers={**connector.headers, "content-type": kind},
            timeout=5,
        )

    return send


UNDOCUMENTED: dict[str, tuple[Send, str]] = {
    "one service without .json": (domain("idp/baseURI?version=1.0"), "end in baseURI.json"),
    "all services without .json": (domain("baseURI?version=1.0"), "end in baseURI.json"),
    "Domain API without version": (domain("idp/baseURI.json"), "version should be 1.0"),
    "Sentinel without version": (sentinel({}, FORM), "v should be 1.0"),
    "Sentinel with the how-to guide's type": (
        sentinel({"v": "1.0"}, {"content-type": "application/json"}),
        "content-type should be application/x-www-form-urlencoded",
    ),
    "IDP without version": (idp(""), "v should be 1.0"),
    "IDP without type": (idp(kind=""), "content-type should be application/json"),
    "IDP with more fields": (idp(given_name="Zoë"), "unknown fields given_name"),
    "Send API without version": (saying(""), "v should be 3"),
    "Send API without type": (saying(kind="text/plain"), "content-type should be application/json"),
}

NUMERIC: dict[str, tuple[Send, str]] = {
    "skillId": (opening(skillId=-1), "skillId: should be a string"),
    "brandId": (opening(brandId=int(ACCOUNT)), "brandId: should be a string"),
    "campaignId": (opening(campaignInfo={"campaignId": 1}), "campaignId: should be a string"),
}


@pytest.mark.parametrize(("send", "noted"), UNDOCUMENTED.values(), ids=UNDOCUMENTED.keys())
def test_undocumented_forms_are_taken_and_noted(
    lp: SimulatedLivePerson, connector: Connector, send: Send, noted: str
) -> None:
    """Public clients send them and hold whole conversations with LivePerson."""
    assert send(connector).ok
    assert noted in reasons(lp)


@pytest.mark.parametrize(("send", "noted"), UNDOCUMENTED.values(), ids=UNDOCUMENTED.keys())
def test_undocumented_forms_can_be_refused(
    lp: SimulatedLivePerson, connector: Connector, send: Send, noted: str
) -> None:
    """What LivePerson answers is not published, so a connector can be tried both ways."""
    lp.set(ACCOUNT, refuse_undocumented=True)

    assert send(connector).status_code in (400, 404)
    assert noted in reasons(lp)


@pytest.mark.parametrize(("send", "noted"), NUMERIC.values(), ids=NUMERIC.keys())
def test_numbers_as_ids_are_taken_and_noted(
    lp: SimulatedLivePerson, connector: Connector, send: Send, noted: str
) -> None:
    """LivePerson's own samples send -1 as skill; they can be refused, too."""
    lp.set(ACCOUNT, refuse_numeric_ids=True)
    refused = send(connector)
    lp.set(ACCOUNT, refuse_numeric_ids=False)

    assert (refused.status_code, send(connector).status_code) == (400, 200)
    assert noted in reasons(lp)


@pytest.mark.parametrize("skill", [[-1], None, True, 1.5])
def test_a_skill_that_is_neither_text_nor_number_is_refused(
    connector: Connector, skill: object
) -> None:
    """No sample has one."""
    assert connector.open(skillId=skill).status_code == 400


@pytest.mark.parametrize(
    "send",
    [
        domain("idp/baseURI.json?version=2.0"),
        sentinel({"v": "2.0"}, FORM),
        idp("?v=2.0"),
        saying("?v=2"),
    ],
    ids=["Domain API", "Sentinel", "IDP", "Send API"],
)
def test_another_version_is_refused(connector: Connector, send: Send) -> None:
    """It asks for something that no page describes."""
    assert send(connector).status_code == 400


# ── Files ──


def uploaded(connector: Connector, slashes: str = "") -> tuple[str, requests.Response]:
    """Upload a picture; give its path and what the storage answered."""
    size = {"fileSize": str(len(PNG)), "fileType": "PNG"}
    given = connector.send("ms.GenerateURLForUploadFile", size).json()["body"]
    path, query = given["relativePath"], urlencode(given["queryParams"])
    return path, requests.put(f"{connector.url}{slashes}{path}?{query}", PNG, timeout=5)


def shown(connector: Connector, path: str, preview: bytes) -> requests.Response:
    """Publish a picture with a preview."""
    encoded = "data:image/png;base64," + base64.b64encode(preview).decode()
    message = {"caption": "a", "relativePath": path, "fileType": "PNG", "preview": encoded}
    event = {"type": "ContentEvent", "contentType": "hosted/file", "message": message}
    return connector.event(event)


@pytest.mark.parametrize("size", [4_000, 20_000])
def test_a_long_preview_is_taken_and_noted(
    lp: SimulatedLivePerson, connector: Connector, size: int
) -> None:
    """LivePerson allows 30 KB, and 5,000 characters a request: no page says how both can be."""
    connector.opened()
    path, _ = uploaded(connector)

    assert shown(connector, path, bytes(size)).status_code == 200
    assert "longer than 5000 characters with the preview" in reasons(lp)


def test_a_short_preview_is_nothing_to_note(lp: SimulatedLivePerson, connector: Connector) -> None:
    """It fits into a request."""
    connector.opened()
    path, _ = uploaded(connector)

    assert shown(connector, path, bytes(1_000)).status_code == 200
    assert reasons(lp) == ""


def test_a_preview_above_30_kb_is_refused(connector: Connector) -> None:
    """That is documented."""
    connector.opened()
    path, _ = uploaded(connector)

    assert shown(connector, path, bytes(30 * 1024)).status_code == 400


def test_a_preview_can_count(lp: SimulatedLivePerson, connector: Connector) -> None:
    """With its switch, a request is too long by its preview."""
    lp.set(ACCOUNT, preview_counts=True)
    connector.opened()
    path, _ = uploaded(connector)

    assert shown(connector, path, bytes(4_000)).status_code == 400


@pytest.mark.parametrize(("refuses", "status"), [(False, 201), (True, 404)])
def test_the_doubled_slash_of_the_examples_page_is_noted(
    lp: SimulatedLivePerson, connector: Connector, refuses: bool, status: int
) -> None:
    """Its template puts a slash before a path that begins with one."""
    lp.set(ACCOUNT, refuse_undocumented=refuses)
    connector.opened()

    _, answer = uploaded(connector, slashes="/")

    assert status == answer.status_code
    assert "should begin with one slash" in reasons(lp)


# ── HTTP ──


def test_a_body_in_chunks_is_read(lp: SimulatedLivePerson, connector: Connector) -> None:
    """Clients that stream do not know its length; HTTP has chunks for them."""

    def pieces() -> Iterator[bytes]:
        whole = json.dumps(element("1", "ms.PublishEvent", {"dialogId": opened, "event": TEXT}))
        yield from (each.encode() for each in (whole[:5], whole[5:]))

    opened = connector.opened()
    url = f"{lp.url}/api/account/{ACCOUNT}/messaging/consumer/conversation/send?v=3"
    headers = {**connector.headers, "content-type": "application/json"}
    for _ in range(2):  # the connection can be used again
        assert connector.session.post(url, pieces(), headers=headers, timeout=5).status_code == 200
    assert reasons(lp) == ""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"content-length: -1\r\n\r\n", b"400"),
        (b"content-length: x\r\n\r\n", b"400"),
        (b"content-length: 99999999\r\n\r\n", b"413"),
        (b"transfer-encoding: chunked\r\n\r\nx\r\n", b"400"),
        (b"transfer-encoding: chunked\r\n\r\n-5\r\n", b"400"),
        (b"transfer-encoding: chunked\r\n\r\nFFFFFFF\r\n", b"413"),
        (b"transfer-encoding: chunked\r\n\r\n", b"400"),
    ],
)
def test_a_body_without_a_right_length_is_refused(
    lp: SimulatedLivePerson, body: bytes, status: bytes
) -> None:
    """The connection ends with it, since nothing says where the next request begins."""
    with socket.create_connection(("127.0.0.1", lp.port), 5) as connection:
        host = f"host: 127.0.0.1:{lp.port}\r\n".encode()
        connection.sendall(b"POST /api HTTP/1.1\r\n" + host + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_conversation_of_a_client_with_all_of_it(lp: SimulatedLivePerson) -> None:
    """From the first address to the file, as public clients do it; the agent sees everything."""
    connector = Connector(lp)
    connector.jws = idp("", kind="")(connector).json()["token"]
    body = {"brandId": int(ACCOUNT), "skillId": -1}
    batch = [element(1, PROFILE, {}), element(2, REQUEST, body)]
    connector.conversation_id = connector.post("", batch).json()[1]["body"]["conversationId"]
    path, _ = uploaded(connector, slashes="/")
    shown(connector, path, bytes(10_000))
    connector.text("hi")

    [conversation] = lp.conversations(ACCOUNT)
    picture, text = conversation["transcript"]
    assert (path, "hi") == (picture["event"]["message"]["relativePath"], text["text"])
