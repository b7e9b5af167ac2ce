"""Agents' files, kept encrypted in S3 for the channel to fetch; the bucket forgets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ..domain.accounts import is_account_id
from .clients import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A channel follows the redirect at once; a longer life would only help a leaked address.
LINK_SECONDS = 60

# A provider fetches a file when it sends the message on, which may take some minutes.
PROVIDER_SECONDS = 15 * 60

# The form of the ids that the flow makes; S3 has no file with any other.
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


class AgentFileBucket:
    """Keeps files by account and id; ``client`` is called with the first of them, if one comes."""

    def __init__(self, client: Callable[[], S3Client], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(
        self, account_id: str, file_id: str, content: bytes, content_type: str, consumer_key: str
    ) -> None:
        """Keep a file, and for whom, so that it can be erased; the same again changes nothing."""
        with aws_errors("keeping a file"):
            self._client().put_object(
                Bucket=self._bucket,
                Key=_key(account_id, file_id),
                Body=content,
                ContentType=content_type,
                Metadata={"consumer": consumer_key},
            )

    def link(self, account_id: str, file_id: str) -> str | None:
        """Return an address that shows the file for a minute, or None if it is not there."""
        if not (is_account_id(account_id) and _FILE_ID.fullmatch(file_id)):
            return None
        place = {"Bucket": self._bucket, "Key": _key(account_id, file_id)}
        with aws_errors("looking for a file"):
            try:
                self._client().head_object(Bucket=self._bucket, Key=place["Key"])
            except ClientError as failure:
                if error_code(failure) in {"404", "403", "NoSuchKey", "NotFound"}:
                    return None
                raise
            return self._client().generate_presigned_url(
                "get_object", Params=place, ExpiresIn=LINK_SECONDS
            )

    def show(self, account_id: str, file_id: str) -> str:
        """Return an address that shows a file, which is there, to a provider for some minutes."""
        with aws_errors("making an address of a file"):
            return self._client().generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": _key(account_id, file_id)},
                ExpiresIn=PROVIDER_SECONDS,
            )


def _key(account_id: str, file_id: str) -> str:
    return f"{account_id}/{file_id}"
