"""
What ``message_intake`` knows of an account's channel: which API keys act for it, what is masked.

The operator writes it into the ``channel`` parameter, beside the secret that signs callbacks. The
intake may not decrypt that one, so ``token_refresh`` keeps a copy without secrets for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from .accounts import json_object, misconfigured, redactions

_KEY_ID = re.compile(r"[A-Za-z0-9]{1,64}")

_FORM = '{"api_key_ids": ["…"]}'

BRAND_KEY_PREFIX = "brandkey"
"""
How the value of a key begins that was made for one account.

API Gateway makes values of random letters and digits, so no other key begins like this. The values
of its keys are alphanumeric, of 20 to 128 characters
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html).
"""


@dataclass(frozen=True)
class ApiKey:
    """The API key of a request, as API Gateway authenticated it: its id and its value."""

    id: str = ""
    value: str = field(default="", repr=False)

    @property
    def is_of_a_brand(self) -> bool:
        """Whether the key was made for an account that names its keys."""
        return self.value.startswith(BRAND_KEY_PREFIX)


@dataclass(frozen=True)
class IntakeSettings:
    """
    ``api_key_ids`` are the keys that act for the account; None if it names none.

    ``redact`` is what is masked in texts of consumers, of :data:`REDACTIONS`.
    """

    api_key_ids: frozenset[str] | None = None
    redact: frozenset[str] = frozenset()

    def admits(self, key: ApiKey) -> bool:
        """
        Whether ``key`` may act for the account.

        An account that names keys takes these alone; another one takes the stack's key, and no key
        that was made for a brand.
        """
        if self.api_key_ids is None:
            return not key.is_of_a_brand
        return key.id in self.api_key_ids

    def write(self, origin: str) -> str:
        """Write the copy of the ``channel`` parameter whose present state is called ``origin``."""
        copy: dict[str, object] = {"copy_of": origin}
        if self.api_key_ids is not None:
            copy["api_key_ids"] = sorted(self.api_key_ids)
        if self.redact:
            copy["redact"] = sorted(self.redact)
        return json.dumps(copy)

    @classmethod
    def parse(cls, text: str, *, parameter: str) -> IntakeSettings:
        """Read the ``channel`` parameter's text, or its copy's; other fields may be wrong."""
        given = json_object(text, parameter, _FORM)
        return cls(
            api_key_ids(given.get("api_key_ids"), parameter),
            redactions(given.get("redact"), parameter),
        )


def origin_of(copy: str, *, parameter: str) -> str:
    """Return of which state of the ``channel`` parameter this is the copy."""
    return str(json_object(copy, parameter, _FORM).get("copy_of"))


def api_key_ids(given: object, parameter: str) -> frozenset[str] | None:
    """Read ``api_key_ids``: the ids of the API keys that act for the account, None for no list."""
    if given is None:
        return None
    if isinstance(given, list) and given and all(map(_is_key_id, given)):
        return frozenset(given)
    raise misconfigured(parameter, "'api_key_ids' is no list of ids of API keys", _FORM)


def _is_key_id(given: object) -> bool:
    return isinstance(given, str) and _KEY_ID.fullmatch(given) is not None
