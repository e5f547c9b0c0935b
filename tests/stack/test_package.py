"""Images of models, built by the real engine, run as they are run elsewhere."""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from tests.conftest import copy_project, point_at, write_task
from tests.integration.serving.conftest import FLATS, write_flats
from tests.integration.serving.test_swap import log_by_hand
from tests.stack.stack import wait_until

import rookery as rk
from rookery.cli import run_command
from rookery.core.examples import Examples, examples_of
from rookery.errors import InputError, Refused, Unavailable
from rookery.jobs.image_check import check_answers, check_image
from rookery.jobs.project import open_project
from rookery.serving.package import Package
from rookery.settings import get_settings
from rookery.stores import engine

TAG = f"package-test-{uuid.uuid4().hex[:8]}"
MB = 400
# of a processor, which a busy machine has as many of
START_SECONDS = {"converted": 2.0, "pipeline": 6.0}
CLOCK = "import os; print(os.sysconf('SC_CLK_TCK'), open('/proc/1/stat').read())"
HEAVY = {"mlflow", "mlflow-skinny", "sqlalchemy"}
TRAINED_BY = {"scikit-learn", "pandas", "scipy", "skops"}


@dataclass(frozen=True)
class Built:
    """An image with the place of the project that it was made from."""

    package: Package
    examples: Examples

    @property
    def tag(self) -> str:
        return self.package.tags[0]


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, timeout=600)
    assert not check or done.returncode == 0, done.stderr
    return f"{done.stdout}{done.stderr}".strip()


@pytest.fixture(scope="module")
def place(promoted_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with a classifier, a regressor, and a version that needs its pipeline."""
    place = tmp_path_factory.mktemp("packaged") / "place"
    copy_project(promoted_home.parent, place)
    write_flats(place / "flats.csv")
    write_task(place / "tasks", **FLATS, source={"csv": str(place / "flats.csv")})
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        for job in (rk.ingest, rk.clean, lambda one: rk.sweep(one, cross_validate=False)):
            job("flats")
        rk.promote("flats")
        plain = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression())
        log_by_hand(open_project("penguins"), plain, serialization_format="skops")
        yield place
    get_settings.cache_clear()


@pytest.fixture(scope="module", params=["classifier", "regressor", "pipeline"])
def built(request: pytest.FixtureRequest, place: Path) -> Iterator[Built]:
    """One image of each kind."""
    task, version = {
        "classifier": ("penguins", None),
        "regressor": ("flats", None),
        "pipeline": ("penguins", 2),
    }[request.param]
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        package = rk.package(task, tags=f"{TAG}:{request.param}", version=version)
    try:
        text = docker("run", "--rm", package.tags[0], "cat", "/model/examples.json")
        yield Built(package, examples_of(text.encode()))
    finally:
        docker("image", "rm", "--force", *package.tags)


@contextmanager
def running(tag: str, *options: str, port: int = 8000) -> Iterator[tuple[str, str]]:
    """A container as it is run elsewhere; its id, and its address once it answers."""
    confined = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    given = (f"--publish=127.0.0.1::{port}", *confined, *options)
    container = docker("run", "--detach", *given, tag)
    try:
        address = f"http://{docker('port', container, str(port)).splitlines()[0]}"
        wait_until(lambda: lives(address), f"{tag} at {address}")
        yield container, address
    finally:
        docker("rm", "--force", container)


def lives(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def variant(built: Built, tmp_path: Path) -> Iterator[Callable[[str, bytes], str]]:
    """Makes an image in which one file is another."""
    made: list[str] = []

    def change(path: str, data: bytes) -> str:
        (tmp_path / "file").write_bytes(data)
        (tmp_path / "Dockerfile").write_text(
            f"FROM {built.tag}\nCOPY --chown=0:0 --chmod=644 file {path}\n"
        )
        made.append(f"{TAG}:changed-{len(made)}")
        docker("build", f"--tag={made[-1]}", str(tmp_path))
        return made[-1]

    yield change
    if made:
        docker("image", "rm", "--force", *made)


def test_an_image_is_small_and_says_where_its_model_came_from(built):
    package = built.package
    assert package.size_bytes < MB * 1e6
    labels = json.loads(docker("image", "inspect", "--format={{json .Config.Labels}}", built.tag))
    assert labels["rookery.task"] == package.task
    assert labels["rookery.version"] == package.version
    assert labels["rookery.run"] == package.run_id
    assert labels["rookery.path"] == package.path
    assert "scikit-learn==" in labels["rookery.libraries"] or package.version == "2"
    assert labels["org.opencontainers.image.version"] == package.version


def test_the_list_of_packages_names_what_is_in_the_image_and_nothing_that_is_not(built):
    said = json.loads(Path(built.package.sbom).read_text(encoding="utf-8"))
    assert said["bomFormat"] == "CycloneDX"
    assert said["metadata"]["component"]["name"] == built.package.task
    listed = {one["name"].lower(): one["version"] for one in said["components"]}
    asked = (
        "import json; from importlib.metadata import distributions as all; "
        "print(json.dumps({one.name.lower(): one.version for one in all()}))"
    )
    here = json.loads(docker("run", "--rm", built.tag, "python", "-c", asked))
    assert listed == here
    assert not HEAVY & here.keys()
    assert {"pip", "setuptools"}.isdisjoint(here)
    has_pipeline = here.keys() >= TRAINED_BY
    assert has_pipeline == (built.package.path in ("pipeline", "estimator"))
    assert has_pipeline or not TRAINED_BY & here.keys()


def test_a_container_without_rights_answers_on_either_port_and_again_after_a_restart(built):
    with running(built.tag, "--env=PORT=8080", port=8080) as (container, address):
        check_answers(address, built.examples)
        assert docker("exec", container, "id", "-u") == "1000"
        docker("restart", container)
        address = f"http://{docker('port', container, '8080').splitlines()[0]}"
        wait_until(lambda: lives(address), "the container after its restart")
        check_answers(address, built.examples)
        health = "{{.State.Health.Status}}"
        wait_until(lambda: docker("inspect", f"--format={health}", container) == "healthy", health)
        docker("stop", container)
        assert docker("inspect", "--format={{.State.ExitCode}}", container) == "0"


def test_a_container_takes_little_of_a_processor_to_start(built):
    kind = "pipeline" if built.package.path in ("pipeline", "estimator") else "converted"
    with running(built.tag) as (container, _):
        ticks, *stat = docker("exec", container, "python", "-c", CLOCK).split()
        assert (int(stat[13]) + int(stat[14])) / int(ticks) < START_SECONDS[kind]


def test_a_container_answers_whatever_name_it_is_called_by(built):
    with running(built.tag) as (_, address):
        named = {"Host": "penguins.example.org"}
        answer = httpx.post(f"{address}/predict", json=built.examples.records[0], headers=named)
        assert answer.is_success
        assert httpx.get(f"{address}/docs", headers=named).is_success


def test_nothing_but_the_model_is_needed_to_answer(built):
    asked = json.dumps(built.examples.records[0])
    script = f"""
import json, urllib.request as web
said = {{"Content-Type": "application/json"}}
asked = web.Request("http://127.0.0.1:8000/predict", {asked!r}.encode(), said)
print(json.dumps(json.load(web.urlopen(asked))))
"""
    container = docker("run", "--detach", "--network=none", "--read-only", built.tag)
    try:
        said: list[str] = []

        def answered() -> bool:
            said.append(docker("exec", container, "python", "-c", script, check=False))
            return said[-1].startswith("{")

        wait_until(answered, "an answer inside a container without a network")
        assert built.examples.difference(0, json.loads(said[-1])) is None
    finally:
        docker("rm", "--force", container)


def test_a_wrong_answer_is_found_told_with_the_log_and_ends_with_3(built, variant, capsys):
    expected = json.loads(docker("run", "--rm", built.tag, "cat", "/model/examples.json"))
    right = expected["answers"][-1]["prediction"]
    wrong = right + 1 if isinstance(right, float) else "another"
    expected["answers"][-1]["prediction"] = wrong
    tag = variant("/model/examples.json", json.dumps(expected).encode())
    assert run_command(["package", "--check", tag]) == 3
    said = capsys.readouterr().err
    assert f"{right!r}, expected {wrong!r}" in said
    assert "its log:" in said
    assert "serving /model" in said
    assert containers_of(tag) == []


def test_a_broken_model_does_not_listen_and_its_check_shows_why(built, variant, capsys):
    is_converted = built.package.path not in ("pipeline", "estimator")
    broken = "/model/predictor/arrays.npz" if is_converted else "/model/model/model.skops"
    tag = variant(broken, b"not what was packaged")
    done = subprocess.run(
        ["docker", "run", "--rm", "--read-only", tag], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "MODEL_DIR=/model cannot be served" in done.stderr
    assert "serving /model at" not in done.stderr  # it says so once it listens
    assert run_command(["package", "--check", tag, "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == Unavailable.__name__
    assert "it ended with 2" in error["message"]
    assert "MODEL_DIR=/model cannot be served" in error["message"]
    assert containers_of(tag) == []


def test_an_image_of_something_else_is_no_packaged_model(built, variant):
    tag = variant("/model/examples.json", b"{}")
    with pytest.raises(InputError, match="holds no packaged model"):
        check_image(tag)
    with pytest.raises(InputError, match="there is no image"):
        check_image(f"localhost:9/{TAG}:none")
    with pytest.raises(Refused, match="runs as root"):
        check_image("python:3.13-slim-trixie")


def test_a_check_says_what_it_found_and_leaves_no_container_behind(built):
    checked = check_image(built.tag)
    assert (checked.version, checked.model) == (built.package.version, built.package.task)
    assert checked.examples == len(built.examples.records)
    assert containers_of(built.tag) == []


def test_the_network_of_a_check_leads_nowhere_and_goes_with_it():
    with engine.inward_network() as network:
        options = json.loads(docker("network", "inspect", "--format={{json .Options}}", network))
        assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    assert network not in docker("network", "ls", "--format={{.Name}}").split()


def test_an_image_that_answers_otherwise_gets_no_tag(place, monkeypatch):
    point_at(monkeypatch, place)
    tag = f"{TAG}:never"

    def altered(answers: Any, *given: Any) -> Any:
        labels, scores = answers(*given)
        return ["another"] * len(labels), scores

    from rookery.stores.versions import LoadedVersion

    original = LoadedVersion.answers
    monkeypatch.setattr(LoadedVersion, "answers", lambda *given: altered(original, *given))
    with pytest.raises(Refused, match="answers otherwise"):
        rk.package("penguins", tags=tag)
    assert docker("image", "ls", "--quiet", tag) == ""


def containers_of(tag: str) -> list[str]:
    return docker("ps", "--all", "--quiet", f"--filter=ancestor={tag}").split()
