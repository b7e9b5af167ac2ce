"""
The connector itself: its real flows and AWS code, on AWS and partners that are in this process.

What is built here as ``wiring.py`` builds it for Lambda; what Lambda does with it is in
``runtime.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, cast

from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_lambda import LambdaClient
from mypy_boto3_sqs import SQSClient
from mypy_boto3_ssm import SSMClient

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.aws.functions import TokenRefreshFunction
from liveperson_connector.aws.parameters import ParameterStore
from liveperson_connector.aws.queues import Queue
from liveperson_connector.channel.callbacks import Callbacks
from liveperson_connector.channel.files import ConsumerFileFetcher
from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON, CircuitBreaker
from liveperson_connector.delivery.ports import Files
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.flows import token_refresh
from liveperson_connector.flows.channel_delivery.agent_files import AgentFileCopier
from liveperson_connector.flows.channel_delivery.flow import ChannelDelivery
from liveperson_connector.flows.dead_letter_redrive import DeadLetterRedrive, Route
from liveperson_connector.flows.liveperson_access.app_jwts import AppJwts
from liveperson_connector.flows.liveperson_access.authorized_calls import AuthorizedCalls
from liveperson_connector.flows.message_intake import MessageIntake
from liveperson_connector.flows.outbound_messaging.flow import OutboundMessaging
from liveperson_connector.flows.outbound_messaging.routing import Routing
from liveperson_connector.flows.outbound_messaging.sending import MessageSender
from liveperson_connector.flows.outbound_messaging.typing import Typing
from liveperson_connector.flows.token_refresh import TokenRefresh, to_queue
from liveperson_connector.flows.webhook_intake import WebhookIntake
from liveperson_connector.liveperson.app_jwt import Sentinel
from liveperson_connector.liveperson.consumer_jws import Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.files import MAX_BYTES, LivePersonFiles
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.monitoring import Monitoring
from liveperson_connector.liveperson.send_api import SendApi
from liveperson_connector.support.cache import Cache
from liveperson_connector.support.http_client import HttpClient
from tests.support.accounts import CLIENT_ID, CLIENT_SECRET, SALT, SIGNING_SECRET

from .fake_http import Wire
from .fake_partners import Channel, LivePerson
from .scheduler import Scheduler
from .services import Client

PREFIX = "/simulated"
EVENTS, NOTIFICATIONS = "consumer-events.fifo", "notifications.fifo"
DEAD_EVENTS, DEAD_NOTIFICATIONS = "consumer-events-dlq.fifo", "notifications-dlq.fifo"
REFRESHES, TIMERS = "token-refresh-dlq", "typing-timers"

_DOMAIN_API = "https://domain.liveperson.net"
_PARAMETER_SECONDS = 300.0


def parameters_of(account_id: str, *, receipts: bool) -> dict[str, str]:
    """Write an account's parameters."""
    channel = {
        "callback_url": f"https://channel.example.com/{account_id}",
        "signing_secret": SIGNING_SECRET,
        "receipts": "automatic" if receipts else "channel",
    }
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    below = f"{PREFIX}/accounts/{account_id}"
    return {
        f"{below}/credentials": json.dumps(credentials),
        f"{below}/channel": json.dumps(channel),
    }


@dataclass
class Surroundings:
    """What every container is built on."""

    kernel: Scheduler
    chance: Random
    clients: dict[str, Client]
    liveperson: LivePerson
    channel: Channel
    new_wire: Callable[[LivePerson | Channel], Wire]


class Container:
    """A Lambda container: what it builds it keeps, as long as nobody cuts it off."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._clock = surroundings.kernel
        self._chance = surroundings.chance.random

    def queue(self, name: str) -> Queue:
        """Give a queue."""
        return Queue(cast(SQSClient, self._around.clients["sqs"]), name)

    @cached_property
    def memory(self) -> ConversationStore:
        """The table."""
        client = cast(DynamoDBClient, self._around.clients["dynamodb"])
        return ConversationStore(client, "table", clock=self._clock)

    @cached_property
    def setbacks(self) -> DeliveryState:
        """What went wrong and is not over."""
        client = cast(DynamoDBClient, self._around.clients["dynamodb"])
        return DeliveryState(client, "table", clock=self._clock)

    @cached_property
    def parameters(self) -> ParameterStore:
        """The accounts' parameters."""
        return ParameterStore(cast(SSMClient, self._around.clients["ssm"]), PREFIX)

    @cached_property
    def http(self) -> LivePersonHttp:
        """The way to LivePerson."""
        return LivePersonHttp(self._client(self._around.liveperson))

    def _client(self, partner: LivePerson | Channel) -> HttpClient:
        return HttpClient(transport=self._around.new_wire(partner))

    @cached_property
    def domains(self) -> Domains:
        """LivePerson's addresses."""
        return Domains(self.http, _DOMAIN_API, clock=self._clock)

    @cached_property
    def calls(self) -> AuthorizedCalls:
        """Who speaks to LivePerson."""
        client = cast(LambdaClient, self._around.clients["lambda"])
        refresh = TokenRefreshFunction(lambda: client, "token-refresh")
        app_jwts = AppJwts(self.parameters, refresh, clock=self._clock)
        return AuthorizedCalls(app_jwts, Idp(self.http, self.domains), self.memory)

    @cached_property
    def outbound_messaging(self) -> RetryingConsumer:
        """The worker for consumer events."""
        flow = self.outbound_flow
        return self._worker(
            "outbound_messaging", flow.handle, EVENTS, DEAD_EVENTS, refused=flow.refused
        )

    @cached_property
    def typing_timers(self) -> RetryingConsumer:
        """The worker that ends typing which the channel forgot."""
        return RetryingConsumer(
            function="outbound_messaging",
            handle=self.outbound_flow.typing.time_is_over,
            inbox=self.queue(TIMERS),
            dead_letters=None,
            holds=self.setbacks,
            most_tries=1,
            clock=self._clock,
            chance=self._chance,
        )

    @cached_property
    def outbound_flow(self) -> OutboundMessaging:
        """What becomes of a consumer event."""
        send_api = SendApi(self.http, self.domains)
        return OutboundMessaging(
            calls=self.calls,
            send_api=send_api,
            sender=self._message_sender(send_api),
            typing=Typing(
                self.calls, send_api, self.memory, self.queue(TIMERS), SALT, clock=self._clock
            ),
            store=self.memory,
            breaker=self._breaker(LIVEPERSON),
            notifications=self.queue(NOTIFICATIONS),
            salt=SALT,
            clock=self._clock,
        )

    def _message_sender(self, send_api: SendApi) -> MessageSender:
        return MessageSender(
            calls=self.calls,
            send_api=send_api,
            routing=Routing(
                channels=self._channels(),
                monitoring=Monitoring(self.http, self.domains),
                app_jwts=self.calls.app_jwts,
                store=self.memory,
            ),
            storage=LivePersonFiles(self.http, self.domains, send_api),
            files=ConsumerFileFetcher(most=MAX_BYTES),
            store=self.memory,
            clock=self._clock,
        )

    @cached_property
    def channel_delivery(self) -> RetryingConsumer:
        """The worker for notifications."""
        callbacks = Callbacks(self._client(self._around.channel), clock=self._clock)
        flow = ChannelDelivery(
            channels=self._channels(),
            callbacks=callbacks,
            store=self.memory,
            breaker=self._breaker(CHANNEL),
            agent_files=AgentFileCopier(
                calls=self.calls,
                storage=LivePersonFiles(self.http, self.domains, SendApi(self.http, self.domains)),
                files=cast(Files, None),  # files are not simulated
                store=self.memory,
                channel_api_url="https://connector.example.com",
            ),
            consumer_events=self.queue(EVENTS),
            clock=self._clock,
        )
        return self._worker("channel_delivery", flow.handle, NOTIFICATIONS, DEAD_NOTIFICATIONS)

    @cached_property
    def token_refresh(self) -> TokenRefresh:
        """What renews AppJWTs."""
        return TokenRefresh(
            parameters=self.parameters,
            sentinel=Sentinel(self.http, self.domains, clock=self._clock),
            leases=self.setbacks,
            put_off=lambda ids: self.queue(REFRESHES).send_plain_all([*map(to_queue, ids)]),
            clock=self._clock,
        )

    @cached_property
    def failed_refreshes(self) -> RetryingConsumer:
        """The worker that tries failed refreshes again."""
        return RetryingConsumer(
            function="token_refresh",
            handle=self.token_refresh.retry,
            inbox=self.queue(REFRESHES),
            dead_letters=None,
            holds=self.setbacks,
            most_tries=token_refresh.MOST_TRIES,
            clock=self._clock,
            chance=self._chance,
        )

    @cached_property
    def message_intake(self) -> MessageIntake:
        """What takes consumer events."""
        configured = Cache(self.parameters.has_channel, ttl=_PARAMETER_SECONDS, clock=self._clock)
        return MessageIntake(configured, self.queue(EVENTS), SALT)

    @cached_property
    def webhook_intake(self) -> WebhookIntake:
        """What takes webhooks."""
        credentials = Cache(
            self.parameters.find_credentials, ttl=_PARAMETER_SECONDS, clock=self._clock
        )
        queue, dead = self.queue(NOTIFICATIONS), self.queue(DEAD_NOTIFICATIONS)
        return WebhookIntake(credentials, queue, dead, self._clock)

    @cached_property
    def dead_letter_redrive(self) -> DeadLetterRedrive:
        """What puts dead letters back."""
        routes = {
            "consumer-events": Route(self.queue(DEAD_EVENTS), self.queue(EVENTS)),
            "notifications": Route(self.queue(DEAD_NOTIFICATIONS), self.queue(NOTIFICATIONS)),
        }
        return DeadLetterRedrive(routes, self.setbacks, clock=self._clock)

    def _worker(
        self, function: str, handle: Callable[..., None], queue: str, dead: str, **more: Any
    ) -> RetryingConsumer:
        return RetryingConsumer(
            function=function,
            handle=handle,
            inbox=self.queue(queue),
            dead_letters=self.queue(dead),
            holds=self.setbacks,
            clock=self._clock,
            chance=self._chance,
            **more,
        )

    def _breaker(self, destination: str) -> CircuitBreaker:
        return CircuitBreaker(destination, self.setbacks, clock=self._clock, chance=self._chance)

    def _channels(self) -> Any:
        return Cache(self.parameters.channel, ttl=_PARAMETER_SECONDS, clock=self._clock)
