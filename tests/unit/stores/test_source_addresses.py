"""What `--from` names."""

import pytest

from rookery.core.sections import Source
from rookery.errors import InputError
from rookery.stores.sources import source_from

CSV = Source(csv="x.csv", separator=";", encoding="latin-1")
SQL = Source.model_validate({"sql": {"query": "SELECT 1 AS one"}})


@pytest.mark.parametrize(
    ("text", "kind", "separator"),
    [
        ("birds.csv", "csv", ";"),
        ("birds.CSV", "csv", ";"),
        ("birds.txt", "csv", ";"),
        ("birds.tsv", "csv", "\t"),
        ("birds.parquet", "parquet", ";"),
        ("birds.pq", "parquet", ";"),
    ],
)
def test_a_file_is_read_by_its_ending_with_the_settings_of_the_task(text, kind, separator):
    source = source_from(text, CSV)
    assert getattr(source, kind).endswith(text)
    assert (source.separator, source.encoding) == (separator, "latin-1")


def test_a_package_is_named_with_its_kind():
    assert source_from("package:palmerpenguins", CSV).package == "palmerpenguins"


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("sqlite:///a.db#birds", 'SELECT * FROM "birds"'),
        ('sqlite:///a.db#b"; DROP TABLE x; --', 'SELECT * FROM "b""; DROP TABLE x; --"'),
        ("mysql://u:p@host/db#birds of `prey`", "SELECT * FROM `birds of ``prey```"),
        ("postgresql://u:p@host/db#birds", 'SELECT * FROM "birds"'),
    ],
)
def test_a_table_is_quoted_as_its_database_does(address, query):
    sql = source_from(address, CSV).sql
    assert sql.query == query
    assert sql.url == address.partition("#")[0]


def test_an_address_without_a_table_takes_the_query_of_the_task():
    source = source_from("sqlite:///other.db", SQL)
    assert source.sql.query == "SELECT 1 AS one"
    assert source.sql.url == "sqlite:///other.db"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sqlite:///a.db", "names a database but no table"),
        ("mysql://u:secret@host/db", "'host/db'"),
        ("birds.xlsx", "'birds.xlsx'"),
        ("birds", "'birds'"),
        ("package:seaborn", "'seaborn'"),
        ("package:", "is not a source"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name_and_without_its_password(text, named):
    with pytest.raises(InputError) as caught:
        source_from(text, CSV)
    assert named in caught.value.message
    assert caught.value.field == "--from"
    assert caught.value.allowed
    assert "secret" not in str(caught.value.as_dict())
