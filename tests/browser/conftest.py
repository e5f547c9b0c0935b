"""The three pages of `make local`, in a project of its own and a real Chromium."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

# the scripts import each other by these names, as they do when they are run
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import chromium
import screenshots

from rookery.errors import InputError


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses by the name of the picture: mlflow, notebook, docs."""
    try:
        chromium.find()
    except InputError as error:
        pytest.skip(f"{error.message}; {error.next}")
    with screenshots.local(tmp_path_factory.mktemp("project")) as addresses:
        yield addresses


@pytest.fixture
def outside() -> list[str]:
    """What the page of this test asked of other machines; it got no answer."""
    return []


@pytest.fixture
def page(pages: dict[str, str], outside: list[str]) -> Iterator[Page]:
    """A page that reaches this machine only."""
    with chromium.page() as opened:

        def answer(route: object) -> None:
            if "://localhost:" in route.request.url or "://127.0.0.1:" in route.request.url:
                route.continue_()
            else:
                outside.append(route.request.url)
                route.abort()

        opened.route("**/*", answer)
        opened.set_default_timeout(30_000)
        yield opened
