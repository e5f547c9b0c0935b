"""Files for the object store: the bucket of the jobs."""

from pathlib import Path

from rookery.errors import Unavailable
from rookery.settings import Settings

BUCKET = "api-artifacts"


def put_page(settings: Settings, path: Path, key: str) -> str | None:
    """Puts a page into the bucket and says where; None where no store is set.

    The keys are those that boto3 finds, such as AWS_ACCESS_KEY_ID.

    Raises:
        Unavailable: the store does not answer, or refuses.
    """
    if settings.s3_endpoint is None:
        return None
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
    try:
        client = boto3.client("s3", endpoint_url=settings.s3_endpoint, config=patience)
        kind = {"ContentType": "text/html; charset=utf-8"}
        client.upload_file(str(path), BUCKET, key, ExtraArgs=kind)
    except (BotoCoreError, Boto3Error, ClientError, ValueError) as error:
        raise Unavailable(
            f"{path} is written, but the object store at {settings.s3_endpoint} did not take it: "
            f"{str(error)[:300]}",
            field="S3_ENDPOINT",
            value=settings.s3_endpoint,
            allowed=f"a store with the bucket {BUCKET}, and keys that may write to it",
            next="rookery doctor",
        ) from error
    return f"s3://{BUCKET}/{key}"
