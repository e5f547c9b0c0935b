"""Pushes an image to the registries that the environment names, as `<sha7>` and as `latest`.

Registries: ACR_NAME with ACR_USERNAME and ACR_PASSWORD, and DOCKERHUB_USERNAME with
DOCKERHUB_TOKEN. `<sha7>` are the first seven characters of the commit, GITHUB_SHA or Git's own.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from registries import Registry, docker, login, private_config, registries

from rookery import text
from rookery.errors import InputError, RookeryError

DIGESTS = "{{range .RepoDigests}}{{println .}}{{end}}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", help="what was built and tested")
    parser.add_argument("--name", required=True, help="its name there")
    given = parser.parse_args()
    try:
        pushed = publish(given.image, given.name, [commit()[:7], "latest"])
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        return error.exit_code
    if target := os.environ.get("GITHUB_OUTPUT"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"image={pushed[0]}\n")
    return 0


def publish(image: str, name: str, tags: list[str]) -> list[str]:
    """References by digest, one a registry; all logins are tried before the first push."""
    found = registries(os.environ)
    with private_config() as config:
        for registry in found:
            login(config, registry)
        return [push(config, registry, image, name, tags) for registry in found]


def push(config: Path, registry: Registry, image: str, name: str, tags: list[str]) -> str:
    """What was pushed, by its digest: the next push of this commit moves the tags."""
    for reference in [f"{registry.prefix}/{name}:{tag}" for tag in tags]:
        docker(config, ["tag", image, reference], f"{image} cannot be tagged")
        docker(config, ["push", "--quiet", reference], f"{reference} cannot be pushed")
        print(f"pushed {reference}", flush=True)
    known = docker(config, ["image", "inspect", image, "--format", DIGESTS], f"{image} is gone")
    start = f"{registry.prefix}/{name}@".removeprefix("docker.io/")
    return next(line for line in known.splitlines() if line.startswith(start))


def commit() -> str:
    """The commit that the image is named after."""
    if given := os.environ.get("GITHUB_SHA"):
        return given
    asked = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("there is no commit to name the image after", field="GITHUB_SHA")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
