"""Every answer of LivePerson, and every way to give none, as a value or an error."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from liveperson_connector.domain.errors import (
    AppJwtRejected,
    ConnectorError,
    ConsumerJwsRejected,
    LivePersonBusy,
    LivePersonRefused,
    LivePersonUnavailable,
)
from liveperson_connector.liveperson.http import (
    LivePersonHttp,
    compact,
    error_of,
)
from tests.support.misbehaving import misbehaving, then
from tests.support.servers import Answer, json_answer, serving

TOKEN = {"Authorization": "the-app-jwt"}


def unauthorized(code: int) -> Answer:
    """Answer as the authorization page documents."""
    body = {"title": "Invalid", "details": "…", "errorCode": code}
    return json_answer({"kind": "resp", "code": 401, "body": body}, status=401)


def post(answer: Answer) -> object:
    """Post something and get ``answer``."""
    with serving(answer) as server:
        return LivePersonHttp().post_json(server.url, {"a": 1}, TOKEN)


def free_url() -> str:
    """Give an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_json_of_an_answer_is_its_value() -> None:
    """Any 2xx is success; IDP answers 201."""
    assert {"token": "t"} == post(json_answer({"token": "t"}, status=201))


def test_json_is_sent_as_it_counts_for_liveperson() -> None:
    """Bodies are compact UTF-8, so that the limit of characters is used for words."""
    with serving(Answer(200, {})) as server:
        LivePersonHttp().post_json(server.url, {"message": "Grüße 👋"}, TOKEN)

    (request,) = server.requests
    assert '{"message":"Grüße 👋"}'.encode() == request.body
    assert "application/json" == request.headers["content-type"]
    assert "the-app-jwt" == request.headers["authorization"]


def test_form_is_sent_in_the_body() -> None:
    """Secrets travel in the body, never in the address."""
    with serving(Answer(200, {})) as server:
        LivePersonHttp().post_form(f"{server.url}/token?v=1.0", {"client_secret": "s3cr3t"})

    (request,) = server.requests
    assert (b"client_secret=s3cr3t", "/token?v=1.0") == (request.body, request.target)


# ── Files ──


def test_file_is_put_as_it_is() -> None:
    """What is answered to it does not matter."""
    with serving(Answer(201, b"<html>")) as server:
        LivePersonHttp().put_bytes(f"{server.url}/upload?sig=1", b"\x00\xff")

    (request,) = server.requests
    assert ("PUT", "/upload?sig=1", b"\x00\xff") == (request.method, request.target, request.body)


def test_file_that_is_not_taken_is_an_error() -> None:
    """As with every other request."""
    with serving(Answer(403)) as server, pytest.raises(LivePersonRefused):
        LivePersonHttp().put_bytes(server.url, b"x")


def test_file_is_fetched_whole() -> None:
    """Up to the last byte that is allowed."""
    with serving(Answer(200, b"x" * 100_000)) as server:
        content = LivePersonHttp().get_bytes(f"{server.url}/file", 100_000)

    (request,) = server.requests
    assert (b"x" * 100_000, "GET", "/file") == (content, request.method, request.path)


def test_file_that_is_too_large_is_refused() -> None:
    """One byte more is too much, and trying again would not help."""
    with serving(Answer(200, b"x" * 100_001)) as server, pytest.raises(LivePersonRefused) as large:
        LivePersonHttp().get_bytes(server.url, 100_000)

    assert "the file has more than 100000 bytes" == str(large.value)


def test_file_that_breaks_off_is_fetched_again() -> None:
    """It is a matter of time; half a file is none."""
    broken = Answer(200, b"x" * 10, {"Content-Encoding": "gzip"})
    with serving(broken) as server, pytest.raises(LivePersonUnavailable):
        LivePersonHttp().get_bytes(server.url, 100)


# ── What is sent ──


def test_compact_json_has_no_spaces_and_no_escapes() -> None:
    """What is counted is what is sent."""
    assert '{"a":["ü",1]}' == compact({"a": ["ü", 1]})


def test_refused_connection_surely_sent_nothing() -> None:
    """Nobody listened, so the request can be repeated without a doubt."""
    with pytest.raises(LivePersonUnavailable) as unavailable:
        LivePersonHttp().get(free_url())

    assert not unavailable.value.maybe_done


def test_unknown_host_surely_got_nothing() -> None:
    """A name that does not resolve was never called."""
    with pytest.raises(LivePersonUnavailable) as unavailable:
        LivePersonHttp().get("http://nobody.invalid/")

    assert not unavailable.value.maybe_done


def test_no_answer_in_time_may_have_been_done() -> None:
    """After a time-out LivePerson may have acted all the same."""
    with serving(Answer(200, {})) as server:
        server.behaviour = server.hang
        began = time.monotonic()
        with pytest.raises(LivePersonUnavailable) as unavailable:
            LivePersonHttp(seconds=0.1).post_json(server.url, {}, TOKEN)

        assert time.monotonic() - began < 20
    assert unavailable.value.maybe_done


def test_connection_that_ends_without_an_answer_may_have_been_done() -> None:
    """The request left; what became of it nobody knows."""
    with serving(lambda _request: None) as server, pytest.raises(LivePersonUnavailable) as lost:
        LivePersonHttp().post_json(server.url, {}, TOKEN)

    assert lost.value.maybe_done
    assert 1 == len(server.requests)


def test_error_without_an_answer_tells_no_address_and_no_token() -> None:
    """What goes to the log names the kind of failure alone."""
    with serving(lambda _request: None) as server, pytest.raises(LivePersonUnavailable) as lost:
        LivePersonHttp().post_json(f"{server.url}/?secret=s3cr3t", {}, TOKEN)

    assert str(lost.value).startswith("LivePerson did not answer: ")
    assert "s3cr3t" not in str(lost.value)
    assert lost.value.__suppress_context__


def test_too_many_requests_wait_as_long_as_asked() -> None:
    """429 is a matter of time; Retry-After says how much."""
    with pytest.raises(LivePersonBusy) as busy:
        post(Answer(429, headers={"Retry-After": "7"}))

    assert (7.0, 429, False) == (
        busy.value.retry_after,
        busy.value.http_status,
        busy.value.maybe_done,
    )


@pytest.mark.parametrize("header", ["", "soon", "-1", "1.5", "٣"])
def test_retry_after_that_says_no_time_is_not_followed(header: str) -> None:
    """Then our own waits apply."""
    with pytest.raises(LivePersonBusy) as busy:
        post(Answer(429, headers={"Retry-After": header.encode("utf-8").decode("latin-1")}))

    assert busy.value.retry_after is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_failing_server_may_have_done_it(status: int) -> None:
    """5xx is worth another try, and what it did before it failed is unknown."""
    with pytest.raises(LivePersonUnavailable) as failing:
        post(Answer(status, headers={"Retry-After": "3"}))

    error = failing.value
    assert (status, 3.0, True) == (error.http_status, error.retry_after, error.maybe_done)


def test_rejected_app_jwt_is_told_apart() -> None:
    """40102 asks for another AppJWT."""
    with pytest.raises(AppJwtRejected) as rejected:
        post(unauthorized(40102))

    assert (401, "40102") == (rejected.value.http_status, rejected.value.error_code)


def test_rejected_consumer_jws_is_told_apart() -> None:
    """40103 asks for another ConsumerJWS."""
    with pytest.raises(ConsumerJwsRejected) as rejected:
        post(unauthorized(40103))

    assert (401, "40103") == (rejected.value.http_status, rejected.value.error_code)


@pytest.mark.parametrize("code", [40104, 40105])
def test_another_refusal_of_who_we_are_is_permanent(code: int) -> None:
    """A missing header is our fault and does not mend itself."""
    with pytest.raises(LivePersonRefused) as refused:
        post(unauthorized(code))

    assert (401, str(code)) == (refused.value.http_status, refused.value.error_code)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 422])
def test_any_other_4xx_is_permanent(status: int) -> None:
    """LivePerson will not take it, whenever it is sent."""
    with pytest.raises(LivePersonRefused) as refused:
        post(json_answer({"code": "BAD_REQUEST", "body": {"msg": "too long"}}, status))

    assert (status, "BAD_REQUEST") == (refused.value.http_status, refused.value.error_code)
    assert f"LivePerson answered {status}" == str(refused.value)


def test_refusal_without_json_is_permanent_too() -> None:
    """A proxy's page of HTML is understood by its status."""
    with pytest.raises(LivePersonRefused) as refused:
        post(Answer(403, b"<html>Forbidden</html>"))

    assert (403, None) == (refused.value.http_status, refused.value.error_code)


@pytest.mark.parametrize("status", [408, 425])
def test_what_did_not_arrive_in_time_was_not_done(status: int) -> None:
    """It is a matter of time, and surely can be repeated."""
    with pytest.raises(LivePersonUnavailable) as later:
        post(Answer(status, headers={"Retry-After": "3"}))

    error = later.value
    assert (status, 3.0, False) == (error.http_status, error.retry_after, error.maybe_done)


def test_refused_token_is_not_guessed() -> None:
    """An answer that breaks off does not say whose token it was; the next one may."""
    broken = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 99\r\n\r\n{"
    with (
        misbehaving(then(lambda _talk: None, broken)) as server,
        pytest.raises(LivePersonUnavailable) as untold,
    ):
        LivePersonHttp().post_json(server.url, {}, TOKEN)

    assert (401, False) == (untold.value.http_status, untold.value.maybe_done)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff"])
def test_success_that_is_no_json_may_have_been_done(body: bytes) -> None:
    """A broken answer is no answer: the request had arrived."""
    with pytest.raises(LivePersonUnavailable) as broken:
        post(Answer(200, body))

    assert (True, 200) == (broken.value.maybe_done, broken.value.http_status)


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    """Tokens go to the address that was looked up and nowhere else; a moved one is looked up."""
    with serving(Answer(200, {})) as elsewhere, pytest.raises(LivePersonUnavailable) as moved:
        post(Answer(status, headers={"Location": elsewhere.url}))

    assert [] == elsewhere.requests
    assert not moved.value.maybe_done


def test_machines_own_settings_do_not_matter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Neither a proxy of the environment nor a .netrc comes between us and LivePerson."""
    monkeypatch.setenv("HTTP_PROXY", free_url())
    monkeypatch.setenv("http_proxy", free_url())
    monkeypatch.setenv("NETRC", f"{tmp_path}/netrc")
    with open(f"{tmp_path}/netrc", "w") as netrc:  # noqa: PTH123
        netrc.write("default login user password word\n")
    with serving(Answer(200, {})) as server:
        LivePersonHttp().post_json(server.url, {}, TOKEN)

    assert "the-app-jwt" == server.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"body": {"errorCode": 40102, "title": "Invalid AppJWT"}}, ("40102", "Invalid AppJWT")),
        ({"code": "BAD_REQUEST", "body": {"msg": "no"}}, ("BAD_REQUEST", "no")),
        ([{"code": "OK"}, {"code": "BAD_REQUEST", "body": {"msg": "no"}}], ("BAD_REQUEST", "no")),
        ({"error": "invalid_client", "error_description": "who?"}, ("invalid_client", "who?")),
        ([{"code": "OK"}], (None, "")),
        ({"body": [], "code": None}, (None, "")),
        ({"body": {"title": 7}}, (None, "")),
        ([], (None, "")),
        (None, (None, "")),
        ("no", (None, "")),
    ],
)
def test_every_documented_error_body_is_understood(
    body: object, expected: tuple[str | None, str]
) -> None:
    """The envelope, the batch and OAuth 2.0, and none of them breaks on what it does not know."""
    assert expected == error_of(body)


# ── LivePerson's words ──

WORDS = "Mein Geheimnis ist +49 151 123456"
ECHOES = (
    WORDS,
    WORDS.upper(),
    WORDS.replace(" ", ""),
    "Mein+Geheimnis%20ist",
    "TWVpbiBHZWhlaW1uaXM=",
    "\\u004dein \\u0047eheimnis",
    "M e i n G e h e i m n i s",
)


@pytest.mark.parametrize(
    "form",
    [
        lambda said: {"body": {"msg": said}},
        lambda said: {"code": said, "body": {"errorCode": said, "title": said}},
        lambda said: [{"code": said, "body": {"msg": said}}],
        lambda said: {"error": said, "error_description": said},
        lambda said: {"error": {"message": said}},
        lambda said: said,
    ],
    ids=["msg", "codes", "batch", "OAuth", "other", "bare"],
)
@pytest.mark.parametrize("status", [302, 400, 401, 409, 429, 500])
def test_error_has_none_of_livepersons_words(form: Callable[[str], object], status: int) -> None:
    """They may repeat a consumer's, in any form; status and code say what an operator needs."""
    answers = iter([json_answer(form(said), status) for said in ECHOES])
    with serving(lambda _request: next(answers)) as server:
        http = LivePersonHttp()
        for _ in ECHOES:
            with pytest.raises(ConnectorError) as failed:
                http.get(server.url)
            error = failed.value
            shown = (
                f"{error} {error!r} {error.args} {getattr(error, 'error_code', None)}".casefold()
            )
            assert [] == [word for word in ("geheimnis", "mein", "151", "twv") if word in shown]
            assert getattr(error, "http_status", None) == status


def test_code_can_decide_by_what_livepersons_said() -> None:
    """Where a refusal has no code of its own; nothing shows it."""
    with pytest.raises(LivePersonRefused) as refused:
        post(json_answer({"body": {"msg": WORDS}}, status=400))

    assert WORDS == refused.value.said


@pytest.mark.parametrize(
    "code", [40102, "40102", "BAD_REQUEST", "CONFLICT", "INTERNAL_SERVER_ERROR", "invalid_client"]
)
def test_code_is_shown(code: str | int) -> None:
    """What LivePerson and OAuth 2.0 have for codes."""
    assert str(code) == error_of({"code": code})[0]


@pytest.mark.parametrize(
    "code",
    [
        "two words",
        "geheimnis",
        "Geheimnis",
        "4915112345678",
        "+4915112345678",
        "a@b.example",
        "A" * 65,
        "_A",
        "",
        "\n",
        "BAD-REQUEST",
        [1],
        {"a": 1},
        4915112345678,
    ],
)
def test_what_is_not_in_the_form_of_a_code_is_none(code: object) -> None:
    """It may be somebody's word, or number."""
    assert error_of({"code": code})[0] is None


@pytest.mark.parametrize("url", ["https://a.example/x y", "ftp://a.example", "https://a\\b/"])
def test_what_cannot_be_called_is_an_error_of_ours(url: str) -> None:
    """An address of the storage may be odd; nothing was sent then."""
    with pytest.raises(LivePersonUnavailable) as odd:
        LivePersonHttp().get(url)

    assert url not in str(odd.value)
    assert not odd.value.maybe_done
