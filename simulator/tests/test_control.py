"""What the control API, the records and the server promise."""

from __future__ import annotations

import ast
import inspect
import json
import socket
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
import requests

import simulator as package
from simulator import ControlRefused, LivePersonControl, SimulatedLivePerson
from simulator.__main__ import main
from simulator.control import Controls
from simulator.faults import REQUEST_KINDS, WEBHOOK_KINDS
from simulator.settings import Settings
from simulator.tests.helpers import ACCOUNT, SECRET, Connector, Endpoint


@pytest.fixture(name="control")
def _control(lp: SimulatedLivePerson) -> LivePersonControl:
    return LivePersonControl(lp.url)


def public_methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}


def test_the_client_has_every_method() -> None:
    """Whatever can be told to a simulator in this process can be told to one in another."""
    client = LivePersonControl("http://127.0.0.1:1")

    assert public_methods(SimulatedLivePerson) - {"start", "stop"} == public_methods(Controls)
    assert all(callable(getattr(client, name)) for name in public_methods(Controls))
    with pytest.raises(AttributeError):
        client.stop()


def test_the_client_does_what_the_object_does(
    lp: SimulatedLivePerson, control: LivePersonControl, connector: Connector, endpoint: Endpoint
) -> None:
    """Driven over HTTP, agents speak, conversations close, and the same is reported."""
    control.set(ACCOUNT, skill_id="7")
    control.set_webhook_url(ACCOUNT, endpoint.webhooks_url)
    conversation_id = connector.opened()
    control.agent_joins(ACCOUNT, conversation_id)
    assert control.agent_text(ACCOUNT, conversation_id, "hi", role="MANAGER") == 0
    assert control.private_note(ACCOUNT, conversation_id, "psst") == 1
    control.agent_typing(ACCOUNT, conversation_id)
    assert control.agent_receipt(ACCOUNT, conversation_id, [0]) == 2
    secure = {"type": "ContentEvent", "contentType": "forms/secure-invitation", "message": {}}
    assert control.agent_event(ACCOUNT, conversation_id, secure, role="MANAGER") == 3
    assert control.agent_file(ACCOUNT, conversation_id, "AAAA").startswith("/v1/")
    control.transfer(ACCOUNT, conversation_id, "8")
    control.close(ACCOUNT, conversation_id)
    control.foreign_conversation(ACCOUNT, ["x"])
    assert control.wait_idle(5)

    assert control.conversations(ACCOUNT) == lp.conversations(ACCOUNT)
    assert control.deliveries(ACCOUNT) == lp.deliveries(ACCOUNT)
    assert len(control.deliveries(ACCOUNT, limit=2)) == 2
    assert control.counts()["webhooks"] == lp.counts()["webhooks"]
    assert control.webhook_state(ACCOUNT) == lp.webhook_state(ACCOUNT)
    assert control.consumer_id(ACCOUNT, "x") == lp.consumer_id(ACCOUNT, "x")
    assert control.profile(ACCOUNT, "consumer-1") == {}
    assert control.requests(service="idp")[0]["status"] == 201
    assert control.state()["accounts"][ACCOUNT]["settings"]["skill_id"] == "7"


def test_accounts_and_faults_can_be_made_over_http(control: LivePersonControl) -> None:
    """A second account is installed and broken from outside; it works again without the fault."""
    control.add_account("2", "client", "secret", survey=True)
    control.add_fault(service="domain", account="2", kind="status", status=503)
    url = f"{control.url}/api/account/2/service/idp/baseURI.json?version=1.0"
    broken = requests.get(url, timeout=5)
    applied = control.faults()[0]["applied"]
    control.clear_faults()

    assert (broken.status_code, applied) == (503, 1)
    assert requests.get(url, timeout=5).status_code == 200


def test_what_cannot_be_done_says_why(control: LivePersonControl) -> None:
    """An unknown account, conversation, setting or fault is refused with a reason."""
    with pytest.raises(ControlRefused, match="no account 9"):
        control.close("9", "x")
    with pytest.raises(ControlRefused, match="no conversation x"):
        control.close(ACCOUNT, "x")
    with pytest.raises(ControlRefused, match="no such setting: colour"):
        control.set(ACCOUNT, colour="red")
    with pytest.raises(ControlRefused, match="no such service"):
        control.add_fault(service="mars", kind="status")


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_control_is_for_this_machine_only(lp: SimulatedLivePerson, headers: dict[str, str]) -> None:
    """A web page elsewhere cannot steer the simulator through a browser on this machine."""
    answer = requests.get(f"{lp.url}/simulator/state", headers=headers, timeout=5)

    assert answer.status_code == 403


OF_ACCOUNT = f"accounts/{ACCOUNT}"
OF_CONVERSATION = f"{OF_ACCOUNT}/conversations/none"
READING = ["state", "counts", "violations", "requests?limit=1", "faults", "faults-applied"]
READING += [f"{OF_ACCOUNT}/{name}" for name in ("conversations", "webhooks", "webhook-state")]
ACTIONS = ["agent-text", "private-note", "agent-event", "agent-typing", "agent-receipt"]
ACTIONS += ["agent-file", "agent-joins", "transfer", "close", "survey"]
OTHERS = ["profile", "file-content", "consumer-id", "revoke-tokens", "revoke-consumer-jws"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in READING),
        *(("POST", f"{OF_CONVERSATION}/{name}") for name in ACTIONS),
        *(("POST", f"{OF_ACCOUNT}/{name}") for name in [*OTHERS, "foreign-conversations"]),
        *(("POST", name) for name in ("faults", "wait-idle", "call/consumer_id")),
        *(("DELETE", name) for name in ("faults", "violations")),
        ("PUT", OF_ACCOUNT),
    ],
)
def test_every_address_leads_to_a_method(lp: SimulatedLivePerson, method: str, path: str) -> None:
    """What is wrong is at most an argument; none of the addresses is unknown."""
    answer = requests.request(method, f"{lp.url}/simulator/{path}", json={}, timeout=5)

    assert "no such method and path" not in answer.text


@pytest.mark.parametrize("path", ["call/stop", "call/_account", "stop", "call/", "", "a/b"])
def test_nothing_but_the_methods_can_be_called(lp: SimulatedLivePerson, path: str) -> None:
    """Neither the life of the server nor its inside."""
    answer = requests.post(f"{lp.url}/simulator/{path}", json={}, timeout=5)

    assert answer.status_code == 400
    assert "no such method and path" in answer.text


def test_get_only_reads(lp: SimulatedLivePerson) -> None:
    """A link changes nothing, not even one that is typed into a browser."""
    for path in (f"{OF_ACCOUNT}/revoke-tokens", f"call/revoke_tokens?account_id={ACCOUNT}"):
        assert requests.get(f"{lp.url}/simulator/{path}", timeout=5).status_code == 400


def test_no_secret_is_ever_recorded(
    lp: SimulatedLivePerson, control: LivePersonControl, connector: Connector
) -> None:
    """Whatever can be read from the simulator has neither the client secret nor a token."""
    connector.opened()
    connector.text("hi")
    requests.post(
        f"{lp.url}/sentinel/api/account/{ACCOUNT}/app/token?v=1.0&client_secret={SECRET}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        timeout=5,
    )
    assert lp.wait_idle(5)

    readable = json.dumps(
        [
            control.state(),
            control.counts(),
            control.violations(),
            control.requests(),
            control.conversations(ACCOUNT),
            control.deliveries(ACCOUNT),
            repr(vars(lp)["_state"].accounts),
        ]
    )
    assert SECRET not in readable
    assert connector.app_jwt not in readable
    assert connector.jws not in readable


def test_requests_and_connections_are_counted(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """Counts by service and account, and of TCP connections, show whether one is used again."""
    connector.opened()
    for _ in range(5):
        connector.text("hi")

    counts = lp.counts()
    assert (counts["sentinel"], counts["idp"], counts["send"]) == (1, 1, 5)
    assert counts["accounts"][ACCOUNT]["conversation"] == 1
    assert counts["connections"] == 1


def test_a_kept_connection_is_quick(connector: Connector) -> None:
    """Requests on a kept connection do not wait for a delayed acknowledgement (40 ms each)."""
    connector.opened()
    started = time.monotonic()
    for _ in range(20):
        connector.text("hi")

    assert time.monotonic() - started < 0.7


def test_an_unknown_path_is_a_violation(lp: SimulatedLivePerson) -> None:
    """A path no service has is 404, and noted."""
    assert requests.get(f"{lp.url}/api/account/1/nothing", timeout=5).status_code == 404
    assert "no service answers" in lp.violations()[0]["reason"]


def test_asking_for_headers_alone_is_no_violation(lp: SimulatedLivePerson) -> None:
    """A client may read the clock of a partner by HEAD; it uses no service."""
    assert 404 == requests.head(f"{lp.url}/", timeout=10).status_code
    assert [] == lp.violations()


def test_a_stopped_simulator_answers_no_request(
    connector: Connector, lp: SimulatedLivePerson
) -> None:
    """Stopping ends kept connections, too."""
    lp.stop()

    with pytest.raises(requests.ConnectionError):
        connector.text("hi")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address")
def test_it_listens_on_one_address_only(lp: SimulatedLivePerson) -> None:
    """The port is open on 127.0.0.1 and on no other address, not even of loopback."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", lp.port), timeout=1)


def test_every_switch_and_method_is_documented() -> None:
    """The README names every setting and every method, and no fault kind is forgotten."""
    readme = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")
    names = {each.name for each in fields(Settings)} | public_methods(Controls)
    names |= REQUEST_KINDS | WEBHOOK_KINDS

    assert sorted(name for name in names if f"`{name}" not in readme) == []


def test_alone_without_an_account_it_says_how_to_be_called() -> None:
    """The command without an account prints its help and fails."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "--client-secret" in done.stdout


def test_it_needs_two_packages() -> None:
    """The simulator imports the standard library, requests and PyJWT with cryptography alone."""
    folder = Path(package.__file__).parent
    imported = {
        name.split(".")[0]
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in names(node)
    }

    others = imported - set(sys.stdlib_module_names) - {"simulator"}
    assert others == {"requests", "jwt", "cryptography"}


def names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize(
    "arguments", [["--port", "-1"], ["--webhook-url", "foo"], ["--port", "99999"]]
)
def test_a_wrong_argument_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the simulator listens; the message says what the value must be."""
    with pytest.raises(SystemExit):
        main(arguments)

    assert f"error: argument {arguments[0]}: must be" in capsys.readouterr().err


def test_an_uploaded_file_can_be_looked_at(
    control: LivePersonControl, connector: Connector
) -> None:
    """Its bytes are given in Base64; what was not uploaded has none."""
    conversation_id = connector.opened()
    path = control.agent_file(ACCOUNT, conversation_id, "AAAA")

    assert control.file_content(ACCOUNT, path) == "AAAA"
    assert control.file_content(ACCOUNT, "/v1/elsewhere") is None


def test_violations_can_be_forgotten(lp: SimulatedLivePerson, control: LivePersonControl) -> None:
    """Those of one account, or all of them."""
    for _ in range(2):
        requests.get(f"{lp.url}/no/such/service", timeout=5)
    assert len(control.violations()) == 2

    control.clear_violations("another")
    assert len(control.violations()) == 2

    control.clear_violations()
    assert control.violations() == []
