"""A real server over a project with two promoted models: penguins, and flats with a price."""

import csv
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from mlflow import MlflowClient
from tests.conftest import copy_project, point_at, write_task
from tests.penguins import PENGUIN

import rookery as rk
from rookery.jobs.project import Project, open_project
from rookery.serving.app import create_app
from rookery.serving.server import bind, config_of
from rookery.settings import Settings, get_settings

JSON = {"Content-Type": "application/json"}
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
ADMIN = {"Authorization": "Bearer let-me-in"}
FLATS = {
    "name": "flats",
    "title": "Flats",
    "description": "",
    "target": "price_eur",
    "cleaning": {},
    "metric": "rmse",
    "direction": "minimize",
    "gate": {},
    "candidates": {"linear_regression": {}},
    "features": {"year_built": {"date_part": {"column": "built", "part": "year"}}},
    "columns": {
        "area_m2": {"type": "float", "range": [10, 500], "unit": "m2", "required": True},
        "rooms": {"type": "integer", "range": [1, 20]},
        "balcony": {"type": "boolean"},
        "built": {"type": "date"},
        "district": {"type": "category", "values": ["Nord", "Süd"], "required": True},
        "remark": {"type": "text", "feature": False},
        "price_eur": {"type": "float", "unit": "EUR", "required": True},
    },
}


@dataclass(frozen=True)
class Served:
    """A server under test, and what it was told."""

    client: httpx.Client
    settings: Settings

    def version(self) -> str | None:
        answer = self.client.get("/ready")
        return answer.json()["version"] if answer.status_code == 200 else None


@contextmanager
def serving(settings: Settings, *, wait: bool = True) -> Iterator[Served]:
    """Runs the application in a thread, behind a real socket."""
    with bind("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(config_of(create_app(settings), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=30) as client:
                for name in settings.served_models if wait else []:
                    eventually(lambda name=name: client.get(f"/models/{name}/ready").is_success)
                yield Served(client, settings)
        finally:
            server.should_exit = True
            thread.join(60)
    assert not thread.is_alive()


def eventually(holds: Callable[[], Any], seconds: float = 180.0) -> None:
    """Waits for what another thread or process brings about.

    The bound is far above what it takes: a start is a second, and a minute on a machine that has
    much else to do.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def write_flats(path: Path) -> None:
    """120 flats; every fifth has gaps in what may be missing."""
    draw = random.Random(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FLATS["columns"])
        for number in range(120):
            area, rooms = round(draw.uniform(20, 200), 1), draw.randint(1, 6)
            gaps = number % 5 == 0
            built = f"{draw.randint(1900, 2020)}-06-01"
            maybe = ["", "", ""] if gaps else [rooms, draw.choice(["true", "false"]), built]
            price = round(area * 3000 + rooms * 10_000 + draw.gauss(0, 5000))
            district = draw.choice(["Nord", "Süd"])
            writer.writerow([area, *maybe, district, "no remark", price])


@pytest.fixture(scope="session")
def two_models(promoted_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place of a project in which penguins and flats are promoted."""
    place = tmp_path_factory.mktemp("two") / "place"
    copy_project(promoted_home.parent, place)
    write_flats(place / "flats.csv")
    write_task(place / "tasks", **FLATS, source={"csv": str(place / "flats.csv")})
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        rk.ingest("flats")
        rk.clean("flats")
        rk.sweep("flats", cross_validate=False)
        rk.promote("flats")
    get_settings.cache_clear()
    return place


@pytest.fixture(scope="session")
def served(two_models: Path) -> Iterator[Served]:
    """Both models behind one server, for tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, two_models)
        patch.setenv("MODEL_NAMES", "penguins,flats")
        patch.setenv("API_ADMIN_TOKEN", "let-me-in")
        patch.setenv("API_MAX_BODY_BYTES", "200000")
        patch.setenv("API_MAX_ROWS", "400")
        settings = get_settings()
    get_settings.cache_clear()
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="session")
def api(served: Served) -> httpx.Client:
    return served.client


@pytest.fixture
def project(home_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A promoted project that a test may change, and whose server soon follows."""
    monkeypatch.setenv("API_ADMIN_TOKEN", "let-me-in")
    monkeypatch.setenv("RELOAD_SECONDS", "0.2")
    get_settings.cache_clear()
    return open_project("penguins")


@pytest.fixture
def client(project: Project) -> MlflowClient:
    """MLflow's own client, as its page and plain scripts use it."""
    return project.tracking.client


@pytest.fixture
def running(project: Project) -> Iterator[Served]:
    with serving(project.settings) as served:
        yield served


@pytest.fixture
def penguin() -> dict[str, Any]:
    return dict(PENGUIN)


@pytest.fixture
def numbers(penguin: dict[str, Any]) -> dict[str, Any]:
    """The penguin for a model of numbers alone."""
    return {name: penguin[name] for name in NUMBERS}


@pytest.fixture
def flat() -> dict[str, Any]:
    return {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01", "district": "Süd"}
