"""
What an adapter is: the one place that knows how a provider speaks.

An adapter is pure: no AWS, no clock, no network. It declares what its channel can do, reads the
provider's webhooks, writes the provider's requests and judges the answers. Everything that all
providers need is done around it, once: splitting, numbering, choosing, progress, rates, retries.

In   ``challenge`` answers a set-up request, ``prove`` checks a webhook's proof, ``read`` makes
     consumer events of it.
Out  ``request`` writes one :class:`Piece` as one HTTP request, ``judge`` reads its answer.
File ``file_request`` says how a consumer's file is fetched.
Set  ``settings`` are what the operator types in; ``probe``, ``register``, ``registration`` and
     ``deregister`` are what the command line does with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Settings = Mapping[str, str]
"""The kind's settings by name, as the operator wrote them. Some are secrets: never show them."""


# ── What a channel of the kind needs and can do ──


@dataclass(frozen=True)
class Setting:
    """
    One thing the operator types in: its name in the parameter, and the words that ask for it.

    A ``secret`` is asked for unseen. One with a ``default`` need not be given; ``pattern`` is a
    regular expression for all of it, ``example`` shows the form in errors and is never a real one.
    One that is ``generated`` is ours to choose: the command line makes a random one of 32
    hexadecimal digits if the operator gives none.
    """

    name: str
    question: str
    secret: bool = False
    generated: bool = False
    default: str | None = None
    pattern: str = ".+"
    example: str = ""

    def accepts(self, value: str) -> bool:
        """Whether ``value`` has the right form."""
        return re.fullmatch(self.pattern, value) is not None


API_URL = Setting(
    "api_url",
    "Address of a stand-in for the provider on this machine",
    default="",
    pattern=r"|http://(127\.0\.0\.1|localhost):[0-9]{1,5}",
    example="http://127.0.0.1:8081",
)
"""Redirects a channel's requests to a sandbox. Loopback alone: the requests carry credentials."""


def origin(host: str, settings: Settings) -> str:
    """Return where requests for ``host`` go: there by https, or to a sandbox's stand-in."""
    elsewhere = settings.get(API_URL.name, "")
    return elsewhere if elsewhere and API_URL.accepts(elsewhere) else f"https://{host}"


@dataclass(frozen=True)
class Capabilities:
    """
    What a kind of channel can carry; the code around an adapter acts on it.

    Lengths are counted in ``unit``: ``"utf16"`` code units, ``"characters"`` (code points) or
    ``"bytes"`` of UTF-8. Zero means that the channel has no such thing. ``files`` are the file
    types it takes from agents, each with its largest size in bytes; ``consumer_files`` the other
    way. ``reports`` are what it tells of our messages, out of ``delivered``, ``read`` and
    ``failed``. ``window_seconds`` is for how long after a consumer's last message free text may be
    sent. ``typing_at_message`` says that typing is only shown to a :class:`Recipient` with a
    ``mark``. ``per_second`` and ``per_chat_second`` are the provider's rates, zero where not
    published.
    """

    text: int
    unit: Literal["utf16", "characters", "bytes"] = "characters"
    caption: int = 0
    buttons: int = 0
    button_title: int = 0
    rows: int = 0
    row_title: int = 0
    choice_data: int = 0
    text_with_choices: int = 0
    link_buttons: int = 0
    files: Mapping[str, int] = field(default_factory=dict)
    consumer_files: Mapping[str, int] = field(default_factory=dict)
    location_in: bool = False
    location_out: bool = False
    typing_in: bool = False
    typing_out: bool = False
    typing_stops: bool = False
    typing_at_message: bool = False
    reports: frozenset[str] = frozenset()
    read_marks: bool = False
    edits: bool = False
    deletions: bool = False
    reactions: bool = False
    quotes: bool = False
    window_seconds: int = 0
    safe_repeat: bool = False
    per_second: float = 0
    per_chat_second: float = 0


# ── In: from the provider to us ──


@dataclass(frozen=True)
class WebhookRequest:
    """
    A request of the provider, as it came.

    ``url`` is the public address it was sent to, with its query; names of ``headers`` are in small
    letters; ``body`` are the raw bytes.
    """

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What the provider is answered."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


class NotProven(Exception):
    """A webhook without the provider's proof; the message says what is wrong with it."""


class Unreadable(Exception):
    """A proven webhook that is not of the provider's documented form."""


@dataclass(frozen=True)
class Incoming:
    """
    One thing a person did, as a consumer event.

    ``person`` is the most stable id the provider offers for the person, and the one that
    :meth:`Adapter.request` writes to; ``display_name`` is shown to the agent. ``event`` is an event
    of ``docs/channel-api.md`` (``text``, ``typing``), or one that is turned into such a one by the
    code around the adapter:

    - ``{"type": "choice", "data", "text"}``: an offered choice was pressed; ``data`` as in
      :class:`Choice`, ``text`` is its title if the provider tells it
    - ``{"type": "file", "file_type"?, "reference", "caption"?, "name"?}``: ``reference`` is an
      object that :meth:`Adapter.file_request` understands. Without a ``file_type``, which not every
      provider tells, the file's first bytes decide.
    - ``{"type": "location", "latitude", "longitude", "title"?, "address"?}``
    - ``{"type": "report", "message": provider's id, "status": "delivered"|"read"|"failed",
      "reason"?}``: what became of a message of ours. For a provider whose reports are cumulative,
      of the last one.
    - ``{"type": "edited", "text"}``, ``{"type": "deleted"}``, ``{"type": "reaction", "text"}``
    - ``{"type": "not_carried", "what"}``: ``voice message``, ``video``, ``sticker`` …, told to the
      agent in words

    Every event has an ``id`` from the provider's own (the same on a repeat), and may have
    ``"quotes": {"message": provider's id, "text"?}``. Where a read mark or a typing indicator
    needs something else than this ``id``, for example a token, that stands in ``"mark"``.
    """

    person: str = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)
    display_name: str = field(default="", repr=False)


# ── Out: from us to the provider ──


@dataclass(frozen=True)
class Choice:
    """A button or row: it sends back ``data``, or opens ``url``."""

    title: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True)
class Text:
    """Words within the limits of the channel; ``choices`` are within those of ``style``."""

    text: str = field(repr=False)
    choices: Sequence[Choice] = field(default=(), repr=False)
    style: Literal["buttons", "list"] = "buttons"


@dataclass(frozen=True)
class File:
    """A file of a type the channel takes; ``url`` can be fetched without a key for a while."""

    url: str = field(repr=False)
    file_type: str
    caption: str = field(default="", repr=False)
    name: str = field(default="", repr=False)


@dataclass(frozen=True)
class Location:
    """A place on the map."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    title: str = field(default="", repr=False)


@dataclass(frozen=True)
class Typing:
    """The agent types, or has stopped; the latter only where the capabilities say so."""

    is_typing: bool


@dataclass(frozen=True)
class ReadMark:
    """The agent has read the person's message of this provider's id, or of this ``"mark"``."""

    message: str


@dataclass(frozen=True)
class Template:
    """The configured template that is sent outside the provider's window for free text."""

    name: str
    language: str


Piece = Text | File | Location | Typing | ReadMark | Template


@dataclass(frozen=True)
class Recipient:
    """
    To whom: ``person`` as in :class:`Incoming`; ``key`` is a UUID, the same on every repeat.

    ``mark`` is the provider's id, or the ``"mark"``, of the person's last event that said
    something; empty if it is not known.
    """

    person: str = field(repr=False)
    key: str
    mark: str = ""


@dataclass(frozen=True)
class Call:
    """One HTTP request to the provider. Its ``url`` and ``headers`` may hold secrets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProviderAnswer:
    """What the provider answered; names of ``headers`` are found in any case of letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Verdict:
    """
    What an answer means.

    ``sent``: taken, ``message`` is the provider's id of it. ``later``: may be tried again, after
    ``retry_after`` seconds if the provider names them. ``never``: no try will help, for ``reason``:
    ``blocked_by_user``, ``unknown_recipient``, ``window_closed``, ``bad_credentials``,
    ``not_allowed``, ``invalid_message`` or ``refused``. ``detail`` is the provider's error code.
    """

    outcome: Literal["sent", "later", "never"]
    message: str = ""
    reason: str = ""
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Token:
    """A short-lived token that requests carry, and for how many seconds it is good."""

    value: str = field(repr=False)
    seconds: float


class Adapter:
    """
    The interface. What a provider does not have keeps the default.

    Two settings are not typed in. ``address`` is our webhook's own address, for providers that are
    told it with every message; the command line writes it. ``access_token`` is the value of the
    token that :meth:`token_request` asks for; the code around an adapter adds it to the settings of
    every other request.
    """

    kind: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]
    accepted: ClassVar[Reply] = Reply()
    hosts: ClassVar[tuple[str, ...]]
    """
    Host names that requests go to; credentials never go to another one.

    One that begins with a dot stands for every host below it. A file's next address may lead to any
    other host on the internet: such a request is made without the headers that it has.
    """

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what a channel with these settings can carry."""
        raise NotImplementedError

    # In

    def challenge(self, request: WebhookRequest, settings: Settings) -> Reply | None:
        """Answer a set-up request; None if ``request`` is none. Raises :class:`NotProven`."""
        return None

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the provider's proof over the raw bytes; raises :class:`NotProven`."""
        raise NotImplementedError

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Make consumer events of it, in order, if any. Raises :class:`Unreadable`."""
        raise NotImplementedError

    def acknowledge(self, request: WebhookRequest, settings: Settings) -> Reply:
        """Answer a webhook that was proven, read and queued."""
        return self.accepted

    # Out

    def token_request(self, settings: Settings) -> Call | None:
        """Return the request for a short-lived token; None if requests need none."""
        return None

    def token(self, answer: ProviderAnswer) -> Token | None:
        """Return the token in the answer; None if it holds none: :meth:`judge` says why."""
        return None

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write one piece as one request; only pieces that the capabilities allow are asked for."""
        raise NotImplementedError

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Say what the answer to a request means."""
        raise NotImplementedError

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """
        Return the next request by which a consumer's file is fetched, after these ``answers``.

        None says that the last answer is the file. Raises :class:`Unreadable` for an answer that
        leads nowhere.
        """
        raise NotImplementedError

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Return a request that succeeds with right credentials and changes nothing."""
        raise NotImplementedError

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Return the requests that make ``address`` the webhook's, in order; none without API."""
        return ()

    def registration(self, settings: Settings) -> Call | None:
        """Return the request that asks for the webhook's address; None without an API."""
        return None

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return the addresses in the answer to :meth:`registration`; most providers have one."""
        return ()

    def deregister(
        self, address: str, settings: Settings, found: ProviderAnswer | None
    ) -> Call | None:
        """
        Return the request that takes ``address`` away; None without an API.

        ``found`` is the answer to :meth:`registration`, if that is a request; ``address`` is one of
        those in it, so that no other's is taken away.
        """
        return None

    def instructions(self, address: str, settings: Settings) -> str:
        """Return what the operator still has to click; empty if nothing is left to do."""
        return ""
