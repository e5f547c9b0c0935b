"""The actions that a rehearsal imitates, by folders of this machine: a closed list."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from registries import Registry, fill_config, login

from rehearsal.expressions import NotRehearsed
from rehearsal.files import chosen
from rehearsal.job import Action, Inputs, JobRun, StepFailed
from rookery.errors import Unavailable


def checkout(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """A clone of the repository at the event's commit."""
    inputs.known("persist-credentials", "fetch-depth")
    _git(job, "clone", "--quiet", "--no-checkout", str(job.world.origin), ".")
    _git(job, "checkout", "--quiet", "--detach", job.event.sha)
    return {}


def _git(job: JobRun, *command: str) -> None:
    done = subprocess.run(
        ["git", *command], cwd=job.workspace, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepFailed(done.stderr.strip())


def setup_python(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """The Python that is asked for, where this machine has it; else the one that runs this."""
    wanted = inputs.known("python-version")["python-version"]
    named = shutil.which(f"python{wanted}")
    own = (platform.python_version(), f"{sys.base_prefix}/bin/python3")
    version, found = (_python(named) if named else None) or own
    folder = job.temp / "python"
    folder.mkdir()
    for name in ("python", "python3"):
        (folder / name).symlink_to(found)
    job.paths.insert(0, str(folder))
    job.say(f"    Python {version}" + ("" if version.startswith(wanted) else f", not {wanted}"))
    return {"python-version": version, "python-path": found}


def _python(program: str) -> tuple[str, str] | None:
    """Version and own path; None of one that is there by name only, as a version manager's is."""
    asked = "import platform, sys; print(platform.python_version(), sys.executable)"
    done = subprocess.run([program, "-c", asked], capture_output=True, text=True, check=False)
    version, _, path = done.stdout.strip().partition(" ")
    return None if done.returncode else (version, path)


def cache(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """Restores what was saved by this key; else the job saves it at its end, if it ends well."""
    outputs = restore(job, inputs)
    if outputs["cache-hit"] != "true":
        job.after.append(partial(save, job, inputs))
    return outputs


def restore(job: JobRun, inputs: Inputs) -> dict[str, str]:
    inputs.known("path", "key", "restore-keys", "lookup-only")
    place = _matched(job, inputs)
    if place is None:
        job.say(f"    nothing by the key {inputs['key']}")
        return {"cache-hit": "false", "cache-matched-key": ""}
    matched = unquote(place.name)
    job.say(f"    found by the key {matched}")
    if not inputs.asks("lookup-only"):
        for number, path in enumerate(_cached(job, inputs)):
            _copy(place / str(number), path)
    return {
        "cache-hit": str(matched == inputs["key"]).lower(),
        "cache-matched-key": matched,
    }


def _matched(job: JobRun, inputs: Inputs) -> Path | None:
    """By the key itself, else the newest of those that begin with the first that any does."""
    exact = job.caches / quote(inputs["key"], safe="")
    if exact.is_dir():
        return exact
    saved = sorted(job.caches.glob("*"), key=lambda place: place.stat().st_mtime_ns)
    for start in (inputs["key"], *inputs.lines("restore-keys")):
        found = [place for place in saved if unquote(place.name).startswith(start)]
        if found:
            return found[-1]
    return None


def save(job: JobRun, inputs: Inputs) -> dict[str, str]:
    inputs.known("path", "key", "restore-keys", "lookup-only")
    place = job.caches / quote(inputs["key"], safe="")
    if not place.exists():
        for number, path in enumerate(_cached(job, inputs)):
            _copy(path, place / str(number))
    return {}


def _cached(job: JobRun, inputs: Inputs) -> list[Path]:
    paths = inputs.lines("path")
    if outside := [path for path in paths if path.startswith(("~", "/"))]:
        raise NotRehearsed(f"a cache of {outside[0]}, outside of the workspace, is not imitated")
    return [job.workspace / path for path in paths]


def _copy(source: Path, target: Path) -> None:
    """By hard links: what is cached is replaced by its tools, never changed in place."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)


def upload(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """Copies files into a folder of the run; a name is given once a run."""
    inputs.known("name", "path", "if-no-files-found", "retention-days", "include-hidden-files")
    hidden = inputs.asks("include-hidden-files")
    files = chosen(job.workspace, inputs.lines("path"), hidden=hidden)
    if not files:
        if inputs["if-no-files-found"] == "error":
            raise StepFailed(f"no file is at {', '.join(inputs.lines('path'))}")
        job.say("    no file was found")
        return {}
    place = job.world.artifacts(job.run_id) / inputs["name"]
    if place.exists():
        raise StepFailed(f"the artifact {inputs['name']} is there already")
    for name, path in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / name)
    job.say(f"    {len(files)} files: {', '.join(list(files)[:6])}")
    return {}


def download(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """Copies an artifact of this run, or of the one that is named, into the workspace."""
    inputs.known("name", "path", "run-id", "github-token")
    place = job.world.artifacts(inputs["run-id"] or job.run_id) / inputs["name"]
    if not inputs["name"]:
        raise NotRehearsed("actions/download-artifact without `name` is not imitated")
    if not place.is_dir():
        raise StepFailed(f"there is no artifact {inputs['name']}")
    shutil.copytree(place, job.workspace / inputs["path"], dirs_exist_ok=True)
    return {}


def docker_login(job: JobRun, inputs: Inputs) -> Mapping[str, str]:
    """A login for the rest of the job, in a folder of its own."""
    inputs.known("registry", "username", "password")
    config = job.temp / "docker"
    fill_config(config)
    server = inputs["registry"]
    try:
        login(config, Registry(server, server, server, inputs["username"], inputs["password"]))
    except Unavailable as error:
        raise StepFailed(error.message) from None
    job.environment["DOCKER_CONFIG"] = str(config)
    return {}


IMITATED: Mapping[str, Action] = {
    "actions/checkout": checkout,
    "actions/setup-python": setup_python,
    "actions/cache": cache,
    "actions/cache/restore": restore,
    "actions/cache/save": save,
    "actions/upload-artifact": upload,
    "actions/download-artifact": download,
    "docker/login-action": docker_login,
}
