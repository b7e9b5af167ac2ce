"""
The composition root: the one place that knows both the settings and the concrete classes.

A :class:`Container` builds each function's objects when they are first asked for and keeps them for
the life of the Lambda container. Imports stand inside the builders, so that a function pays at its
cold start only for what it uses: the webhook intake loads no HTTP client and no table. Tests and
the simulation build the same container on other clients, another clock and another network.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..aws.conversation_store import ConversationStore
    from ..aws.delivery_state import DeliveryState
    from ..aws.files import AgentFileBucket
    from ..aws.functions import TokenRefreshFunction
    from ..aws.parameters import ParameterStore
    from ..aws.person_store import PersonStore
    from ..aws.queues import Queue
    from ..channel.provider_client import ProviderClient
    from ..channel.queued_events import ConsumerEvent
    from ..channel.ready_channels import AdapterOf, ReadyChannel
    from ..delivery.circuit_breaker import CircuitBreaker
    from ..delivery.retries import RetryingConsumer
    from ..domain.accounts import ChannelSettings, Credentials
    from ..domain.clock import Clock
    from ..domain.conversations import AgentProfile
    from ..flows.channel_delivery.flow import ChannelDelivery
    from ..flows.channel_delivery.notifier import Notifier
    from ..flows.channel_delivery.provider_notifier import ProviderNotifier
    from ..flows.dead_letter_redrive import DeadLetterRedrive, Route
    from ..flows.health import Health
    from ..flows.liveperson_access import AuthorizedCalls
    from ..flows.message_intake import MessageIntake
    from ..flows.outbound_messaging.flow import OutboundMessaging
    from ..flows.outbound_messaging.sending import MessageSender
    from ..flows.outbound_messaging.typing import Typing
    from ..flows.provider_intake import ProviderIntake
    from ..flows.token_refresh import TokenRefresh
    from ..flows.webhook_intake import WebhookIntake
    from ..liveperson.agent_profiles import AgentProfiles
    from ..liveperson.domains import Domains
    from ..liveperson.files import LivePersonFiles
    from ..liveperson.http import LivePersonHttp
    from ..liveperson.send_api import SendApi
    from ..support.cache import Cache
    from ..support.http_client import HttpClient

# A changed parameter is noticed within minutes; a new account within half a minute.
_PARAMETER_SECONDS = 300.0
_ABSENCE_SECONDS = 30.0


class AwsClients:
    """The AWS clients of a container, each made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def fail_fast(self, service: str) -> Any:
        """Return the client of a caller that waits for its answer."""
        from ..aws.clients import fail_fast

        return self._once(f"{service}, fail fast", lambda: fail_fast(service))

    def retrying(self, service: str) -> Any:
        """Return the client of a worker, which has time for a few tries."""
        from ..aws.clients import retrying

        return self._once(service, lambda: retrying(service))

    def asking_once(self, service: str) -> Any:
        """Return a client that waits for a long answer: a second call would do the work twice."""
        from ..aws.clients import retrying

        once = {"total_max_attempts": 1}
        return self._once(
            f"{service}, once", lambda: retrying(service, read_timeout=20, retries=once)
        )

    def file_storage(self) -> Any:
        """Return the client of S3."""
        from ..aws.clients import file_storage

        return self._once("s3", file_storage)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


class Container:
    """
    What the functions need, built on demand from ``environ``.

    ``clients`` are AWS, ``clock`` gives seconds since 1970, ``chance`` numbers from 0 to 1 that
    spread retries; ``http_client`` makes the HTTP client towards ``"liveperson"``, ``"channel"``
    or the ``"provider"`` of a ready channel, by default one that calls out. ``adapters`` finds the
    adapter of a ready channel's kind.
    """

    def __init__(  # noqa: PLR0913
        self,
        environ: Mapping[str, str],
        clients: AwsClients,
        *,
        clock: Clock = time.time,
        chance: Callable[[], float] = random.random,
        http_client: Callable[[str], HttpClient | None] = lambda _partner: None,
        adapters: AdapterOf | None = None,
    ) -> None:
        self._environ = environ
        self._clients = clients
        self._clock = clock
        self._chance = chance
        self._http_client = http_client
        self._adapters = adapters
        self._providers: ProviderClient | None = None

    # ── From the channel to LivePerson ──

    @cached_property
    def message_intake(self) -> MessageIntake:
        """What ``message_intake`` needs."""
        from ..aws.known_accounts import KnownAccounts
        from ..channel import contract  # noqa: F401  at the first event it would cost a caller's time
        from ..flows.message_intake import MessageIntake
        from ..support.cache import Cache
        from .settings import MessageIntakeSettings

        settings = MessageIntakeSettings(self._environ)
        parameters = self._parameters
        known = KnownAccounts(
            lambda token: parameters.accounts_with("channel", token), clock=self._clock
        )
        return MessageIntake(
            accounts=Cache(
                lambda each: parameters.intake_settings(each, self._copy_intake_settings),
                ttl=_PARAMETER_SECONDS,
                empty_ttl=_ABSENCE_SECONDS,
                clock=self._clock,
                may_exist=known.may_exist,
            ),
            consumer_events=self.queue(settings.consumer_events_queue_url),
            salt=settings.consumer_id_salt,
        )

    def _copy_intake_settings(self, account_id: str) -> None:
        """Let ``token_refresh`` copy an account's settings, after the operator changed them."""
        self._token_refresh.copy_intake_settings(account_id)

    @cached_property
    def agent_files(self) -> AgentFileBucket:
        """Where the channel fetches agents' files, through ``message_intake``."""
        from ..aws.files import AgentFileBucket

        return AgentFileBucket(self._clients.file_storage, self._environ["FILES_BUCKET"])

    @cached_property
    def health(self) -> Health:
        """How the stack is; a monitor waits, so the call fails fast."""
        from ..aws.alarms import in_alarm
        from ..flows.health import Health

        stack_name = self._environ["POWERTOOLS_SERVICE_NAME"]
        return Health(
            lambda: in_alarm(self._clients.fail_fast("cloudwatch"), stack_name), clock=self._clock
        )

    # ── From a ready channel's provider to LivePerson ──

    @cached_property
    def provider_intake(self) -> ProviderIntake:
        """What ``provider_intake`` needs; the provider waits, so its calls fail fast."""
        from ..aws.known_accounts import KnownAccounts
        from ..aws.parameters import ParameterStore
        from ..aws.queues import Queue
        from ..flows.provider_intake import ProviderIntake
        from ..support.cache import Cache
        from .settings import ProviderIntakeSettings

        settings = ProviderIntakeSettings(self._environ)
        parameters = ParameterStore(self._clients.fail_fast("ssm"), settings.parameter_prefix)
        known = KnownAccounts(parameters.ready_channels, clock=self._clock)
        return ProviderIntake(
            channels=Cache(
                lambda key: self._ready_channel(parameters, key),
                ttl=_PARAMETER_SECONDS,
                empty_ttl=_ABSENCE_SECONDS,
                clock=self._clock,
                may_exist=known.may_exist,
            ),
            consumer_events=Queue(
                self._clients.fail_fast("sqs"), settings.consumer_events_queue_url
            ),
            salt=settings.consumer_id_salt,
            clock=self._clock,
        )

    def _ready_channel(self, parameters: ParameterStore, key: str) -> ReadyChannel | None:
        """Read a ready channel by ``{account_id}/{name}``, None if it is not configured."""
        from ..channel.ready_channels import ReadyChannel

        account_id, _, name = key.partition("/")
        text = parameters.ready_channel(account_id, name)
        if text is None:
            return None
        return ReadyChannel.parse(
            text,
            account_id=account_id,
            name=name,
            parameter=parameters.name(account_id, f"channels/{name}"),
            **({"adapters": self._adapters} if self._adapters else {}),
        )

    # ── Consumer events to LivePerson ──

    @cached_property
    def outbound_messaging(self) -> RetryingConsumer:
        """What ``outbound_messaging`` needs for consumer events."""
        from ..flows.outbound_messaging.flow import describe
        from .settings import OutboundMessagingSettings

        settings = OutboundMessagingSettings(self._environ)
        return self._consumer(
            "outbound_messaging",
            self.outbound_flow.handle,
            settings.consumer_events_queue_url,
            settings.consumer_events_dead_letters_url,
            refused=self.outbound_flow.refused,
            describe=lambda message: describe(message, settings.consumer_id_salt),
        )

    @cached_property
    def typing_timers(self) -> RetryingConsumer:
        """What ``outbound_messaging`` needs for typing that the channel forgot to end."""
        return self._consumer(
            "outbound_messaging",
            self.outbound_flow.typing.end_overdue,
            self._environ["TYPING_TIMERS_QUEUE_URL"],
            most_tries=1,
        )

    @cached_property
    def outbound_flow(self) -> OutboundMessaging:
        """What becomes of a consumer event."""
        from ..delivery.circuit_breaker import LIVEPERSON
        from ..flows.outbound_messaging.flow import OutboundMessaging
        from ..flows.outbound_messaging.provider_events import ProviderEvents
        from .settings import OutboundMessagingSettings

        settings = OutboundMessagingSettings(self._environ)
        return OutboundMessaging(
            calls=self.authorized_calls,
            send_api=self._send_api,
            sender=self._message_sender(settings.callback_network),
            typing=self._typing(settings.typing_timers_queue_url, settings.consumer_id_salt),
            store=self.store,
            breaker=self._breaker(LIVEPERSON),
            notifications=self.queue(settings.notifications_queue_url),
            salt=settings.consumer_id_salt,
            clock=self._clock,
            provider_events=ProviderEvents(self.persons),
        )

    def _typing(self, timers: str, salt: str) -> Typing:
        from ..flows.outbound_messaging.typing import Typing

        return Typing(
            self.authorized_calls,
            self._send_api,
            self.store,
            self.queue(timers).send_plain,
            salt,
            clock=self._clock,
        )

    def _message_sender(self, network: str) -> MessageSender:
        from ..channel.files import ConsumerFileFetcher
        from ..flows.outbound_messaging.routing import Routing
        from ..flows.outbound_messaging.sending import MessageSender
        from ..liveperson.files import MAX_BYTES
        from ..liveperson.monitoring import Monitoring

        return MessageSender(
            calls=self.authorized_calls,
            send_api=self._send_api,
            routing=Routing(
                channels=self._channels,
                monitoring=Monitoring(self._liveperson, self._domains),
                app_jwts=self.authorized_calls.app_jwts,
                save_visit=self.store.save_visit,
                ready_channels=self._ready_channels,
            ),
            storage=self._liveperson_files,
            files=ConsumerFileFetcher(
                self._http_client("channel"), network=network, most=MAX_BYTES
            ),
            store=self.store,
            clock=self._clock,
            provider_files=lambda event: self._provider_file(event, network),
        )

    def _provider_file(self, event: ConsumerEvent, network: str) -> tuple[bytes, str]:
        """Fetch the file of a ready channel's person, as its first bytes tell it."""
        from ..channel.provider_files import content_of
        from ..liveperson.files import MAX_BYTES

        channel = self._ready_channels.get(f"{event.account_id}/{event.channel}")
        return content_of(self._provider_client(network), channel, event.raw, most=MAX_BYTES)

    # ── From LivePerson to the channel ──

    @cached_property
    def webhook_intake(self) -> WebhookIntake:
        """What ``webhook_intake`` needs; LivePerson waits, so its calls fail fast."""
        from ..aws.queues import Queue
        from ..flows.webhook_intake import WebhookIntake
        from .settings import WebhookIntakeSettings

        settings = WebhookIntakeSettings(self._environ)
        sqs = self._clients.fail_fast("sqs")
        return WebhookIntake(
            credentials=self._credentials(settings.parameter_prefix),
            notifications=Queue(sqs, settings.notifications_queue_url),
            dead_letters=Queue(sqs, settings.notifications_dead_letters_url),
            clock=self._clock,
        )

    def _credentials(self, prefix: str) -> Cache[Credentials | None]:
        from ..aws.known_accounts import KnownAccounts
        from ..aws.parameters import ParameterStore
        from ..support.cache import Cache

        parameters = ParameterStore(self._clients.fail_fast("ssm"), prefix)
        known = KnownAccounts(
            lambda token: parameters.accounts_with("credentials", token), clock=self._clock
        )
        return Cache(
            parameters.find_credentials,
            ttl=_PARAMETER_SECONDS,
            empty_ttl=_ABSENCE_SECONDS,
            clock=self._clock,
            may_exist=known.may_exist,
        )

    @cached_property
    def channel_delivery(self) -> RetryingConsumer:
        """What ``channel_delivery`` needs."""
        from ..flows.channel_delivery.flow import describe
        from .settings import ChannelDeliverySettings

        settings = ChannelDeliverySettings(self._environ)
        return self._consumer(
            "channel_delivery",
            self._delivery_flow(settings.channel_api_url, settings.callback_network).handle,
            settings.notifications_queue_url,
            settings.notifications_dead_letters_url,
            describe=describe,
        )

    def _delivery_flow(self, channel_api_url: str, network: str) -> ChannelDelivery:
        from ..flows.channel_delivery.conversation_changes import ConversationChanges
        from ..flows.channel_delivery.flow import ChannelDelivery
        from ..flows.channel_delivery.messages import Messages
        from ..flows.channel_delivery.notifier import Notifiers

        notifier = self._notifier(channel_api_url, network)
        notifiers = Notifiers(notifier, cache(lambda: self._provider_notifier(notifier, network)))
        return ChannelDelivery(
            store=self.store,
            changes=ConversationChanges(self.store, notifiers, notifier.agents.learn),
            messages=Messages(
                self.store, notifiers, clock=self._clock, learn=notifier.agents.learn
            ),
            notifier=notifier,
        )

    def _notifier(self, channel_api_url: str, network: str) -> Notifier:
        from ..channel.callbacks import Callbacks
        from ..delivery.circuit_breaker import CHANNEL
        from ..flows.channel_delivery.agent_files import AgentFileCopier
        from ..flows.channel_delivery.agents import Agents
        from ..flows.channel_delivery.notifier import Notifier

        return Notifier(
            channels=self._channels,
            callbacks=Callbacks(self._http_client("channel"), network=network, clock=self._clock),
            breaker=self._breaker(CHANNEL),
            agent_files=AgentFileCopier(
                calls=self.authorized_calls,
                storage=self._liveperson_files,
                keep=self.agent_files.keep,
                show=self.agent_files.show,
                load_consumer=self.store.load_consumer,
                channel_api_url=channel_api_url,
            ),
            consumer_events=self.queue(self._environ["CONSUMER_EVENTS_QUEUE_URL"]),
            agents=Agents(self._channels, self.store, self._agent_profile, clock=self._clock),
            clock=self._clock,
        )

    def _agent_profile(self, account_id: str, agent_id: str) -> AgentProfile:
        """Ask LivePerson for an agent's profile, which happens about once a day."""
        return self._agent_profiles.find(account_id, agent_id)

    @cached_property
    def _agent_profiles(self) -> AgentProfiles:
        from ..liveperson.agent_profiles import SECONDS, AgentProfiles
        from ..liveperson.domains import Domains
        from ..liveperson.http import LivePersonHttp

        # Its own, since the others wait longer than a name is worth.
        http = LivePersonHttp(self._http_client("liveperson"), seconds=SECONDS)
        url = self._environ["LIVEPERSON_DOMAIN_API_URL"]
        return AgentProfiles(http, Domains(http, url, clock=self._clock))

    def _provider_notifier(self, webhooks: Notifier, network: str) -> ProviderNotifier:
        """Return what writes to the people of ready channels; most accounts have none."""
        from ..flows.channel_delivery.provider_notifier import ProviderNotifier

        return ProviderNotifier(
            channels=self._ready_channels,
            client=self._provider_client(network),
            breaker=self._breaker,
            deliveries=self.persons,
            save_file=webhooks.agent_files.save_for_provider,
            consumer_events=webhooks.consumer_events,
            clock=self._clock,
        )

    # ── Tokens and dead letters ──

    @cached_property
    def token_refresh(self) -> TokenRefresh:
        """What ``token_refresh`` needs."""
        from ..flows.token_refresh import TokenRefresh, to_queue
        from ..liveperson.app_jwt import Sentinel
        from .settings import TokenRefreshSettings

        settings = TokenRefreshSettings(self._environ)

        def put_off(account_ids: Sequence[str]) -> None:
            failed = self.queue(settings.token_refresh_dead_letters_url)
            failed.send_plain_all([to_queue(each) for each in account_ids])

        return TokenRefresh(
            parameters=self._parameters,
            sentinel=Sentinel(self._liveperson, self._domains, clock=self._clock),
            lease=self.state.lease,
            put_off=put_off,
            clock=self._clock,
        )

    @cached_property
    def failed_refreshes(self) -> RetryingConsumer:
        """What ``token_refresh`` needs to try failed refreshes again."""
        from ..flows.token_refresh import MOST_TRIES

        return self._consumer(
            "token_refresh",
            self.token_refresh.retry,
            self._environ["TOKEN_REFRESH_DEAD_LETTERS_URL"],
            most_tries=MOST_TRIES,
        )

    @cached_property
    def dead_letter_redrive(self) -> DeadLetterRedrive:
        """What ``dead_letter_redrive`` needs."""
        from ..flows.dead_letter_redrive import DeadLetterRedrive
        from .settings import DeadLetterRedriveSettings

        settings = DeadLetterRedriveSettings(self._environ)
        return DeadLetterRedrive(
            failures=self.state,
            owner=self.store.owner,
            routes={
                "consumer-events": self._route(
                    settings.consumer_events_dead_letters_url, settings.consumer_events_queue_url
                ),
                "notifications": self._route(
                    settings.notifications_dead_letters_url, settings.notifications_queue_url
                ),
            },
            clock=self._clock,
        )

    def _route(self, dead_letters: str, source: str) -> Route:
        from ..flows.dead_letter_redrive import Route

        return Route(dead_letters=self.queue(dead_letters), source=self.queue(source))

    # ── What several functions need ──

    def queue(self, url: str) -> Queue:
        """Return a queue as workers use it."""
        from ..aws.queues import Queue

        return Queue(self._clients.retrying("sqs"), url)

    @cached_property
    def store(self) -> ConversationStore:
        """Consumers, conversations and what was done, in the table."""
        from ..aws.conversation_store import ConversationStore

        table = self._environ["TABLE_NAME"]
        return ConversationStore(self._clients.retrying("dynamodb"), table, clock=self._clock)

    @cached_property
    def persons(self) -> PersonStore:
        """The people of ready channels, and what they were sent, in the table."""
        from ..aws.person_store import PersonStore

        table = self._environ["TABLE_NAME"]
        return PersonStore(self._clients.retrying("dynamodb"), table, clock=self._clock)

    @cached_property
    def state(self) -> DeliveryState:
        """Circuits, held groups, tries and leases, in the table."""
        from ..aws.delivery_state import DeliveryState

        table = self._environ["TABLE_NAME"]
        return DeliveryState(self._clients.retrying("dynamodb"), table, clock=self._clock)

    @cached_property
    def authorized_calls(self) -> AuthorizedCalls:
        """Calls of LivePerson with the tokens that they need."""
        from ..flows.liveperson_access import AppJwts, AuthorizedCalls
        from ..liveperson.consumer_jws import Idp

        app_jwts = AppJwts(self._parameters.app_jwt, self._token_refresh.ask, clock=self._clock)
        return AuthorizedCalls(
            app_jwts, Idp(self._liveperson, self._domains), self.store.save_consumer
        )

    @cached_property
    def _token_refresh(self) -> TokenRefreshFunction:
        """The function ``token_refresh``, which is invoked."""
        from ..aws.functions import TokenRefreshFunction

        return TokenRefreshFunction(
            lambda: self._clients.asking_once("lambda"), self._environ["TOKEN_REFRESH_FUNCTION"]
        )

    @cached_property
    def _parameters(self) -> ParameterStore:
        from ..aws.parameters import ParameterStore

        prefix = self._environ["PARAMETER_PREFIX"]
        return ParameterStore(self._clients.retrying("ssm"), prefix)

    @cached_property
    def _channels(self) -> Cache[ChannelSettings]:
        from ..support.cache import Cache

        return Cache(self._parameters.channel, ttl=_PARAMETER_SECONDS, clock=self._clock)

    @cached_property
    def _ready_channels(self) -> Cache[ReadyChannel]:
        """The ready channels by ``{account_id}/{name}``; one that is not there is an error."""
        from ..domain.errors import MisconfiguredAccount
        from ..support.cache import Cache

        def load(key: str) -> ReadyChannel:
            found = self._ready_channel(self._parameters, key)
            if found is None:
                account_id, _, name = key.partition("/")
                parameter = self._parameters.name(account_id, f"channels/{name}")
                raise MisconfiguredAccount(f"parameter {parameter} is not there")
            return found

        return Cache(load, ttl=_PARAMETER_SECONDS, clock=self._clock)

    def _provider_client(self, network: str) -> ProviderClient:
        """Return what calls providers; it is made when the first of them is called."""
        if self._providers is None:
            from ..channel.provider_client import ProviderClient

            client = self._http_client("provider")
            self._providers = ProviderClient(client, network=network, clock=self._clock)
        return self._providers

    @cached_property
    def _liveperson(self) -> LivePersonHttp:
        from ..liveperson.http import LivePersonHttp

        return LivePersonHttp(self._http_client("liveperson"))

    @cached_property
    def _domains(self) -> Domains:
        from ..liveperson.domains import Domains

        url = self._environ["LIVEPERSON_DOMAIN_API_URL"]
        return Domains(self._liveperson, url, clock=self._clock)

    @cached_property
    def _send_api(self) -> SendApi:
        from ..liveperson.send_api import SendApi

        return SendApi(self._liveperson, self._domains)

    @cached_property
    def _liveperson_files(self) -> LivePersonFiles:
        from ..liveperson.files import LivePersonFiles

        return LivePersonFiles(self._liveperson, self._domains, self._send_api)

    def _breaker(self, destination: str) -> CircuitBreaker:
        from ..delivery.circuit_breaker import CircuitBreaker

        return CircuitBreaker(destination, self.state, clock=self._clock, chance=self._chance)

    def _consumer(
        self,
        function: str,
        handle: Callable[..., None],
        inbox: str,
        dead_letters: str | None = None,
        **more: Any,
    ) -> RetryingConsumer:
        from ..delivery.retries import RetryingConsumer

        return RetryingConsumer(
            function=function,
            handle=handle,
            hide=self.queue(inbox).hide,
            dead_letters=self.queue(dead_letters) if dead_letters else None,
            failures=self.state,
            clock=self._clock,
            chance=self._chance,
            **more,
        )


@cache
def container() -> Container:
    """Return the container of this process, built on its environment."""
    return Container(os.environ, AwsClients())
