"""The optional parts of the package: which are installed, and which one a missing module is of."""

import importlib.metadata
from functools import cache

from packaging.requirements import Requirement

from rookery.errors import InputError

# Where an extra's own library is there, the extra was asked for; its others also come with the base
OWN = {
    "jobs": "mlflow",
    "notebook": "jupyterlab",
    "mysql": "mysqlclient",
    "postgres": "psycopg2-binary",
    "s3": "boto3",
    "azure": "azure-mgmt-containerinstance",
    "stack": "xkcdpass",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost-cpu",
}
IMPORTED_AS = {
    "mysqlclient": "MySQLdb",
    "psycopg2-binary": "psycopg2",
    "xgboost-cpu": "xgboost",
    "gitpython": "git",
    "ipykernel": "IPython",
    "azure-mgmt-containerinstance": "azure",
    "azure-identity": "azure",
}


def version_of(library: str) -> str | None:
    """The version that is installed, if any."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_installed(extra: str) -> bool:
    return version_of(OWN[extra]) is not None


@cache
def requirements(extra: str = "") -> tuple[Requirement, ...]:
    """What an extra asks for on this system; without a name, what the package itself does."""
    found = [Requirement(line) for line in importlib.metadata.requires("rookery") or []]
    return tuple(
        requirement
        for requirement in found
        if ("extra" in str(requirement.marker)) == bool(extra)
        and (requirement.marker is None or requirement.marker.evaluate({"extra": extra}))
    )


def extra_of(module: str) -> str | None:
    """The extra that brings a module; any that is of no extra comes with a library of the jobs."""
    top = module.partition(".")[0]
    for extra in OWN:
        if top in {IMPORTED_AS.get(each.name, each.name) for each in requirements(extra)}:
            return extra
    return None if is_installed("jobs") or top == "rookery" else "jobs"


def extra_missing(failed: ModuleNotFoundError, command: str = "rookery …") -> InputError | None:
    """The error to show where a module is missing with its whole extra; None where it is ours."""
    extra = extra_of(failed.name or "rookery")
    if extra is None:
        return None
    return InputError(
        f"{command} needs the extra {extra!r} ({failed.name}), which is not installed here",
        field="extra",
        value=extra,
        next=f"docker compose exec jupyter {command}, or in a clone: make setup",
    )
