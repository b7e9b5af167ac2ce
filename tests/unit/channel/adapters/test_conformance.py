"""
What every ready channel's adapter promises, on the samples of ``tests/support/adapters``.

The providers' own libraries judge beside this in ``test_judges.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveperson_connector.channel.adapters import READY_KINDS, adapter_of
from liveperson_connector.channel.adapters.interface import (
    Adapter,
    Call,
    Choice,
    File,
    Incoming,
    Location,
    NotProven,
    ProviderAnswer,
    ReadMark,
    Recipient,
    Reply,
    Text,
    Typing,
    Unreadable,
    WebhookRequest,
)
from tests.support.adapters import (
    ADDRESS,
    Fetched,
    Refusal,
    Samples,
    Sent,
    Webhook,
    all_samples,
    written_kinds,
)

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
REASONS = {
    *("blocked_by_user", "unknown_recipient", "window_closed", "bad_credentials"),
    *("not_allowed", "invalid_message", "refused"),
}

each_kind = pytest.mark.parametrize("of", [pytest.param(of, id=of.kind) for of in all_samples()])


def each(field: str) -> pytest.MarkDecorator:
    """Run a test for each sample of all kinds."""
    found = [(of, one) for of in all_samples() for one in getattr(of, field)]
    names = [f"{of.kind}-{getattr(one, 'name', number)}" for number, (of, one) in enumerate(found)]
    return pytest.mark.parametrize(("of", "one"), found, ids=names)


def signed(of: Samples, body: bytes) -> WebhookRequest:
    return of.sign(body, of.settings)


def call_for(of: Samples, piece: Any) -> Call:
    """Write a piece as a request."""
    return of.adapter.request(piece, Recipient(of.person, KEY, "mark-1"), of.settings)


# ── What an adapter says of itself ──


@pytest.mark.parametrize("kind", written_kinds())
def test_every_adapter_has_samples(kind: str) -> None:
    """No kind is left out of this suite."""
    assert kind in [of.kind for of in all_samples()]


@pytest.mark.parametrize("kind", written_kinds())
def test_adapter_is_of_its_kind(kind: str) -> None:
    """A kind's name leads to its adapter, which knows the kind and its hosts."""
    adapter = adapter_of(kind)

    assert isinstance(adapter, Adapter)
    assert kind == adapter.kind
    assert adapter.hosts


def test_only_ready_kinds_have_an_adapter() -> None:
    """Another module's name is no kind."""
    assert "interface" not in READY_KINDS
    with pytest.raises(KeyError):
        adapter_of("interface")


@each_kind
def test_settings_are_told_from_mistakes(of: Samples) -> None:
    """The right ones are taken; each pattern refuses what the operator may have typed in."""
    known = {each.name: each for each in of.adapter.settings}

    assert set(of.settings) <= {*known, "address"}
    assert {name for name, each in known.items() if each.default is None} <= set(of.settings)
    assert all(known[name].accepts(of.settings[name]) for name in known if name in of.settings)
    for name, wrong in of.bad_settings.items():
        assert not any(known[name].accepts(value) for value in wrong), name
    assert all(each.question for each in known.values())
    assert all(each.accepts(each.default) for each in known.values() if each.default is not None)


@each_kind
def test_every_credential_is_a_secret(of: Samples) -> None:
    """What is asked for unseen is kept from every repr; each kind has one at least."""
    assert of.secrets
    assert len(set(of.secrets)) == len(of.secrets)


@each_kind
def test_capabilities_can_be_acted_on(of: Samples) -> None:
    """Sizes and lengths make sense together; file types are written large."""
    can = of.adapter.capabilities(of.settings)

    assert can.text >= can.text_with_choices >= 0
    assert bool(can.buttons) == bool(can.button_title)
    assert bool(can.rows) == bool(can.row_title)
    assert (can.choice_data > 0) == bool(can.buttons or can.rows)
    assert can.reports <= {"delivered", "read", "failed"}
    for types in (can.files, can.consumer_files):
        assert all(name == name.upper() and size > 0 for name, size in types.items())


# ── Proof ──


@each("webhooks")
def test_what_the_provider_signed_is_believed(of: Samples, one: Webhook) -> None:
    """Every sample passes, those with emoji included."""
    of.adapter.prove(signed(of, one.body), of.settings)


def spoilt_proofs(of: Samples) -> Iterator[tuple[str, WebhookRequest]]:
    """Spoil one thing at a time."""
    body = of.webhooks[0].body
    good = of.sign(body, of.settings)
    proof = good.headers[of.proof]
    for name, value in (
        ("truncated", proof[:-1]),
        ("longer", proof + "A"),
        ("empty", ""),
        ("first letter", ("A" if proof[0] != "A" else "B") + proof[1:]),
        ("other letters", proof.swapcase()),
        ("not ASCII", "ü" * len(proof)),
        ("half a character", "\ud800"),
    ):
        yield name, replace(good, headers={**good.headers, of.proof: value})
    missing = {name: value for name, value in good.headers.items() if name != of.proof}
    yield "missing", replace(good, headers=missing)
    yield "of another channel", of.sign(body, of.foreign)
    if of.proves_body:
        yield "body changed", replace(good, body=body + b" ")
        yield "body cut", replace(good, body=body[:-1])
        yield "of another body", replace(good, body=of.webhooks[1].body)


@each_kind
def test_spoilt_proof_is_refused_and_not_repeated(of: Samples) -> None:
    """Wrong, truncated, foreign and missing proofs; the error shows neither proof nor secret."""
    for name, request in spoilt_proofs(of):
        with pytest.raises(NotProven) as refused:
            of.adapter.prove(request, of.settings)
        assert str(refused.value), name
        assert not any(secret in repr(refused.value) for secret in of.secrets), name
        assert of.sign(of.webhooks[0].body, of.settings).headers[of.proof] not in str(refused.value)


# ── In ──


@each("webhooks")
def test_webhook_becomes_consumer_events(of: Samples, one: Webhook) -> None:
    """Every kind of thing that a person can do there."""
    assert list(one.read) == of.adapter.read(signed(of, one.body), of.settings)


@each("webhooks")
def test_event_has_an_id_that_a_repeat_has_too(of: Samples, one: Webhook) -> None:
    """The id keeps to the contract and is unique within the webhook."""
    first = of.adapter.read(signed(of, one.body), of.settings)
    again = of.adapter.read(signed(of, one.body), of.settings)

    ids = [event.event["id"] for event in first]
    assert ids == [event.event["id"] for event in again]
    assert len(set(ids)) == len(ids)
    assert all(is_event_id(each) for each in ids)


def is_event_id(value: object) -> bool:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
    return isinstance(value, str) and 0 < len(value) <= 128 and set(value) <= set(letters)


@each("webhooks")
def test_webhook_can_be_answered(of: Samples, one: Webhook) -> None:
    """The provider is answered 2xx, in its form."""
    reply = of.adapter.acknowledge(signed(of, one.body), of.settings)

    assert isinstance(reply, Reply)
    assert 200 <= reply.status < 300


@each("webhooks")
def test_what_people_write_stays_out_of_repr(of: Samples, one: Webhook) -> None:
    """A request or an event in a log shows neither words nor names."""
    request = signed(of, one.body)
    shown = repr(request) + repr(one.read)

    assert not any(secret in shown for secret in of.secrets)
    assert of.person not in shown
    assert "Ada" not in shown


@each("ignored")
def test_what_is_not_meant_for_the_brand_is_ignored(of: Samples, one: Webhook) -> None:
    """Unknown types of updates, groups and service messages are taken and say nothing."""
    assert [] == of.adapter.read(signed(of, one.body), of.settings)


@each_kind
def test_nonsense_is_unreadable(of: Samples) -> None:
    """A proven body that is not of the provider's form has one error, and no other."""
    for body in (b"", b"\xff", b"[]", b"null", b"[" * 10_000, b'"text"', b"{", b"1e999"):
        with pytest.raises(Unreadable):
            of.adapter.read(signed(of, body), of.settings)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "", "private", "user", "text", 2**70, -1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return every place in a JSON value."""
    yield at
    inside = list(enumerate(value)) if isinstance(value, list) else []
    for name, one in value.items() if isinstance(value, dict) else inside:
        yield from places(one, (*at, name))


def exchanged(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """Return ``value`` with another value at one place; ``...`` removes it."""
    if not at:
        return new
    copy = value.copy()
    if len(at) == 1 and new is ...:
        del copy[at[0]]
    else:
        copy[at[0]] = exchanged(value[at[0]], at[1:], new)
    return copy


@each_kind
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_changed_webhook_is_read_or_unreadable(of: Samples, data: st.DataObject) -> None:
    """Whatever stands in one place: no other error, and nothing of a wrong type comes out."""
    body = data.draw(st.sampled_from([*of.webhooks, *of.ignored])).body
    value = _as_json(of, body)
    at = data.draw(st.sampled_from([at for at in places(value) if at]))
    spoilt = exchanged(value, at, data.draw(st.just(...) | _JSON))
    request = signed(of, _as_body(of, spoilt))

    try:
        found = of.adapter.read(request, of.settings)
    except Unreadable:
        return
    for incoming in found:
        assert_well_formed(incoming)
    assert of.adapter.acknowledge(request, of.settings).status == 200


def _as_json(of: Samples, body: bytes) -> Any:
    return of.read_body(body) if of.write_body else json.loads(body)


def _as_body(of: Samples, value: Any) -> bytes:
    return of.write_body(value) if of.write_body else json.dumps(value).encode()


FIELDS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "text": {"text": str},
    "typing": {"state": str},
    "choice": {"data": str, "text": str},
    "file": {"reference": dict},
    "location": {"latitude": float, "longitude": float},
    "report": {"message": str, "status": str},
    "edited": {"text": str},
    "deleted": {},
    "reaction": {"text": str},
    "not_carried": {"what": str},
}
OPTIONAL = {
    **dict.fromkeys(("caption", "name", "title", "address", "mark", "reason", "file_type"), str),
    "quotes": dict,
}


def assert_well_formed(incoming: Incoming) -> None:
    """Check an event against the interface's words."""
    event = incoming.event
    must = {"id": str, "type": str, **FIELDS[event["type"]]}

    assert isinstance(incoming.person, str)
    assert incoming.person
    assert isinstance(incoming.display_name, str)
    assert is_event_id(event["id"])
    assert set(must) <= set(event) <= set(must) | set(OPTIONAL)
    assert all(isinstance(event[name], kind) for name, kind in must.items())
    assert all(isinstance(event[name], OPTIONAL[name]) for name in set(event) - set(must))
    json.dumps(event, allow_nan=False, ensure_ascii=False).encode()  # no half characters, no NaN


# ── Out ──


@each("sent")
def test_piece_becomes_the_providers_request(of: Samples, one: Sent) -> None:
    """Method, address and every field."""
    call = call_for(of, one.piece)

    address = urlsplit(call.url)
    assert one.method == call.method
    assert one.path == address.path + (f"?{address.query}" if address.query else "")
    assert one.said == (of.read_body(call.body) if call.body else {})


@each("sent")
def test_requests_go_to_the_providers_hosts_by_https(of: Samples, one: Sent) -> None:
    """Credentials leave for no other host, whatever the piece says."""
    address = urlsplit(call_for(of, one.piece).url)

    assert "https" == address.scheme
    assert is_at_home(of, address.hostname or "")


def is_at_home(of: Samples, host: str) -> bool:
    return any(
        host == own or (own.startswith(".") and host.endswith(own)) for own in of.adapter.hosts
    )


@each("sent")
def test_request_can_be_turned_to_a_sandbox_alone(of: Samples, one: Sent) -> None:
    """``api_url`` redirects to this machine; any other address in it is not followed."""
    here = {**of.settings, "api_url": "http://127.0.0.1:8081"}
    away = {**of.settings, "api_url": "http://elsewhere.example"}
    to = Recipient(of.person, KEY, "mark-1")

    stand_in, provider = (of.adapter.request(one.piece, to, each) for each in (here, away))
    assert stand_in.url.startswith("http://127.0.0.1:8081/")
    assert provider == call_for(of, one.piece)


@each("sent")
def test_secrets_and_words_stay_out_of_a_requests_repr(of: Samples, one: Sent) -> None:
    """A request in a log or a traceback shows nothing."""
    shown = repr(call_for(of, one.piece)) + repr(one.piece) + repr(Recipient(of.person, KEY))

    assert not any(secret in shown for secret in of.secrets)
    assert of.person not in shown
    assert "Grüße" not in shown


@each_kind
def test_every_piece_that_the_capabilities_name_has_a_sample(of: Samples) -> None:
    """What a channel says it can, it is shown to do."""
    can = of.adapter.capabilities(of.settings)
    shown = {type(one.piece) for one in of.sent}

    assert Text in shown
    assert bool(can.files) == (File in shown)
    assert can.location_out == (Location in shown)
    assert can.typing_out == (Typing in shown)
    assert can.read_marks == (ReadMark in shown)
    with_choices = [
        one.piece for one in of.sent if isinstance(one.piece, Text) and one.piece.choices
    ]
    assert bool(can.buttons or can.rows) == bool(with_choices)


@each_kind
def test_every_event_that_the_capabilities_name_has_a_sample(of: Samples) -> None:
    """The same for what people do."""
    can = of.adapter.capabilities(of.settings)
    events = [incoming.event for one in of.webhooks for incoming in one.read]
    shown = {event["type"] for event in events}

    assert {"text", "not_carried"} <= shown or not can.consumer_files
    assert bool(can.consumer_files) == ("file" in shown)
    assert bool(can.buttons or can.rows) <= ("choice" in shown)  # a template may have buttons, too
    assert bool(can.reports) == ("report" in shown)
    assert can.reports == {event["status"] for event in events if event["type"] == "report"}
    assert can.location_in == ("location" in shown)
    assert can.typing_in == ("typing" in shown)
    assert can.edits == ("edited" in shown)
    assert can.deletions == ("deleted" in shown)
    assert can.reactions == ("reaction" in shown)
    assert can.quotes == any("quotes" in event for event in events if event["type"] == "text")


@each_kind
def test_half_a_character_spoils_no_request(of: Samples) -> None:
    """JSON can carry a lone surrogate and UTF-8 cannot: it was tried for a day, as a bug."""
    choices = (Choice("Red", "1"),) if of.adapter.capabilities(of.settings).buttons else ()
    call = call_for(of, Text("Hello \ud83d there", choices))

    assert "Hello ? there" in json.dumps(of.read_body(call.body or b""), ensure_ascii=False)


@each_kind
def test_repeat_is_the_same_request(of: Samples) -> None:
    """Where the provider knows a key for safe repeats, each repeat carries the same one."""
    first, again = (call_for(of, Text("Hello")) for _ in range(2))

    assert first == again
    if of.adapter.capabilities(of.settings).safe_repeat:
        assert KEY in repr(dict(first.headers)) + repr(first.body)


# ── What an answer means ──


@each("errors")
def test_each_documented_error_has_its_meaning(of: Samples, one: Refusal) -> None:
    """Blocked, unknown, too fast, out of order: sorted once, in our words."""
    verdict = of.adapter.judge(one.answer)

    assert one.means == verdict
    assert (verdict.reason in REASONS) == (verdict.outcome == "never")


@each_kind
def test_message_that_was_taken_is_known_by_its_id(of: Samples) -> None:
    """The provider's id of it comes back in reports and quotes."""
    assert of.taken.means == of.adapter.judge(of.taken.answer)
    assert of.taken.means.message


@each_kind
@settings(deadline=None, max_examples=100)
@given(status=st.integers(200, 599), body=st.binary(max_size=40) | _JSON.map(json.dumps))
def test_no_answer_is_a_surprise(of: Samples, status: int, body: bytes | str) -> None:
    """Whatever a proxy or a new version answers: a verdict, with none of its words."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    verdict = of.adapter.judge(ProviderAnswer(status, {}, raw))

    if status >= 500 or status in (408, 429):
        assert verdict.outcome in ("later", "never")
    assert (verdict.outcome == "sent") <= (200 <= status < 300 or status == 409)
    assert len(verdict.detail) < 50


# ── Files ──


@each("fetched")
def test_consumers_file_is_fetched_step_by_step(of: Samples, one: Fetched) -> None:
    """Each answer leads to the next address, until one is the file."""
    asked = [
        of.adapter.file_request(one.reference, one.answers[:count], of.settings)
        for count in range(len(one.urls) + 1)
    ]

    assert [*one.urls, None] == [call and call.url for call in asked]
    assert not any(secret in repr(asked) for secret in of.secrets)


@each("fetched")
def test_answer_that_leads_nowhere_is_unreadable(of: Samples, one: Fetched) -> None:
    """No address is made of what is none, so no token leaves for another host."""
    for answers in one.leads_nowhere:
        with pytest.raises(Unreadable):
            of.adapter.file_request(one.reference, answers, of.settings)


@each_kind
def test_files_that_are_read_can_be_fetched(of: Samples) -> None:
    """Every reference in an event is one that the adapter understands; it survives a queue."""
    for one in of.webhooks:
        for incoming in one.read:
            if incoming.event["type"] == "file":
                reference = json.loads(json.dumps(incoming.event["reference"]))
                assert of.adapter.file_request(reference, (), of.settings)


# ── Set-up ──


@each_kind
def test_set_up_asks_the_provider_alone(of: Samples) -> None:
    """Credentials are tried and the webhook is registered at the provider's own hosts."""
    adapter = of.adapter
    calls = [
        adapter.probe(of.settings),
        *adapter.register(ADDRESS, of.settings),
        adapter.registration(of.settings),
        adapter.deregister(ADDRESS, of.settings, None),
    ]

    for call in filter(None, calls):
        assert "https" == urlsplit(call.url).scheme
        assert is_at_home(of, urlsplit(call.url).hostname or "")
        assert not any(secret in repr(call) for secret in of.secrets)


@each_kind
def test_whoever_registers_nothing_says_what_to_click(of: Samples) -> None:
    """Without an API for it, the operator gets instructions with the address."""
    registers = bool(of.adapter.register(ADDRESS, of.settings))

    assert registers or ADDRESS in of.adapter.instructions(ADDRESS, of.settings)
