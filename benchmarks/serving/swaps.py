"""Moves the serving alias back and forth, each time until the API names the version.

`python -m serving.swaps READY_URL COUNT VERSION VERSION`, with our settings; as plain client code
does it, so that the work of a promotion is not part of what is measured.
"""

import sys
import time

import requests

from rookery.jobs.project import open_project

FOLLOW_SECONDS = 60


def main() -> None:
    ready, count, *versions = sys.argv[1:]
    tracking = open_project().tracking
    with requests.Session() as session:
        for number in range(int(count)):
            version = versions[(number + 1) % len(versions)]
            tracking.set_production("penguins", version)
            wait_for(session, ready, version)


def wait_for(session: requests.Session, ready: str, version: str) -> None:
    deadline = time.monotonic() + FOLLOW_SECONDS
    while session.get(ready, timeout=FOLLOW_SECONDS).json().get("version") != version:
        if time.monotonic() > deadline:
            raise SystemExit(f"{ready} does not name version {version} in {FOLLOW_SECONDS} s")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
