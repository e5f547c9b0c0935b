"""A challenger beside the champion: aliases, the comparison's run, and an API that is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.conftest import FEW, write_task

import rookery as rk
from rookery import notebook as nb
from rookery.cli import run_command
from rookery.errors import InputError, Refused, Unavailable
from rookery.jobs.project import Project, open_project
from rookery.settings import get_settings
from rookery.stores import model_api

WEAK = {"decision_tree": {"fixed": {"random_state": 42}, "sets": [{"max_depth": 1}]}}
GOOD = {"logistic_regression": FEW["logistic_regression"]}
OPEN = {"minimum": {"accuracy": 0.1}}


@pytest.fixture
def project(home_copy) -> Project:
    return open_project("penguins")


def again(project: Project, candidates: Any = GOOD, gate: Any = OPEN, **changes: Any) -> Any:
    """Another sweep, after the task file was changed."""
    folder = project.settings.tasks_folder
    write_task(folder, candidates=candidates, gate=gate, **changes)
    return rk.sweep("penguins", cross_validate=False)


def second(project: Project) -> str:
    """The promoted model as another version, which is quicker than a sweep."""
    best = project.tracking.version("penguins", "1").run_id
    model = project.tracking.model_of_run(best)
    return project.tracking.register("penguins", model, best, {})


def aliases(project: Project) -> dict[str, str]:
    return project.tracking.aliases("penguins")


def outcomes(project: Project) -> list[tuple[str | None, str]]:
    return [(row.to_version, row.outcome) for row in project.ledger.entries("penguins")]


def comparisons(project: Project) -> list[Any]:
    return project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'comparison'")


def test_champion_and_challenger_are_the_names_where_people_expect_them(empty_home, monkeypatch):
    monkeypatch.setenv("MODEL_ALIAS", "champion")
    get_settings.cache_clear()
    project = open_project("penguins")
    rk.ingest("penguins")
    rk.clean("penguins")
    again(project, WEAK)
    assert aliases(project) == {}
    assert rk.promote("penguins").comparison is None
    assert aliases(project) == {"champion": "1"}
    assert again(project, GOOD).verdict.endswith("challenger of version 1")
    assert aliases(project) == {"champion": "1", "challenger": "2"}
    assert rk.status("penguins")["challenger"] == {"alias": "challenger", "version": "2"}
    promoted = rk.promote("penguins")
    assert (promoted.alias, promoted.version) == ("champion", "2")
    assert (promoted.comparison.champion, promoted.comparison.challenger) == ("1", "2")
    assert aliases(project) == {"champion": "2"}


def test_a_refused_challenger_stays_one_until_another_sweep(project):
    assert again(project, WEAK).version == "2"
    with pytest.raises(Refused, match=r"worse than production's .*; comparison [0-9a-f]{32}"):
        rk.promote("penguins")
    assert aliases(project) == {"production": "1", "challenger": "2"}
    assert outcomes(project) == [("1", "done"), ("2", "refused")]
    assert again(project, WEAK).version == "3"
    assert aliases(project) == {"production": "1", "challenger": "3"}


def test_a_comparison_is_a_run_with_both_models_metrics_segments_and_pictures(project):
    again(project, WEAK)
    with pytest.raises(Refused):
        rk.promote("penguins")
    (run,) = comparisons(project)
    assert (run.info.run_name, run.info.status) == ("comparison", "FINISHED")
    tags, metrics = run.data.tags, run.data.metrics
    assert (tags["rookery.champion"], tags["rookery.challenger"]) == ("1", "2")
    assert tags["rookery.passed"] == "False"
    assert "67 of 67 hold-out rows; neither was trained on them" in tags["rookery.unseen"]
    scored = project.tracking.run(project.tracking.version("penguins", "1").run_id).data.metrics
    for name in ("accuracy", "log_loss", "roc_auc"):
        assert metrics[f"champion_{name}"] == pytest.approx(scored[f"holdout_{name}"])
        change = metrics[f"challenger_{name}"] - metrics[f"champion_{name}"]
        assert metrics[f"difference_{name}"] == pytest.approx(change)
        assert metrics[f"low_{name}"] <= change <= metrics[f"high_{name}"]
    client, run_id = project.tracking.client, run.info.run_id
    drawn = {file.path for file in client.list_artifacts(run_id, "plots")}
    assert drawn == {"plots/difference.png", "plots/segments.png"}
    whole = Path(client.download_artifacts(run_id, "comparison.json"))
    segments = json.loads(whole.read_text(encoding="utf-8"))["segments"]
    assert {part["column"] for part in segments} == {"island", "sex", "species"}
    assert project.ledger.entries("penguins")[-1].reason.endswith(f"comparison {run_id}")
    shown = rk.status("penguins")["comparison"]
    assert (shown["run_id"], shown["passed"]) == (run_id, False)
    table = nb.comparison("penguins")
    assert table.index[0] == "accuracy"
    assert table.loc["accuracy", "challenger: 2"] == round(metrics["challenger_accuracy"], 4)


def test_before_a_comparison_there_is_none_to_show(project):
    assert nb.comparison("penguins").empty
    assert rk.status("penguins")["comparison"] is None


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({"proof": "superior"}, "accuracy is not proven superior"),
        ({"change": {"log_loss": -0.99}}, "log_loss .* asks for -99.00% at most"),
        ({"proof": "non_inferior", "segments": {"island": 0.0}}, None),
    ],
)
def test_the_gate_may_ask_for_more_than_an_equal_metric(project, gate, words):
    second(project)
    write_task(project.settings.tasks_folder, gate=gate)
    if words is None:
        assert rk.promote("penguins", version=2).comparison.passed
    else:
        with pytest.raises(Refused, match=words):
            rk.promote("penguins", version=2)


def test_with_another_seed_only_rows_that_both_hold_out_are_compared(project):
    again(project, split={"seed": 7})
    found = rk.promote("penguins").comparison
    rows = int(project.tracking.run(found.run_id).data.params["rows"])
    assert 0 < rows < 40
    assert "neither was trained on them" in found.unseen


def test_of_a_model_logged_by_hand_it_is_said_that_nothing_is_known(project):
    rows = pd.read_sql("SELECT * FROM penguins_clean", rk.connect())
    numbers = rows[["bill_length_mm", "bill_depth_mm"]]
    with mlflow.start_run(experiment_id=project.experiment):
        info = mlflow.sklearn.log_model(
            LogisticRegression().fit(numbers, rows["species"]),
            name="bare",
            pip_requirements=[],
            input_example=numbers.head(2),
        )
    number = str(mlflow.register_model(info.model_uri, "penguins").version)
    project.tracking.client.set_registered_model_alias("penguins", "production", number)
    found = rk.promote("penguins", version=1).comparison
    assert f"cannot be known: version {number} was logged by hand" in found.unseen


def test_a_promotion_by_hand_ends_the_challenge_too(project):
    project.tracking.set_challenger("penguins", second(project))
    project.tracking.client.set_registered_model_alias("penguins", "production", "2")
    rk.status("penguins")
    assert aliases(project) == {"production": "2"}


def test_what_can_be_no_segment_and_no_metric_of_a_gate_is_refused(project):
    for gate, words in [
        ({"segments": {"wings": 0.1}}, "gate.segments.wings"),
        ({"change": {"rmse": 0.1}}, "gate.change.rmse"),
        ({"margin": 0.1}, "margin belongs to proof: non_inferior"),
        ({"proof": "certain"}, "superior"),
    ]:
        write_task(project.settings.tasks_folder, gate=gate)
        with pytest.raises(InputError, match=words):
            rk.promote("penguins")


def test_an_error_that_grows_keeps_the_champion_and_an_equal_one_passes(empty_home):
    draw = np.random.default_rng(3)
    rows = pd.DataFrame({"area": draw.uniform(20, 200, 200).round(1)})
    rows["price"] = (rows["area"] * 3000 + draw.normal(0, 5000, 200)).round()
    rows.to_csv(empty_home.parent / "flats.csv", index=False)
    flats = {
        "name": "flats",
        "source": {"csv": str(empty_home.parent / "flats.csv")},
        "columns": {name: {"type": "float", "required": True} for name in rows},
        "target": "price",
        "cleaning": {},
        "features": {},
        "metric": "rmse",
        "direction": "minimize",
        "gate": {},
    }
    tasks = empty_home.parent / "tasks"
    write_task(tasks, **flats, candidates={"linear_regression": {}})
    rk.ingest("flats")
    rk.clean("flats")
    rk.sweep("flats", cross_validate=False)
    rk.promote("flats")
    write_task(tasks, **flats, candidates={"decision_tree": {"sets": [{"max_depth": 1}]}})
    rk.sweep("flats", cross_validate=False)
    with pytest.raises(Refused, match=r"rmse \d+\.\d+ is worse than production's"):
        rk.promote("flats")
    write_task(tasks, **flats, candidates={"linear_regression": {"sets": [{"positive": True}]}})
    rk.sweep("flats", cross_validate=False)
    equal = rk.promote("flats")  # the slope is positive anyway
    assert (equal.previous, equal.changed) == ("1", True)
    first = equal.comparison.metrics[0]
    assert first["metric"] == "rmse"
    assert first["difference"] == pytest.approx(0, abs=1e-6)


# an API that is told


@contextmanager
def answering(reload: int, version: str = "1", kind: str = "json") -> Iterator[tuple[str, list]]:
    """A real server that says these things; its address, and what it was asked."""
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self._say(reload, {"detail": "so it is"})

        def do_GET(self) -> None:
            self._say(200, {"model": "penguins", "version": version})

        def _say(self, status: int, body: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", f"application/{kind}")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def tell(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("API_URL", f"{address}/")
    monkeypatch.setenv("API_ADMIN_TOKEN", "let-me-in")
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "500 so it is"), (401, "401 so it is"), (302, "302"), (404, "404"), (None, "answer")],
)
def test_an_api_that_does_not_reload_is_an_error_that_the_next_promotion_repeats(
    project, monkeypatch, status, words
):
    second(project)
    if status is None:
        tell(monkeypatch, "http://127.0.0.1:1")
        with pytest.raises(Unavailable, match="has not taken") as caught:
            rk.promote("penguins")
    else:
        with answering(status) as (address, _):
            tell(monkeypatch, address)
            with pytest.raises(Unavailable, match="has not taken") as caught:
                rk.promote("penguins")
    assert words in caught.value.message
    assert caught.value.exit_code == 1
    assert caught.value.field == ("API_ADMIN_TOKEN" if status == 401 else "API_URL")
    assert aliases(project) == {"production": "2"}
    assert outcomes(project)[1:] == [("2", "done"), ("2", "failed")]
    assert "not the API" in rk.status("penguins")["warnings"][0]
    assert run_command(["promote", "penguins"]) == 1
    assert len(outcomes(project)) == 3
    with answering(200, version="2") as (address, asked):
        tell(monkeypatch, address)
        told = rk.promote("penguins")
        assert asked == [("/models/penguins/reload", "Bearer let-me-in")]
    assert (told.changed, told.api) == (False, f"{address} answers with version 2")
    assert outcomes(project)[3:] == [("2", "done")]
    assert rk.status("penguins")["warnings"] == []


def test_an_api_that_keeps_the_old_version_is_an_error_in_the_end(project, monkeypatch):
    monkeypatch.setattr(model_api, "TAKES_SECONDS", 0.3)
    second(project)
    with answering(200, version="1") as (address, _):
        tell(monkeypatch, address)
        with pytest.raises(Unavailable, match="it answers with version 1"):
            rk.promote("penguins")


def test_an_api_that_serves_other_models_has_nothing_to_take(project, monkeypatch):
    with answering(404, kind="problem+json") as (address, _):
        tell(monkeypatch, address)
        assert rk.promote("penguins").api == f"{address} does not serve penguins"
    assert outcomes(project) == [("1", "done")]


def test_a_refusal_repeats_what_the_api_had_not_taken(project, monkeypatch):
    second(project)
    tell(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        rk.promote("penguins")
    again(project, WEAK)
    with answering(200, version="2") as (address, asked):
        tell(monkeypatch, address)
        with pytest.raises(Refused):
            rk.promote("penguins")
        assert len(asked) == 1
    assert outcomes(project)[-2:] == [("3", "refused"), ("2", "done")]


@pytest.mark.parametrize("address", ["fastapi:8000", "ftp://a", "http://u:p@a", "http://"])
def test_what_is_no_address_of_an_api_is_refused(project, monkeypatch, address):
    monkeypatch.setenv("API_URL", address)
    get_settings.cache_clear()
    with pytest.raises(InputError, match="API_URL"):
        rk.promote("penguins")
