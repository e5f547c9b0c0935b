"""One job on this machine: its steps in order, in a fresh workspace, as a runner does them."""

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.expressions import Function, NotRehearsed, Open, Scope, holds, interpolate, truth
from rehearsal.files import digest_of
from rehearsal.handed_on import make_files, read_files
from rehearsal.shell import MARK, end_marked, listen, shell
from rehearsal.workflow import Job, Step
from rehearsal.world import REPOSITORY, Event, World, fresh_environment, machine


class StepFailed(Exception):
    """A step did not do what it was to do; the message says what."""


@dataclass(frozen=True)
class Ran:
    """What became of a step: success, failure, skipped or not rehearsed."""

    job: str
    name: str
    place: str
    outcome: str
    output: str = ""
    summary: str = ""
    code: int = 0


@dataclass
class JobRun:
    """A job while it runs; actions write to its environment, its paths and `after`."""

    world: World
    job: Job
    event: Event
    run_id: str
    given: Mapping[str, Any]  # contexts of the workflow: env, needs, workflow
    actions: Mapping[str, "Action"]
    say: Callable[[str], None]
    lane: int = 0  # of the jobs that run side by side
    environment: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)
    steps: dict[str, Any] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)
    failed: bool = False

    def __post_init__(self) -> None:
        self.workspace = self.world.workspace(self.lane)
        self.caches = self.world.caches(self.lane)
        self.temp = self.world.root / "temp" / self.run_id / self.job.id
        self.mark = uuid.uuid4().hex
        for folder in (self.workspace, self.temp):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        scope = self.scope({})
        self.environment |= {
            key: interpolate(str(value), scope) for key, value in self.job.env.items()
        }

    def scope(self, env: Mapping[str, str]) -> Scope:
        """What expressions of a step can name."""
        event = self.event
        github = {
            "event_name": event.name,
            "event": Open(inputs=Open(event.inputs)),
            "sha": event.sha,
            "ref": event.ref,
            "ref_name": event.ref.split("/", 2)[2],
            "repository": REPOSITORY,
            "repository_owner": REPOSITORY.partition("/")[0],
            "actor": REPOSITORY.partition("/")[0],
            "run_id": self.run_id,
            "run_attempt": "1",
            "token": self.world.secrets.get("GITHUB_TOKEN", ""),
            "workspace": str(self.workspace),
        }
        contexts = {
            "github": github,
            "runner": machine() | {"temp": str(self.temp)},
            "secrets": Open(self.world.secrets),
            "vars": Open(self.world.variables),
            "inputs": Open(event.inputs),
            "steps": self.steps,
            "needs": self.given["needs"],
            "env": Open({**self.given["env"], **self.environment, **env}),
        }
        functions: dict[str, Function] = {
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "always": lambda: True,
            "cancelled": lambda: False,
            "hashFiles": lambda *patterns: digest_of(self.workspace, patterns),
        }
        return Scope(contexts, functions)

    def run(self) -> dict[str, str]:
        """Does every step; the job's outputs."""
        try:
            for step in self.job.steps:
                self._step(step)
            if not self.failed:
                for finish in reversed(self.after):
                    finish()
            scope = self.scope({})
            return {name: interpolate(value, scope) for name, value in self.job.outputs.items()}
        finally:
            end_marked(self.mark)

    def end(self) -> None:
        """Ends it from another thread, in the middle of a step."""
        self.failed = True
        end_marked(self.mark)

    def _step(self, step: Step) -> None:
        try:
            ran = self._attempt(step)
        except NotRehearsed as error:
            raise NotRehearsed(f"{step.place}: {error}") from None
        self.ran.append(ran)
        self.failed = self.failed or ran.outcome == "failure"

    def _attempt(self, step: Step) -> Ran:
        scope = self.scope({})
        env = {key: interpolate(str(value), scope) for key, value in step.env.items()}
        scope = self.scope(env)
        if step.id:
            self.steps[step.id] = {"outputs": Open(), "outcome": "skipped"}
        if not holds(step.condition, scope):
            return self._ended(step, "skipped")
        self.say(f"\n  {self.job.id} · {interpolate(step.name, scope)}")
        if step.run is not None:
            return self._command(step, interpolate(step.run, scope), env)
        return self._action(step, scope)

    def _action(self, step: Step, scope: Scope) -> Ran:
        name = str(step.uses).partition("@")[0]
        action = self.actions.get(name)
        if action is None:
            self.say(f"    not rehearsed: {name}")
            return self._ended(step, "not rehearsed")
        inputs = {key: interpolate(_plain(value), scope) for key, value in step.inputs.items()}
        try:
            outputs = action(self, Inputs(name, inputs))
        except StepFailed as error:
            self.say(f"    {error}")
            return self._ended(step, "failure", output=str(error), code=1)
        return self._ended(step, "success", outputs=outputs)

    def _command(self, step: Step, script: str, env: Mapping[str, str]) -> Ran:
        files = make_files(self.temp / f"step-{len(self.ran)}")
        path = self.temp / f"step-{len(self.ran)}" / "script.sh"
        path.write_text(script, encoding="utf-8")
        code, output = listen(
            [*shell(step.shell), str(path)],
            folder=self.workspace / (step.folder or "."),
            environment=self._whole(env) | files,
            seconds=60 * min(step.minutes or self.job.minutes, self.job.minutes),
            say=lambda line: self.say(f"    {self.world.masked(line)}"),
        )
        output = self.world.masked(output)
        left = read_files(files)
        self.environment |= left.environment
        self.paths = [*left.paths, *self.paths]
        outcome = "failure" if code else "success"
        return self._ended(step, outcome, left.outputs, output, left.summary, code)

    def _whole(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment of a step's command."""
        scope = self.scope(env)
        github = scope.contexts["github"]
        names = ("event_name", "sha", "ref", "ref_name", "repository", "repository_owner", "run_id")
        named = {f"GITHUB_{name.upper()}": str(github[name]) for name in names}
        whole = fresh_environment() | named | dict(scope.contexts["env"])
        whole |= {"GITHUB_WORKSPACE": str(self.workspace), "RUNNER_TEMP": str(self.temp)}
        path = os.pathsep.join([*self.paths, whole["PATH"]])
        return whole | {"PATH": path, MARK: self.mark}

    def _ended(
        self,
        step: Step,
        outcome: str,
        outputs: Mapping[str, str] | None = None,
        output: str = "",
        summary: str = "",
        code: int = 0,
    ) -> Ran:
        if step.id:
            self.steps[step.id] = {"outputs": Open(outputs or {}), "outcome": outcome}
        return Ran(self.job.id, step.name, step.place, outcome, output, summary, code)


@dataclass(frozen=True)
class Inputs:
    """What a step says `with:`; one that an action here does not know is refused."""

    action: str
    said: Mapping[str, str]

    def known(self, *names: str) -> "Inputs":
        if strange := sorted(set(self.said) - set(names)):
            raise NotRehearsed(f"{self.action}: `{strange[0]}` is not imitated")
        return self

    def __getitem__(self, name: str) -> str:
        return self.said.get(name, "")

    def lines(self, name: str) -> list[str]:
        return [line.strip() for line in self[name].splitlines() if line.strip()]

    def asks(self, name: str) -> bool:
        return truth(self[name]) and self[name] != "false"


Action = Callable[[JobRun, Inputs], Mapping[str, str]]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
