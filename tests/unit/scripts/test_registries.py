"""Registries as the secrets of a repository name them."""

import pytest
from registries import registries

from rookery.errors import InputError

ACR = {"ACR_NAME": "flats", "ACR_USERNAME": "u", "ACR_PASSWORD": "s3cret"}
HUB = {"DOCKERHUB_USERNAME": "ana", "DOCKERHUB_TOKEN": "t0ken"}


@pytest.mark.parametrize(
    ("environment", "places"),
    [
        (ACR, [("flats.azurecr.io", "flats.azurecr.io", "u")]),
        (ACR | {"ACR_NAME": "flats.azurecr.io"}, [("flats.azurecr.io", "flats.azurecr.io", "u")]),
        (HUB, [("docker.io", "ana", "ana")]),
        (HUB | {"DOCKERHUB_USERNAME": "h:5/ana"}, [("h:5", "h:5/ana", "ana")]),
        (ACR | HUB, [("flats.azurecr.io", "flats.azurecr.io", "u"), ("docker.io", "ana", "ana")]),
        ({"ACR_NAME": ""} | HUB, [("docker.io", "ana", "ana")]),
    ],
)
def test_a_registry_is_named_by_its_secrets(environment, places):
    found = registries(environment)
    assert [(each.server, each.prefix, each.user) for each in found] == places
    assert all(each.password not in repr(each) for each in found)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "no registry is named"),
        ({"ACR_NAME": "flats"}, "ACR_NAME is set, but not ACR_USERNAME and ACR_PASSWORD"),
        (ACR | {"ACR_PASSWORD": ""}, "ACR_NAME is set, but not ACR_PASSWORD"),
        ({"DOCKERHUB_USERNAME": "ana"}, "DOCKERHUB_USERNAME is set, but not DOCKERHUB_TOKEN"),
    ],
)
def test_what_is_missing_is_named(environment, message):
    with pytest.raises(InputError, match=message):
        registries(environment)
