"""A ready channel's provider calls: prove it is the provider, queue what happened, answer it."""

from liveperson_connector.channel.adapters.interface import WebhookRequest
from liveperson_connector.entrypoints.api_gateway import HttpRequest, plain_answer
from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.http import Answer, http_function

# The shortest time that a provider waits is 2 s; each repeats what was not answered.
ANSWER_SECONDS = 1.8


@http_function("provider_intake", seconds=ANSWER_SECONDS, build=lambda: container().provider_intake)
def handler(request: HttpRequest) -> Answer:
    """Answer a webhook in its provider's form: then everything in it is queued."""
    webhook = WebhookRequest(
        request.method, request.url(), request.query(), request.headers, request.body
    )
    reply = container().provider_intake.receive(*request.ready_channel(), webhook)
    return plain_answer(reply.status, reply.body, reply.content_type)
