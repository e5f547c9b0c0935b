"""A second version that scores what the first has answered, in a real server."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from tests.integration.serving.commands import Command, command
from tests.integration.serving.conftest import NUMBERS, Served, eventually, serving
from tests.integration.serving.load import Record, asking, said_by
from tests.integration.serving.test_metrics import read
from tests.integration.serving.test_swap import by_hand, log_by_hand, run_of
from tests.integration.serving.test_warm_start import away
from tests.integration.serving.test_workers import LOADED as SERVED
from tests.integration.serving.test_workers import figures

from rookery.jobs.project import Project
from rookery.settings import Settings
from rookery.stores.versions import load_version

ROWS = "shadow_rows_total{model=penguins,shadow=2,version=1}"
AGREEMENTS = "shadow_agreements_total{model=penguins,shadow=2,version=1}"
LOADED = "shadow_reloads_total{model=penguins,outcome=loaded}"
SKIPPED = "shadow_rows_skipped_total{model=penguins,reason=not_comparable}"


def register(project: Project, family: str) -> str:
    run = run_of(project, family)
    return project.tracking.register("penguins", project.tracking.model_of_run(run), run, {})


@pytest.fixture
def home_copy(home_on_each_database: Path) -> Path:
    return home_on_each_database


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
    with serving(shadowing(project)) as served:
        eventually(lambda: card(served)["version"] == challenger)
        yield served


def shadowing(project: Project) -> Settings:
    return project.settings.model_copy(update={"shadow": "challenger"})


def card(served: Served | Command) -> dict[str, Any]:
    found: dict[str, Any] = served.client.get("/model").json()["shadow"]
    return found


def labels(project: Project, version: str, records: list[Record]) -> list[str]:
    found = load_version(project.tracking, "penguins", version)
    return found.answers(found.description.reader(strict=True).rows(records))[0]


def test_agreement_is_counted_exactly_whichever_way_the_rows_were_asked(
    project: Project, challenger: str, shadowed: Served, records: list[Record]
) -> None:
    agreed = agreement(project, challenger, records)
    assert agreed < len(records)  # else there is nothing to count
    for record in records:
        shadowed.client.post("/predict", json=record).raise_for_status()
    shadowed.client.post("/predict/batch", json=records).raise_for_status()
    eventually(lambda: read(shadowed.client).get(ROWS) == 2 * len(records))
    found = read(shadowed.client)
    assert found[AGREEMENTS] == 2 * agreed
    assert found["predictions_total{model=penguins,version=1}"] == 2 * len(records)
    assert found[LOADED] == 1
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


def test_what_turned_out_to_be_true_is_held_against_both(
    project: Project, challenger: str, shadowed: Served, records: list[Record]
) -> None:
    few = records[::12]
    truths = project.tables.read("penguins_clean")["species"].tolist()[::12]
    for record, truth in zip(few, truths, strict=True):
        answer = shadowed.client.post("/predict", json=record).json()
        given = {"id": answer["id"], "outcome": truth}
        # with the first prediction the tables are made
        eventually(lambda given=given: shadowed.client.post("/feedback", json=given).is_success)
    # what no model of these birds could have said is kept, and judges nobody
    given["outcome"] = "Rockhopper"
    shadowed.client.post("/feedback", json=given).raise_for_status()
    found = read(shadowed.client)
    for version, role in (("1", "answered"), (challenger, "shadow")):
        right = sum(map(str.__eq__, labels(project, version, few), truths))
        judged = f"{{model=penguins,role={role},version={version}}}"
        assert found[f"judged_answers_total{judged}"] == len(few)
        assert found[f"judged_right_total{judged}"] == right


# several processes, and a start without MLflow


def agreement(project: Project, challenger: str, records: list[Record]) -> int:
    """How many rows both versions give the same label."""
    first, second = (labels(project, version, records) for version in ("1", challenger))
    return sum(map(str.__eq__, first, second))


def ask(running: Command, records: list[Record]) -> None:
    """Each over a connection of its own: any of the workers may answer."""
    with httpx.Client(headers={"Connection": "close"}, timeout=30) as client:
        for record in records:
            client.post(f"{running.url}/predict", json=record).raise_for_status()


def kept(project: Project) -> Path:
    return project.settings.cache / "shadow" / "penguins.kept"


def challengers(running: Command) -> float:
    """How many versions /metrics says are loaded to be compared."""
    found = figures(running)
    return sum(found[key] for key in found if "model_info" in key and "challenger" in key)


def test_each_worker_compares_what_it_answered_and_their_figures_are_added_up(
    project: Project, client: MlflowClient, challenger: str, records: list[Record]
) -> None:
    few, agreed = records[::6], agreement(project, challenger, records[::6])
    with command(SHADOW="challenger", API_WORKERS="2") as running:
        # in an order of its own in each worker
        eventually(lambda: figures(running).get(SERVED) == 2)
        eventually(lambda: figures(running).get(LOADED) == 2)
        ask(running, few)
        eventually(lambda: figures(running).get(ROWS) == len(few))
        assert figures(running)[AGREEMENTS] == agreed
        assert challengers(running) == 1
        client.delete_registered_model_alias("penguins", "challenger")
        eventually(lambda: challengers(running) == 0)


@pytest.fixture
def uncompiled(project: Project, client: MlflowClient) -> str:
    """A challenger that scikit-learn itself answers for, which takes its imports to load."""
    rows = project.tables.read("penguins_clean")
    numbers = make_pipeline(PolynomialFeatures(2), StandardScaler())
    columns = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(), ["island", "sex"]))
    taken = rows[[*NUMBERS, "island", "sex"]]
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=500))
    with mlflow.start_run(experiment_id=project.experiment):
        logged = mlflow.sklearn.log_model(
            pipeline.fit(taken, rows["species"]),
            name="model",
            input_example=taken.head(2),
            registered_model_name="penguins",
            pip_requirements=["scikit-learn"],
            serialization_format="skops",
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias("penguins", "challenger", version)
    return version


def test_workers_that_start_while_mlflow_is_away_go_on_comparing(
    project: Project, uncompiled: str, penguin: Record
) -> None:
    with serving(shadowing(project)):
        eventually(kept(project).exists)
    rows, same = (name.replace("shadow=2", f"shadow={uncompiled}") for name in (ROWS, AGREEMENTS))

    def compared(running: Command) -> bool:
        ask(running, [penguin] * 5)
        return figures(running).get(rows, 0) >= 20

    with (
        away(project.settings.home),
        command(SHADOW="challenger", API_WORKERS="2") as running,
    ):
        eventually(lambda: compared(running))
        found = figures(running)
        assert 0 < found[same] == found[rows]


def test_a_shadow_that_was_let_go_is_not_back_after_a_start_without_mlflow(
    project: Project, client: MlflowClient, shadowed: Served
) -> None:
    eventually(kept(project).exists)
    client.delete_registered_model_alias("penguins", "challenger")
    eventually(lambda: card(shadowed)["version"] is None)
    # what is kept is taken before the first answer; MLflow's client gives up after 100 s only
    with away(project.settings.home), command(SHADOW="challenger") as running:
        assert card(running)["version"] is None
