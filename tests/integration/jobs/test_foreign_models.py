"""Models that people log themselves, promoted: converted, proved equal, or refused by name."""

import sys

import mlflow
import mlflow.sklearn
import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import rookery as rk
from rookery.core.cleaning import read_back
from rookery.core.onehot import onehot
from rookery.core.tags import BEST, KIND
from rookery.errors import InputError, Refused
from rookery.jobs.project import Project, open_project
from rookery.stores.folders import load_trusted, read_folder
from rookery.stores.versions import load_version

RAW = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]


@pytest.fixture
def project(home_copy, monkeypatch) -> Project:
    monkeypatch.chdir(home_copy.parent)  # where plain MLflow puts its files
    found = open_project("penguins")
    assert found.tracking.production("penguins") == "1"
    return found


@pytest.fixture
def rows(project):
    return read_back(project.tables.read("penguins_clean"), project.task)


@pytest.fixture
def log(project):
    """Logs a model as one does in a notebook, in an experiment of its own; returns the run."""

    def logging(model: object, *, register: bool = False, kind: str = "cloudpickle", **given):
        mlflow.set_experiment("by hand")
        with mlflow.start_run() as run:
            info = mlflow.sklearn.log_model(
                model, name="model", serialization_format=kind, pip_requirements=[], **given
            )
        if not register:
            return run.info.run_id
        return str(mlflow.register_model(info.model_uri, "penguins").version)

    return logging


def forest(seed: int = 0) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=30, random_state=seed)


def loaded(project: Project, version: str):
    found = project.tracking.version("penguins", version)
    return load_trusted(
        read_folder(
            project.tracking.download(project.tracking.model_uri(found), project.settings.cache)
        )
    )


def promote_and_compare(project: Project, asked: dict, model: object, X) -> str:
    """Promotes, and proves that the version that is served answers as the original."""
    result = rk.promote("penguins", **asked)
    assert result.changed
    assert project.tracking.aliases("penguins")["production"] == result.version
    served = loaded(project, result.version)
    np.testing.assert_array_equal(served.predict(X), model.predict(X))
    np.testing.assert_array_equal(served.predict_proba(X), model.predict_proba(X))
    return result.version


@pytest.mark.parametrize("by", ["run", "version"])
@pytest.mark.parametrize("signature", [True, False])
def test_a_pickled_forest_on_one_hot_columns_is_converted_and_answers_the_same(
    project, rows, log, by, signature
):
    wide = onehot(rows, project.task)
    X, y = wide.drop(columns=["species", "year"]), wide["species"]
    model = forest().fit(X, y)
    given = {"input_example": X.head(3)} if signature else {}
    asked = {by: log(model, register=by == "version", **given)}
    version = promote_and_compare(project, asked, model, X)
    converted = project.tracking.version("penguins", version)
    origin = {"run": converted.run_id, "version": "2"}[by]
    assert converted.tags["rookery.converted_from"] == origin
    (answer,) = rk.predict(X.head(1), "penguins")
    assert answer["prediction"] == 1
    assert answer["probabilities"].keys() == {"1", "2", "3"}
    assert load_version(project.tracking, "penguins", version).task == project.task
    assert not rk.promote("penguins").changed


@pytest.mark.parametrize("kind", ["cloudpickle", "pickle", "skops"])
def test_a_pipeline_on_raw_columns_is_promoted_whatever_it_was_logged_in(project, rows, log, kind):
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["island", "sex"]), remainder="passthrough"
    )
    estimator = LogisticRegression() if kind == "skops" else forest()
    model = make_pipeline(encode, StandardScaler(), estimator).fit(rows[RAW], rows["species"])
    asked = {"version": log(model, register=True, kind=kind, input_example=rows[RAW].head(3))}
    version = promote_and_compare(project, asked, model, rows[RAW])
    assert int(version) == 3
    (answer,) = rk.predict(rows[RAW].head(1), "penguins")
    assert answer["prediction"] == "Adelie"
    assert answer["version"] == version
    assert rk.rollback("penguins").version == "1"


def test_a_promoted_version_in_pickle_sets_no_standard_and_can_be_replaced(project, rows, log):
    version = log(forest().fit(rows[RAW[1:5]], rows["species"]), register=True)
    project.tracking.client.set_registered_model_alias("penguins", "production", version)
    assert rk.promote("penguins", version=1).previous == version
    outcomes = [entry.outcome for entry in project.ledger.entries("penguins")]
    assert outcomes == ["done", "external", "done"]


@pytest.fixture
def unchanged(project):
    """Proves that a refusal left one ledger row at most, and the comparison it was judged by."""

    def state():
        client = project.tracking.client
        experiments = [e.experiment_id for e in client.search_experiments()]
        return (
            project.tracking.aliases("penguins"),
            [v.version for v in project.tracking.versions("penguins")],
            {m.model_id for m in client.search_logged_models(experiments)},
            {
                run.info.run_id
                for run in client.search_runs(experiments)
                if run.data.tags.get(KIND) != "comparison"
            },
        )

    def check(before, outcomes: list[str]) -> None:
        assert state() == before
        assert [e.outcome for e in project.ledger.entries("penguins")][1:] == outcomes

    check.state = state
    return check


def test_a_model_fitted_on_a_bare_array_without_signature_says_how_to_log_it(
    project, rows, log, unchanged
):
    run = log(forest().fit(rows[RAW[1:5]].to_numpy(), rows["species"]))
    before = unchanged.state()
    with pytest.raises(InputError, match="does not say which columns") as caught:
        rk.promote("penguins", run=run)
    assert "input_example" in caught.value.next
    unchanged(before, [])


def test_a_model_fitted_on_a_bare_array_with_a_signature_is_promoted(project, rows, log):
    X = rows[RAW[1:5]]
    model = forest().fit(X.to_numpy(), rows["species"])
    promote_and_compare(project, {"run": log(model, input_example=X.head(3))}, model, X)


def test_a_function_from_a_notebook_is_refused_by_its_name(
    project, rows, log, unchanged, monkeypatch
):
    def doubled(X):
        return X * 2

    doubled.__module__, doubled.__qualname__ = "__main__", "doubled"
    monkeypatch.setattr(sys.modules["__main__"], "doubled", doubled, raising=False)
    X = rows[RAW[1:5]]
    model = make_pipeline(FunctionTransformer(doubled), forest()).fit(X, rows["species"])
    run = log(model, input_example=X.head(3))
    before = unchanged.state()
    with pytest.raises(Refused, match=r"__main__\.doubled") as caught:
        rk.promote("penguins", run=run)
    assert caught.value.exit_code == 3
    unchanged(before, ["refused"])


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (["wings"], "wings"),
        (["bill_length_mm", "island_Atlantis"], "island_Atlantis"),
    ],
)
def test_a_model_of_other_columns_is_refused_by_their_names(
    project, rows, log, unchanged, columns, named
):
    X = rows[["bill_length_mm"] * len(columns)].set_axis(columns, axis=1)
    run = log(forest().fit(X, rows["species"]), input_example=X.head(3))
    before = unchanged.state()
    with pytest.raises(Refused, match=named):
        rk.promote("penguins", run=run)
    unchanged(before, ["refused"])


def test_a_model_of_other_classes_is_refused_by_their_names(project, rows, log, unchanged):
    run = log(forest().fit(rows[RAW[1:5]], rows["sex"]))
    before = unchanged.state()
    with pytest.raises(Refused, match="female, male"):
        rk.promote("penguins", run=run)
    unchanged(before, ["refused"])


def test_a_regressor_is_refused_for_a_task_of_classes(project, rows, log, unchanged):
    run = log(DecisionTreeRegressor().fit(rows[RAW[1:4]], rows["body_mass_g"]))
    before = unchanged.state()
    with pytest.raises(Refused, match="classes"):
        rk.promote("penguins", run=run)
    unchanged(before, ["refused"])


def test_a_model_of_another_flavor_is_refused_by_its_name(project, unchanged):
    class Constant(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: list[str]):  # noqa: ARG002 - MLflow's signature
            return ["Adelie"] * len(model_input)

    with mlflow.start_run(experiment_id=project.experiment) as run:
        mlflow.pyfunc.log_model(name="model", python_model=Constant(), pip_requirements=[])
    before = unchanged.state()
    with pytest.raises(Refused, match="python_function"):
        rk.promote("penguins", run=run.info.run_id)
    unchanged(before, ["refused"])


def test_a_pickled_version_that_nobody_named_is_not_loaded(project, rows, log):
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["island", "sex"]), remainder=StandardScaler()),
        LogisticRegression(max_iter=5000),
    ).fit(rows[RAW], rows["species"])
    version = log(model, register=True, input_example=rows[RAW].head(2))
    with pytest.raises(Refused, match="can run code") as refused:
        rk.promote("penguins")
    assert refused.value.next == f"rookery promote penguins --version {version}"
    assert project.tracking.production("penguins") == "1"
    assert rk.promote("penguins", version=version).changed


@pytest.mark.parametrize("asked", ["nothing", "the sweep"])
def test_a_pickle_that_only_a_tag_points_to_is_not_loaded(project, rows, log, asked):
    run = log(forest().fit(rows[RAW[1:5]], rows["species"]), input_example=rows[RAW[1:5]].head(2))
    sweep = project.tracking.last_sweep(project.experiment, "penguins").info.run_id
    project.tracking.client.set_tag(sweep, BEST, run)
    with pytest.raises(Refused, match="can run code") as refused:
        rk.promote("penguins", run=sweep if asked == "the sweep" else None)
    assert refused.value.next == f"rookery promote penguins --run {run}"
    assert project.tracking.production("penguins") == "1"
