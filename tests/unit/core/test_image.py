"""Names and labels of a model's image."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.image import MOST_CHARACTERS, check_tags, labels_of
from rookery.core.served import Description, Lineage
from rookery.errors import InputError

LINEAGE = Lineage("r1", "d1", "c1", {"accuracy": 0.9}, {"numpy": "2.4.6", "scipy": "1.17.1"}, None)
MODEL = Description(
    name="penguins",
    version="3",
    registered=1,
    model_digest="ab" * 32,
    title="Palmer penguins",
    fields=(),
    ignored=(),
    target=None,
    classes=("Adelie",),
    labels=("Adelie",),
    lineage=LINEAGE,
)


def labelled(**changes: object) -> dict[str, str]:
    given = {
        "alias": "production",
        "path": "linear",
        "created": datetime(2026, 11, 22, tzinfo=UTC),
        "source_commit": "c2",
        "source_is_dirty": False,
    }
    return labels_of(MODEL, **(given | changes))


@pytest.mark.parametrize(
    "tag",
    [
        "penguins",
        "penguins:3",
        "localhost:5000/penguins:3f2a1bc",
        "registry.example.org/team/penguins:latest",
        "Registry.Example.org:443/a/b/c:V1.0_x-y",
        "docker.io/some-one/a__b.c-d",
    ],
)
def test_a_name_that_engines_take_is_taken(tag):
    assert check_tags([tag]) == [tag]


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "Penguins",
        "penguins:",
        ":3",
        "penguins:3:4",
        "pen guins",
        "penguins:-3",
        "/penguins",
        "a//b",
        "penguins@sha256:" + "a" * 64,
        "penguins:" + "a" * 129,
        "a" * (MOST_CHARACTERS + 1),
        "--rm",
        "penguins\n",
        "$(id)",
    ],
)
def test_a_name_that_is_none_is_refused_with_itself_and_what_is_allowed(tag):
    with pytest.raises(InputError) as caught:
        check_tags(["fine:1", tag])
    assert repr(tag) in caught.value.message
    assert caught.value.field == "--tag"
    assert "registry" in caught.value.allowed


def test_an_image_without_a_name_is_refused():
    with pytest.raises(InputError, match="needs a name"):
        check_tags([])


def test_a_name_given_twice_counts_once():
    assert check_tags(["a:1", "b:1", "a:1"]) == ["a:1", "b:1"]


@given(st.text(max_size=300))
def test_no_text_that_is_taken_could_be_an_option_or_split(text):
    try:
        (taken,) = check_tags([text])
    except InputError:
        return
    assert taken[0].isalnum()
    assert not any(character.isspace() for character in taken)


def test_labels_lead_from_an_image_to_task_version_run_rows_and_commit():
    found = labelled()
    assert found["org.opencontainers.image.title"] == "penguins"
    assert found["org.opencontainers.image.version"] == "3"
    assert found["org.opencontainers.image.revision"] == "c2"
    assert found["org.opencontainers.image.created"] == "2026-11-22T00:00:00+00:00"
    ours = {name: found[f"rookery.{name}"] for name in ("task", "version", "run", "digest")}
    assert ours == {"task": "penguins", "version": "3", "run": "r1", "digest": "d1"}
    assert found["rookery.commit"] == "c1"
    assert found["rookery.alias"] == "production"
    assert found["rookery.model"] == "sha256:" + "ab" * 32
    assert found["rookery.libraries"] == "numpy==2.4.6 scipy==1.17.1"


def test_what_is_not_known_has_no_label():
    found = labelled(alias=None, source_commit=None)
    assert "rookery.alias" not in found
    assert "rookery.family" not in found
    assert "rookery.source.dirty" not in found
    assert "org.opencontainers.image.revision" not in found
    assert all(found.values())


def test_sources_that_differ_from_their_commit_are_said_to():
    assert labelled(source_is_dirty=True)["rookery.source.dirty"] == "true"
