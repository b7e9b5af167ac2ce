"""The floor, with all settings of our own clients."""

from . import floor
from .clients import LEAN, client

floor.sqs = client("sqs", LEAN)
handler = floor.handler
