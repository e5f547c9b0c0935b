"""The page that says how a task stands, from a real project."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import write_task

import rookery as rk
from rookery.cli import run_command
from rookery.core.holdout import split
from rookery.errors import InputError, Unavailable
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean
from rookery.serving.ids import new_id
from rookery.settings import get_settings
from rookery.stores.predictions import METADATA, add_feedback, add_predictions

VOID = {"meta", "img", "br"}
EVIL = '<script src="http://evil.example/a.js">alert(1)</script>'


class Page(HTMLParser):
    """A page as a browser would read it: text, elements and what they would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(filter(None, self.texts))


def page_of(found: Any) -> Page:
    page = Page(Path(found.file).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert all(one.startswith("data:image/png;base64,") for one in page.loads)
    return page


@pytest.fixture
def project(home_copy: Path) -> Project:
    return open_project("penguins")


@pytest.fixture
def challenger(project: Project) -> str:
    """A tree of two levels as version 2, which carries the alias."""
    tracking = project.tracking
    found = tracking.runs(project.experiment, "tags.family = 'decision_tree'")
    run = next(one.info.run_id for one in found if one.data.params.get("max_depth") == "2")
    version = tracking.register("penguins", tracking.model_of_run(run), run, {})
    tracking.client.set_registered_model_alias("penguins", "challenger", version)
    return version


@pytest.fixture
def judged(project: Project) -> list[tuple[dict[str, Any], str]]:
    """Twenty answers of version 1 with feedback, two of which say that it was wrong."""
    rows = read_clean(project).iloc[::16].head(20)
    records = json.loads(rows[project.task.inputs].to_json(orient="records"))
    truths = rows["species"].tolist()
    truths[:2] = ["Gentoo" if truth != "Gentoo" else "Adelie" for truth in truths[:2]]
    engine = project.tables.engine
    METADATA.create_all(engine)
    for record, answer, truth in zip(records, rk.predict(records), truths, strict=True):
        id_, now = new_id(), datetime.now(UTC)
        at = int(now.timestamp() * 1e6)
        row = [id_, at, "penguins", "1", json.dumps(record), json.dumps(answer), 0.001]
        assert add_predictions(engine, [json.dumps([row])]) == 0
        add_feedback(engine, id_, "Chinstrap", "a slip", now, who="a")
        add_feedback(engine, id_, truth, None, now, who="a")  # the last word counts
    return list(zip(records, truths, strict=True))


def test_the_page_says_what_the_stores_say(
    project: Project, challenger: str, judged: list[tuple[dict[str, Any], str]]
) -> None:
    found = rk.report("penguins")
    assert found.file == str(project.settings.home / "reports" / "penguins.html")
    assert (found.missing, found.object) == ([], None)
    sections, status = found.facts["sections"], rk.status("penguins")
    assert sections["data"]["counts"] == status["tables"]
    holdout = split(read_clean(project), project.task)[1]
    assert sections["versions"]["holdout"] == len(holdout)
    champion, other = sections["versions"]["versions"]
    assert (champion["version"], other["version"]) == ("1", challenger)
    assert champion["metrics"] == pytest.approx(status["ledger"][0]["metrics"])
    assert champion["metrics"]["accuracy"] > other["metrics"]["accuracy"]

    (checked,) = sections["checks"]["versions"]
    assert (checked["version"], checked["passed"]) == ("1", True)
    assert [each["name"] for each in checked["checks"]] == ["skops", "converted"]

    page = page_of(found)
    for shown in (
        "344",
        "packaging skops",
        "body_mass_g: missing",
        sections["leaderboard"]["digest"],
        f"{other['metrics']['accuracy']:.4f}",
        "logistic_regression-1",
        "first to be promoted",
    ):
        assert shown in page.text, shown
    assert len(page.loads) == 5  # the champion's pictures


def test_live_metrics_are_those_of_the_answers_and_of_the_challenger_replayed(
    project: Project, challenger: str, judged: list[tuple[dict[str, Any], str]]
) -> None:
    section = rk.report("penguins").facts["sections"]["live"]
    first, second = section["versions"]
    assert (section["judged"], section["common"], section["other"]) == (20, 20, 0)
    said = [answer["prediction"] for answer in rk.predict([record for record, _ in judged])]
    right = sum(one == truth for one, (_, truth) in zip(said, judged, strict=True))
    assert first["metrics"]["accuracy"] == right / 20
    project.tracking.client.set_registered_model_alias("penguins", "production", challenger)
    said = [answer["prediction"] for answer in rk.predict([record for record, _ in judged])]
    right = sum(one == truth for one, (_, truth) in zip(said, judged, strict=True))
    assert second == {"version": challenger, "metrics": second["metrics"]}
    assert second["metrics"]["accuracy"] == right / 20


def test_rows_that_have_moved_come_first_among_the_columns(
    project: Project, judged: list[tuple[dict[str, Any], str]]
) -> None:
    engine = project.tables.engine
    for record, _ in judged * 3:
        answer = {"prediction": "Adelie"}
        row = [new_id(), int(datetime.now(UTC).timestamp() * 1e6), "penguins", "1"]
        moved = record | {"body_mass_g": 6000.0, "island": "Biscoe"}
        block = [[*row, json.dumps(moved), json.dumps(answer), 0.001]]
        add_predictions(engine, [json.dumps(block)])
    section = rk.report("penguins").facts["sections"]["drift"]
    assert (section["now"], section["unread"]) == (80, 0)
    assert [one["column"] for one in section["columns"][:2]] == ["body_mass_g", "island"]
    assert section["columns"][0]["distance"] > 0.7


def test_the_page_is_an_artifact_of_a_run_of_the_tasks_experiment(project: Project) -> None:
    found = rk.report("penguins", out=project.settings.home / "here.html")
    run = project.tracking.run(found.run_id)
    assert (run.info.run_name, run.info.status) == ("report", "FINISHED")
    assert run.info.experiment_id == project.experiment
    (artifact,) = project.tracking.client.list_artifacts(found.run_id)
    assert artifact.path == "penguins.html"
    assert artifact.file_size == Path(found.file).stat().st_size
    assert found.missing == ["drift", "live"]
    # no job takes it for a sweep
    assert rk.status("penguins")["sweep"]["run_id"] != found.run_id


def test_what_comes_from_data_is_escaped(
    empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["size,shade,kind"]
    lines += [f'{n},"{EVIL.replace(chr(34), chr(34) * 2)}",{"ab"[n % 2]}' for n in range(60)]
    lines += [f'"{EVIL.replace(chr(34), chr(34) * 2)}",x,a']
    (tmp_path / "evil.csv").write_text("\n".join(lines), encoding="utf-8")
    write_task(
        get_settings().tasks_folder,
        name="evil",
        title=EVIL,
        description=EVIL,
        source={"csv": str(tmp_path / "evil.csv")},
        target="kind",
        columns={
            "size": {"type": "float", "required": True},
            "shade": {"type": "category", "values": [EVIL, "x"], "required": True},
            "kind": {"type": "category", "values": ["a", "b"], "required": True},
        },
        cleaning={},
        gate={},
        features={},
        candidates={"decision_tree": {"sets": [{"max_depth": 2}]}},
    )
    rk.ingest("evil")
    rk.clean("evil")
    rk.sweep("evil", cross_validate=False)
    rk.promote("evil")
    found = rk.report("evil")
    text = Path(found.file).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "evil.example" in page_of(found).text


def test_of_raw_rows_alone_the_page_says_what_comes_next(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rk.ingest("penguins")
    assert run_command(["report", "penguins", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["next"] == "rookery clean penguins"
    assert found["missing"] == [
        "rejects",
        "leaderboard",
        "versions",
        "checks",
        "drift",
        "live",
        "ledger",
    ]
    page = Page(Path(found["file"]).read_text(encoding="utf-8"))
    assert "344" in page.text
    assert page.text.count("rookery clean penguins") >= 5


def test_before_anything_is_loaded_there_is_a_page_too(empty_home: Path) -> None:
    found = rk.report("penguins")
    assert found.next == "rookery ingest penguins"
    assert "no rows are loaded yet" in page_of(found).text


@pytest.mark.parametrize("out", ["no/such/folder.html", "."])
def test_a_place_that_cannot_be_written_is_refused(home: Path, out: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        rk.report("penguins", out=out)
    assert run_command(["report", "penguins", "--out", out]) == 2


def test_an_unknown_task_is_wrong_input(home: Path) -> None:
    assert run_command(["report", "nowhere"]) == 2


def test_an_object_store_that_is_away_is_named_and_the_page_is_kept(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    get_settings.cache_clear()
    with pytest.raises(
        Unavailable, match=r"is written, but the object store at http://127"
    ) as told:
        rk.report("penguins")
    assert told.value.field == "S3_ENDPOINT"
    assert (get_settings().home / "reports" / "penguins.html").exists()
