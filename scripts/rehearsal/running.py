"""A workflow from its first job to its last, on this machine."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from rehearsal.actions import IMITATED
from rehearsal.expressions import NotRehearsed, Open, Scope, holds, interpolate
from rehearsal.job import JobRun, Ran
from rehearsal.workflow import Job, Workflow
from rehearsal.world import REPOSITORY, Event, World


@dataclass
class Outcome:
    """What became of a workflow; `results` by job: success, failure or skipped."""

    run_id: str
    results: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    steps: list[Ran] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return "failure" not in self.results.values()

    @property
    def failure(self) -> Ran | None:
        """The step that failed first."""
        return next((step for step in self.steps if step.outcome == "failure"), None)


def run_workflow(
    world: World, workflow: Workflow, event: Event, run_id: str, say: Callable[[str], None]
) -> Outcome:
    """Runs each job after those that it needs, and side by side those that wait for no other.

    Raises:
        NotRehearsed: the workflow uses what is not imitated, or is not started by such an event.
    """
    if event.name not in workflow.triggers:
        raise NotRehearsed(f"{workflow.file} is not started by {event.name}")
    outcome = Outcome(run_id)
    env = _environment(world, workflow, event, run_id)
    for turn in workflow.in_turns():
        runs = []
        for lane, job in enumerate(turn):
            given = {"needs": _needed(job, outcome), "env": env}
            said = _beside(say, turn, job)
            run = JobRun(world, job, event, run_id, given, IMITATED, said, lane)
            outcome.outputs[job.id], outcome.results[job.id] = {}, "skipped"
            if _wanted(job, run):
                runs.append(run)
            else:
                said(f"\n  {job.id}: skipped")
        _run_together(runs, outcome)
    return outcome


def _needed(job: Job, outcome: Outcome) -> dict[str, Any]:
    return {
        name: {"result": outcome.results[name], "outputs": Open(outcome.outputs[name])}
        for name in job.needs
    }


def _beside(say: Callable[[str], None], turn: Sequence[Job], job: Job) -> Callable[[str], None]:
    """Where several jobs speak, each line says whose it is."""
    width = max(len(one.id) for one in turn)

    def said(line: str) -> None:
        shown = line.lstrip("\n")
        say(f"{job.id:<{width}} |{shown}")

    return said if len(turn) > 1 else say


def _run_together(runs: Sequence[JobRun], outcome: Outcome) -> None:
    """Where one cannot be rehearsed, or somebody interrupts, all of them end."""
    with ThreadPoolExecutor(max(1, len(runs))) as pool:
        futures = [pool.submit(run.run) for run in runs]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
            for run, future in zip(runs, futures, strict=True):
                outcome.outputs[run.job.id] = future.result()
                outcome.results[run.job.id] = "failure" if run.failed else "success"
                outcome.steps += run.ran
        except BaseException:
            for run in runs:
                run.end()
            raise


def _environment(world: World, workflow: Workflow, event: Event, run_id: str) -> Mapping[str, str]:
    """The workflow's own `env`, in which only secrets, variables and the event are known."""
    contexts: dict[str, Any] = {
        "github": {
            "event_name": event.name,
            "sha": event.sha,
            "run_id": run_id,
            "repository_owner": REPOSITORY.partition("/")[0],
        },
        "secrets": Open(world.secrets),
        "vars": Open(world.variables),
        "inputs": Open(event.inputs),
    }
    scope = Scope(contexts, {})
    try:
        found = {key: interpolate(str(value), scope) for key, value in workflow.env.items()}
    except NotRehearsed as error:
        raise NotRehearsed(f"{workflow.file}: env: {error}") from None
    return found | dict(world.instead.get(workflow.file, {}))


def _wanted(job: Job, run: JobRun) -> bool:
    """A job without a condition runs when all that it needs went well."""
    results = [need["result"] for need in run.given["needs"].values()]
    scope = run.scope({})
    functions = dict(scope.functions) | {
        "success": lambda: all(result == "success" for result in results),
        "failure": lambda: "failure" in results,
    }
    try:
        return holds(job.condition, Scope(scope.contexts, functions))
    except NotRehearsed as error:
        raise NotRehearsed(f"{job.place}: {error}") from None
