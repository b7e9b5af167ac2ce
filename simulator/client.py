"""`LivePersonControl`: the simulator's methods, for a simulator in another process."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from simulator.control import ControlRefused
from simulator.wire import JsonObject


class LivePersonControl:
    """Drives a simulator over its control API; see `SimulatedLivePerson` for each method."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def add_account(
        self,
        account_id: str,
        client_id: str,
        client_secret: str,
        webhook_url: str | None = None,
        **settings: Any,
    ) -> None:
        """Install an app in an account."""
        own = {
            "client_id": client_id,
            "client_secret": client_secret,
            "webhook_url": webhook_url,
        }
        self._ask("PUT", _account(account_id), {**own, **settings})

    def set(self, account_id: str, **settings: Any) -> None:
        """Change switches of an account."""
        self._ask("PUT", _account(account_id), settings)

    def set_webhook_url(self, account_id: str, url: str | None) -> None:
        """Set where webhooks go."""
        self.set(account_id, webhook_url=url)

    def revoke_tokens(self, account_id: str) -> None:
        """Make every AppJWT issued so far invalid."""
        self._ask("POST", _account(account_id, "revoke-tokens"))

    def revoke_consumer_jws(self, account_id: str) -> None:
        """Make every ConsumerJWS issued so far invalid."""
        self._ask("POST", _account(account_id, "revoke-consumer-jws"))

    def consumer_id(self, account_id: str, ext_consumer_id: str) -> str:
        """Return the `lp_consumer_id` of a connector's own id."""
        body = {"ext_consumer_id": ext_consumer_id}
        found: str = self._ask("POST", _account(account_id, "consumer-id"), body)
        return found

    def profile(self, account_id: str, ext_consumer_id: str) -> JsonObject | None:
        """Return the engagement attributes last set for a consumer."""
        body = {"ext_consumer_id": ext_consumer_id}
        found: JsonObject | None = self._ask("POST", _account(account_id, "profile"), body)
        return found

    def agent_text(
        self,
        account_id: str,
        conversation_id: str,
        text: str,
        role: str = "ASSIGNED_AGENT",
        audience: str = "ALL",
    ) -> int:
        """Let someone on the brand's side say something."""
        body = {"text": text, "role": role, "audience": audience}
        number: int = self._act(account_id, conversation_id, "agent-text", body)
        return number

    def private_note(self, account_id: str, conversation_id: str, text: str) -> int:
        """Let an agent write what only agents and managers may see."""
        number: int = self._act(account_id, conversation_id, "private-note", {"text": text})
        return number

    def agent_event(
        self, account_id: str, conversation_id: str, event: JsonObject, **how: Any
    ) -> int | None:
        """Let the brand's side send any event."""
        body = {"event": event, **how}
        number: int | None = self._act(account_id, conversation_id, "agent-event", body)
        return number

    def agent_typing(
        self, account_id: str, conversation_id: str, chat_state: str = "COMPOSING"
    ) -> None:
        """Let the agent begin to type."""
        self._act(account_id, conversation_id, "agent-typing", {"chat_state": chat_state})

    def agent_receipt(
        self,
        account_id: str,
        conversation_id: str,
        sequences: list[int],
        status: str = "READ",
    ) -> int:
        """Let the agent have read events."""
        body = {"sequences": sequences, "status": status}
        number: int = self._act(account_id, conversation_id, "agent-receipt", body)
        return number

    def agent_file(
        self,
        account_id: str,
        conversation_id: str,
        content_base64: str,
        file_type: str = "PNG",
        caption: str = "",
    ) -> str:
        """Let the agent send a file; return its `relativePath`."""
        body = {"content_base64": content_base64, "file_type": file_type, "caption": caption}
        path: str = self._act(account_id, conversation_id, "agent-file", body)
        return path

    def agent_joins(
        self, account_id: str, conversation_id: str, role: str = "ASSIGNED_AGENT"
    ) -> None:
        """Let an agent take the conversation."""
        self._act(account_id, conversation_id, "agent-joins", {"role": role})

    def transfer(self, account_id: str, conversation_id: str, skill_id: str) -> None:
        """Give the conversation to another skill."""
        self._act(account_id, conversation_id, "transfer", {"skill_id": skill_id})

    def close(self, account_id: str, conversation_id: str, by: str = "AGENT") -> None:
        """Close a conversation from the brand's side."""
        self._act(account_id, conversation_id, "close", {"by": by})

    def start_survey(self, account_id: str, conversation_id: str, by: str = "AGENT") -> str:
        """Close MAIN and start a survey; return its dialog id."""
        dialog: str = self._act(account_id, conversation_id, "survey", {"by": by})
        return dialog

    def foreign_conversation(self, account_id: str, texts: list[str]) -> str:
        """Let another channel of the brand have a conversation; return its id."""
        path = _account(account_id, "foreign-conversations")
        identity: str = self._ask("POST", path, {"texts": texts})
        return identity

    def conversations(self, account_id: str) -> list[JsonObject]:
        """Return every conversation with its transcript."""
        return self._list(_account(account_id, "conversations"))

    def file_content(self, account_id: str, relative_path: str) -> str | None:
        """Return what was uploaded to a path, in Base64; None if nothing was."""
        body = {"relative_path": relative_path}
        content: str | None = self._ask("POST", _account(account_id, "file-content"), body)
        return content

    def deliveries(self, account_id: str, limit: int | None = None) -> list[JsonObject]:
        """Return every attempt to deliver a webhook, or the latest `limit`."""
        path = _account(account_id, "webhooks")
        return self._list(path if limit is None else f"{path}?limit={limit}")

    def webhook_state(self, account_id: str) -> JsonObject:
        """Return the state of the retry mechanism."""
        return self._object(_account(account_id, "webhook-state"))

    def counts(self) -> JsonObject:
        """Return requests by service, connections, faults and webhooks."""
        return self._object("/counts")

    def violations(self) -> list[JsonObject]:
        """Return what was wrong with requests."""
        return self._list("/violations")

    def clear_violations(self, account_id: str | None = None) -> None:
        """Forget the violations of an account, or all of them."""
        self._ask("DELETE", "/violations", {"account_id": account_id})

    def requests(
        self, service: str | None = None, account_id: str | None = None, limit: int = 200
    ) -> list[JsonObject]:
        """Return the latest requests, redacted."""
        given = {"service": service, "account_id": account_id}
        query = "".join(f"&{name}={quote(value)}" for name, value in given.items() if value)
        return self._list(f"/requests?limit={limit}{query}")

    def state(self) -> JsonObject:
        """Return an overview."""
        return self._object("/state")

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is to come; False after `timeout` seconds."""
        idle: bool = self._ask("POST", "/wait-idle", {"timeout": timeout}, timeout + 10)
        return idle

    def add_fault(self, **rule: Any) -> None:
        """Add a fault."""
        self._ask("POST", "/faults", rule)

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._ask("DELETE", "/faults")

    def faults(self) -> list[JsonObject]:
        """Return the faults in force."""
        return self._list("/faults")

    def faults_applied(self) -> list[JsonObject]:
        """Return every request and webhook that was spoilt."""
        return self._list("/faults-applied")

    # Inside

    def _act(self, account_id: str, conversation_id: str, action: str, body: JsonObject) -> Any:
        place = f"conversations/{quote(conversation_id, safe='')}/{action}"
        return self._ask("POST", _account(account_id, place), body)

    def _list(self, path: str) -> list[JsonObject]:
        found: list[JsonObject] = self._ask("GET", path)
        return found

    def _object(self, path: str) -> JsonObject:
        found: JsonObject = self._ask("GET", path)
        return found

    def _ask(
        self, method: str, path: str, body: JsonObject | None = None, timeout: float = 30
    ) -> Any:
        address = f"{self.url}/simulator{path}"
        answer = self._session.request(method, address, json=body, timeout=timeout)
        content = answer.json()
        if answer.status_code != 200:
            raise ControlRefused(content["error"])
        return content["result"]


def _account(account_id: str, rest: str = "") -> str:
    path = f"/accounts/{quote(account_id, safe='')}"
    return f"{path}/{rest}" if rest else path
