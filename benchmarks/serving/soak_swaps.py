"""Moves the serving alias from one version to the other in a steady beat.

`python -m serving.soak_swaps READY_URL SECONDS COUNT VERSION VERSION`, with our settings.
"""

import sys
import time

import requests
from serving.swaps import wait_for

from rookery.jobs.project import open_project


def main() -> None:
    ready, seconds, count, *versions = sys.argv[1:]
    tracking = open_project().tracking
    began = time.monotonic()
    with requests.Session() as session:
        for number in range(1, int(count) + 1):
            time.sleep(max(0.0, began + number * float(seconds) - time.monotonic()))
            version = versions[number % len(versions)]
            tracking.set_production("penguins", version)
            wait_for(session, ready, version)


if __name__ == "__main__":
    main()
