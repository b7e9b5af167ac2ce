"""Methods to control a simulated LivePerson and to inspect it, here or over HTTP (`rpc`)."""

from __future__ import annotations

import base64
import time
from typing import Any

from simulator import files
from simulator.calls import JsonObject
from simulator.conversations import ConversationService
from simulator.model import AGENTS_ONLY, ALL, ASSIGNED_AGENT, Account, Conversation, text_event
from simulator.settings import Settings
from simulator.state import SimulatorState
from simulator.tokens import lp_consumer_id

OWN_FIELDS = ("client_id", "client_secret", "webhook_url")


class ControlRefused(Exception):
    """The simulator cannot do what was asked; the message says why."""


class Controls:
    """
    Every method takes and returns only values that JSON can carry.

    Errors: `ControlRefused` for an unknown account or conversation, or what its state forbids.
    """

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    # Accounts

    def add_account(
        self,
        account_id: str,
        client_id: str,
        client_secret: str,
        webhook_url: str | None = None,
        **settings: Any,
    ) -> None:
        """Install an app in an account, with any of the switches in `settings`."""
        chosen = _changed(Settings(), settings)
        self._state.add(Account(account_id, client_id, client_secret, webhook_url, chosen))

    def put_account(self, account_id: str, **fields: Any) -> None:
        """Call `set` for an account that exists, else `add_account`."""
        known = account_id in self._state.accounts
        (self.set if known else self.add_account)(account_id, **fields)

    def set(self, account_id: str, **settings: Any) -> None:
        """Change switches, `client_id`, `client_secret` or `webhook_url` of an account."""
        account = self._account(account_id)
        own = {name: settings.pop(name) for name in OWN_FIELDS if name in settings}
        account.settings = _changed(account.settings, settings)
        for name, value in own.items():
            setattr(account, name, value)

    def set_webhook_url(self, account_id: str, url: str | None) -> None:
        """Set the URL for webhooks; None sends none."""
        self._account(account_id).webhook_url = url

    def revoke_tokens(self, account_id: str) -> None:
        """Make every AppJWT issued so far invalid (40102)."""
        account = self._account(account_id)
        with account.lock:
            account.revoke_tokens()

    def revoke_consumer_jws(self, account_id: str) -> None:
        """Make every ConsumerJWS issued so far invalid (40103)."""
        self._account(account_id).jws_generation += 1

    def consumer_id(self, account_id: str, ext_consumer_id: str) -> str:
        """Return the `lp_consumer_id` of the connector's own id of a consumer."""
        return lp_consumer_id(account_id, ext_consumer_id)

    # The brand's side of a conversation

    def agent_text(
        self,
        account_id: str,
        conversation_id: str,
        text: str,
        role: str = ASSIGNED_AGENT,
        audience: str = ALL,
    ) -> int:
        """Let the brand's side send a text; return its sequence number."""
        event = text_event(text)
        number = self.agent_event(account_id, conversation_id, event, role=role, audience=audience)
        return number or 0

    def private_note(self, account_id: str, conversation_id: str, text: str) -> int:
        """Let an agent write a note for agents and managers alone; return its number."""
        return self.agent_text(account_id, conversation_id, text, audience=AGENTS_ONLY)

    def agent_event(  # noqa: PLR0913 (what an event may have)
        self,
        account_id: str,
        conversation_id: str,
        event: JsonObject,
        *,
        role: str = ASSIGNED_AGENT,
        audience: str = ALL,
        metadata: list[JsonObject] | None = None,
    ) -> int | None:
        """
        Let the brand's side send any event: a card, quick replies, a secure form.

        Returns its sequence number; None for a chat state, which has none.
        """
        if "type" not in event:
            raise ControlRefused("an event needs a type")
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            service, dialog = self._service(account), conversation.open_dialog
            if dialog is None:
                raise ControlRefused("the conversation is closed")
            sender = service.agent(role, audience)
            return service.publish(conversation, dialog, sender, event, metadata).sequence

    def agent_typing(
        self, account_id: str, conversation_id: str, chat_state: str = "COMPOSING"
    ) -> None:
        """Let the agent be in a chat state."""
        event = {"type": "ChatStateEvent", "chatState": chat_state}
        self.agent_event(account_id, conversation_id, event)

    def agent_receipt(
        self,
        account_id: str,
        conversation_id: str,
        sequences: list[int],
        status: str = "READ",
    ) -> int:
        """Let the agent acknowledge events with READ or ACCEPT; return the receipt's number."""
        event = {"type": "AcceptStatusEvent", "status": status, "sequenceList": sequences}
        return self.agent_event(account_id, conversation_id, event) or 0

    def agent_file(
        self,
        account_id: str,
        conversation_id: str,
        content_base64: str,
        file_type: str = "PNG",
        caption: str = "",
    ) -> str:
        """Let the agent send a file; return its `relativePath`."""
        account, conversation = self._conversation(account_id, conversation_id)
        content = base64.b64decode(content_base64)
        file = files.announce(account, conversation.consumer_id, file_type, len(content))
        file.content = content
        message = {"caption": caption, "relativePath": file.path, "fileType": file_type}
        event = {"type": "ContentEvent", "contentType": "hosted/file", "message": message}
        self.agent_event(account_id, conversation_id, event)
        return file.path

    def agent_joins(
        self, account_id: str, conversation_id: str, role: str = ASSIGNED_AGENT
    ) -> None:
        """Let an agent take the conversation."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            self._service(account).join(conversation, role)

    def transfer(self, account_id: str, conversation_id: str, skill_id: str) -> None:
        """Give the conversation to another skill; its agent leaves."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            self._service(account).transfer(conversation, skill_id)

    def close(self, account_id: str, conversation_id: str, by: str = "AGENT") -> None:
        """Close a conversation by AGENT, SYSTEM …; a survey starts if the account has one."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            if not conversation.is_open:
                raise ControlRefused("the conversation is closed")
            if conversation.main.is_open:
                self._service(account).close_main(conversation, by, f"Closed by {by.lower()}")
            else:
                self._service(account).close(conversation, by)

    def start_survey(self, account_id: str, conversation_id: str, by: str = "AGENT") -> str:
        """Close MAIN and start a survey, whatever the switch `survey`; return its dialog id."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            service = self._service(account)
            if not (conversation.main.is_open and service.can_survey(conversation)):
                raise ControlRefused("needs an open MAIN, an agent, and MULTI_DIALOG")
            return service.start_survey(conversation, by, f"Closed by {by.lower()}").dialog_id

    def foreign_conversation(self, account_id: str, texts: list[str]) -> str:
        """Open a conversation of another channel, with texts of both sides; return its id."""
        account = self._account(account_id)
        with account.lock:
            return self._service(account).open_foreign(texts).conversation_id

    # What happened

    def conversations(self, account_id: str) -> list[JsonObject]:
        """Return every conversation, oldest first, with its transcript."""
        account = self._account(account_id)
        with account.lock:
            return [
                each.as_json(account.consumers.get(each.consumer_id))
                for each in account.conversations.values()
            ]

    def profile(self, account_id: str, ext_consumer_id: str) -> JsonObject | None:
        """Return the engagement attributes last set for a consumer; None if there are none."""
        account = self._account(account_id)
        return account.profiles.get(lp_consumer_id(account_id, ext_consumer_id))

    def file_content(self, account_id: str, relative_path: str) -> str | None:
        """Return the bytes stored at a path, in Base64; None if there are none."""
        file = self._account(account_id).files.get(relative_path)
        if file is None or file.content is None:
            return None
        return base64.b64encode(file.content).decode()

    def deliveries(self, account_id: str, limit: int | None = None) -> list[JsonObject]:
        """Return every attempt to deliver a webhook, oldest first, or the latest `limit`."""
        self._account(account_id)
        return self._state.outboxes[account_id].deliveries(limit)

    def webhook_state(self, account_id: str) -> JsonObject:
        """Return the state of the retry mechanism, the states it went through, and totals."""
        self._account(account_id)
        return self._state.outboxes[account_id].as_json()

    def counts(self) -> JsonObject:
        """Return how many requests (also by account), faults and webhooks there were."""
        senders = [outbox.as_json() for outbox in self._state.outboxes.values()]
        webhooks = {
            name: sum(each[name] for each in senders)
            for name in ("attempts", "delivered", "dropped", "pending")
        }
        faults = self._state.faults.applied()
        return {**self._state.records.counts(), "faults": faults, "webhooks": webhooks}

    def violations(self) -> list[JsonObject]:
        """Return what a strict reader of LivePerson's pages would refuse or warn of."""
        return self._state.records.violations()

    def clear_violations(self, account_id: str | None = None) -> None:
        """Forget the violations of an account, or all of them."""
        self._state.records.clear_violations(account_id)

    def requests(
        self, service: str | None = None, account_id: str | None = None, limit: int = 200
    ) -> list[JsonObject]:
        """Return the latest requests, redacted, oldest first."""
        return self._state.records.requests(service, account_id, int(limit))

    def state(self) -> JsonObject:
        """Return an overview: accounts with their switches, sender states and faults."""
        return {
            "url": self._state.url,
            "idle": self._state.idle,
            "faults": self._state.faults.as_json(),
            "violations": len(self.violations()),
            "accounts": {
                name: self._overview(each) for name, each in dict(self._state.accounts).items()
            },
        }

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until no webhook and no agent's answer is due; return False after `timeout` s."""
        deadline = time.monotonic() + timeout
        while not self._state.idle:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    # Faults

    def add_fault(self, **rule: Any) -> None:
        """Add a rule of `faults`: service, kind, account, status, times, probability …."""
        try:
            self._state.faults.add(rule)
        except (TypeError, ValueError) as problem:
            raise ControlRefused(str(problem)) from None

    def clear_faults(self) -> None:
        """Remove every rule."""
        self._state.faults.clear()

    def faults(self) -> list[JsonObject]:
        """Return the rules with how often each was applied."""
        return self._state.faults.as_json()

    def faults_applied(self) -> list[JsonObject]:
        """Return every request and webhook that a fault spoilt, oldest first."""
        return self._state.faults.journal()

    # Inside

    def _account(self, account_id: str) -> Account:
        account = self._state.accounts.get(account_id)
        if account is None:
            raise ControlRefused(f"no account {account_id}")
        return account

    def _service(self, account: Account) -> ConversationService:
        return self._state.conversations[account.account_id]

    def _conversation(self, account_id: str, conversation_id: str) -> tuple[Account, Conversation]:
        account = self._account(account_id)
        conversation = account.conversations.get(conversation_id)
        if conversation is None:
            raise ControlRefused(f"no conversation {conversation_id}")
        return account, conversation

    def _overview(self, account: Account) -> JsonObject:
        settings = {
            name: value
            for name, value in vars(account.settings).items()
            if value != getattr(Settings(), name) and name != "webhook_headers"
        }
        return {
            "client_id": account.client_id,
            "webhook_url": account.webhook_url,
            "settings": settings,
            "conversations": len(account.conversations),
            "webhooks": self._state.outboxes[account.account_id].as_json(),
        }


def _changed(settings: Settings, changes: JsonObject) -> Settings:
    try:
        return settings.changed(**changes)
    except ValueError as problem:
        raise ControlRefused(str(problem)) from None
