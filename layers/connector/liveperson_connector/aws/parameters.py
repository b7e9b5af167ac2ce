"""
Accounts in Parameter Store, as SecureStrings.

They are ``/{stack}/accounts/{account_id}/credentials``, ``…/channel``, ``…/channels/{name}`` for
each ready channel, ``…/app-jwt`` and ``…/intake_settings``. The operator writes all but the last
two, which ``token_refresh`` alone writes.

``intake_settings`` is the one that is not encrypted: a copy of what ``message_intake`` must know of
``channel``, without its secret. It names the state of ``channel`` that it is a copy of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from ..domain.accounts import ChannelSettings, Credentials, is_account_id, is_channel_name
from ..domain.errors import MisconfiguredAccount
from ..domain.intake_settings import IntakeSettings, origin_of
from .clients import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterTypeDef

# No ready channel can have this name, so no right on the one is a right on the other.
_COPY = "intake_settings"


# A standard parameter holds 4 KB, an AppJWT may grow beyond: this tier is the advanced one (8 KB,
# paid) for such a value alone.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
TIER: Literal["Intelligent-Tiering"] = "Intelligent-Tiering"


class ParameterStore:
    """Reads and writes the parameters below ``prefix``, for example ``/my-stack``."""

    def __init__(self, client: SSMClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def name(self, account_id: str, kind: str) -> str:
        """Return a parameter's full name."""
        return f"{self._prefix}/accounts/{account_id}/{kind}"

    def credentials(self, account_id: str) -> Credentials:
        """Return the app install's credentials, or raise :class:`MisconfiguredAccount`."""
        name = self.name(account_id, "credentials")
        return Credentials.parse(self._written(account_id, "credentials"), parameter=name)

    def channel(self, account_id: str) -> ChannelSettings:
        """Return the channel's settings, or raise :class:`MisconfiguredAccount`."""
        name = self.name(account_id, "channel")
        return ChannelSettings.parse(self._written(account_id, "channel"), parameter=name)

    def find_credentials(self, account_id: str) -> Credentials | None:
        """Return the credentials, or None for an account that has no such parameter."""
        text = self._read(account_id, "credentials")
        name = self.name(account_id, "credentials")
        return Credentials.parse(text, parameter=name) if text is not None else None

    def ready_channel(self, account_id: str, name: str) -> str | None:
        """Return the text of a ready channel's parameter, or None if it is not there."""
        return self._read(account_id, f"channels/{name}") if is_channel_name(name) else None

    def intake_settings(
        self, account_id: str, copy: Callable[[str], None]
    ) -> IntakeSettings | None:
        """
        Return what ``message_intake`` knows of an account, None for one that is not configured.

        Nothing is decrypted. ``copy`` is called with the account where the copy is not that of the
        present ``channel``, and returns when :meth:`copy_intake_settings` has written another.
        """
        if not is_account_id(account_id):
            return None
        found = self._current_copy(account_id)
        if found == "":
            copy(account_id)
            found = self._current_copy(account_id)
        name = self.name(account_id, _COPY)
        if found == "":
            raise MisconfiguredAccount(f"parameter {name} is older than the account's channel")
        return None if found is None else IntakeSettings.parse(found, parameter=name)

    def _current_copy(self, account_id: str) -> str | None:
        """Return the copy, empty if there is none of the present ``channel``, None without that."""
        channel, copy = (self.name(account_id, each) for each in ("channel", _COPY))
        with aws_errors(f"reading parameter {channel}"):
            answer = self._client.get_parameters(Names=[channel, copy], WithDecryption=False)
        found = {each["Name"]: each for each in answer["Parameters"]}
        if channel not in found:
            return None
        text = found[copy]["Value"] if copy in found else "{}"
        is_current = origin_of(text, parameter=copy) == _state_of(found[channel])
        return text if is_current else ""

    def copy_intake_settings(self, account_id: str) -> None:
        """Copy what ``message_intake`` must know of ``channel``, and none of its secrets."""
        name, copy = (self.name(account_id, each) for each in ("channel", _COPY))
        if not is_account_id(account_id):
            raise MisconfiguredAccount("an account of this id cannot be")
        with aws_errors(f"reading parameter {name}"):
            found = self._client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        settings = IntakeSettings.parse(found["Value"], parameter=name)
        with aws_errors(f"writing parameter {copy}"):
            self._client.put_parameter(
                Name=copy, Value=settings.write(_state_of(found)), Type="String", Overwrite=True
            )

    def app_jwt(self, account_id: str) -> str | None:
        """Return the stored AppJWT, or None."""
        return self._read(account_id, "app-jwt")

    def store_app_jwt(self, account_id: str, token: str) -> None:
        """Store an AppJWT for the workers."""
        name = self.name(account_id, "app-jwt")
        with aws_errors(f"writing parameter {name}"):
            self._client.put_parameter(
                Name=name, Value=token, Type="SecureString", Tier=TIER, Overwrite=True
            )

    def account_ids(self) -> list[str]:
        """Return every account that has credentials."""
        found, token = self.accounts_with("credentials")
        while token:
            more, token = self.accounts_with("credentials", token)
            found |= more
        return sorted(found)

    def accounts_with(self, kind: str, token: str | None = None) -> tuple[set[str], str | None]:
        """
        Return accounts that have a parameter of this kind, and the token of the next page, if any.

        Parameter Store gives ten parameters a page; no secret of them is decrypted.
        """
        found, token = self._page(token)
        names = {each[0] for each in found if each[1:] == [kind] and is_account_id(each[0])}
        return names, token

    def ready_channels(self, token: str | None = None) -> tuple[set[str], str | None]:
        """Return ready channels as ``{account_id}/{name}``, a page at a time as above."""
        found, token = self._page(token)
        names = {f"{each[0]}/{each[2]}" for each in found if _is_ready_channel(each)}
        return names, token

    def _page(self, token: str | None) -> tuple[list[list[str]], str | None]:
        path = f"{self._prefix}/accounts"
        more: dict[str, Any] = {"NextToken": token} if token else {}
        with aws_errors(f"listing parameters below {path}"):
            page: Any = self._client.get_parameters_by_path(
                Path=path, Recursive=True, WithDecryption=False, MaxResults=10, **more
            )
        found = [each["Name"].removeprefix(f"{path}/").split("/") for each in page["Parameters"]]
        return found, page.get("NextToken")

    def _written(self, account_id: str, kind: str) -> str:
        text = self._read(account_id, kind)
        if text is None:
            raise MisconfiguredAccount(
                f"parameter {self.name(account_id, kind)} is not there; "
                "write it as a SecureString (see docs/onboarding.md)"
            )
        return text

    def _read(self, account_id: str, kind: str) -> str | None:
        name = self.name(account_id, kind)
        if not is_account_id(account_id):
            return None
        with aws_errors(f"reading parameter {name}"):
            try:
                answer = self._client.get_parameter(Name=name, WithDecryption=True)
            except ClientError as failure:
                if error_code(failure) == "ParameterNotFound":
                    return None
                raise
        return answer["Parameter"]["Value"]


def _state_of(parameter: ParameterTypeDef) -> str:
    """Name a parameter's state: one that was deleted and written again counts from 1 again."""
    return f"{parameter['Version']}@{parameter['LastModifiedDate'].timestamp():.3f}"


def _is_ready_channel(parts: list[str]) -> bool:
    """Whether a parameter's name, below the accounts, is ``{account_id}/channels/{name}``."""
    match parts:
        case [account_id, "channels", name]:
            return is_account_id(account_id) and is_channel_name(name)
    return False
