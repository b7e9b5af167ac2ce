"""Nothing that was said, and nothing secret, is in what operators see."""

from __future__ import annotations

import base64

from sandbox.channel.inbox import Fault
from tests.support.accounts import ACCOUNT, CLIENT_SECRET, SIGNING_SECRET
from tests.support.harness import Bench
from tests.support.logs import Output
from tests.support.messages import PHONE

WORDS = "my card number is 4111 1111 1111 1111"
REPLY = "your password is swordfish"


def test_a_whole_conversation_tells_no_secret(bench: Bench, output: Output) -> None:
    """Not when all goes well, and not when everything fails."""
    bench.say(WORDS)
    bench.liveperson.agent_text(ACCOUNT, bench.conversation_id, REPLY)
    bench.run()
    bench.liveperson.add_fault(service="send", kind="lost_answer", times=1)
    bench.liveperson.revoke_consumer_jws(ACCOUNT)
    bench.liveperson.revoke_tokens(ACCOUNT)
    bench.say(WORDS)
    bench.channel.add_fault(Fault(status=503))
    bench.channel.add_fault(Fault(reset=True))
    bench.liveperson.agent_text(ACCOUNT, bench.conversation_id, REPLY)
    bench.post({"id": "m", "type": "text", "text": [WORDS]})
    bench.queue(WORDS)
    for _ in range(4):
        bench.pass_seconds(60)
    bench.liveperson.add_fault(service="send", kind="status", status=400)
    bench.say(WORDS)

    tokens = {
        value
        for each in bench.ssm.get_parameters_by_path(
            Path=bench.parameter_path, Recursive=True, WithDecryption=True
        )["Parameters"]
        if each["Name"].endswith("app-jwt")
        for value in each["Value"].split(".")[1:]
    }
    planted = {
        WORDS,
        "4111 1111",
        "swordfish",
        CLIENT_SECRET,
        SIGNING_SECRET,
        base64.b64decode(SIGNING_SECRET.removeprefix("whsec_")).hex(),
        PHONE.strip("+"),
        "eyJ",  # how every JWT begins
        *tokens,
    }
    assert tokens
    assert len(output.messages) > 20
    assert set() == {each for each in planted if each in output.text}
