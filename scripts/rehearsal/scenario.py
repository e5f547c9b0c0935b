"""What is rehearsed: changes that make a model worse or better, from push to deployment."""

import platform
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from servers import HOST, free_port

from rehearsal.places import PASSWORD, USER, Places
from rehearsal.repository import Repository
from rehearsal.running import Outcome, run_workflow
from rehearsal.workflow import read_workflow
from rehearsal.world import Event, World

# a task of its own: what somebody has deployed of the penguins stays
TASK = "rehearsed"
FAIR = {"decision_tree": {"fixed": {"random_state": 42}, "sets": [{"max_depth": 3}]}}
WORSE = {"decision_tree": {"fixed": {"random_state": 42}, "sets": [{"max_depth": 1}]}}
BETTER = {"logistic_regression": {"fixed": {"max_iter": 5000}, "sets": [{"C": 1.0}, {"C": 10.0}]}}
PENGUIN = {
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
}


class Failed(Exception):
    """Something did not happen as it must; the message says what."""


@dataclass
class Rehearsal:
    """The acts in which workflows run, and what they must lead to."""

    folder: Path
    repository: Repository
    places: Places
    say: Callable[[str], None]
    port: int = field(default_factory=free_port)
    runs: int = 0
    rehearsed: set[str] = field(default_factory=set)
    not_rehearsed: set[str] = field(default_factory=set)
    steps: int = 0

    def __post_init__(self) -> None:
        registry = self.places.registry
        arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        self.world = World(
            root=self.folder,
            origin=self.repository.origin,
            secrets={
                "GITHUB_TOKEN": PASSWORD,
                "ACR_NAME": registry,
                "ACR_USERNAME": USER,
                "ACR_PASSWORD": PASSWORD,
                "DOCKERHUB_TOKEN": PASSWORD,
                "AZURE_STORAGE_CONNECTION_STRING": self.places.blobs,
                "AZURE_RESOURCE_GROUP": "rehearsal",
            },
            variables={
                "DOCKERHUB_USERNAME": f"{registry}/{USER}",
                "AZURE_REGION": "westeurope",
                "MLFLOW_URL": self.places.mlflow,
            },
            instead={
                "deploy.yml": {"DEPLOY_PORT": str(self.port)},
                "release.yml": {"REGISTRY": registry, "PLATFORMS": f"linux/{arch}"},
            },
        )

    def integration(self) -> None:
        """The commit as it is: style, types, tests, a model of the penguins, the stack."""
        self.passes("integration.yml", self.pushed(self.repository.head))

    def build_and_deploy(self) -> None:
        """A first model; a worse one; a better one; one whose health fails where it is to serve."""
        self.world.variables = {**self.world.variables, "MODEL_NAME": TASK}
        sha = self.act("a first model", FAIR)
        self.passes("build.yml", self.pushed(sha))
        self.promote("1")
        self.deployed(sha, "1")
        self.title("nothing new, an hour later")
        again = self.passes("deploy.yml", Event("schedule", sha))
        self.must(again.results["deploy"] == "skipped", "what is deployed is not deployed again")
        sha = self.act("a change of the task file that makes the model worse", WORSE)
        self.refused(sha)
        sha = self.act("a change of the task file that makes the model better", BETTER)
        self.passes("build.yml", self.pushed(sha))
        self.must(self.versions() == ["1", "2"], "the better model is version 2, the worse is none")
        self.promote("2")
        self.deployed(sha, "2")
        self.title("the same without an MLflow server: the gate's minimum alone")
        self.world.variables = {**self.world.variables, "MLFLOW_URL": ""}
        build = self.passes("build.yml", self.pushed(sha))
        self.title("its model, whose health is made to fail where it is to serve")
        self.rolled_back(sha, build.run_id)

    def release(self) -> None:
        """A tag: the platform's own images, in a registry that Compose can pull from."""
        version = _version(self.repository.copy)
        event = Event("push", self.repository.head, f"refs/tags/v{version}")
        self.passes("release.yml", event)
        for image in ("fastapi", "jupyter", "mlflow"):
            tags = self.places.tags(f"{USER}/rookery-{image}")
            self.must(version in tags, f"rookery-{image}:{version} is in the registry")

    def deployed(self, sha: str, version: str) -> None:
        outcome = self.passes("deploy.yml", Event("schedule", sha))
        order = [step.name for step in outcome.steps if step.outcome == "success"]
        check = next(at for at, name in enumerate(order) if "answers as the model" in name)
        push = next(at for at, name in enumerate(order) if "registries" in name)
        self.must(check < push, "the image was tested before it was pushed")
        for image in (TASK, f"{USER}/{TASK}"):
            tags = self.places.tags(image)
            same = sha[:7] in tags and tags[sha[:7]] == tags.get("latest")
            self.must(same, f"{image} is in the registry as {sha[:7]} and as latest, one image")
        self.serves(version)

    def refused(self, sha: str) -> None:
        outcome = self.run("build.yml", self.pushed(sha))
        failed = outcome.failure
        at_the_gate = failed is not None and failed.job == "register" and failed.code == 3
        self.must(at_the_gate, "the gate refuses the worse model, with exit code 3")
        said = failed.output if failed else ""
        self.must("misses the gate's 0.9 by" in said, "the refusal says the numbers")
        self.must(self.versions() == ["1"], "no version came of it")

    def rolled_back(self, sha: str, build: str) -> None:
        event = Event("workflow_dispatch", sha, inputs={"build-run-id": build})
        with killing(f"rookery-model-{TASK}-new"):
            outcome = self.run("deploy.yml", event)
        failed = outcome.failure
        at_deploy = failed is not None and failed.name.startswith("Deploy") and failed.code == 3
        self.must(at_deploy, "the deployment is refused, with exit code 3")
        self.must("put back" in (failed.output if failed else ""), "it says what serves again")
        self.serves("2")

    def serves(self, version: str) -> None:
        answer = requests.post(f"http://{HOST}:{self.port}/predict", json=PENGUIN, timeout=30)
        said = answer.json() if answer.ok else {}
        right = (said.get("prediction"), said.get("version")) == ("Adelie", version)
        self.must(right, f"version {version} answers at port {self.port}: {said or answer.text}")

    def versions(self) -> list[str]:
        route = f"{self.places.mlflow}/api/2.0/mlflow/model-versions/search"
        query = {"filter": f"name = '{TASK}'"}
        found = requests.get(route, params=query, timeout=30).json().get("model_versions", [])
        return sorted(version["version"] for version in found)

    def act(self, title: str, candidates: Mapping[str, Any]) -> str:
        self.title(title)
        return self.repository.change_task(TASK, candidates, title)

    def title(self, text: str) -> None:
        self.say(f"\n=== {text}")

    def promote(self, version: str) -> None:
        """What a person does between the two workflows."""
        self.title(f"somebody promotes version {version}")
        environment = {"MLFLOW_TRACKING_URI": self.places.mlflow, "ROOKERY_TASK": TASK}
        for command in (("ingest",), ("clean",), ("promote", TASK, "--version", version)):
            self.say(f"    {self.repository.rookery(*command, **environment).strip()}")

    def pushed(self, sha: str) -> Event:
        return Event("push", sha)

    def passes(self, file: str, event: Event) -> Outcome:
        outcome = self.run(file, event)
        if failed := outcome.failure:
            raise Failed(f"{failed.place}: {failed.job} · {failed.name} ended with {failed.code}")
        return outcome

    def run(self, file: str, event: Event) -> Outcome:
        """One workflow, as its file says."""
        workflow = read_workflow(self.world.root / "copy" / ".github" / "workflows" / file)
        self.runs += 1
        self.say(f"\n--- {file}, started by {event.name} at {event.sha[:7]}")
        for name, value in self.world.instead.get(file, {}).items():
            self.say(f"    here with {name}={value}")
        outcome = run_workflow(self.world, workflow, event, str(self.runs), self.say)
        self.rehearsed |= {step.place for step in outcome.steps if step.outcome == "success"}
        self.not_rehearsed |= {
            f"{step.place} {step.name}" for step in outcome.steps if step.outcome == "not rehearsed"
        }
        for step in outcome.steps:
            if step.summary:
                self.say(f"\n  summary of {step.job}\n" + _indented(step.summary))
        return outcome

    def must(self, holds: bool, what: str) -> None:
        """Raises Failed where it does not hold."""
        self.say(f"  {'✓' if holds else '✗'} {what}")
        if not holds:
            raise Failed(f"this does not hold: {what}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _version(folder: Path) -> str:
    lines = (folder / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("version = ")).split('"')[1]


@contextmanager
def killing(container: str) -> Iterator[None]:
    """Kills the container whenever it runs during the block, so that its health cannot be seen."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            subprocess.run(["docker", "kill", container], capture_output=True, check=False)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def remove_what_was_made(registry: str) -> None:
    """Containers and images of the rehearsal, which the engine would keep."""
    for suffix in ("", "-new", "-previous"):
        _docker("rm", "--force", f"rookery-model-{TASK}{suffix}")
    listed = _docker("image", "ls", "--format", "{{.Repository}} {{.ID}}").splitlines()
    made = {line.split()[1] for line in listed if line.startswith((f"{registry}/", f"{TASK} "))}
    if made:  # by their ids: a tag that moved on leaves one without a name
        _docker("image", "rm", "--force", *made)


def _docker(*command: str) -> str:
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
    return done.stdout


ACTS: Mapping[str, Sequence[str]] = {
    "integration": ("integration.yml",),
    "build_and_deploy": ("build.yml", "deploy.yml"),
    "release": ("release.yml",),
}
