"""The S3 contract that the stack relies on, against whatever store is in use.

The conftest beside it gives `s3_endpoint` (an address) and, as boto3 clients, `mlflow_s3`, which
owns `mlflows3`, and `jobs_s3`, which owns `api-artifacts`.
"""

import io
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import unquote

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

MEGABYTE = 1024 * 1024
OWNERS = {"mlflow_s3": "mlflows3", "jobs_s3": "api-artifacts"}


class Place(NamedTuple):
    """One test's own folder in a bucket, and the bucket of the other user."""

    client: Any
    bucket: str
    prefix: str
    other_bucket: str

    def key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + name}

    def put(self, name: str, body: bytes, **more: Any) -> Any:
        return self.client.put_object(**self.key(name), Body=body, **more)

    def get(self, name: str, **more: Any) -> bytes:
        return self.client.get_object(**self.key(name), **more)["Body"].read()

    def names(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix
        )
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return [key.removeprefix(self.prefix) for key in keys]


@pytest.fixture(params=OWNERS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    client, bucket = request.getfixturevalue(request.param), OWNERS[request.param]
    (other,) = set(OWNERS.values()) - {bucket}
    place = Place(client, bucket, f"contract/{uuid.uuid4().hex}/", other)
    yield place
    names = place.names()
    for start in range(0, len(names), 1000):
        remove(place, names[start : start + 1000])
    assert place.names() == []


@pytest.fixture
def anonymous(s3_endpoint: str) -> Any:
    return connect(s3_endpoint, config=Config(signature_version=UNSIGNED))


def connect(endpoint: str, **identity: Any) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **identity)


def remove(place: Place, names: list[str]) -> None:
    objects = [{"Key": place.prefix + name} for name in names]
    answer = place.client.delete_objects(Bucket=place.bucket, Delete={"Objects": objects})
    assert "Errors" not in answer


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """The status and the code with which the store refuses the call; fails if it is answered."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def status_of(call: Callable[..., Any], **arguments: Any) -> int:
    return refusal(call, **arguments)[0]


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    return refusal(call, **arguments)[1]


def test_an_object_comes_back_as_it_was_put(place):
    place.put("a.bin", b"\x00\xff rook", ContentType="image/png", Metadata={"run": "7"})
    answer = place.client.get_object(**place.key("a.bin"))
    assert answer["Body"].read() == b"\x00\xff rook"
    assert (answer["ContentType"], answer["Metadata"]) == ("image/png", {"run": "7"})


def test_an_object_of_zero_bytes_is_an_object(place):
    place.put("empty", b"")
    assert place.client.head_object(**place.key("empty"))["ContentLength"] == 0
    assert place.get("empty") == b""


@pytest.mark.parametrize(
    "name", ["größe/ñandú 🐧.csv", "a b+c&d=e%20f", "quote'\"(1)!*~", "x=1/y=2/part-0.parquet"]
)
def test_a_key_keeps_its_characters(place, name):
    place.put(name, b"1")
    assert place.names() == [name]
    assert place.get(name) == b"1"


def test_a_key_that_is_missing_is_404_and_not_403(place):
    assert status_of(place.client.head_object, **place.key("nothing")) == 404
    assert code_of(place.client.get_object, **place.key("nothing")) == "NoSuchKey"


def test_a_listing_of_more_than_a_thousand_keys_comes_in_pages_without_gaps(place):
    names = [f"{n:04}" for n in range(1050)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: place.put(name, b"x"), names))
    first = place.client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix)
    assert (first["KeyCount"], first["IsTruncated"]) == (1000, True)
    assert place.names() == names


def test_a_listing_with_a_delimiter_shows_folders_and_files_apart(place):
    for name in ("model/MLmodel", "model/data/model.skops", "plot.png", "modelling.txt"):
        place.put(name, b"x")
    answer = place.client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, Delimiter="/")
    files = [found["Key"].removeprefix(place.prefix) for found in answer["Contents"]]
    folders = [found["Prefix"].removeprefix(place.prefix) for found in answer["CommonPrefixes"]]
    assert (files, folders) == (["modelling.txt", "plot.png"], ["model/"])
    assert place.names("model/") == ["model/MLmodel", "model/data/model.skops"]


def test_a_copy_is_made_inside_the_store_with_what_was_said_of_the_object(place):
    place.put("from", b"rook", ContentType="text/csv")
    place.client.copy_object(**place.key("to"), CopySource=place.key("from"))
    copy = place.client.get_object(**place.key("to"))
    assert (copy["Body"].read(), copy["ContentType"]) == (b"rook", "text/csv")


def test_part_of_an_object_can_be_read(place):
    place.put("model", b"0123456789")
    assert place.get("model", Range="bytes=2-4") == b"234"
    assert place.get("model", Range="bytes=-3") == b"789"


def test_deleted_keys_are_gone_and_deleting_them_again_is_no_error(place):
    place.put("a", b"1")
    place.put("b", b"2")
    remove(place, ["a", "b"])
    remove(place, ["a"])
    assert place.names() == []
    assert status_of(place.client.head_object, **place.key("a")) == 404


def test_64_megabytes_go_up_in_parts_and_come_back_whole(place):
    body = os.urandom(64 * MEGABYTE)
    parts = TransferConfig(multipart_threshold=8 * MEGABYTE, multipart_chunksize=8 * MEGABYTE)
    place.client.upload_fileobj(io.BytesIO(body), *place.key("big").values(), Config=parts)
    assert place.client.head_object(**place.key("big"))["ETag"].strip('"').endswith("-8")
    back = io.BytesIO()
    place.client.download_fileobj(*place.key("big").values(), back, Config=parts)
    assert back.getvalue() == body


def test_parts_by_hand_become_one_object_in_their_order(place):
    upload = place.client.create_multipart_upload(**place.key("parts"))["UploadId"]
    bodies = {2: b"tail", 1: b"h" * (5 * MEGABYTE)}
    tags = {
        n: place.client.upload_part(**place.key("parts"), UploadId=upload, PartNumber=n, Body=body)[
            "ETag"
        ]
        for n, body in bodies.items()
    }
    listed = place.client.list_parts(**place.key("parts"), UploadId=upload)["Parts"]
    assert [part["PartNumber"] for part in listed] == [1, 2]
    place.client.complete_multipart_upload(
        **place.key("parts"),
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": tags[n]} for n in (1, 2)]},
    )
    assert place.get("parts") == bodies[1] + bodies[2]


def test_an_upload_that_was_given_up_leaves_no_object(place):
    upload = place.client.create_multipart_upload(**place.key("half"))["UploadId"]
    place.client.upload_part(
        **place.key("half"), UploadId=upload, PartNumber=1, Body=b"x" * (5 * MEGABYTE)
    )
    place.client.abort_multipart_upload(**place.key("half"), UploadId=upload)
    assert place.names() == []
    gone = {"UploadId": upload, **place.key("half")}
    assert code_of(place.client.list_parts, **gone) == "NoSuchUpload"


def test_an_overwritten_object_keeps_its_older_version(place):
    old = place.put("model", b"old")["VersionId"]
    new = place.put("model", b"new")["VersionId"]
    assert old != new
    assert place.get("model") == b"new"
    assert place.get("model", VersionId=old) == b"old"


def test_a_deleted_object_can_be_brought_back_from_its_version(place):
    version = place.put("model", b"precious")["VersionId"]
    assert place.client.delete_object(**place.key("model"))["DeleteMarker"] is True
    place.client.copy_object(
        **place.key("model"), CopySource={**place.key("model"), "VersionId": version}
    )
    assert place.get("model") == b"precious"


def test_the_versions_of_a_key_are_listed_newest_first(place):
    made = [place.put("model", body)["VersionId"] for body in (b"1", b"2")]
    place.client.delete_object(**place.key("model"))
    listed = place.client.list_object_versions(Bucket=place.bucket, Prefix=place.prefix)
    assert [version["VersionId"] for version in listed["Versions"]] == made[::-1]
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]


def test_an_object_is_not_overwritten_by_a_put_that_wants_it_new(place):
    place.put("lock", b"first", IfNoneMatch="*")
    again = {**place.key("lock"), "Body": b"second", "IfNoneMatch": "*"}
    assert status_of(place.client.put_object, **again) == 412
    assert place.get("lock") == b"first"


def test_a_read_can_ask_whether_the_object_changed(place):
    tag = place.put("model", b"1")["ETag"]
    assert place.get("model", IfMatch=tag) == b"1"
    assert status_of(place.client.get_object, **place.key("model"), IfNoneMatch=tag) == 304
    place.put("model", b"2")
    assert status_of(place.client.get_object, **place.key("model"), IfMatch=tag) == 412


def test_the_checksum_that_boto3_sends_by_itself_is_kept_and_given_back(place):
    sent = {k: v for k, v in place.put("model", b"rook").items() if is_checksum(k)}
    assert len(sent) == 1
    answer = place.client.get_object(**place.key("model"), ChecksumMode="ENABLED")
    assert {k: v for k, v in answer.items() if is_checksum(k)} == sent


def is_checksum(field: str) -> bool:
    return field.startswith("Checksum") and field != "ChecksumType"


def test_a_body_that_does_not_fit_its_checksum_is_refused(place):
    wrong = {**place.key("model"), "Body": b"rook", "ChecksumSHA256": "A" * 43 + "="}
    assert status_of(place.client.put_object, **wrong) == 400
    assert place.names() == []


def test_a_signed_link_reads_the_object_without_keys(place):
    place.put("plot ü.png", b"png")
    link = place.client.generate_presigned_url("get_object", Params=place.key("plot ü.png"))
    assert unquote(link.split("?")[0]).endswith("plot ü.png")
    assert answer_to(link) == (200, b"png")


def test_a_signed_link_does_not_open_another_object(place):
    place.put("one", b"1")
    place.put("two", b"2")
    link = place.client.generate_presigned_url("get_object", Params=place.key("one"))
    assert answer_to(link.replace("/one?", "/two?"))[0] == 403


def answer_to(link: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(link, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_user_is_refused_everything_in_the_bucket_of_the_other(place):
    client, there = place.client, {"Bucket": place.other_bucket}
    key = {**there, "Key": "contract/door"}
    calls = [
        (client.list_objects_v2, there),
        (client.list_object_versions, there),
        (client.head_bucket, there),
        (client.get_object, key),
        (client.head_object, key),
        (client.put_object, {**key, "Body": b"x"}),
        (client.delete_object, key),
        (client.create_multipart_upload, key),
        (client.copy_object, {**place.key("stolen"), "CopySource": key}),
    ]
    assert [status_of(call, **arguments) for call, arguments in calls] == [403] * len(calls)


def test_a_user_does_not_learn_of_other_buckets_by_listing_them(place):
    assert place.other_bucket not in listed_buckets(place.client)


def listed_buckets(client: Any) -> set[str]:
    """The names of the buckets that the user sees; none where listing them is refused."""
    try:
        return {found["Name"] for found in client.list_buckets()["Buckets"]}
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return set()


def test_a_user_cannot_destroy_a_version(place):
    version = place.put("model", b"precious")["VersionId"]
    target = {**place.key("model"), "VersionId": version}
    assert code_of(place.client.delete_object, **target) == "AccessDenied"
    answer = place.client.delete_objects(
        Bucket=place.bucket,
        Delete={"Objects": [{"Key": target["Key"], "VersionId": version}]},
    )
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert place.get("model", VersionId=version) == b"precious"


def test_a_user_cannot_change_or_delete_its_bucket(place):
    client, mine = place.client, {"Bucket": place.bucket}
    off = {"VersioningConfiguration": {"Status": "Suspended"}}
    calls = [
        (client.put_bucket_versioning, {**mine, **off}),
        (client.put_bucket_policy, {**mine, "Policy": "{}"}),
        (client.delete_bucket_policy, mine),
        (client.delete_bucket_lifecycle, mine),
        (client.delete_bucket, mine),
    ]
    assert [code_of(call, **more) for call, more in calls] == ["AccessDenied"] * len(calls)
    assert client.get_bucket_versioning(**mine)["Status"] == "Enabled"


def test_a_user_cannot_make_a_bucket(place):
    name = f"contract-{uuid.uuid4().hex}"
    assert code_of(place.client.create_bucket, Bucket=name) == "AccessDenied"


def test_a_user_cannot_make_another_user(place):
    # the administrators' interface of MinIO and its forks; other stores have none at that address
    name = f"contract-{uuid.uuid4().hex}"
    address = f"{place.client.meta.endpoint_url}/minio/admin/v3/add-user?accessKey={name}"
    request = AWSRequest("PUT", address, data=b"{}")
    S3SigV4Auth(place.client._request_signer._credentials, "s3", "us-east-1").add_auth(request)
    assert URLLib3Session().send(request.prepare()).status_code in (403, 404, 405)


def test_nobody_reads_lists_or_writes_without_keys(place, anonymous):
    place.put("secret", b"1")
    here = {"Bucket": place.bucket}
    calls = [
        (anonymous.get_object, place.key("secret")),
        (anonymous.list_objects_v2, here),
        (anonymous.put_object, {**place.key("graffiti"), "Body": b"x"}),
        (anonymous.delete_object, place.key("secret")),
        (anonymous.list_buckets, {}),
    ]
    assert [status_of(call, **arguments) for call, arguments in calls] == [403] * len(calls)


def test_a_wrong_secret_is_refused(place, s3_endpoint):
    access = place.client._request_signer._credentials.access_key
    liar = connect(s3_endpoint, aws_access_key_id=access, aws_secret_access_key="not-the-secret")
    assert code_of(liar.list_objects_v2, Bucket=place.bucket) == "SignatureDoesNotMatch"
