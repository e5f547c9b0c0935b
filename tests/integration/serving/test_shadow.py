"""A second version that scores what the first has answered, in a real server."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from mlflow import MlflowClient
from tests.integration.serving.conftest import Served, eventually, serving
from tests.integration.serving.load import Record, asking, said_by
from tests.integration.serving.test_metrics import read
from tests.integration.serving.test_swap import by_hand, log_by_hand, run_of

from rookery.jobs.project import Project
from rookery.stores.versions import load_version

ROWS = "shadow_rows_total{model=penguins,shadow=2,version=1}"
AGREEMENTS = "shadow_agreements_total{model=penguins,shadow=2,version=1}"
SKIPPED = "shadow_rows_skipped_total{model=penguins,reason=not_comparable}"


def register(project: Project, family: str) -> str:
    run = run_of(project, family)
    return project.tracking.register("penguins", project.tracking.model_of_run(run), run, {})


@pytest.fixture
def records(project: Project) -> list[Record]:
    rows = project.tables.read("penguins_clean")
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    found: list[Record] = rows[["island", *names, "sex"]].to_dict("records")
    return found


@pytest.fixture
def challenger(project: Project, client: MlflowClient) -> str:
    """A tree of two levels, which tells penguins apart less well."""
    version = register(project, "decision_tree")
    client.set_registered_model_alias("penguins", "challenger", version)
    return version


@pytest.fixture
def shadowed(project: Project, challenger: str) -> Iterator[Served]:
    settings = project.settings.model_copy(update={"shadow": "challenger"})
    with serving(settings) as served:
        eventually(lambda: card(served)["version"] == challenger)
        yield served


def card(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.client.get("/model").json()["shadow"]
    return found


def labels(project: Project, version: str, records: list[Record]) -> list[str]:
    found = load_version(project.tracking, "penguins", version)
    return found.answers(found.description.reader(strict=True).rows(records))[0]


def test_agreement_is_counted_exactly_whichever_way_the_rows_were_asked(
    project: Project, challenger: str, shadowed: Served, records: list[Record]
) -> None:
    first, second = (labels(project, version, records) for version in ("1", challenger))
    agreed = sum(map(str.__eq__, first, second))
    assert agreed < len(records)  # else there is nothing to count
    for record in records:
        shadowed.client.post("/predict", json=record).raise_for_status()
    shadowed.client.post("/predict/batch", json=records).raise_for_status()
    eventually(lambda: read(shadowed.client).get(ROWS) == 2 * len(records))
    found = read(shadowed.client)
    assert found[AGREEMENTS] == 2 * agreed
    assert found["predictions_total{model=penguins,version=1}"] == 2 * len(records)
    assert found["shadow_reloads_total{model=penguins,outcome=loaded}"] == 1
    assert found["model_reloads_total{model=penguins,outcome=loaded}"] == 1
    assert not any(found[key] for key in found if key.startswith("shadow_rows_skipped_total{"))


def test_no_request_fails_while_the_shadow_is_swapped_refused_and_taken_away(
    project: Project, client: MlflowClient, shadowed: Served, records: list[Record]
) -> None:
    forest = register(project, "random_forest")
    narrow = log_by_hand(project, by_hand(), serialization_format="skops")
    refused = log_by_hand(project, by_hand(), serialization_format="cloudpickle")
    few = records[::8]
    said = {"1": said_by(project.tracking, "1", few)}
    with asking(str(shadowed.client.base_url), few, said) as load:
        eventually(lambda: ROWS in read(shadowed.client))
        client.set_registered_model_alias("penguins", "challenger", forest)
        other = f"shadow_rows_total{{model=penguins,shadow={forest},version=1}}"
        eventually(lambda: other in read(shadowed.client))
        client.set_registered_model_alias("penguins", "challenger", refused)
        eventually(lambda: card(shadowed)["failed"])
        assert "cloudpickle" in card(shadowed)["failed"]["message"]
        assert card(shadowed)["version"] is None
        assert shadowed.client.get("/ready").json()["failed"] is None
        client.set_registered_model_alias("penguins", "challenger", narrow)
        eventually(lambda: SKIPPED in read(shadowed.client))
        assert f"version {narrow} does not take" in card(shadowed)["not_compared"]
        client.delete_registered_model_alias("penguins", "challenger")
        eventually(lambda: card(shadowed)["version"] is None)
        before = sum(load.seen.values())
        eventually(lambda: sum(load.seen.values()) > before + 20)
    assert load.wrong == []
    assert load.versions() == {"1"}
    found = read(shadowed.client)
    assert found["shadow_reloads_total{model=penguins,outcome=refused}"] == 1
    assert not [key for key in found if key.startswith("model_info") and "challenger" in key]


def test_a_challenger_that_is_promoted_is_no_longer_compared_with_the_one_it_was(
    client: MlflowClient, challenger: str, shadowed: Served, records: list[Record]
) -> None:
    shadowed.client.post("/predict/batch", json=records).raise_for_status()
    client.set_registered_model_alias("penguins", "production", challenger)
    eventually(lambda: shadowed.version() == challenger)
    shadowed.client.post("/predict/batch", json=records).raise_for_status()
    client.set_registered_model_alias("penguins", "challenger", "1")
    eventually(lambda: card(shadowed)["version"] == "1")
    shadowed.client.post("/predict/batch", json=records).raise_for_status()
    back = f"shadow_rows_total{{model=penguins,shadow=1,version={challenger}}}"
    eventually(lambda: read(shadowed.client).get(back) == len(records))
    assert read(shadowed.client)[ROWS] == len(records)


def test_without_the_setting_nothing_is_loaded(
    challenger: str, running: Served, records: list[Record]
) -> None:
    running.client.post("/predict/batch", json=records).raise_for_status()
    assert running.client.get("/model").json()["shadow"] is None
    assert not [one.name for one in threading.enumerate() if one.name.startswith("shadow-")]
    found = read(running.client)
    assert not [key for key in found if key.startswith("shadow_")]
    assert not [key for key in found if "challenger" in key]
