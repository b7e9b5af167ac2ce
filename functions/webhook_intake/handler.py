"""LivePerson calls us: prove it is LivePerson, queue what happened, answer at once."""

from liveperson_connector.entrypoints.api_gateway import HttpRequest, answer
from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.http import Answer, http_function

# LivePerson may disable an app that takes longer than 2.5 s; a failure code is better than silence
# (https://developers.liveperson.com/connector-api-webhooks-disclaimers.html).
ANSWER_SECONDS = 1.8

# Milliseconds; alarms count these answers, since a percentile of a few webhooks says nothing.
SLOW = {"slow_answer": 1500, "very_slow_answer": 2000}


@http_function(
    "webhook_intake", seconds=ANSWER_SECONDS, build=lambda: container().webhook_intake, slow=SLOW
)
def handler(request: HttpRequest) -> Answer:
    """Answer a webhook: 200 means that everything in it is queued; LivePerson takes no 202."""
    container().webhook_intake.receive(request.headers, request.body)
    return answer(200, {"status": "accepted"})
