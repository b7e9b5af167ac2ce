"""
Every switch of a simulated account.

The defaults are what LivePerson documents. Where its pages are silent or disagree, the switch says
so, and a test can run both ways. Times are in the unit at the end of the name; the webhook sender
multiplies its waits by `time_scale`, so that a test need not wait five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How one account behaves. Immutable: `changed` returns a new value."""

    # Sentinel and IDP
    app_jwt_life_seconds: int = 3600
    """Authorization page: an AppJWT lives one hour."""
    app_jwt_issuer: str = "Sentinel"
    """Authorization page: the sample says `Sentinel`, the text `sentinel`."""
    app_jwt_omit_claims: tuple[str, ...] = ()
    """Claims left out of new AppJWTs; without `iss` the Send API answers 40001."""
    answer_expires_in: bool = False
    """Unpublished: whether Sentinel's answer carries `expires_in`."""
    strict_secret_placement: bool = True
    """A client secret in a query string is accepted, as LivePerson does, but is a violation."""

    # Domain API
    unknown_service_status: int = 404
    """Unpublished: 404 or 400 for a service name that does not exist."""
    base_uris: dict[str, str] = field(default_factory=dict)
    """Base URIs to answer instead of the simulator's own, by service name."""

    # Send API
    request_limit_characters: int = 5000
    """How-to guide: a longer SEND request is answered 400."""
    preview_counts: bool = False
    """Unpublished: whether a file's preview, of up to 30 KB, counts towards that limit."""
    refuse_unknown_fields: bool = False
    """An unknown field is always a violation; with this it is also answered 400."""
    refuse_numeric_ids: bool = False
    """Published samples use numbers as ids; always a violation, with this also answered 400."""
    refuse_undocumented: bool = False
    """Forms that clients send and no page has: always violations, with this also refused."""
    swap_missing_header_codes: bool = False
    """Authorization page: its sample exchanges 40104 and 40105."""
    foreign_consumer_error_code: int | None = None
    """Unpublished: the errorCode of the 401 for another consumer's conversation."""
    closed_status: int = 400
    """Unpublished: the answer to a SEND into a closed conversation or dialog."""
    closed_message: str = "Conversation is closed"
    """Unpublished, like `closed_status`: the `msg` of that answer."""
    unknown_conversation_status: int = 400
    """Unpublished: the answer to a SEND into a conversation that does not exist."""
    unknown_conversation_message: str = "Conversation not found"
    """Unpublished, like `unknown_conversation_status`."""
    close_closed_status: int = 400
    """Unpublished: the answer to closing what is closed; 200 makes it succeed."""
    new_conversation_usable_after_ms: int = 0
    """How long a new conversation is unknown to SEND; an old draft warns of that."""
    accept_rich_content: bool = False
    """Unpublished: whether a connector may send a RichContentEvent."""
    accept_chat_state_in_survey: bool = False
    """The sample app says a survey dialog takes no chat states."""

    # Files
    file_sharing: bool = True
    """The account property `messaging.file.sharing.enabled`."""
    temp_url_life_seconds: float = 60
    """Examples page: a signed URL lives one minute."""

    # Monitoring
    monitoring: str = "expose"
    """`expose`, `none` (no eligible engagement) or `loading`."""
    loading_times: int | None = None
    """How many calls are answered "loading" before it becomes `expose`; None: every call."""
    campaign_id: int = 880524023
    engagement_id: int = 880524123

    # Webhooks: the app's manifest
    webhook_urls: dict[str, str] = field(default_factory=dict)
    """Endpoint by manifest key, for example `ms.MessagingEventNotification.ContentEvent`."""
    webhook_headers: dict[str, str] = field(default_factory=dict)
    """The manifest's own headers, added to every webhook."""
    retry: str = "ttl"
    """`none`, `number` (deprecated by LivePerson) or `ttl`."""
    retention_time_seconds: float = 259_200
    """Retry page: how long `ttl` retries, 2 s to 3 days."""
    max_retries: dict[str, int] = field(default_factory=dict)
    """Retries by manifest key for `number`; 0 keeps that key out of `ttl`."""
    time_scale: float = 1.0
    """Factor on every wait of the webhook sender: 0.01 makes 2 s into 20 ms."""
    webhook_timeout_seconds: float = 5.0
    """Notification protocol page: for connecting and for the answer; not scaled."""
    slow_answer_seconds: float = 2.5
    """Notification protocol page: slower than this for two minutes may disable the app."""

    # Webhooks: their form
    signature: str = "sha1"
    """`sha1` (default) or `sha256`, set per account by LivePerson."""
    signature_encoding: str = "base64"
    """`base64` (default) or `hex`."""
    omit_conversation_id: bool = False
    """The 2018 form of messages has no `conversationId`."""
    omit_audience: bool = False
    """The 2018 form has no `messageAudience`; private notes keep theirs."""
    omit_dialogs: bool = False
    """The 2018 form of conversation changes: no `dialogs`, `stage`, `skillId`."""
    null_metadata: bool = False
    """`metadata: null` where there is none."""
    unknown_fields: bool = False
    """Unknown fields, as a newer LivePerson might send them."""
    envelope: str = "subscriptionId"
    """`subscriptionId` (on conversation changes), `sentTs` (on all) or `none`."""
    changes_per_body: int = 1
    """How many waiting changes of one kind one body may have."""

    # The brand's side
    auto_join: bool = False
    """An agent joins every new conversation of the connector."""
    echo_agent: bool | str = False
    """The agent answers each consumer text; a string is the template, True is `re: {text}`."""
    echo_agent_delay_ms: int = 0
    survey: bool = False
    """A post-conversation survey starts when the MAIN dialog of a capable client closes."""
    survey_questions: tuple[str, ...] = ("How would you rate your overall experience?",)
    skill_id: str = "-1"
    agent_nickname: str = "Alex"
    agent_picture_url: str = ""
    """Public profile page: a picture only where the agent has one."""

    def changed(self, **changes: Any) -> Settings:
        """Return these settings with some replaced; raise ValueError for an unknown name."""
        known = {each.name for each in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}")
        return replace(self, **{name: _frozen(value) for name, value in changes.items()})

    @property
    def echo_template(self) -> str | None:
        """The agent's answer, with `{text}` for the consumer's text; None without an answer."""
        if self.echo_agent is True:
            return "re: {text}"
        return self.echo_agent or None


def _frozen(value: Any) -> Any:
    """Return a tuple for a list from JSON, any other value unchanged."""
    return tuple(value) if isinstance(value, list) else value
