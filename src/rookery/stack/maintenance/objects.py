"""A bucket as one tar file: any key fits, and the type and tags of an object come along.

Only what is current is copied, not the older versions that the store keeps for a while.
"""

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rookery.errors import Unavailable
from rookery.stack.maintenance.files import Hashed
from rookery.stack.maintenance.members import KEY, TAG, TYPE, members
from rookery.stack.maintenance.stores import Bucket

# one part at a time: the file is read from start to end
IN_ORDER = TransferConfig(use_threads=False)


def pack(bucket: Bucket, target: Hashed) -> set[str]:
    """Copies every object, and returns their keys.

    Raises:
        Unavailable: the store is away or refuses.
    """
    packed = set()
    with _answering(bucket) as client, tarfile.open(fileobj=target, mode="w|") as tar:
        for key in keys(client, bucket):
            if _add(tar, client, bucket, key):
                packed.add(key)
    return packed


def count(bucket: Bucket, most: int) -> int:
    """How many objects there are, counted up to `most`.

    Raises:
        Unavailable: the store is away or refuses.
    """
    with _answering(bucket) as client:
        return sum(1 for _ in zip(keys(client, bucket), range(most), strict=False))


def unpack(source: Path, bucket: Bucket) -> int:
    """Puts every object of a tar file into the bucket, and returns how many.

    Raises:
        InputError: a member is not one that a backup writes.
        Unavailable: the store is away, full, or refuses.
    """
    done = 0
    with _answering(bucket) as client:
        for member, body in members(source):
            headers = member.pax_headers
            _put(client, bucket, headers[KEY], body, member.size, _more(headers))
            done += 1
    return done


def keys(client: Any, bucket: Bucket) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        yield from (found["Key"] for found in page.get("Contents", []))


def _add(tar: tarfile.TarFile, client: Any, bucket: Bucket, key: str) -> bool:
    """False where the object was deleted after it was listed."""
    try:
        found = client.get_object(Bucket=bucket.name, Key=key)
    except client.exceptions.NoSuchKey:
        return False
    member = tarfile.TarInfo(key)
    member.size, member.mtime = found["ContentLength"], int(found["LastModified"].timestamp())
    # tar itself drops a slash at the end of a name
    headers = {KEY: key, TYPE: found.get("ContentType", "")}
    tags = {TAG + name: value for name, value in found["Metadata"].items()}
    member.pax_headers = headers | tags
    with found["Body"] as body:
        tar.addfile(member, body)
    return True


def _more(headers: Mapping[str, str]) -> dict[str, Any]:
    tags = {name.removeprefix(TAG): v for name, v in headers.items() if name.startswith(TAG)}
    return {"Metadata": tags} | ({"ContentType": headers[TYPE]} if headers.get(TYPE) else {})


def _put(
    client: Any, bucket: Bucket, key: str, body: IO[bytes], size: int, more: dict[str, Any]
) -> None:
    if size > IN_ORDER.multipart_threshold:
        client.upload_fileobj(body, bucket.name, key, ExtraArgs=more, Config=IN_ORDER)
    else:
        client.put_object(Bucket=bucket.name, Key=key, Body=body.read(), **more)


@contextmanager
def _answering(bucket: Bucket) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        aws_access_key_id=bucket.access_key,
        aws_secret_access_key=bucket.secret_key,
        region_name="us-east-1",
        config=Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3}),
    )
    try:
        yield client
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(
            f"the bucket {bucket.name} at {bucket.endpoint} failed: {error}",
            field="minio",
            value=bucket.name,
            next="docker compose up --detach minio minio-setup",
        ) from error
