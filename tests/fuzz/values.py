"""
What to feed a parser: values that follow a schema, values that do not, and bytes gone wrong.

Everything is drawn from one ``random.Random``, so that a number brings an input back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from liveperson_connector.channel import contract

MARK = "qXnZw7Jk"
"""Stands in every text that is private; no log line may have it."""

TEXTS = (
    "Hello",
    "Grüße aus Köln 👋🏽",
    "日本語のテキスト",
    "مرحبا بالعالم",
    "👨‍👩‍👧‍👦🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "e\u0301\u0327 ก\u0e33",
    "\u0000\u0001\u001f\u007f\u0085\u2028\u2029\ufeff\ufffe\uffff",
    "<script>alert(1)</script>",
    "'; DROP TABLE consumers; --",
    "${jndi:ldap://127.0.0.1/a} {{7*7}} %s %n %p",
    '{"id": "nested"}',
    "\r\nX-Injected: yes\r\n\r\n",
    "../../../etc/passwd",
    " ",
    "",
)

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, -1, 1, 1.5, 2.0, 1e15, 1e16, 1e22, 1e308, 5e-324, -1e308),
    *(2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**300, 10**4299, -(10**4000)),
    *("", " ", "\x00", "\ud800", "a\udfffb", "\ud83d", "x" * 129, "y" * 4001, "0", "-1", "null"),
    *([], {}, [[]], [None], {"": {}}, {"type": []}, {"type": {}}, [{}] * 30, ["\ud800"] * 200),
    {"\ud800": 1},
    {"a.b[0]": {"__proto__": {"constructor": 1}}},
    *("ms.MessagingEventNotification", "cqm.ExConversationChangeNotification", "ContentEvent"),
)

_SCRAPS = (
    *(b"NaN", b"-Infinity", b"1e999", b"-1e999", b"1e400", b"1E+2", b"0x10", b"01", b"-0", b"-"),
    *(
        b"\\ud800",
        b"\\udc00",
        b'"\\ud83d\\ude00"',
        b"\\u0000",
        b"\\x00",
        b"\\",
        b'"',
        b"'",
        b"\\u12",
    ),
    *(
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"\xef\xbb\xbf",
        b"\x00",
    ),
    *(b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"{}", b"[]", b"//", b"/**/", b"\n"),
    *(b"9" * 4301, b"9" * 5000, b"1" + b"0" * 400, b"0." + b"3" * 3000, b"1e-99999", b"9e15," * 60),
    *(b'"id":"x",', b'"type":"text",', b'"type":null,', b'"event":{},', b'"changes":[],'),
)

_DEPTHS = (10, 31, 32, 33, 34, 100, 300, 900, 960, 980, 985, 990, 995, 1000, 1020, 3000, 20_000)


class Draw:
    """Draws inputs from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self._by_pattern: dict[str, Callable[[], str]] = {
            r"\S": lambda: self.text(least=1),
            "^https://": lambda: f"https://files.example:443/{self.word(12)}?x=%20#y",
            "^(?:[A-Za-z0-9+/]{4})*": lambda: "QUJD" * self.chance.randint(1, 40) + "QQ==",
            "^[A-Za-z0-9_.:-]{1,128}$": lambda: self.word(self.chance.randint(1, 128)),
            "^[A-Za-z]{2,3}(": lambda: self.chance.choice(["en-US", "de", "zh_Hant_TW"]),
        }

    # ── Small things ──

    def odds(self, one_in: int) -> bool:
        """Say yes once in so many times."""
        return self.chance.randrange(one_in) == 0

    def word(self, length: int) -> str:
        """Draw an id."""
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"
        return "".join(self.chance.choices(letters, k=length))

    def text(self, *, least: int = 0, most: int = 400) -> str:
        """Draw words that somebody wrote, with the mark in them."""
        parts = self.chance.choices(TEXTS, k=self.chance.randint(1, 4))
        words = MARK + "".join(parts)
        if self.odds(200):
            words *= self.chance.randint(2, 300)
        return words[: max(most, least)]

    def noise(self, most: int) -> bytes:
        """Draw noise."""
        return self.chance.randbytes(self.chance.randint(0, most))

    # ── Values ──

    def of_schema(self, name: str) -> Any:
        """Draw a value that the contract's schema of this name accepts."""
        return self._value({"$ref": f"#/components/schemas/{name}"})

    def _value(self, schema: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one a kind
        if "$ref" in schema:
            return self._value(contract.schemas()[schema["$ref"].rpartition("/")[2]])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        kind = schema.get("type", "object")
        if kind == "string":
            return self._text_of(schema)
        if kind == "integer":
            return self.chance.randint(schema.get("minimum", 0), schema.get("maximum", 1000))
        if kind == "number":
            return round(self.chance.uniform(-1e6, 1e6), self.chance.choice([0, 2, 9]))
        if kind == "boolean":
            return self.odds(2)
        if kind == "array":
            count = self.chance.randint(schema.get("minItems", 0), 3)
            return [self._value(schema["items"]) for _ in range(count)]
        return self._object(schema)

    def _text_of(self, schema: Mapping[str, Any]) -> str:
        for beginning, draw in self._by_pattern.items():
            if schema.get("pattern", "").startswith(beginning):
                return draw()[: schema.get("maxLength", 10**6)]
        most = min(schema.get("maxLength", 400), 60)
        return self.text(least=schema.get("minLength", 0), most=most)

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        found = {
            name: self._value(each)
            for name, each in properties.items()
            if name in required or self.odds(4)
        }
        if len(found) < schema.get("minProperties", 0):
            self._add(found, properties, [self.chance.choice([*properties])])
        if "if" in schema:
            branch = schema.get("then" if _holds(schema["if"], found) else "else", {})
            self._follow(branch, found, properties)
        if self.odds(6):
            found[f"x_{self.word(5)}"] = self.chance.choice(["ignored", 1, [1, {"a": None}]])
        return found

    def _follow(
        self, branch: Mapping[str, Any], found: dict[str, Any], properties: Mapping[str, Any]
    ) -> None:
        """Make an object what a branch of its schema asks for."""
        for name in _required_by(branch.get("not", {})):
            found.pop(name, None)
        self._add(found, properties, branch.get("required", []))
        if "anyOf" in branch:
            self._add(found, properties, [self.chance.choice(_required_by(branch))])

    def _add(
        self, found: dict[str, Any], properties: Mapping[str, Any], names: Sequence[str]
    ) -> None:
        for name in names:
            if name not in found:
                found[name] = self._value(properties[name])

    def spoilt(self, value: Any) -> Any:
        """Spoil one place of a value, or a few."""
        for _ in range(self.chance.choice([1, 1, 1, 2, 5])):
            value = self._spoil(value)
        return value

    def _spoil(self, value: Any) -> Any:
        if isinstance(value, dict) and value and not self.odds(5):
            name = self.chance.choice([*value])
            act = self.chance.randrange(6)
            rest = {key: each for key, each in value.items() if key != name}
            if act == 0:
                return rest
            if act == 1:
                return {**rest, self._name(): value[name]}
            return {**rest, name: self._spoil(value[name])}
        if isinstance(value, list) and value and not self.odds(4):
            place = self.chance.randrange(len(value))
            return [*value[:place], self._spoil(value[place]), *value[place + 1 :]]
        return self.chance.choice(NASTY)

    def _name(self) -> str:
        return self.chance.choice(["", "type", "id", "\ud800", "x" * 500, self.word(3), "\x00"])

    # ── JSON ──

    def json(self, value: Any) -> bytes:
        """Write a value as one of the many texts that mean it."""
        ascii_only = self.odds(3)
        indent = self.chance.choice([None, None, None, 1])
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        return text.encode("utf-8", "surrogatepass")

    def torn(self, text: bytes) -> bytes:
        """Damage a text as networks, proxies and enemies do."""
        for _ in range(self.chance.choice([1, 1, 2, 4])):
            text = self._tear(text)
        return text

    def _tear(self, text: bytes) -> bytes:  # noqa: PLR0911 - one an act
        begin = self.chance.randint(0, len(text))
        end = min(len(text), begin + self.chance.choice([1, 2, 8, 64, 1024]))
        act = self.chance.randrange(8)
        if act == 0:
            return text[:begin]
        if act == 1:
            return text[:begin] + text[end:]
        if act == 2:
            return text[:end] + text[begin:]
        if act == 3 and text:
            place = self.chance.randrange(len(text))
            flipped = bytes([text[place] ^ 1 << self.chance.randrange(8)])
            return text[:place] + flipped + text[place + 1 :]
        if act == 4:
            return text[:begin] + self.noise(8) + text[begin:]
        if act == 5 and self.odds(4):
            return self._nested(text)
        if act == 6 and self.odds(4):
            other = self.chance.choice(["utf-16", "latin-1", "utf-32"])
            return text.decode("utf-8", "replace").encode(other, "replace")
        return text[:begin] + self.chance.choice(_SCRAPS) + text[end if self.odds(2) else begin :]

    def _nested(self, text: bytes) -> bytes:
        deep = self.chance.choice(_DEPTHS)
        before, after = self.chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
        whole = before * deep + b"1" + after * deep
        if self.odds(2) and text.endswith(b"}"):
            return text[:-1] + b',"deep":' + whole + b"}"
        return whole if self.odds(2) else before * deep


def _holds(schema: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Whether an object meets a condition of the contract: names it must have, and constants."""
    if "not" in schema:
        return not _holds(schema["not"], value)
    constants = {
        name: each["const"] for name, each in schema.get("properties", {}).items() if name in value
    }
    return all(name in value for name in schema.get("required", [])) and all(
        value[name] == constant for name, constant in constants.items()
    )


def _required_by(schema: Mapping[str, Any]) -> list[str]:
    """Return the names that a schema, or one of its alternatives, requires."""
    alternatives = schema.get("anyOf", [schema])
    return [name for each in alternatives for name in each.get("required", [])]
