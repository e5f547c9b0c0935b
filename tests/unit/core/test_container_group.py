"""A container group as data: what is filled in, what is refused, what is shown, what comes back."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.arm import GROUP_VALUES

from rookery.core.container_group import (
    dns_label,
    filled,
    group_name,
    image_of,
    masked,
    port_of,
    refuse_fixed,
    registry_of,
    restored,
)
from rookery.errors import InputError, Refused

FILE = Path(__file__).parents[3] / "deploy" / "aci" / "container-group.yaml"


@pytest.fixture
def template():
    return YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))


def changed(group, **container):
    """A copy with other properties of its container."""
    copy = json.loads(json.dumps(group))
    copy["properties"]["containers"][0]["properties"] |= container
    return copy


# filled in


def test_the_file_says_all_that_a_group_needs(template):
    group = filled(template, GROUP_VALUES)
    assert (group["name"], group["location"]) == ("rookery-penguins", "westeurope")
    assert group["properties"]["ipAddress"]["dnsNameLabel"] == "rookery-penguins"
    assert image_of(group) == GROUP_VALUES["IMAGE"]
    assert port_of(group) == 8000
    assert group["properties"]["imageRegistryCredentials"] == [
        {"server": "mine.azurecr.io", "username": "puller", "password": "hunter2-of-acr"}
    ]
    (container,) = group["properties"]["containers"]
    assert container["properties"]["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["properties"]["readinessProbe"]["httpGet"]["port"] == 8000
    assert {"name": "API_KEY", "secureValue": "hunter2-of-api"} in container["properties"][
        "environmentVariables"
    ]
    assert group["tags"]["rookery-version"] == "3"
    assert "${" not in json.dumps(group)


@pytest.mark.parametrize("lacking", ["REGISTRY_PASSWORD", "REGISTRY_SERVER"])
def test_a_public_image_has_no_credentials(template, lacking):
    group = filled(template, GROUP_VALUES | {lacking: None})
    assert group["properties"]["imageRegistryCredentials"] == []
    assert image_of(group) == GROUP_VALUES["IMAGE"]


def test_variables_and_tags_without_a_value_are_left_out(template):
    group = filled(
        template, GROUP_VALUES | {"API_KEY": None, "COMMIT": None, "PREVIOUS_IMAGE": None}
    )
    names = [
        v["name"]
        for v in group["properties"]["containers"][0]["properties"]["environmentVariables"]
    ]
    assert names == ["PORT"]
    assert set(group["tags"]) == {
        "rookery-task",
        "rookery-model",
        "rookery-version",
        "rookery-run",
        "rookery-digest",
        "rookery-image",
    }


@pytest.mark.parametrize("lacking", ["AZURE_REGION", "IMAGE", "GROUP_NAME", "DNS_LABEL"])
def test_what_a_group_cannot_do_without_is_named(template, lacking):
    with pytest.raises(InputError, match=f"{lacking} is not set"):
        filled(template, GROUP_VALUES | {lacking: None})


def test_a_value_is_text_whatever_yaml_could_read_into_it(template):
    group = filled(template, GROUP_VALUES | {"REGISTRY_PASSWORD": "x: [y]\n${IMAGE} # no"})
    assert group["properties"]["imageRegistryCredentials"][0]["password"].endswith("} # no")


def test_an_unknown_name_is_refused_with_those_that_are_known(template):
    template["location"] = "${REGION}"
    with pytest.raises(InputError, match=r"\$\{REGION\} is none of API_KEY, AZURE_REGION"):
        filled(template, GROUP_VALUES)


@pytest.mark.parametrize("whole", [None, "text", [], {"name": "Upper"}, {"properties": {}}])
def test_what_is_no_group_is_refused(whole):
    with pytest.raises(InputError):
        filled(whole, GROUP_VALUES)


def test_another_version_of_the_interface_is_refused(template):
    with pytest.raises(InputError, match="2019-12-01"):
        filled(template | {"apiVersion": "2019-12-01"}, GROUP_VALUES)


# names


@pytest.mark.parametrize(
    ("task", "name"),
    [("penguins", "rookery-penguins"), ("a__b_", "rookery-a-b"), ("a" * 41, "rookery-" + "a" * 41)],
)
def test_every_task_has_a_name_and_a_label_that_azure_takes(task, name):
    assert group_name(task) == name
    assert dns_label(None, task) == name


@pytest.mark.parametrize(
    "label",
    ["abcd", "a" * 64, "1model", "-model", "model-", "Model", "my_model", "my.model", "möwen"],
)
def test_a_label_that_azure_would_refuse_is_refused_here(label):
    with pytest.raises(InputError, match="DNS label") as caught:
        dns_label(label, "penguins")
    assert caught.value.field == "AZURE_DNS_LABEL"


@pytest.mark.parametrize("label", ["abcde", "a" * 63, "m0del-1--x"])
def test_a_label_at_the_edge_of_the_rule_is_taken(label):
    assert dns_label(label, "penguins") == label


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("penguins:1", "docker.io"),
        ("me/penguins:1", "docker.io"),
        ("mine.azurecr.io/penguins:1", "mine.azurecr.io"),
        ("localhost:5000/penguins", "localhost:5000"),
        ("localhost/penguins", "localhost"),
        ("registry:5000/a/b", "registry:5000"),
    ],
)
def test_the_registry_is_the_part_of_the_name_that_is_a_host(image, host):
    assert registry_of(image) == host


# shown


def test_no_secret_is_shown_wherever_the_file_puts_it(template):
    template["tags"]["oops"] = "key ${API_KEY}!"
    template["properties"]["containers"][0]["properties"]["command"] = [
        "run",
        "${REGISTRY_PASSWORD}",
    ]
    group = filled(template, GROUP_VALUES)
    secrets = [GROUP_VALUES["API_KEY"], GROUP_VALUES["REGISTRY_PASSWORD"]]
    told = json.dumps(masked(group, secrets))
    assert "hunter2" not in told
    assert "key ***!" in told
    assert "hunter2" in json.dumps(group)


def test_what_stands_where_secrets_stand_is_hidden_also_if_nobody_named_it(template):
    assert "hunter2" not in json.dumps(masked(filled(template, GROUP_VALUES)))


# updated and put back


def test_what_azure_cannot_change_in_place_is_refused_with_both_values(template):
    old = filled(template, GROUP_VALUES)
    refuse_fixed(old, changed(old, image="other:2"))
    new = changed(old, resources={"requests": {"cpu": 2.0, "memoryInGB": 1.5}})
    with pytest.raises(Refused, match=r"cpu is 1\.0, not 2\.0"):
        refuse_fixed(old, new)
    new = json.loads(json.dumps(old))
    new["properties"]["restartPolicy"] = "Never"
    with pytest.raises(Refused, match="restartPolicy is Always, not Never"):
        refuse_fixed(old, new)


def as_read(group):
    """What Azure hands out of it."""
    read = json.loads(json.dumps(group))
    read["properties"] |= {"provisioningState": "Succeeded"}
    read["properties"]["ipAddress"] |= {"ip": "20.0.0.1", "fqdn": "x.azurecontainer.io"}
    read["properties"]["imageRegistryCredentials"][0].pop("password")
    for variable in read["properties"]["containers"][0]["properties"]["environmentVariables"]:
        variable.pop("secureValue", None)
    return read


def test_the_group_comes_back_with_its_image_its_variables_and_its_secrets(template):
    old = changed(filled(template, GROUP_VALUES), image="old:1")
    old["properties"]["containers"][0]["properties"]["environmentVariables"].append(
        {"name": "API_STRICT", "value": "false"}
    )
    new = filled(template, GROUP_VALUES | {"IMAGE": "new:2"})
    again, lost = restored(as_read(old), new)
    assert lost == []
    assert image_of(again) == "old:1"
    assert "ip" not in again["properties"]["ipAddress"]
    assert (
        again["properties"]["imageRegistryCredentials"]
        == old["properties"]["imageRegistryCredentials"]
    )
    wanted = old["properties"]["containers"][0]["properties"]["environmentVariables"]
    assert again["properties"]["containers"][0]["properties"]["environmentVariables"] == wanted


def test_a_secret_that_nobody_knows_any_more_is_named(template):
    old = filled(template, GROUP_VALUES)
    new = filled(template, GROUP_VALUES | {"API_KEY": None, "REGISTRY_PASSWORD": None})
    again, lost = restored(as_read(old), new)
    assert lost == ["the password of mine.azurecr.io", "the value of API_KEY"]
    assert "API_KEY" not in json.dumps(again)
