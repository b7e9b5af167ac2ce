"""The simulated LivePerson as an object: start it, tell agents what to do, ask what happened."""

from __future__ import annotations

import base64
import threading
import time
from types import TracebackType
from typing import Any

from simulator import files
from simulator.accounts import Account
from simulator.control import ControlApi, ControlRefused
from simulator.conversations import (
    AGENTS_ONLY,
    ALL,
    Conversation,
    ConversationService,
    Dialog,
    text_event,
)
from simulator.server import Server
from simulator.settings import Settings
from simulator.state import SimulatorState
from simulator.tokens import lp_consumer_id
from simulator.wire import JsonObject

OWN_FIELDS = ("client_id", "client_secret", "webhook_url")


class SimulatedLivePerson:
    """
    A LivePerson on 127.0.0.1 with all its services on one port.

    Port 0 takes a free one; `url` is known before `start`. Every method below `stop` is also in
    the control API and in `LivePersonControl`, and gives only what JSON can carry.
    """

    def __init__(self, port: int = 0, unknown_account_status: int = 404) -> None:
        self._world = SimulatorState(unknown_account_status)
        self._server = Server(port, self._world, ControlApi(self).answer)
        self.port: int = self._server.server_address[1]
        self.url = self._world.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.02),
            name="liveperson",
            daemon=True,
        )

    def start(self) -> SimulatedLivePerson:
        """Begin to answer; return itself."""
        self._world.timers.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer no more, end every connection and send no more webhooks."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.close_all()
        self._world.timers.stop()
        self._world.crew.stop()

    def __enter__(self) -> SimulatedLivePerson:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

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
        self._world.add(Account(account_id, client_id, client_secret, webhook_url, chosen))

    def set(self, account_id: str, **settings: Any) -> None:
        """Change switches, or `client_id`, `client_secret` and `webhook_url`, at run time."""
        account = self._account(account_id)
        own = {name: settings.pop(name) for name in OWN_FIELDS if name in settings}
        account.settings = _changed(account.settings, settings)
        for name, value in own.items():
            setattr(account, name, value)

    def set_webhook_url(self, account_id: str, url: str | None) -> None:
        """Set where webhooks go; None sends none."""
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
        """Return the `lp_consumer_id` that belongs to a connector's own id."""
        return lp_consumer_id(account_id, ext_consumer_id)

    # The brand's side of a conversation

    def agent_text(
        self,
        account_id: str,
        conversation_id: str,
        text: str,
        role: str = "ASSIGNED_AGENT",
        audience: str = ALL,
    ) -> int:
        """Let someone on the brand's side say something; return its sequence number."""
        event = text_event(text)
        return self._say(account_id, conversation_id, event, role=role, audience=audience) or 0

    def private_note(self, account_id: str, conversation_id: str, text: str) -> int:
        """Let an agent write what only agents and managers may see; return its number."""
        return self.agent_text(account_id, conversation_id, text, audience=AGENTS_ONLY)

    def agent_event(
        self,
        account_id: str,
        conversation_id: str,
        event: JsonObject,
        **how: Any,
    ) -> int | None:
        """
        Let the brand's side send any event: a card, quick replies, a secure form.

        `how` may have `role`, `audience` and `metadata`. Returns its number, if it takes one.
        """
        return self._say(account_id, conversation_id, event, **how)

    def agent_typing(
        self, account_id: str, conversation_id: str, chat_state: str = "COMPOSING"
    ) -> None:
        """Let the agent begin to type, or be in any other chat state."""
        event = {"type": "ChatStateEvent", "chatState": chat_state}
        self._say(account_id, conversation_id, event)

    def agent_receipt(
        self,
        account_id: str,
        conversation_id: str,
        sequences: list[int],
        status: str = "READ",
    ) -> int:
        """Let the agent have read (or only got: ACCEPT) events; return the receipt's number."""
        event = {"type": "AcceptStatusEvent", "status": status, "sequenceList": sequences}
        return self._say(account_id, conversation_id, event) or 0

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
        self._say(account_id, conversation_id, event)
        return file.path

    def agent_joins(
        self, account_id: str, conversation_id: str, role: str = "ASSIGNED_AGENT"
    ) -> None:
        """Let an agent take the conversation."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            self._desk(account).join(conversation, role)

    def transfer(self, account_id: str, conversation_id: str, skill_id: str) -> None:
        """Give the conversation to another skill; its agent leaves."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            self._desk(account).transfer(conversation, skill_id)

    def close(self, account_id: str, conversation_id: str, by: str = "AGENT") -> None:
        """Close by AGENT, SYSTEM or another; a survey starts if the account has one."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            if not conversation.is_open:
                raise ControlRefused("the conversation is closed")
            if conversation.main.is_open:
                self._desk(account).close_main(conversation, by, f"Closed by {by.lower()}")
            else:
                self._desk(account).close(conversation, by)

    def start_survey(self, account_id: str, conversation_id: str, by: str = "AGENT") -> str:
        """Close MAIN and start a survey whatever the account's switch; return its dialog id."""
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            desk = self._desk(account)
            if not (conversation.main.is_open and desk.can_survey(conversation)):
                raise ControlRefused("needs an open MAIN, an agent, and MULTI_DIALOG")
            return desk.start_survey(conversation, by, f"Closed by {by.lower()}").dialog_id

    def foreign_conversation(self, account_id: str, texts: list[str]) -> str:
        """Let another channel of the brand have a conversation; return its id."""
        account = self._account(account_id)
        with account.lock:
            return self._desk(account).open_foreign(texts).conversation_id

    # What happened

    def conversations(self, account_id: str) -> list[JsonObject]:
        """Return every conversation, oldest first, with its transcript."""
        account = self._account(account_id)
        with account.lock:
            return [_conversation(account, each) for each in account.conversations.values()]

    def profile(self, account_id: str, ext_consumer_id: str) -> JsonObject | None:
        """Return the engagement attributes last set for a consumer."""
        account = self._account(account_id)
        return account.profiles.get(lp_consumer_id(account_id, ext_consumer_id))

    def file_content(self, account_id: str, relative_path: str) -> str | None:
        """Return what was uploaded to a path, in Base64; None if nothing was."""
        file = self._account(account_id).files.get(relative_path)
        if file is None or file.content is None:
            return None
        return base64.b64encode(file.content).decode()

    def deliveries(self, account_id: str, limit: int | None = None) -> list[JsonObject]:
        """Return every attempt to deliver a webhook, oldest first, or the latest `limit`."""
        self._account(account_id)
        return self._world.outboxes[account_id].deliveries(limit)

    def webhook_state(self, account_id: str) -> JsonObject:
        """Return the state of the retry mechanism, the states it went through, and totals."""
        self._account(account_id)
        return self._world.outboxes[account_id].as_json()

    def counts(self) -> JsonObject:
        """Return requests by service (and under `accounts` by account), connections, faults."""
        senders = [outbox.as_json() for outbox in self._world.outboxes.values()]
        webhooks = {
            name: sum(each[name] for each in senders)
            for name in ("attempts", "delivered", "dropped", "pending")
        }
        faults = self._world.faults.applied()
        return {**self._world.records.counts(), "faults": faults, "webhooks": webhooks}

    def violations(self) -> list[JsonObject]:
        """Return what a strict reader of LivePerson's pages would refuse or warn of."""
        return self._world.records.violations()

    def clear_violations(self, account_id: str | None = None) -> None:
        """Forget the violations of an account, or all of them."""
        self._world.records.clear_violations(account_id)

    def requests(
        self, service: str | None = None, account_id: str | None = None, limit: int = 200
    ) -> list[JsonObject]:
        """Return the latest requests, redacted, oldest first."""
        return self._world.records.requests(service, account_id, int(limit))

    def state(self) -> JsonObject:
        """Return an overview: accounts with their switches, sender states and faults."""
        return {
            "url": self.url,
            "idle": self._world.idle,
            "faults": self._world.faults.as_json(),
            "violations": len(self.violations()),
            "accounts": {name: self._overview(each) for name, each in self._accounts().items()},
        }

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until no webhook and no agent's answer is to come; False after `timeout` s."""
        deadline = time.monotonic() + timeout
        while not self._world.idle:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    # Faults

    def add_fault(self, **rule: Any) -> None:
        """Add a rule of `faults`: service, kind, account, status, times, probability …."""
        try:
            self._world.faults.add(rule)
        except (TypeError, ValueError) as problem:
            raise ControlRefused(str(problem)) from None

    def clear_faults(self) -> None:
        """Remove every rule."""
        self._world.faults.clear()

    def faults(self) -> list[JsonObject]:
        """Return the rules with how often each was applied."""
        return self._world.faults.as_json()

    def faults_applied(self) -> list[JsonObject]:
        """Return every request and webhook that was spoilt, oldest first: when and how."""
        return self._world.faults.journal()

    # Inside

    def _accounts(self) -> dict[str, Account]:
        return dict(self._world.accounts)

    def _account(self, account_id: str) -> Account:
        account = self._world.accounts.get(account_id)
        if account is None:
            raise ControlRefused(f"no account {account_id}")
        return account

    def _desk(self, account: Account) -> ConversationService:
        return self._world.desks[account.account_id]

    def _conversation(self, account_id: str, conversation_id: str) -> tuple[Account, Conversation]:
        account = self._account(account_id)
        conversation = account.conversations.get(conversation_id)
        if conversation is None:
            raise ControlRefused(f"no conversation {conversation_id}")
        return account, conversation

    def _say(
        self, account_id: str, conversation_id: str, event: JsonObject, **how: Any
    ) -> int | None:
        unknown = set(how) - {"role", "audience", "metadata"}
        if unknown or "type" not in event:
            raise ControlRefused(f"an event needs a type, and nobody knows {sorted(unknown)}")
        account, conversation = self._conversation(account_id, conversation_id)
        with account.lock:
            desk, dialog = self._desk(account), conversation.open_dialog
            if dialog is None:
                raise ControlRefused("the conversation is closed")
            sender = desk.agent(how.get("role", "ASSIGNED_AGENT"), how.get("audience", ALL))
            metadata = how.get("metadata")
            return desk.publish(conversation, dialog, sender, event, metadata).sequence

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
            "webhooks": self._world.outboxes[account.account_id].as_json(),
        }


def _changed(settings: Settings, changes: JsonObject) -> Settings:
    try:
        return settings.changed(**changes)
    except ValueError as problem:
        raise ControlRefused(str(problem)) from None


def _conversation(account: Account, conversation: Conversation) -> JsonObject:
    return {
        "conversation_id": conversation.conversation_id,
        "consumer": conversation.consumer_id,
        "ext_consumer_id": account.consumers.get(conversation.consumer_id),
        "foreign": conversation.foreign,
        "stage": conversation.stage,
        "state": conversation.main.state,
        "close_reason": conversation.close_reason,
        "skill_id": conversation.skill_id,
        "csat": conversation.csat,
        "ttr": conversation.ttr,
        "features": sorted(conversation.features),
        "request": conversation.request,
        "dialogs": [_dialog(each) for each in conversation.dialogs],
        "transcript": [each.as_json() for each in conversation.moments],
    }


def _dialog(dialog: Dialog) -> JsonObject:
    return {"dialog_id": dialog.dialog_id, "type": dialog.kind, "state": dialog.state}
