"""The channel calls us: check a consumer event, queue it, answer 202; or show it a file."""

from liveperson_connector import __version__
from liveperson_connector.domain.errors import NoSuchFile, NotQueued, Transient
from liveperson_connector.entrypoints.api_gateway import HttpRequest, answer, redirect
from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.http import Answer, http_function

# A channel can wait longer than LivePerson, but not for ever; the function's time-out is 10 s.
ANSWER_SECONDS = 8.0


@http_function("message_intake", seconds=ANSWER_SECONDS, build=lambda: container().message_intake)
def handler(request: HttpRequest) -> Answer:
    """Answer a consumer event: 202 means that it is durably queued."""
    if request.is_health:
        return _health()
    if request.method == "GET":
        return _file(request)
    intake = container().message_intake
    event = intake.accept(*request.consumer(), request.body, request.api_key())
    return answer(202, {"id": event.id, "status": "accepted"})


def _file(request: HttpRequest) -> Answer:
    account_id, file_id = request.file()
    container().message_intake.check_key(account_id, request.api_key())
    try:
        link = container().agent_files.link(account_id, file_id)
    except Transient as unavailable:
        raise NotQueued(str(unavailable)) from None
    if link is None:
        raise NoSuchFile("no such file, or it has expired")
    return redirect(link)


def _health() -> Answer:
    report = container().health.report()
    told = {"status": report.status, "version": __version__}
    return answer(report.http_status, told, **{"Cache-Control": "no-store"})
