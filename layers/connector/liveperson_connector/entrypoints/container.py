"""
The one place that knows both the settings and the concrete classes.

One builder per function, called by its handler; what it builds is kept for the life of the
container. Imports stand inside the builders, so that a function pays at its cold start only for
what it uses: the webhook intake loads no HTTP client and no table. A client that most containers
never need is made when it is first used.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..aws.conversation_store import ConversationStore
    from ..aws.delivery_state import DeliveryState
    from ..aws.files import AgentFileBucket
    from ..aws.parameters import ParameterStore
    from ..aws.queues import Queue
    from ..delivery.retries import RetryingConsumer
    from ..domain.accounts import Credentials
    from ..flows.dead_letter_redrive import DeadLetterRedrive
    from ..flows.liveperson_access.authorized_calls import AuthorizedCalls
    from ..flows.message_intake import MessageIntake
    from ..flows.outbound_messaging.flow import OutboundMessaging
    from ..flows.outbound_messaging.sending import MessageSender
    from ..flows.token_refresh import TokenRefresh
    from ..flows.webhook_intake import WebhookIntake
    from ..liveperson.domains import Domains
    from ..liveperson.http import LivePersonHttp
    from ..liveperson.send_api import SendApi
    from .settings import ChannelDeliverySettings, OutboundMessagingSettings

# A changed parameter is noticed within minutes; a new account within half a minute.
_PARAMETER_SECONDS = 300.0
_ABSENCE_SECONDS = 30.0


@cache
def webhook_intake() -> WebhookIntake:
    """Build what ``webhook_intake`` needs."""
    from ..aws.clients import fail_fast
    from ..aws.parameters import ParameterStore
    from ..aws.queues import Queue
    from ..flows.webhook_intake import WebhookIntake
    from ..known_accounts import KnownAccounts
    from ..support.cache import Cache
    from .settings import WebhookIntakeSettings

    settings = WebhookIntakeSettings(os.environ)
    parameters = ParameterStore(fail_fast("ssm"), settings.parameter_prefix)
    known = KnownAccounts(lambda token: parameters.accounts_with("credentials", token))
    sqs = fail_fast("sqs")
    return WebhookIntake(
        credentials=Cache(
            parameters.find_credentials, ttl=_credentials_ttl, may_exist=known.may_exist
        ),
        notifications=Queue(sqs, settings.notifications_queue_url),
        dead_letters=Queue(sqs, settings.notifications_dead_letters_url),
    )


@cache
def message_intake() -> MessageIntake:
    """Build what ``message_intake`` needs."""
    from ..aws.parameters import ParameterStore
    from ..aws.queues import Queue
    from ..channel import contract  # noqa: F401  at the first event it would cost a caller's time
    from ..flows.message_intake import MessageIntake
    from ..known_accounts import KnownAccounts
    from ..support.cache import Cache
    from .settings import MessageIntakeSettings

    settings = MessageIntakeSettings(os.environ)
    parameters = ParameterStore(_client("ssm"), settings.parameter_prefix)
    known = KnownAccounts(lambda token: parameters.accounts_with("channel", token))
    return MessageIntake(
        configured=Cache(parameters.has_channel, ttl=_presence_ttl, may_exist=known.may_exist),
        consumer_events=Queue(_client("sqs"), settings.consumer_events_queue_url),
        salt=settings.consumer_id_salt,
    )


@cache
def files() -> AgentFileBucket:
    """Build what shows the channel agents' files."""
    from ..aws.files import AgentFileBucket
    from .settings import MessageIntakeSettings

    settings = MessageIntakeSettings(os.environ)
    return AgentFileBucket(_file_storage, settings.files_bucket)


@cache
def outbound_messaging() -> RetryingConsumer:
    """Build what ``outbound_messaging`` needs for consumer events."""
    from ..aws.queues import Queue
    from ..delivery.retries import RetryingConsumer
    from ..flows.outbound_messaging.flow import describe
    from .settings import OutboundMessagingSettings

    settings = OutboundMessagingSettings(os.environ)
    flow, sqs = _outbound_flow(), _client("sqs")
    return RetryingConsumer(
        function="outbound_messaging",
        handle=flow.handle,
        inbox=Queue(sqs, settings.consumer_events_queue_url),
        dead_letters=Queue(sqs, settings.consumer_events_dead_letters_url),
        holds=_setbacks(settings.table_name),
        refused=flow.refused,
        describe=lambda message: describe(message, settings.consumer_id_salt),
    )


@cache
def typing_timers() -> RetryingConsumer:
    """Build what ``outbound_messaging`` needs for typing that nobody ended."""
    from ..aws.queues import Queue
    from ..delivery.retries import RetryingConsumer
    from .settings import OutboundMessagingSettings

    settings = OutboundMessagingSettings(os.environ)
    return RetryingConsumer(
        function="outbound_messaging",
        handle=_outbound_flow().typing.time_is_over,
        inbox=Queue(_client("sqs"), settings.typing_timers_queue_url),
        dead_letters=None,
        holds=_setbacks(settings.table_name),
        most_tries=1,
    )


@cache
def _outbound_flow() -> OutboundMessaging:
    from ..aws.parameters import ParameterStore
    from ..aws.queues import Queue
    from ..delivery.circuit_breaker import LIVEPERSON, CircuitBreaker
    from ..flows.outbound_messaging.flow import OutboundMessaging
    from ..flows.outbound_messaging.typing import Typing
    from ..liveperson.send_api import SendApi
    from .settings import OutboundMessagingSettings

    settings = OutboundMessagingSettings(os.environ)
    store, sqs = _memory(settings.table_name), _client("sqs")
    parameters = ParameterStore(_client("ssm"), settings.parameter_prefix)
    calls = _speaker(parameters, store, settings)
    send_api = SendApi(*_liveperson(settings.liveperson_domain_api_url))
    salt = settings.consumer_id_salt
    return OutboundMessaging(
        calls=calls,
        send_api=send_api,
        sender=_message_sender(calls, send_api, parameters, store, settings),
        typing=Typing(calls, send_api, store, Queue(sqs, settings.typing_timers_queue_url), salt),
        store=store,
        breaker=CircuitBreaker(LIVEPERSON, _setbacks(settings.table_name)),
        notifications=Queue(sqs, settings.notifications_queue_url),
        salt=salt,
    )


def _message_sender(
    calls: AuthorizedCalls,
    send_api: SendApi,
    parameters: ParameterStore,
    store: ConversationStore,
    settings: OutboundMessagingSettings,
) -> MessageSender:
    from ..channel.files import ConsumerFileFetcher
    from ..flows.outbound_messaging.routing import Routing
    from ..flows.outbound_messaging.sending import MessageSender
    from ..liveperson.files import MAX_BYTES, LivePersonFiles
    from ..liveperson.monitoring import Monitoring
    from ..support.cache import Cache

    http, domains = _liveperson(settings.liveperson_domain_api_url)
    return MessageSender(
        calls=calls,
        send_api=send_api,
        routing=Routing(
            channels=Cache(parameters.channel, ttl=_PARAMETER_SECONDS),
            monitoring=Monitoring(http, domains),
            app_jwts=calls.app_jwts,
            store=store,
        ),
        storage=LivePersonFiles(http, domains, send_api),
        files=ConsumerFileFetcher(network=settings.callback_network, most=MAX_BYTES),
        store=store,
    )


@cache
def channel_delivery() -> RetryingConsumer:
    """Build what ``channel_delivery`` needs."""
    from ..aws.files import AgentFileBucket
    from ..aws.parameters import ParameterStore
    from ..aws.queues import Queue
    from ..channel.callbacks import Callbacks
    from ..delivery.circuit_breaker import CHANNEL, CircuitBreaker
    from ..delivery.retries import RetryingConsumer
    from ..flows.channel_delivery.agent_files import AgentFileCopier
    from ..flows.channel_delivery.flow import ChannelDelivery, describe
    from ..liveperson.files import LivePersonFiles
    from ..liveperson.send_api import SendApi
    from ..support.cache import Cache
    from .settings import ChannelDeliverySettings

    settings = ChannelDeliverySettings(os.environ)
    http, domains = _liveperson(settings.liveperson_domain_api_url)
    store = _memory(settings.table_name)
    parameters = ParameterStore(_client("ssm"), settings.parameter_prefix)
    sqs = _client("sqs")
    flow = ChannelDelivery(
        channels=Cache(parameters.channel, ttl=_PARAMETER_SECONDS),
        callbacks=Callbacks(network=settings.callback_network),
        store=store,
        breaker=CircuitBreaker(CHANNEL, _setbacks(settings.table_name)),
        agent_files=AgentFileCopier(
            calls=_speaker(parameters, store, settings),
            storage=LivePersonFiles(http, domains, SendApi(http, domains)),
            files=AgentFileBucket(_file_storage, settings.files_bucket),
            store=store,
            channel_api_url=settings.channel_api_url,
        ),
        consumer_events=Queue(sqs, settings.consumer_events_queue_url),
    )
    return RetryingConsumer(
        function="channel_delivery",
        handle=flow.handle,
        inbox=Queue(sqs, settings.notifications_queue_url),
        dead_letters=Queue(sqs, settings.notifications_dead_letters_url),
        holds=_setbacks(settings.table_name),
        describe=describe,
    )


def _speaker(
    parameters: ParameterStore,
    store: ConversationStore,
    settings: OutboundMessagingSettings | ChannelDeliverySettings,
) -> AuthorizedCalls:
    from ..aws.functions import TokenRefreshFunction
    from ..flows.liveperson_access.app_jwts import AppJwts
    from ..flows.liveperson_access.authorized_calls import AuthorizedCalls
    from ..liveperson.consumer_jws import Idp

    refresh = TokenRefreshFunction(_refreshing_client, settings.token_refresh_function)
    idp = Idp(*_liveperson(settings.liveperson_domain_api_url))
    return AuthorizedCalls(AppJwts(parameters, refresh), idp, store)


@cache
def token_refresh() -> TokenRefresh:
    """Build what ``token_refresh`` needs."""
    from ..aws.parameters import ParameterStore
    from ..flows.token_refresh import TokenRefresh, to_queue
    from ..liveperson.app_jwt import Sentinel
    from .settings import TokenRefreshSettings

    settings = TokenRefreshSettings(os.environ)
    return TokenRefresh(
        parameters=ParameterStore(_client("ssm"), settings.parameter_prefix),
        sentinel=Sentinel(*_liveperson(settings.liveperson_domain_api_url)),
        leases=_setbacks(settings.table_name),
        put_off=lambda ids: _failed_refreshes().send_plain_all([to_queue(each) for each in ids]),
    )


@cache
def failed_refreshes() -> RetryingConsumer:
    """Build the frame in which ``token_refresh`` tries failed refreshes again."""
    from ..delivery.retries import RetryingConsumer
    from ..flows.token_refresh import MOST_TRIES
    from .settings import TokenRefreshSettings

    settings = TokenRefreshSettings(os.environ)
    return RetryingConsumer(
        function="token_refresh",
        handle=token_refresh().retry,
        inbox=_failed_refreshes(),
        dead_letters=None,
        holds=_setbacks(settings.table_name),
        most_tries=MOST_TRIES,
    )


@cache
def dead_letter_redrive() -> DeadLetterRedrive:
    """Build what ``dead_letter_redrive`` needs."""
    from ..aws.queues import Queue
    from ..flows.dead_letter_redrive import DeadLetterRedrive, Route
    from .settings import DeadLetterRedriveSettings

    settings = DeadLetterRedriveSettings(os.environ)
    sqs = _client("sqs")
    return DeadLetterRedrive(
        holds=_setbacks(settings.table_name),
        routes={
            "consumer-events": Route(
                dead_letters=Queue(sqs, settings.consumer_events_dead_letters_url),
                source=Queue(sqs, settings.consumer_events_queue_url),
            ),
            "notifications": Route(
                dead_letters=Queue(sqs, settings.notifications_dead_letters_url),
                source=Queue(sqs, settings.notifications_queue_url),
            ),
        },
    )


@cache
def _client(service: str) -> Any:
    from ..aws.clients import retrying

    return retrying(service)


@cache
def _file_storage() -> Any:
    from ..aws.clients import file_storage

    return file_storage()


@cache
def _refreshing_client() -> Any:
    from ..aws.clients import retrying

    # Waiting for the answer, and asking once: a second call would be a second refresh.
    return retrying("lambda", read_timeout=20, retries={"total_max_attempts": 1})


@cache
def _memory(table: str) -> ConversationStore:
    from ..aws.conversation_store import ConversationStore

    return ConversationStore(_client("dynamodb"), table)


@cache
def _setbacks(table: str) -> DeliveryState:
    from ..aws.delivery_state import DeliveryState

    return DeliveryState(_client("dynamodb"), table)


@cache
def _failed_refreshes() -> Queue:
    from ..aws.queues import Queue
    from .settings import TokenRefreshSettings

    settings = TokenRefreshSettings(os.environ)
    return Queue(_client("sqs"), settings.token_refresh_dead_letters_url)


@cache
def _liveperson(domain_api_url: str) -> tuple[LivePersonHttp, Domains]:
    from ..liveperson.domains import Domains
    from ..liveperson.http import LivePersonHttp

    http = LivePersonHttp()
    return http, Domains(http, domain_api_url)


def _credentials_ttl(found: Credentials | None) -> float:
    return _PARAMETER_SECONDS if found else _ABSENCE_SECONDS


def _presence_ttl(found: bool) -> float:
    return _PARAMETER_SECONDS if found else _ABSENCE_SECONDS
