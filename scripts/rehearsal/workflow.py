"""A workflow file as jobs and steps, each with its line; a key that is not imitated is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rehearsal.expressions import NotRehearsed

# what is GitHub's to keep: rights, where and when it runs, how it is shown
IGNORED = {"name", "run-name", "on", "permissions", "concurrency", "runs-on"}
WORKFLOW = IGNORED | {"env", "defaults", "jobs"}
JOB = IGNORED | {"needs", "if", "env", "outputs", "steps", "timeout-minutes", "defaults"}
STEP = {
    "name", "id", "if", "uses", "run", "with", "env", "shell", "working-directory",
    "timeout-minutes",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command or action; `line` is where it begins."""

    place: str
    name: str
    id: str | None
    condition: str | None
    uses: str | None
    run: str | None
    inputs: Mapping[str, Any]
    env: Mapping[str, Any]
    shell: str | None
    folder: str | None
    minutes: float | None


@dataclass(frozen=True)
class Job:
    """Steps of one machine, after the jobs that it needs."""

    place: str
    id: str
    needs: tuple[str, ...]
    condition: str | None
    env: Mapping[str, Any]
    outputs: Mapping[str, str]
    minutes: float
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Workflow:
    file: str
    name: str
    triggers: Mapping[str, Any]
    env: Mapping[str, Any]
    jobs: Mapping[str, Job] = field(default_factory=dict)

    def in_turns(self) -> Iterator[list[Job]]:
        """Jobs that wait for none but those of earlier turns, as they stand in the file.

        Raises:
            NotRehearsed: a job needs one that is not there, or itself.
        """
        left = dict(self.jobs)
        while left:
            ready = [job for job in left.values() if not set(job.needs) & set(left)]
            if not ready:
                raise NotRehearsed(f"{self.file}: the jobs {', '.join(left)} wait for each other")
            for job in ready:
                unknown = set(job.needs) - set(self.jobs)
                if unknown:
                    named = ", ".join(sorted(unknown))
                    raise NotRehearsed(f"{job.place}: there is no job {named}")
                del left[job.id]
            yield ready


def read_workflow(path: Path) -> Workflow:
    """The workflow in a file.

    Raises:
        NotRehearsed: naming file, line and what is not imitated.
    """
    tree = YAML().load(path.read_text(encoding="utf-8"))
    file = path.name
    _check(tree, WORKFLOW, file)
    shell = _shell(tree, file)
    jobs = {name: _job(name, job, file, shell) for name, job in tree["jobs"].items()}
    return Workflow(file, tree.get("name", path.stem), _triggers(tree["on"]), _env(tree), jobs)


def _job(name: str, tree: Any, file: str, shell: str | None) -> Job:
    _check(tree, JOB, file)
    needs = tree.get("needs", [])
    return Job(
        place=f"{file}:{_line(tree)}",
        id=name,
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        condition=_text(tree.get("if")),
        env=_env(tree),
        outputs={key: str(value) for key, value in tree.get("outputs", {}).items()},
        minutes=float(tree.get("timeout-minutes", 360)),
        steps=tuple(_step(step, file, _shell(tree, file) or shell) for step in tree["steps"]),
    )


def _step(tree: Any, file: str, shell: str | None) -> Step:
    _check(tree, STEP, file)
    place = f"{file}:{_line(tree)}"
    if ("run" in tree) == ("uses" in tree):
        raise NotRehearsed(f"{place}: a step has either `run` or `uses`")
    minutes = tree.get("timeout-minutes")
    return Step(
        place=place,
        name=str(tree.get("name") or tree.get("run") or tree.get("uses")).splitlines()[0],
        id=tree.get("id"),
        condition=_text(tree.get("if")),
        uses=tree.get("uses"),
        run=tree.get("run"),
        inputs=dict(tree.get("with", {})),
        env=_env(tree),
        shell=tree.get("shell", shell),
        folder=tree.get("working-directory"),
        minutes=None if minutes is None else float(minutes),
    )


def _check(tree: Any, known: set[str], file: str) -> None:
    if not isinstance(tree, Mapping):
        raise NotRehearsed(f"{file}: keys and values are expected, not {tree!r}")
    for key in tree:
        if key not in known:
            line = tree.lc.key(key)[0] + 1  # type: ignore[attr-defined]
            raise NotRehearsed(f"{file}:{line}: `{key}` is not imitated")


def _shell(tree: Any, file: str) -> str | None:
    run = tree.get("defaults", {}).get("run", {})
    _check(run, {"shell"}, file) if run else None
    return _text(run.get("shell"))


def _line(tree: Any) -> int:
    return int(tree.lc.line) + 1


def _env(tree: Any) -> dict[str, Any]:
    return dict(tree.get("env", {}))


def _text(value: Any) -> str | None:
    """`if: true` is a truth value for YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _triggers(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {value: {}}
    return {name: (value[name] if isinstance(value, Mapping) else None) or {} for name in value}
