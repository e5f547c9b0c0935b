"""A Chromium that is installed on this machine, driven without a window."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import HttpCredentials, Page, sync_playwright

from rookery.errors import InputError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# no sandbox: containers refuse it, and only our own pages are opened
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def find() -> str:
    """The browser's path.

    Raises:
        InputError: there is none.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise InputError(
            "no Chromium was found", allowed=NAMES, next="sudo apt install chromium, or Chrome"
        )
    return found


@contextmanager
def page(
    width: int = 1280, height: int = 900, login: tuple[str, str] | None = None
) -> Iterator[Page]:
    """A fresh page, without the user's profile; `login` is for a server that asks for one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        try:
            credentials: HttpCredentials | None = (
                {"username": login[0], "password": login[1]} if login else None
            )
            yield browser.new_page(
                viewport={"width": width, "height": height}, http_credentials=credentials
            )
        finally:
            browser.close()
