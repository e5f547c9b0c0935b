"""A workflow from its first job to its last, on this machine."""

from collections.abc import Callable, Mapping
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
    """Runs jobs one after the other, each after those that it needs.

    Raises:
        NotRehearsed: the workflow uses what is not imitated, or is not started by such an event.
    """
    if event.name not in workflow.triggers:
        raise NotRehearsed(f"{workflow.file} is not started by {event.name}")
    outcome = Outcome(run_id)
    for job in workflow.in_order():
        needs = {
            name: {"result": outcome.results[name], "outputs": Open(outcome.outputs[name])}
            for name in job.needs
        }
        given = {"needs": needs, "env": _environment(world, workflow, event, run_id)}
        run = JobRun(world, job, event, run_id, given, IMITATED, say)
        outcome.outputs[job.id] = {}
        if not _wanted(job, run, needs):
            say(f"\n  {job.id}: skipped")
            outcome.results[job.id] = "skipped"
            continue
        outcome.outputs[job.id] = run.run()
        outcome.results[job.id] = "failure" if run.failed else "success"
        outcome.steps += run.ran
    return outcome


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


def _wanted(job: Job, run: JobRun, needs: Mapping[str, Any]) -> bool:
    """A job without a condition runs when all that it needs went well."""
    results = [need["result"] for need in needs.values()]
    scope = run.scope({})
    functions = dict(scope.functions) | {
        "success": lambda: all(result == "success" for result in results),
        "failure": lambda: "failure" in results,
    }
    try:
        return holds(job.condition, Scope(scope.contexts, functions))
    except NotRehearsed as error:
        raise NotRehearsed(f"{job.place}: {error}") from None
