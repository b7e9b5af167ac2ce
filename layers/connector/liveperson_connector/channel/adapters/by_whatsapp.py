"""
What WhatsApp carries, whichever provider stands between: each adapter adds and limits.

Files: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media. The window: ``/docs/
whatsapp/pricing#customer-service-windows`` of the same host.
"""

from __future__ import annotations

from .interface import Capabilities

MEGABYTE = 1024 * 1024
PICTURES = ("JPG", "JPEG", "PNG")

WHATSAPP = Capabilities(
    text=4096,
    files=dict.fromkeys(PICTURES, 5 * MEGABYTE),
    consumer_files=dict.fromkeys(("JPEG", "PNG"), 5 * MEGABYTE),
    location_in=True,
    location_out=True,
    typing_out=True,
    reports=frozenset({"delivered", "read", "failed"}),
    quotes=True,
    window_seconds=24 * 3600,
)
