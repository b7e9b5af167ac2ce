"""All of the simulated LivePerson's state in one value, handed to every service."""

from __future__ import annotations

import threading
from functools import partial

from simulator import notifications
from simulator.conversations import ConversationService
from simulator.faults import REQUEST_KINDS, SENDER, WEBHOOK_KINDS, Faults
from simulator.model import ASSIGNED_AGENT, CONSUMER, Account, Conversation, Event, text_event
from simulator.records import Records
from simulator.timers import Timers
from simulator.webhooks import Outbox, SenderPool

SERVICES = ("domain", "sentinel", "idp", "conversation", "send", "swift", "smt", "accdn")


class SimulatorState:
    """Accounts with their conversations and outboxes, and what all of them share."""

    def __init__(self, unknown_account_status: int = 404) -> None:
        self.url = ""
        self.unknown_account_status = unknown_account_status
        self.accounts: dict[str, Account] = {}
        self.conversations: dict[str, ConversationService] = {}
        self.outboxes: dict[str, Outbox] = {}
        self.records = Records(SERVICES)
        kinds = {**dict.fromkeys(SERVICES, REQUEST_KINDS), SENDER: WEBHOOK_KINDS}
        self.faults = Faults(kinds, readable=("send", SENDER))
        self.timers = Timers()
        self.senders = SenderPool(self.timers, self.faults)
        self._lock = threading.Lock()

    def add(self, account: Account) -> None:
        """Begin to serve an account."""
        with self._lock:
            name = account.account_id
            self.outboxes[name] = Outbox(account, self.senders)
            self.conversations[name] = ConversationService(account, partial(self._notify, account))
            self.accounts[name] = account

    def _notify(
        self, account: Account, conversation: Conversation, events: list[Event] | None
    ) -> None:
        """Queue the webhook of a change, and let the echoing agent answer."""
        if events is None:
            notification = notifications.of_conversation(account, conversation)
        else:
            notification = notifications.of_events(account, conversation, events)
        self.outboxes[account.account_id].push(notification)
        for event in events or ():
            self._echo(account, conversation, event)

    def _echo(self, account: Account, conversation: Conversation, event: Event) -> None:
        """Let the agent answer a consumer's text in MAIN, if the account is set to."""
        template = account.settings.echo_template
        text = event.content.get("message")
        from_connector = event.role == CONSUMER and not conversation.foreign
        in_main = event.dialog_id == conversation.conversation_id
        if template is None or not (from_connector and in_main and isinstance(text, str)):
            return
        answer = partial(self._answer, account, conversation, template.replace("{text}", text))
        account.owed_answers += 1
        if account.settings.echo_agent_delay_ms:
            self.timers.after(account.settings.echo_agent_delay_ms / 1000, answer)
        else:
            answer()

    def _answer(self, account: Account, conversation: Conversation, text: str) -> None:
        with account.lock:
            account.owed_answers -= 1
            service = self.conversations[account.account_id]
            if conversation.main.is_open:
                agent = service.agent(ASSIGNED_AGENT)
                service.publish(conversation, conversation.main, agent, text_event(text))

    @property
    def idle(self) -> bool:
        """Whether no webhook and no agent's answer is still to come."""
        owed = any(account.owed_answers for account in self.accounts.values())
        return not owed and all(outbox.idle for outbox in self.outboxes.values())
