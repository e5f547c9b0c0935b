"""A table that nobody has described: from its file or database to a task file, or a refusal."""

import json
import math
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import rookery as rk
from rookery.cli import run_command
from rookery.errors import InputError
from rookery.settings import get_settings
from rookery.stores.configurations import read_configuration
from rookery.stores.taskfiles import read_task

NAMES = ["Sold on", "Preis", "Ort", "neu", "Fläche", "sold"]


def lines(count: int = 120) -> list[list[str]]:
    """Rows of a German export: `sold` depends on the area, with some noise."""
    draw = random.Random(5)
    found = []
    for n in range(count):
        area = draw.uniform(20, 200)
        found.append(
            [
                f"{1 + n % 28:02}.{1 + n * 5 % 12:02}.2026",
                f"{area * draw.uniform(20, 60):,.2f} €".translate(str.maketrans(",.", ".,")),
                draw.choice(["'Köln'", "'Bonn'"]),
                draw.choice(["ja", "nein"]),
                f"{area:.1f}".replace(".", ","),
                "fast" if area + draw.gauss(0, 30) > 110 else "slow",
            ]
        )
    return found


@pytest.fixture
def place(empty_home, monkeypatch) -> Path:
    """An empty project that is the folder we are in, with a CSV file of another country."""
    found = empty_home.parent
    monkeypatch.chdir(found)
    monkeypatch.delenv("SOURCE_DATABASE_URL", raising=False)
    (found / "data").mkdir()
    rows = [NAMES, *lines()]
    text = "\n" + "".join(";".join(row) + "\n" for row in rows)
    (found / "data" / "flats.csv").write_bytes(text.encode("cp1252"))
    return found


def table(path: Path, name: str = "flats") -> str:
    with closing(sqlite3.connect(path)) as database, database:
        columns = ", ".join(f'"{column}" TEXT' for column in NAMES)
        database.execute(f'CREATE TABLE "{name}" ({columns})')
        database.executemany(f'INSERT INTO "{name}" VALUES (?, ?, ?, ?, ?, ?)', lines())
    return f"sqlite:///{path}"


def with_one_candidate(
    place: Path, name: str = "flats", family: str = "logistic_regression"
) -> None:
    path = place / "tasks" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    few = text[: text.index("candidates:")] + f"candidates:\n  {family}: {{}}\n"
    path.write_text(few, encoding="utf-8")


def test_a_file_of_another_country_becomes_a_served_model_without_a_line_of_code(place):
    drafted = rk.new("flats", "data/flats.csv", "sold")
    task, _ = read_task(place / "tasks", "flats")
    assert task.source.model_dump(exclude_defaults=True) == {
        "csv": "data/flats.csv", "separator": ";", "encoding": "cp1252",
    }  # fmt: skip
    assert (drafted.problem, drafted.rows, drafted.next) == ("binary", 120, "rookery run flats")
    assert task.columns["Sold on"].format == "%d.%m.%Y"
    assert task.columns["Preis"].number_marks == (",", ".")
    assert task.columns["Ort"].strip == ("'",)
    with_one_candidate(place)
    done = rk.run("flats")
    assert (done.cleaned.clean, done.cleaned.rejected) == (120, 0)
    assert done.promoted.version == "1"
    record = {
        "Sold on": "2026-05-01", "Preis": 4200.5, "Ort": "Köln", "neu": True, "Fläche": 180.0,
    }  # fmt: skip
    (clean,) = rk.predict(record, "flats")
    assert clean["prediction"] == "fast"
    asked = place / "asked.csv"
    cells = ["01.05.2026", "4.200,50 €", "'Köln'", "ja", "180,0"]
    asked.write_bytes(f"{';'.join(NAMES[:-1])}\n{';'.join(cells)}\n".encode("cp1252"))
    assert run_command(["predict", "flats", "--csv", str(asked), "--out", "out.csv"]) == 0
    written = (place / "out.csv").read_text(encoding="cp1252").splitlines()[1].split(";")
    assert written[:-1] == [*cells, "fast", f"{clean['probabilities']['fast']}"]


def test_a_threshold_is_chosen_again_when_its_version_is_trained_again(place):
    rk.new("flats", "data/flats.csv", "sold")
    with_one_candidate(place)
    with (place / "tasks" / "flats.yaml").open("a", encoding="utf-8") as file:
        file.write("threshold: {cost: {false_positive: 1, false_negative: 3}}\n")
    assert rk.run("flats").promoted.version == "1"
    again = rk.reproduce(1, "flats")
    assert (again.equal, again.source) == (True, "its task copy")


def test_prices_are_learnt_as_their_logarithm_from_the_draft_to_the_same_model_again(place):
    draw = random.Random(6)
    sizes = [draw.gauss(100, 30) for _ in range(300)]
    prices = [1000 * math.exp(size / 25 + draw.gauss(0, 0.1)) for size in sizes]
    rows = [f"{size:.1f},{price:.2f}" for size, price in zip(sizes, prices, strict=True)]
    (place / "data" / "prices.csv").write_text("size,price\n" + "\n".join(rows), encoding="utf-8")
    rk.new("prices", "data/prices.csv", "price")
    with_one_candidate(place, "prices", "linear_regression")
    assert rk.run("prices").promoted.version == "1"
    configuration = read_configuration(Path("configs/model_config.yaml"))
    assert configuration.task.target_transform == "log"
    assert configuration.trained.metrics["holdout_r2"] > 0.95  # a line through the prices has 0.46
    assert rk.train("configs/model_config.yaml").metrics == configuration.trained.metrics
    again = rk.reproduce(1, "prices")
    assert (again.equal, again.source) == (True, "its task copy")
    (far,) = rk.predict({"size": 150.0}, "prices")
    assert far["prediction"] == pytest.approx(1000 * math.exp(6), rel=0.05)


def test_a_table_of_a_database_is_read_and_a_plain_address_stands_in_the_file(place):
    address = table(place / "source.db")
    drafted = rk.new("flats", f"{address}#flats", "sold")
    task, _ = read_task(place / "tasks", "flats")
    assert task.source.sql.url == address
    assert drafted.next == "rookery run flats"
    with_one_candidate(place)
    done = rk.run("flats")
    assert (done.ingested.rows, done.promoted.version) == (120, "1")


def test_no_secret_of_an_address_reaches_the_file(place, monkeypatch):
    address = table(place / "source.db") + "?timeout=7919"
    drafted = rk.new("flats", f"{address}#flats", "sold")
    text = (place / "tasks" / "flats.yaml").read_text(encoding="utf-8")
    assert "7919" not in text
    assert "source.db" not in text
    assert drafted.next == "set SOURCE_DATABASE_URL to that address, then: rookery run flats"
    monkeypatch.setenv("SOURCE_DATABASE_URL", address)
    get_settings.cache_clear()
    assert rk.ingest("flats").rows == 120


def test_the_names_that_a_table_cannot_have_come_back_to_the_same_columns(place):
    long = "a_very_long_name_" * 5
    rows = [["", "Sex", "sex", long, "batch_id", "y"]]
    rows += [[str(n), "m", "f", str(n % 7), "k", "ab"[n * 7 % 3 % 2]] for n in range(60)]
    (place / "odd.csv").write_text("".join(",".join(row) + "\n" for row in rows), "utf-8")
    rk.new("odd", "odd.csv", "y")
    task, _ = read_task(place / "tasks", "odd")
    assert list(task.columns) == ["column_1", "Sex", "sex_2", long[:63], "batch_id_2", "y"]
    rk.ingest("odd")
    assert rk.clean("odd").clean == 60
    path = place / "tasks" / "odd.yaml"
    path.write_text(path.read_text("utf-8").replace("  sex_2:", "  other:"), "utf-8")
    again = rk.ingest("odd")  # the same bytes, under another name
    assert (again.unchanged, rk.clean("odd").clean) == (False, 60)


def test_more_rows_than_are_looked_at_are_drawn_and_said(place, monkeypatch):
    monkeypatch.setattr("rookery.jobs.new.MOST_ROWS", 50)
    drafted = rk.new("flats", "data/flats.csv", "sold")
    assert (drafted.rows, drafted.looked_at) == (120, 50)
    text = (place / "tasks" / "flats.yaml").read_text(encoding="utf-8")
    assert "50 of the 120 rows of flats.csv, drawn at random" in " ".join(text.split())


def refusal(*arguments: str) -> InputError:
    with pytest.raises(InputError) as caught:
        rk.new(*arguments)
    return caught.value


def test_a_task_that_is_there_is_not_written_over_unless_forced(place):
    before = (place / "tasks" / "penguins.yaml").read_text(encoding="utf-8")
    refused = refusal("penguins", "data/flats.csv", "sold")
    assert "penguins.yaml" in refused.message
    assert "--force" in refused.allowed
    assert (place / "tasks" / "penguins.yaml").read_text(encoding="utf-8") == before
    rk.new("penguins", "data/flats.csv", "sold", force=True)
    assert read_task(place / "tasks", "penguins")[0].target == "sold"


def test_a_target_that_is_not_there_is_answered_with_the_nearest(place):
    refused = refusal("flats", "data/flats.csv", "Solt")
    assert refused.allowed == ", ".join(NAMES)
    assert refused.next == "--target 'sold'"
    assert "what is to be predicted" in refusal("flats", "data/flats.csv").message
    assert not (place / "tasks" / "flats.yaml").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n", "has no rows"),
        (b"", "is empty"),
        (b"a,a\n1,2\n", "more than one column 'a'"),
        (b"39,x\n50,x\n38,x\n", "looks like a row"),
        (b"a,b\n1,2\n1,2,3\n", "not a readable CSV file"),
        (b"a,b\n1,\x00\n", "a binary file"),
        (b"a,b\n1,x\n2,x\n", "has one value, 'x', in all rows"),
        (b"a,b\n1,NA\n2,EU\n3,NA\n", "only one value, 'EU'; 2 rows count as missing ('NA' in 2)"),
        (b"a,b\n1,2\n2,3\n3,4\n1,2\n", "has 3 different rows with a b: too few to learn from"),
        (b"Sales 2026,,\na,,b\n1,2,3\n", "leaves 2 of 3 columns without a name"),
        (b"\n\n", "nothing but blank lines"),
        (b"<!doctype html>\n<html>\n", "a web page"),
    ],
)
def test_a_file_of_which_nothing_can_be_learnt_is_refused(place, content, message):
    (place / "t.csv").write_bytes(content)
    target = "x" if content.startswith(b"39") else "a" if content == b"a,a\n1,2\n" else "b"
    refused = refusal("t", "t.csv", target)
    assert message in refused.message
    assert refused.allowed
    assert not (place / "tasks" / "t.yaml").exists()


@pytest.mark.parametrize("name", ["Flats", "2flats", "a b", "predictions", "../x", "", "ü"])
def test_a_name_that_no_task_can_have_is_refused(place, name):
    assert "cannot be the name of a task" in refusal(name, "data/flats.csv", "sold").message


@pytest.mark.parametrize(
    ("source", "message", "following"),
    [
        ("missing.csv", "there is no file", "mend the path"),
        ("table.xls", "cannot be told from its name", "save the sheet as CSV"),
        ("flats.csv.gz", "cannot be told from its name", "unpack it"),
        ("data", "it is a folder", "name one of its files"),
        ("nonsense://x#t", "'nonsense'", ""),
        ("oracle://u:hidden@h/x#t", "a database that is not known: 'oracle'", ""),
        ("sqlite:///a.db", "names a database but no table", ""),
    ],
)
def test_a_source_that_is_none_is_refused(place, source, message, following):
    refused = refusal("flats", source, "sold")
    assert message in refused.message
    assert "hidden" not in refused.message
    assert refused.allowed
    assert following in (refused.next or "")


def test_one_column_where_several_are_asked_for_is_answered_with_the_separators(place):
    (place / "t.csv").write_text("# exported\na b sold\n1 2 3\n", "utf-8")
    assert "comma, semicolon, tab or |" in refusal("t", "t.csv", "sold").next


def test_the_verb_ends_with_the_next_command_or_one_object(place, capfd):
    arguments = ["new", "flats", "--from", "data/flats.csv", "--target", "sold"]
    assert run_command(arguments) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "next: rookery run flats"
    assert run_command([*arguments, "--force", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["task"], found["problem"], found["left_out"]) == ("flats", "binary", {})
    assert run_command([*arguments, "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["type"] == "InputError"
