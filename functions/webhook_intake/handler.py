"""LivePerson calls us: prove it is LivePerson, queue what happened, answer at once."""

from liveperson_connector import observe, wiring
from liveperson_connector.aws.requests import HttpRequest, answer
from liveperson_connector.intake import Answer, answering

FUNCTION = "webhook_intake"


@answering(FUNCTION)
def handler(request: HttpRequest) -> Answer:
    """Answer a webhook: 200 means that everything in it is queued; LivePerson takes no 202."""
    accepted = wiring.webhook_intake().receive(request.headers, request.body)
    observe.webhook_accepted(FUNCTION, accepted)
    return answer(200, {"status": "accepted"})
