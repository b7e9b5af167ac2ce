r"""
Web addresses, taken apart once, so that what was checked is exactly what is called.

Parsers disagree about odd addresses: ``https://a.example\.b.example`` is a host of ``b.example``
for one and of ``a.example`` for another. So an address is either taken apart by one strict
expression, and from then on known by its parts alone, or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<user>[^/?#@\\]*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\\\[\]%]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][^#]*)?"
    r"(?:#.*)?",
    re.IGNORECASE,
)

# What would end or split a request line (https://www.rfc-editor.org/rfc/rfc9112#section-3).
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")

# A host name of the DNS, with the underscore that some use, and a dot at its end where it is whole.
_HOST = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")

_PORTS = {"http": 80, "https": 443}


class BadAddress(ValueError):
    """A text that can never be a web address; the message does not quote it."""


@dataclass(frozen=True)
class WebAddress:
    """
    Where a request goes: ``host`` in lower case and ASCII, an IPv6 address without brackets.

    ``origin`` is scheme, host and port, written anew: ``https://va.idp.liveperson.net``. ``target``
    is what stands in the request line, exactly as it was given. ``user`` is what stood before an
    ``@``, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    origin: str
    target: str = "/"
    user: str = ""

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """
        Take an http or https address apart, or raise :class:`BadAddress`.

        Characters outside of ASCII are written as RFC 3987, section 3.1, maps them to a URI; all
        others stay as they are: an escape, a ``..`` or a ``//`` may be part of a signature.
        """
        if _UNSENDABLE.search(text):
            raise BadAddress("it contains a space or a control character")
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise BadAddress("it is not an http or https address")
        scheme = found["scheme"].lower()
        port = _PORTS[scheme] if found["port"] is None else int(found["port"])
        if not 0 < port < 65536:
            raise BadAddress("its port does not exist")
        target, host = found["target"] or "/", _host(found["host"])
        return cls(
            scheme,
            host,
            port,
            _origin(scheme, host, port),
            _ascii(target if target.startswith("/") else f"/{target}"),
            found["user"] or "",
        )

    def __str__(self) -> str:
        return self.origin + self.target


def _origin(scheme: str, host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}" if port == _PORTS[scheme] else f"{scheme}://{named}:{port}"


def _host(given: str) -> str:
    if given.startswith("["):
        return given[1:-1].lower()
    host = (given if given.isascii() else _idna(given)).lower()
    if not _HOST.fullmatch(host):
        raise BadAddress("its host name is malformed")
    return host


def _idna(host: str) -> str:
    import idna  # noqa: PLC0415 - its tables are large, and hardly any host needs them

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise BadAddress("its host name is malformed") from None


def _ascii(target: str) -> str:
    try:
        return "".join(char if char.isascii() else quote(char) for char in target)
    except UnicodeEncodeError:  # half a character
        raise BadAddress("it contains half a character") from None
