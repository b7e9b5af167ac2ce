"""What a channel may send, and what it is told about mistakes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.channel import contract
from liveperson_connector.channel.consumer_events import MAX_PASSED_ON, read_event
from liveperson_connector.channel.queued_events import TYPES, ConsumerEvent
from liveperson_connector.domain.errors import InvalidEvent

CONSUMER = "+4915112345678"
GIF = base64.b64encode(b"GIF89a").decode()

GOOD: dict[str, dict[str, Any]] = {
    "text": {"text": "Hello"},
    "file": {"file_type": "GIF", "content_base64": GIF},
    "reply": {"text": "Yes", "metadata": [{"type": "ExternalId", "id": "yes"}], "to_sequence": 0},
    "typing": {"state": "composing"},
    "receipt": {"status": "read", "sequences": [0, 7]},
    "close": {},
    "rating": {"csat": 5},
    "profile": {"personal": {"firstname": "John"}},
}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Give a good event of a type; ``fields`` replaces fields, and none leaves one out."""
    whole = {"id": "m-1", "type": kind, **GOOD[kind], **fields}
    return {name: value for name, value in whole.items() if value is not None}


def read(raw: object) -> ConsumerEvent:
    """Read an event as a channel posts it."""
    return read_event("12345678", CONSUMER, json.dumps(raw).encode())


def mistakes(raw: object, consumer_id: str = CONSUMER) -> dict[str, str]:
    """Give the problems of a posted event by their paths."""
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(InvalidEvent) as caught:
        read_event("12345678", consumer_id, body)
    return {each.path: each.problem for each in caught.value.problems}


class TestWhatIsTaken:
    @pytest.mark.parametrize("kind", sorted(GOOD))
    def test_every_type(self, kind: str) -> None:
        """Each type of the contract is taken in its shortest form, and stays as it was sent."""
        raw = event(kind)

        taken = read(raw)

        assert (kind, "m-1", raw) == (taken.type, taken.id, taken.raw)

    @pytest.mark.parametrize(
        "raw",
        [
            event(
                "file", content_base64=None, url="https://files.example.com:8443/a%20b.png?x=1#y"
            ),
            event("file", caption="", file_type="JPEG"),
            event("reply", dialog_id="d-1", metadata=[{"type": "Answer", "questionId": 7}]),
            event("receipt", dialog_id="d-1", sequences=[0] * 100),
            event("close", survey=False),
            event("rating", csat=None, resolved=False),
            event("rating", csat=1, resolved=True, skipped=False),
            event("rating", csat=None, skipped=True),
            event("profile", customer={"socialId": "1", "balance": -3.5, "companySize": 2}),
            event(
                "profile",
                customer={"registrationDate": {"day": 31, "month": 1, "year": 2020}},
                personal={
                    "age": {"age": 30},
                    "contacts": [{"email": "a@b.c", "address": {"country": "DE"}}],
                    "gender": "OTHER",
                },
            ),
        ],
        ids=lambda raw: f"{raw['type']}",
    )
    def test_every_optional_field(self, raw: dict[str, Any]) -> None:
        """Fields that may be there are taken where they are right."""
        assert raw == read(raw).raw

    @pytest.mark.parametrize("kind", sorted(GOOD))
    def test_conversation_on_every_type(self, kind: str) -> None:
        """Any event may say how to open a conversation, and all of it is kept."""
        conversation = {
            "profile": {"customer": {"ctype": "vip"}, "personal": {"lastname": "Doe"}},
            "routing": {
                "campaign_id": "1",
                "engagement_id": "2",
                "skill_id": "-1",
                "visitor_id": "v",
                "session_id": "s",
                "context_id": "c",
                "language": "en-US",
                "urgency": "URGENT",
            },
            "features": ["AUTO_MESSAGES", "MULTI_DIALOG", "RICH_CONTENT"],
        }

        assert conversation == read(event(kind, conversation=conversation)).conversation

    def test_no_conversation_is_an_empty_one(self) -> None:
        """Who reads an event need not ask whether it has a conversation."""
        assert {} == read(event("text")).conversation

    def test_unknown_fields(self) -> None:
        """Fields that we do not know are no reason to refuse: a newer channel may send them."""
        assert "later" == read(event("text", new={"field": "later"})).raw["new"]["field"]

    def test_attributes_that_liveperson_may_add(self) -> None:
        """An attribute of a profile that we do not know is kept, and so passed on."""
        raw = event("profile", customer={"shoeSize": "44"})

        assert "44" == read(raw).raw["customer"]["shoeSize"]

    def test_whole_numbers_written_with_a_point(self) -> None:
        """``3.0`` is a whole number in JSON Schema; LivePerson gets it as one."""
        body = b'{"id": "r", "type": "receipt", "status": "read", "sequences": [3.0]}'

        (sequence,) = read_event("1", CONSUMER, body).raw["sequences"]

        assert "3" == json.dumps(sequence)

    @given(text=st.text(min_size=1).filter(str.strip))
    def test_any_text_with_something_to_see(self, text: str) -> None:
        """Whatever a person can write is taken as it is."""
        assert text == read(event("text", text=text)).text


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("raw", "path", "problem"),
        [
            (event("text", text=None), "text", "is missing"),
            (event("text", text=""), "text", "is empty"),
            (event("text", text=" \n\t"), "text", "is empty"),
            (event("text", text=7), "text", "must be a text"),
            (event("text", text="x" * 40_001), "text", "is longer than 40000 characters"),
            (event("text", text="\ud83d"), "text", "contains half a character"),
            (event("text", id="a b"), "id", "must be a text of 1 to 128 of the characters"),
            (event("text", id="a\n"), "id", "must be a text of 1 to 128 of the characters"),
            (event("text", id=""), "id", "must be a text of 1 to 128 of the characters"),
            (event("text", id="x" * 129), "id", "must be a text of 1 to 128 of the characters"),
            (event("text", type="dance"), "type", "must be one of: text, file, reply"),
            (event("text", type=["text"]), "type", "must be a text, one of: text, file, reply"),
            (
                event("file", file_type=7),
                "file_type",
                "must be a text, one of: JPG, JPEG, PNG, GIF",
            ),
            (event("file", content_base64=None), "", "must have one of url and content_base64"),
            (event("file", url="https://a.b/c"), "", "must have one of url and content_base64"),
            (event("file", file_type="png"), "file_type", "must be one of: JPG, JPEG, PNG, GIF"),
            (event("file", file_type="PDF"), "file_type", "must be one of: JPG, JPEG, PNG, GIF"),
            (event("file", caption="x" * 1001), "caption", "is longer than 1000 characters"),
            (event("file", content_base64=""), "content_base64", "must be Base64"),
            (event("file", content_base64="R0lGO"), "content_base64", "must be Base64"),
            (event("file", content_base64="R0lG\nR0lG"), "content_base64", "must be Base64"),
            (event("file", content_base64="R0-_"), "content_base64", "must be Base64"),
            (
                event("file", content_base64="A" * 700_004),
                "content_base64",
                "is longer than 700000 characters, about 525 KB of image; give a url instead",
            ),
            (event("reply", metadata=None), "metadata", "is missing"),
            (event("reply", metadata=[]), "metadata", "is empty; repeat the metadata"),
            (event("reply", metadata=[{}]), "metadata[0].type", "is missing"),
            (event("reply", metadata=["x"]), "metadata[0]", "must be an object"),
            (event("reply", text=" "), "text", "is empty"),
            (event("reply", to_sequence=None), "to_sequence", "is missing"),
            (event("reply", to_sequence=-1), "to_sequence", "must be at least 0"),
            (event("reply", to_sequence="3"), "to_sequence", "must be a whole number"),
            (event("reply", to_sequence=True), "to_sequence", "must be a whole number"),
            (event("reply", dialog_id=""), "dialog_id", "is empty"),
            (event("typing", state="COMPOSING"), "state", "must be one of: composing, paused"),
            (event("receipt", status="seen"), "status", "must be one of: accepted, read"),
            (event("receipt", sequences=[]), "sequences", "is empty"),
            (event("receipt", sequences=3), "sequences", "must be a list"),
            (event("receipt", sequences=[0, 1.5]), "sequences[1]", "must be a whole number"),
            (event("receipt", sequences=[0] * 101), "sequences", "has more than 100 entries"),
            (event("close", survey="no"), "survey", "must be true or false"),
            (event("rating", csat=0), "csat", "must be at least 1"),
            (event("rating", csat=6), "csat", "must be at most 5"),
            (event("rating", csat=4.5), "csat", "must be a whole number"),
            (event("rating", csat=None), "", "must have csat, resolved or both"),
            (event("rating", csat=None, skipped=False), "", "must have csat, resolved or both"),
            (event("rating", skipped=True), "", "must have csat, resolved or both"),
            (event("profile", personal=None), "", "must have customer, personal or both"),
            (event("profile", personal={}), "personal", "is empty"),
            (event("profile", personal={"gender": "F"}), "personal.gender", "must be one of: MALE"),
            (event("profile", customer={"balance": "1"}), "customer.balance", "must be a number"),
            (
                event("profile", customer={"registrationDate": {"day": 1, "month": 13}}),
                "customer.registrationDate.month",
                "must be at most 12",
            ),
        ],
    )
    def test_by_name(self, raw: dict[str, Any], path: str, problem: str) -> None:
        """Each limit of the contract is met by name: where, and what would be right."""
        assert mistakes(raw)[path].startswith(problem)

    @pytest.mark.parametrize(
        "url",
        [
            "http://files.example.com/a.png",
            "https://user:secret@files.example.com/a.png",
            "https://files.example.com/a b.png",
            "https://files.example.com/ä.png",
            "https://",
            "//files.example.com/a.png",
            "file:///etc/passwd",
            "https://files.example.com/a.png\n",
        ],
    )
    def test_addresses_that_are_not_plain_https(self, url: str) -> None:
        """A file is fetched over https alone, from an address that means one thing only."""
        raw = event("file", content_base64=None, url=url)

        assert {"url": "must be an https address, percent-encoded, without user name"} == mistakes(
            raw
        )

    def test_too_long_an_address(self) -> None:
        """An address has at most 2048 characters."""
        raw = event("file", content_base64=None, url=f"https://a.example/{'x' * 2048}")

        assert {"url": "is longer than 2048 characters"} == mistakes(raw)

    def test_everything_at_once(self) -> None:
        """An engineer sees every mistake of an event in one answer, the conversation's too."""
        raw = event(
            "receipt",
            id="",
            status="seen",
            sequences=[-1, "x"],
            conversation={
                "profile": {"customer": {"companySize": "big"}},
                "routing": {"urgency": "NOW", "skill_id": 12, "language": "english please"},
                "features": ["RICH_CONTENT", "TELEPATHY"],
            },
        )

        found = mistakes(raw, consumer_id="")

        assert {
            "consumer_id",
            "id",
            "status",
            "sequences[0]",
            "sequences[1]",
            "conversation.profile.customer.companySize",
            "conversation.routing.urgency",
            "conversation.routing.skill_id",
            "conversation.routing.language",
            "conversation.features[1]",
        } == set(found)
        assert found["conversation.features[1]"].startswith("must be one of: AUTO_MESSAGES, MULTI")
        assert (
            "must be one of: NORMAL, URGENT, PRIORITIZED" == found["conversation.routing.urgency"]
        )

    def test_unknown_type_does_not_hide_other_mistakes(self) -> None:
        """What every event has is checked even where the type says nothing."""
        found = mistakes({"type": "dance", "conversation": []})

        assert {"id", "type", "conversation"} == set(found)

    def test_nothing_at_all(self) -> None:
        """An empty object is told what every event has."""
        assert {"id": "is missing", "type": "is missing"} == mistakes({})

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"hello",
            b"\xff\xfe\xfa",
            b'{"id": "a"',
            b"[" * 100_000,
            b'{"id": "a", "type": "text", "text": "a", "n": NaN}',
            b'{"id": "a", "type": "text", "text": "a", "n": 1e400}',
            b'{"id": "a", "type": "text", "text": "a", "n": ' + b"9" * 5000 + b"}",
        ],
    )
    def test_what_is_not_json(self, body: bytes) -> None:
        """A body that is not JSON is called so, and breaks nothing."""
        assert {"": "the body is not JSON in UTF-8"} == mistakes(body)

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
    def test_json_in_another_encoding(self, encoding: str) -> None:
        """A character that would reach the agent broken is refused instead."""
        body = json.dumps(event("text", text="Grüße"), ensure_ascii=False).encode(encoding)

        assert {"": "the body is not JSON in UTF-8"} == mistakes(body)

    @pytest.mark.parametrize("text", [b"\xed\xa0\xbd", b"\xed\xa0\xbd\xed\xb8\x80", b"\xc0\xaf"])
    def test_what_only_looks_like_utf_8(self, text: bytes) -> None:
        """Encoded surrogates and overlong forms are not UTF-8 (RFC 3629, 3)."""
        body = b'{"id": "m-1", "type": "text", "text": "' + text + b'"}'

        assert {"": "the body is not JSON in UTF-8"} == mistakes(body)

    def test_byte_order_mark_is_no_mistake(self) -> None:
        """Some writers begin every file with one, and RFC 8259 lets a reader ignore it."""
        body = json.dumps(event("text")).encode("utf-8-sig")

        assert event("text") == read_event("12345678", CONSUMER, body).raw

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"1"])
    def test_json_that_is_no_object(self, body: bytes) -> None:
        """An event is an object."""
        assert {"": "the body is not a JSON object"} == mistakes(body)

    @pytest.mark.parametrize(
        ("consumer_id", "problem"),
        [
            ("", "is empty"),
            ("x" * 257, "is longer than 256 characters"),
            ("a\N{REPLACEMENT CHARACTER}", "is not percent-encoded UTF-8"),
        ],
    )
    def test_consumer_id(self, consumer_id: str, problem: str) -> None:
        """The consumer's id is checked with the event."""
        assert {"consumer_id": problem} == mistakes(event("text"), consumer_id)

    def test_half_a_character_wherever_it_stands(self) -> None:
        """What no request to LivePerson can hold is refused in every field, in names too."""
        raw = event("reply", metadata=[{"type": "X", "deep": ["\udc00"], "\ud800": 1}])

        assert {"metadata[0].deep[0]", "metadata[0]"} == set(mistakes(raw))

    def test_what_is_nested_too_deep(self) -> None:
        """A field that is passed on as it is cannot exhaust the stack of a later reader."""
        body = b'{"id": "a", "type": "text", "text": "a", "x": ' + b"[" * 90 + b"]" * 90 + b"}"

        (problem,) = mistakes(body).values()

        assert "is nested more than 32 deep" == problem

    @pytest.mark.parametrize(
        ("raw", "path"),
        [
            (event("profile", customer={"more": "x" * MAX_PASSED_ON}), ""),
            (
                event("reply", text="x" * 2000, metadata=[{"type": "X", "id": "x" * 1500}]),
                "metadata",
            ),
            (
                event("text", conversation={"profile": {"customer": {"more": "😀" * 1800}}}),
                "conversation.profile",
            ),
        ],
    )
    def test_what_liveperson_has_no_room_for(self, raw: dict[str, Any], path: str) -> None:
        """LivePerson's limit of 5,000 characters a request is met here, where it can be mended."""
        assert f"more than {MAX_PASSED_ON} characters" in mistakes(raw)[path]

    @pytest.mark.parametrize("kind", sorted(GOOD))
    def test_no_value_is_repeated(self, kind: str) -> None:
        """Problems name places and rules; what a consumer wrote stays out of logs and answers."""
        secret = "my-secret-words"
        raw: dict[str, Any] = {"id": "m-1", "type": kind, **dict.fromkeys(GOOD[kind], secret)}
        raw["conversation"] = {"profile": secret, "routing": {"urgency": secret}}

        assert secret not in str(mistakes(raw))

    @given(raw=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
    @pytest.mark.parametrize("kind", sorted(GOOD))
    def test_nonsense_is_refused_or_taken_but_breaks_nothing(self, kind: str, raw: object) -> None:
        """Any value in any field leads to an event or to problems, never to a fault."""
        for name in [*GOOD[kind], "id", "conversation", "dialog_id", "url"]:
            spoilt = {"id": "m-1", "type": kind, **GOOD[kind], name: raw}
            try:
                read(spoilt)
            except InvalidEvent:
                continue


def test_types_are_the_contracts() -> None:
    """The types that the code knows are those that the contract describes."""
    described = contract.schemas()["AnyConsumerEvent"]["properties"]["type"]["enum"]

    assert set(described) == TYPES == set(GOOD)
