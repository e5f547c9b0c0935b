"""Makes the buckets of the object store and one user for each, limited to it; safe to repeat."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from minio import Minio, MinioAdmin
from minio.commonconfig import ENABLED, Filter
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException, MinioException, S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.versioningconfig import VersioningConfig
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

KEYS = Path("/run/keys")
POLICY = Template(Path(__file__).with_name("policy.json").read_text(encoding="utf-8"))
USERS = {"mlflows3": "mlflow_s3", "api-artifacts": "jobs_s3"}  # bucket: the start of its secrets
DEADLINE_SECONDS = 60
WRONG_KEYS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
# no retries here: wait_until_ready alone decides how long to wait
HTTP = PoolManager(timeout=Timeout(connect=5, read=30), retries=False)
# what was deleted or overwritten can be brought back for a while, and then frees its space
OLD_VERSIONS = Rule(
    ENABLED,
    rule_filter=Filter(prefix=""),
    rule_id="old-versions",
    noncurrent_version_expiration=NoncurrentVersionExpiration(30),
    expiration=Expiration(expired_object_delete_marker=True),
)


class Refused(Exception):
    """The set-up cannot be made; the message says why and what to do."""


def read_user(access: str, secret: str) -> StaticProvider:
    """The user whose name and secret are in two key files; raises Refused if one is missing."""
    for path in (KEYS / access, KEYS / secret):
        if not path.is_file():
            raise Refused(f"{path} is missing: run `docker compose up keys` first")
    return StaticProvider((KEYS / access).read_text(), (KEYS / secret).read_text())


def connection(url: str, user: StaticProvider) -> dict[str, Any]:
    address = urlsplit(url)
    where = {"endpoint": address.netloc, "secure": address.scheme == "https"}
    return {**where, "region": "us-east-1", "credentials": user, "http_client": HTTP}


def obstacle(store: Minio) -> Exception | None:
    """Say what keeps the store from answering; raises Refused for keys that it does not know."""
    try:
        store.list_buckets()
    except (HTTPError, MinioException) as error:
        if isinstance(error, S3Error) and error.code in WRONG_KEYS:
            raise Refused(
                f"it refuses the administrator of {KEYS} (root_user, root_password): {error.code}. "
                "Start it with these: `docker compose up --force-recreate minio minio-setup`"
            ) from error
        return error
    return None


def wait_until_ready(store: Minio) -> None:
    """Wait for an answer; raises Refused if there is none in time, or the keys are unknown."""
    end = time.monotonic() + DEADLINE_SECONDS
    while reason := obstacle(store):
        if time.monotonic() > end:
            raise Refused(f"no answer for {DEADLINE_SECONDS} s, see its log: {reason}")
        time.sleep(0.2)


def make_bucket(store: Minio, bucket: str) -> str:
    known = store.bucket_exists(bucket)
    if not known:
        store.make_bucket(bucket)
    store.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    store.set_bucket_lifecycle(bucket, LifecycleConfig([OLD_VERSIONS]))
    return f"bucket {bucket}: {'kept' if known else 'made'}, versioning on"


def make_user(admin: MinioAdmin, bucket: str, user: StaticProvider) -> str:
    """Make or mend the bucket's user; raises Refused if its name is taken, seen by its policy."""
    name, secret, policy = user.retrieve().access_key, user.retrieve().secret_key, f"{bucket}-only"
    known = json.loads(admin.user_list())
    attached = known.get(name, {}).get("policyName", "")
    if attached not in ("", policy):
        raise Refused(
            f"the name of the user of {bucket} is taken by one with the policy {attached!r} "
            f"instead of {policy!r}: take that policy or that user away in the store"
        )
    admin.policy_add(policy, policy=json.loads(POLICY.substitute(bucket=bucket)))
    admin.user_add(name, secret)
    if attached != policy:
        admin.attach_policy([policy], user=name)
    return f"user of {bucket}: {'kept' if name in known else 'made'}, policy {policy} written"


def set_up(url: str) -> Iterator[str]:
    """Make buckets and users, and say each step.

    Raises:
        Refused: a key file is missing, the store does not answer in time or know the keys, or the
            name of a user is taken.
        HTTPError, MinioException, MinioAdminException: the store failed on the way.
    """
    root = read_user("root_user", "root_password")
    users = {b: read_user(f"{n}_access_key", f"{n}_secret_key") for b, n in USERS.items()}
    store, admin = Minio(**connection(url, root)), MinioAdmin(**connection(url, root))
    wait_until_ready(store)
    for bucket, user in users.items():
        yield make_bucket(store, bucket)
        yield make_user(admin, bucket, user)
        next(Minio(**connection(url, user)).list_objects(bucket), None)
        yield f"user of {bucket}: logs in and reads it"


if __name__ == "__main__":
    endpoint = os.environ.get("S3_ENDPOINT", "http://minio:9000")
    try:
        for line in set_up(endpoint):
            print(line)  # noqa: T201
    except (Refused, HTTPError, MinioException, MinioAdminException) as error:
        sys.exit(f"The object store {endpoint} is not set up: {error}")
