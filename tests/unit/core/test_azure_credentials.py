"""AZURE_CREDENTIALS, and what is said of each part that is missing."""

import json

import pytest

from rookery.core.azure_credentials import PARTS, read_credentials
from rookery.errors import InputError

ID = "01234567-89ab-cdef-0123-456789abcdef"
WHOLE = {
    "clientId": ID,
    "clientSecret": "hunter2-is-secret",
    "tenantId": ID,
    "subscriptionId": ID,
    "activeDirectoryEndpointUrl": "https://login.microsoftonline.us/",
    "resourceManagerEndpointUrl": "https://management.usgovcloudapi.net/",
}


def message(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_credentials(text)
    assert caught.value.field == "AZURE_CREDENTIALS"
    assert "hunter2" not in str(caught.value.as_dict())
    return caught.value.message


def test_the_whole_is_read_with_the_addresses_of_its_cloud():
    found = read_credentials(json.dumps(WHOLE))
    assert (found.client_id, found.client_secret) == (ID, "hunter2-is-secret")
    assert found.authority == "https://login.microsoftonline.us"
    assert found.manager == "https://management.usgovcloudapi.net"
    assert "hunter2" not in repr(found)


def test_addresses_that_are_left_out_are_those_of_the_public_cloud():
    found = read_credentials(json.dumps({name: WHOLE[name] for name in PARTS}))
    assert found.authority == "https://login.microsoftonline.com"
    assert found.manager == "https://management.azure.com"


@pytest.mark.parametrize("part", sorted(PARTS))
@pytest.mark.parametrize("instead", [{}, {"value": ""}, {"value": None}, {"value": 7}])
def test_a_missing_part_is_named_alone(part, instead):
    given = {name: value for name, value in WHOLE.items() if name != part}
    if instead:
        given[part] = instead["value"]
    said = message(json.dumps(given))
    assert f"{part} is missing" in said
    assert [other for other in PARTS if f"{other} is missing" in said] == [part]


def test_all_missing_parts_are_named_at_once():
    said = message("{}")
    assert all(f"{part} is missing" in said for part in PARTS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("hunter2-is-secret", "not JSON"),
        ("{'clientId': 'hunter2'}", "not JSON"),
        ('["hunter2"]', "no object"),
        (
            json.dumps({"appId": ID, "displayName": "x", "password": "hunter2", "tenant": ID}),
            "--json-auth",
        ),
    ],
)
def test_what_is_no_such_json_is_said_without_its_text(text, words):
    assert words in message(text)


def test_a_name_in_place_of_an_id_is_shown():
    said = message(json.dumps(WHOLE | {"subscriptionId": "Azure for Students"}))
    assert "subscriptionId is 'Azure for Students'" in said


@pytest.mark.parametrize(
    "address",
    ["http://management.azure.com", "management.azure.com", "https://me:hunter2@evil.example"],
)
def test_a_token_is_sent_over_https_only(address):
    said = message(json.dumps(WHOLE | {"resourceManagerEndpointUrl": address}))
    assert "resourceManagerEndpointUrl is no https address" in said
