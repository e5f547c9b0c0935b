"""A group of Azure that could not be put back whole is not replaced; one that is comes back."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.arm import RESOURCE_GROUP, running_arm
from tests.conftest import point_at

from rookery.cli import run_command
from rookery.core.azure_credentials import read_credentials
from rookery.core.container_group import filled, image_of
from rookery.core.examples import Examples
from rookery.errors import Interrupted, Unavailable
from rookery.jobs.deploy.group_values import group_values, read_template
from rookery.settings import get_settings

pytest.importorskip("azure.mgmt.containerinstance", reason="the extra `azure` is not installed")

from rookery.jobs.deploy.aci import _Place
from rookery.stores.azure_containers import AzureContainers

FILE = Path(__file__).parents[3] / "deploy" / "aci" / "container-group.yaml"
NAME = "rookery-penguins"
OLD, NEW = "mine.azurecr.io/penguins:1", "mine.azurecr.io/penguins:2"


@pytest.fixture
def arm(tmp_path, monkeypatch):
    """Azure with a group, deployed with a key from a private registry; no engine on the path."""
    (tmp_path / "tasks").mkdir()
    point_at(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "CURL_CA_BUNDLE", "DOCKERHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with running_arm(tmp_path) as arm:
        settings = {
            "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
            "AZURE_CREDENTIALS": arm.credentials,
            "AZURE_RESOURCE_GROUP": RESOURCE_GROUP,
            "AZURE_REGION": "westeurope",
            "ACR_NAME": "mine",
            "ACR_USERNAME": "puller",
            "ACR_PASSWORD": "hunter2-of-acr",
            "API_KEY": "hunter2-of-api",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        azure = AzureContainers(read_credentials(arm.credentials), RESOURCE_GROUP, pause=0.02)
        azure.finish(azure.begin(NAME, group(OLD)), NAME, 30)
        arm.requests.clear()
        yield arm
    get_settings.cache_clear()


def group(image, port=8000):
    template = json.loads(json.dumps(read_template(FILE)).replace("8000", str(port)))
    return filled(template, group_values(get_settings(), "penguins", image))


@pytest.mark.parametrize(
    ("changes", "image", "words"),
    [
        ({"API_KEY": ""}, NEW, "the value of API_KEY is not known here"),
        ({"ACR_NAME": "other"}, "other.azurecr.io/penguins:2", "the password of mine.azurecr.io"),
        ({"API_KEY": ""}, "me/penguins:2", "the value of API_KEY is not known here"),
    ],
)
def test_a_group_whose_secret_is_lost_stays_as_it_is(
    arm, monkeypatch, capsys, changes, image, words
):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    file = ("--file", str(FILE))
    assert run_command(["deploy", "penguins", "--target", "aci", "--image", image, *file]) == 3
    said = capsys.readouterr().err
    assert words in said
    assert "hunter2" not in said
    assert arm.asked("PUT") == []


def test_an_image_from_elsewhere_needs_no_more_than_the_settings_of_the_one_before(arm, capsys):
    file = ("--file", str(FILE))
    assert (
        run_command(["deploy", "penguins", "--target", "aci", "--image", "me/penguins:2", *file])
        == 1
    )
    assert "there is no docker command" in capsys.readouterr().err  # that far it came


class Healthy(BaseHTTPRequestHandler):
    """Answers /health."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Not to the test's output."""


def test_a_deployment_that_is_stopped_puts_the_one_before_back(arm):
    model = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=model.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def serve(served):
        if image_of(served) == NEW:
            os.kill(os.getpid(), signal.SIGTERM)
        return "127.0.0.1"

    arm.serve = serve
    azure = AzureContainers(read_credentials(arm.credentials), RESOURCE_GROUP, pause=0.02)
    before = signal.getsignal(signal.SIGTERM)
    port = model.server_address[1]
    try:
        with pytest.raises(Interrupted, match=f"SIGTERM\n.*{OLD} serves at .*, put back"):
            _Place(azure, "penguins", "hunter2-of-api", 5, 0).replace(
                group(OLD, port), group(NEW, port), Examples("penguins", "2", (), ())
            )
    finally:
        model.shutdown()
        thread.join()
        model.server_close()
    assert signal.getsignal(signal.SIGTERM) is before
    (_, _), (_, again) = arm.asked("PUT")
    assert image_of(again) == OLD
    assert "hunter2-of-api" in json.dumps(again)


def test_what_azure_does_not_take_is_not_put_back(arm):
    arm.refuse = lambda _: (400, "InaccessibleImage", "The image is not accessible.")
    azure = AzureContainers(read_credentials(arm.credentials), RESOURCE_GROUP, pause=0.02)
    with pytest.raises(Unavailable, match="InaccessibleImage"):
        _Place(azure, "penguins", None, 5, 0).replace(
            group(OLD), group(NEW), Examples("penguins", "2", (), ())
        )
    assert len(arm.asked("PUT")) == 1
