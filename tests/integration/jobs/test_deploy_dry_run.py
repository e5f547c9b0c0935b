"""What a deployment to Azure would do, said without a network, credentials or an engine."""

import json
import socket
from pathlib import Path

import pytest
from tests.conftest import point_at

from rookery.cli import run_command

pytest.importorskip("azure.mgmt.containerinstance", reason="the extra `azure` is not installed")

ROOT = Path(__file__).parents[3]
SETTINGS = {
    "AZURE_CREDENTIALS": json.dumps(
        {
            "clientId": "22222222-2222-2222-2222-222222222222",
            "clientSecret": "hunter2-of-azure",
            "subscriptionId": "33333333-3333-3333-3333-333333333333",
            "tenantId": "11111111-1111-1111-1111-111111111111",
        }
    ),
    "AZURE_RESOURCE_GROUP": "models",
    "AZURE_REGION": "westeurope",
    "ACR_NAME": "mine",
    "ACR_USERNAME": "puller",
    "ACR_PASSWORD": "hunter2-of-acr",
    "API_KEY": "hunter2-of-api",
}


@pytest.fixture(autouse=True)
def cut_off(tmp_path, monkeypatch):
    """A project, and no way out: no socket, no program."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    point_at(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in (*SETTINGS, "IMAGE_NAME", "DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def connect(*arguments):
        raise AssertionError(f"connects to {arguments}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def rookery(capsys):
    def run(*arguments, code=0):
        capsys.readouterr()
        ended = run_command(["deploy", "penguins", "--target", "aci", "--dry-run", *arguments])
        printed = capsys.readouterr()
        assert ended == code, printed
        assert "hunter2" not in printed.out + printed.err
        return printed.out + printed.err

    return run


def test_every_call_is_shown_with_its_address_and_its_body(rookery, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    shown = rookery("--image", "mine.azurecr.io/penguins:abc1234")
    place = (
        "https://management.azure.com/subscriptions/33333333-3333-3333-3333-333333333333"
        "/resourceGroups/models/providers/Microsoft.ContainerInstance/containerGroups"
        "/rookery-penguins?api-version=2023-05-01"
    )
    for method in ("GET", "PUT", "DELETE"):
        assert f"{method} {place}" in shown
    assert '"secureValue": "***"' in shown
    assert '"password": "***"' in shown
    assert '"dnsNameLabel": "rookery-penguins"' in shown
    assert '"image": "mine.azurecr.io/penguins:abc1234"' in shown
    assert "not set" not in shown


def test_a_secret_in_an_unforeseen_place_of_the_file_is_not_shown(rookery, tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", SETTINGS["API_KEY"])
    text = (ROOT / "deploy" / "aci" / "container-group.yaml").read_text(encoding="utf-8")
    own = tmp_path / "group.yaml"
    own.write_text(text.replace("rookery-task: ${TASK}", "rookery-task: ${TASK} ${API_KEY}"))
    assert '"rookery-task": "penguins ***"' in rookery("--image", "me/p:1", "--file", str(own))


def test_what_is_not_set_is_named_and_stood_in_for(rookery):
    shown = rookery("--image", "mine.azurecr.io/penguins:abc1234")
    assert "/subscriptions/<subscriptionId>/resourceGroups/<AZURE_RESOURCE_GROUP>/" in shown
    for name in ("AZURE_CREDENTIALS", "AZURE_RESOURCE_GROUP", "AZURE_REGION", "ACR_NAME"):
        assert name in shown.rsplit("not set here, and needed:", 1)[1]


def test_a_public_image_of_docker_hub_needs_no_registry(rookery, monkeypatch):
    monkeypatch.setenv("DOCKERHUB_USERNAME", "me")
    shown = rookery("--image", "penguins:abc1234")
    assert '"image": "me/penguins:abc1234"' in shown
    assert '"imageRegistryCredentials": []' in shown
    assert "ACR_" not in shown


def test_a_token_makes_a_private_image_of_docker_hub_reachable(rookery, monkeypatch):
    monkeypatch.setenv("DOCKERHUB_USERNAME", "me")
    monkeypatch.setenv("DOCKERHUB_TOKEN", "hunter2-of-hub")
    shown = rookery("--image", "me/penguins:abc1234")
    assert '"server": "index.docker.io"' in shown


@pytest.mark.parametrize(
    ("settings", "image", "words"),
    [
        ({}, None, "no image is named"),
        ({}, "penguins:1", "names no registry"),
        ({}, "no image; rm -rf", "is no name of an image"),
        (
            {"ACR_NAME": "mine"},
            "other.azurecr.io/p:1",
            "and ACR_NAME is 'mine'",
        ),
        ({"AZURE_DNS_LABEL": "Mine"}, "me/p:1", "the DNS label 'Mine'"),
        ({"AZURE_CREDENTIALS": "{}"}, "me/p:1", "clientSecret is missing"),
    ],
)
def test_what_the_real_one_would_refuse_is_refused(rookery, monkeypatch, settings, image, words):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert words in rookery(*(["--image", image] if image else []), code=2)


def test_a_file_with_a_mistake_is_named_with_the_place(rookery, tmp_path):
    text = (ROOT / "deploy" / "aci" / "container-group.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "group.yaml"
    wrong.write_text(text.replace("osType: Linux", "osType: Plan9"))
    shown = rookery("--image", "me/p:1", "--file", str(wrong), code=2)
    assert "osType is 'Plan9', and none of Windows, Linux" in shown
    wrong.write_text("a: [\n")
    assert "(line 2)" in rookery("--image", "me/p:1", "--file", str(wrong), code=2)
    assert "No such file" in rookery("--image", "me/p:1", "--file", str(tmp_path / "x"), code=2)
