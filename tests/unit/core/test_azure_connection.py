"""Connection strings of Azure: what is wrong is named, and nothing of the key ever shows."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.azure_connection import (
    EMULATOR_KEY,
    AzureDestination,
    read_azure,
    read_connection,
    read_destination,
)
from rookery.errors import InputError

KEY = base64.b64encode(bytes(range(64))).decode()
PARTS = {
    "DefaultEndpointsProtocol": "https",
    "AccountName": "rooks",
    "AccountKey": KEY,
    "EndpointSuffix": "core.windows.net",
}
PLACE = "wasbs://models@rooks.blob.core.windows.net/artifacts"


def written(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_connection(text)
    error = caught.value
    assert error.exit_code == 2
    assert error.field == "AZURE_STORAGE_CONNECTION_STRING"
    assert KEY[:12] not in str(error.as_dict())
    return error.message


def test_a_whole_string_names_account_endpoint_and_key():
    found = read_connection(written(PARTS))
    assert (found.account, found.endpoint) == ("rooks", "https://rooks.blob.core.windows.net")
    assert found.key == KEY
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        f"{written(PARTS)};",
        written({k.upper(): v for k, v in PARTS.items()}),
        f" {written(PARTS)}\n",
    ],
)
def test_a_semicolon_at_the_end_capitals_and_blanks_around_do_not_matter(text):
    assert read_connection(text) == read_connection(written(PARTS))


@pytest.mark.parametrize("missing", PARTS)
@pytest.mark.parametrize("how", ["without", "empty"])
def test_the_part_that_is_missing_is_named_and_no_other(missing, how):
    rest = {name: value for name, value in PARTS.items() if name != missing}
    text = written(rest if how == "without" else rest | {missing: ""})
    assert refusal(text) == f"AZURE_STORAGE_CONNECTION_STRING cannot be used: {missing} is missing"


def test_all_that_are_missing_are_named_together():
    said = refusal("DefaultEndpointsProtocol=https")  # a shell ended the value at the first ;
    assert said.endswith("AccountName, AccountKey and EndpointSuffix are missing")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DefaultEndpointsProtocol": "ftp"}, "DefaultEndpointsProtocol is neither https nor http"),
        ({"DefaultEndpointsProtocol": "http"}, "sends models unprotected"),
        ({"AccountName": "Rooks_1"}, "AccountName is not 3 to 24 small letters and digits"),
        ({"AccountKey": KEY[:-3]}, "AccountKey is not base64"),
        ({"AccountKey": f"{KEY[:20]} {KEY[20:]}"}, "AccountKey is not base64"),
        ({"AccountKey": f"ü{KEY}"}, "AccountKey is not base64"),
        ({"EndpointSuffix": "https://core"}, "EndpointSuffix is not a name"),
        ({"BlobEndpoint": "127.0.0.1:10000"}, "BlobEndpoint is not an address"),
        ({"BlobEndpoint": "http://a:port/x"}, "BlobEndpoint is not an address"),
        ({"BlobEndpoint": "https://rooks.blob.core.windows.net?sig=x"}, "BlobEndpoint is not"),
        ({"SharedAccessSignature": "sv=x", "AccountKey": ""}, "SharedAccessSignature is not taken"),
        ({"Accountkey ": KEY}, "AccountKey is there twice"),
        ({"AcountName": "rooks"}, "a part is nearly AccountName"),
        ({"Password": KEY}, "a part has no name that is known"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_part_that_cannot_be_right_is_named_without_its_value(changes, words):
    assert words in refusal(written(PARTS | changes))


def test_quotes_that_came_along_are_said():
    assert "quotes" in refusal(f'"{written(PARTS)}"')


def test_the_key_alone_is_refused_and_does_not_show():
    assert "a part has no name that is known" in refusal(KEY)


@given(st.text(alphabet=string.ascii_letters + string.digits + ";=+/ \"'", max_size=60))
def test_whatever_is_given_is_taken_or_refused_without_its_pieces(text):
    secret = "qqqqq" + text
    said = ""
    try:
        said = repr(read_connection(f"{secret};{text};AccountKey={secret}"))
    except InputError as error:
        said = str(error.as_dict())
    assert "qqqqq" not in said


def test_an_emulator_is_named_by_its_endpoint():
    text = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};"
        "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    )
    assert read_connection(text) == read_connection("UseDevelopmentStorage=true")
    assert read_connection(read_connection(text).text) == read_connection(text)


@pytest.mark.parametrize(
    ("proxy", "endpoint"),
    [
        ("http://azurite", "http://azurite:10000/devstoreaccount1"),
        ("http://azurite:", "http://azurite:10000/devstoreaccount1"),
        ("http://localhost:8123", "http://localhost:8123/devstoreaccount1"),
    ],
)
def test_an_emulator_elsewhere_is_named_by_its_proxy(proxy, endpoint):
    text = f"UseDevelopmentStorage=true;DevelopmentStorageProxyUri={proxy}"
    assert read_connection(text).endpoint == endpoint


def test_an_emulator_at_no_address_is_refused():
    said = refusal("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=azurite:10000")
    assert "DevelopmentStorageProxyUri is not an address" in said


@pytest.mark.parametrize(
    "uri", [PLACE, f"{PLACE}/", PLACE.removesuffix("/artifacts"), PLACE.replace("rooks.", "a1b.")]
)
def test_an_address_of_a_container_comes_back_without_a_slash(uri):
    assert read_destination(uri).uri == uri.rstrip("/")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("https://rooks.blob.core.windows.net/models", "begin with wasbs://"),
        ("s3://mlflows3/artifacts", "begin with wasbs://"),
        ("wasbs://rooks.blob.core.windows.net/models", "the container"),
        ("wasbs://Models@rooks.blob.core.windows.net/x", "the container"),
        ("wasbs://mo--dels@rooks.blob.core.windows.net/x", "the container"),
        ("wasbs://m@rooks.blob.core.windows.net/x", "the container"),
        ("wasbs://models@Rooks.blob.core.windows.net/x", "the account"),
        ("wasbs://models@127.0.0.1:10000/x", "the account"),
        ("wasbs://models@rooks.blob.example.org/x", "core.windows.net"),
        ("wasbs://models@rooks.dfs.core.windows.net/x", "the account"),
        (f"{PLACE}/../other", "the folder"),
        (f"{PLACE}?sig=secret", "the folder"),
        (f"{PLACE}/a b", "the folder"),
    ],
)
def test_an_address_that_names_no_container_is_refused_with_what_is_wrong(uri, words):
    with pytest.raises(InputError, match="ARTIFACTS_DESTINATION cannot be used") as caught:
        read_destination(uri)
    assert words in caught.value.message
    assert "sig=secret" not in str(caught.value.as_dict())


@pytest.mark.parametrize("below", ["", "/", "/1", "/a b/run 7/ü%2e.txt", "/..."])
def test_what_lies_in_the_folder_is_its_own(below):
    assert read_destination(PLACE).holds(f"{PLACE}{below}")


@pytest.mark.parametrize(
    "uri",
    [
        f"{PLACE}2/x",
        f"{PLACE}/../other/x",
        f"{PLACE}/a/..",
        f"{PLACE}/.\\x",
        f"{PLACE}/.\t./.\t./other",
        f"{PLACE}/.. /other",
        f"{PLACE}/x?sig=1",
        PLACE.replace("models@", "other@"),
        PLACE.replace("rooks.", "crows."),
        PLACE.replace("wasbs", "wasb"),
        f"file:///{PLACE}",
        "mlflow-artifacts:/1",
    ],
)
def test_what_lies_elsewhere_is_not(uri):
    assert not read_destination(PLACE).holds(uri)


def test_the_two_variables_are_of_one_account():
    place, opened = read_azure(PLACE, written(PARTS), required=True)
    assert place == AzureDestination("models", "rooks", "core.windows.net", "artifacts")
    assert opened.account == "rooks"


@pytest.mark.parametrize(
    "changes", [{"AccountName": "crows"}, {"EndpointSuffix": "core.chinacloudapi.cn"}]
)
def test_a_connection_of_another_account_is_refused_with_both_names(changes):
    with pytest.raises(
        InputError, match=r"names the account rooks of core\.windows\.net"
    ) as caught:
        read_azure(PLACE, written(PARTS | changes), required=True)
    assert changes.popitem()[1] in caught.value.message
    assert KEY not in str(caught.value.as_dict())


def test_a_destination_without_a_connection_is_refused_where_one_is_needed():
    with pytest.raises(InputError, match="AZURE_STORAGE_CONNECTION_STRING is missing"):
        read_azure(PLACE, None, required=True)
    assert read_azure(PLACE, None, required=False) is None


def test_a_connection_alone_sends_nothing_to_azure_and_has_to_be_whole():
    assert read_azure(None, written(PARTS), required=True) is None
    with pytest.raises(InputError, match="AccountKey is missing"):
        read_azure(None, written(PARTS | {"AccountKey": ""}), required=False)
