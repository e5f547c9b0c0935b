"""Installed libraries against what the package asks for and what the API answers with."""

from collections.abc import Iterator, Mapping

from rookery.extras import OWN, is_installed, requirements, version_of
from rookery.jobs.doctor.findings import Finding, error, fine
from rookery.stores.serving_versions import serving_versions

MEND = "make setup; in a container of the stack: docker compose up --build --detach"


def libraries() -> Iterator[Finding]:
    """The package's own requirements, and those of every extra that is installed."""
    extras = [extra for extra in OWN if is_installed(extra)]
    wrong = 0
    for requirement in (each for extra in ("", *extras) for each in requirements(extra)):
        version = version_of(requirement.name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            wrong += 1
            asked = str(requirement.specifier) or "any version"
            shown = version or "not installed"
            yield error(f"{requirement.name} is {shown}, {asked} is needed", MEND)
    if not wrong:
        yield fine(f"as asked for, with the extras {', '.join(extras) or 'none'}")


def serving() -> Iterator[Finding]:
    """`promote` refuses a model that was trained with other versions than it is served with."""
    installed = {name: version_of(name) for name in serving_versions()}
    installed["mlflow"] = version_of("mlflow-skinny")
    yield from against_serving(installed, serving_versions())


def against_serving(
    installed: Mapping[str, str | None], asked: Mapping[str, str]
) -> Iterator[Finding]:
    other = [name for name, version in asked.items() if installed.get(name) != version]
    for name in other:
        yield error(
            f"{name} is {installed.get(name) or 'not installed'}, the API has {asked[name]}: "
            "a model trained here would be refused",
            MEND,
        )
    if not other:
        yield fine("models trained here have the API's library versions")
