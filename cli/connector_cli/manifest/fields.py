"""
The manifest that this connector needs.

Webhooks are retried by time to live: without it LivePerson drops a webhook at its first failure;
retry by number is deprecated, gives up after minutes and loses the order
(https://developers.liveperson.com/connector-api-webhooks-retry-policy.html).
"""

from __future__ import annotations

from typing import Any

MESSAGING = "ms.MessagingEventNotification"
CONTENT = f"{MESSAGING}.ContentEvent"
RICH_CONTENT = f"{MESSAGING}.RichContentEvent"
ACCEPT_STATUS = f"{MESSAGING}.AcceptStatusEvent"
CHAT_STATE = f"{MESSAGING}.ChatStateEvent"
CONVERSATION = "cqm.ExConversationChangeNotification"

EVENT_TYPES = (CONTENT, RICH_CONTENT, ACCEPT_STATUS, CHAT_STATE, CONVERSATION)

LONGEST_RETENTION = 259_200
"""Three days, the maximum: an outage over a weekend loses nothing."""

GRANT_TYPE = "client_credentials"
SCOPE = "msg.consumer"

ENGAGEMENT: dict[str, tuple[str, ...] | bool] = {
    "design_engagement": False,
    "design_window": False,
    "entry_point": ("section",),
    "visitor_behavior": (
        "visited_location",
        "time_on_location",
        "flow",
        "engaged_in_session",
        "about_to_abandon",
        "cart_value",
        "cart_items",
        "visitor_error",
        "viewed_products",
        "service_activity",
    ),
    "target_audience": (
        "external_referral",
        "search_keywords",
        "ip",
        "platform",
        "geo_location",
        "returning_visitors",
        "marketing_source",
        "customer_type",
        "age",
        "balance",
        "customer_id",
        "gender",
        "store_zip_code",
        "store_number",
        "company_size",
        "registration_date",
    ),
    "goal": ("url", "purchase_total", "num_of_pages", "lead", "service_activity"),
    "consumer_identity": ("auth",),
    "language_selection": False,
}
"""The options of a campaign whose source is this app: the documented defaults."""


def manifest(
    webhook_url: str,
    *,
    client_name: str,
    description: str,
    retention_time: int = LONGEST_RETENTION,
) -> dict[str, Any]:
    """Return the manifest for a webhook's URL."""
    return {
        "client_name": client_name,
        "description": description,
        "grant_types": [GRANT_TYPE],
        "scope": SCOPE,
        "enabled": True,
        "capabilities": {
            "webhooks": {
                "retry": {"retention_time": retention_time},
                **{kind: _entry(kind, webhook_url) for kind in EVENT_TYPES},
            },
            "engagement": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in ENGAGEMENT.items()
            },
        },
    }


def _entry(kind: str, endpoint: str) -> dict[str, Any]:
    # A typing indicator is stale within seconds. With max_retries 0, LivePerson drops one that
    # fails; otherwise it holds back every other event of the app until the retry.
    return {"endpoint": endpoint, **({"max_retries": 0} if kind == CHAT_STATE else {})}
