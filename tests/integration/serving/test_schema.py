"""The OpenAPI document and the page that shows it."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

PATHS = ("", "/models/penguins", "/models/flats")


@pytest.fixture(scope="session")
def document(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/openapi.json").json()
    return found


def record(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][f"{name}_record"]
    return found


def test_a_category_is_an_enumeration_and_a_range_has_bounds(document: dict[str, Any]) -> None:
    fields = record(document, "penguins")["properties"]
    assert fields["island"]["enum"] == ["Biscoe", "Dream", "Torgersen"]
    mass = fields["body_mass_g"]
    assert (mass["minimum"], mass["maximum"], mass["unit"]) == (1500, 9000, "g")
    assert mass["description"] == "Body mass [g]"
    assert "not used" in fields["year"]["description"].lower()
    assert "species" not in fields


def test_required_and_optional_columns_are_told_apart(document: dict[str, Any]) -> None:
    assert set(record(document, "flats")["required"]) == {"area_m2", "district"}
    assert record(document, "penguins")["additionalProperties"] is False


def described(document: dict[str, Any], path: str) -> dict[str, Any]:
    """What a path takes, by content type."""
    found: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]
    return found


@pytest.mark.parametrize("path", PATHS)
def test_the_example_of_each_operation_is_answered(
    api: httpx.Client, document: dict[str, Any], path: str
) -> None:
    for operation in (f"{path}/predict", f"{path}/predict/batch"):
        example = described(document, operation)["application/json"]["example"]
        assert api.post(operation, json=example).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_of_mlflows_protocol_are_answered_alike(
    api: httpx.Client, document: dict[str, Any], path: str
) -> None:
    taken = described(document, f"{path}/invocations")
    forms = taken["application/json"]["examples"]
    assert list(forms) == ["dataframe_split", "dataframe_records", "instances", "inputs"]
    answers = [api.post(f"{path}/invocations", json=form["value"]) for form in forms.values()]
    cells, headers = taken["text/csv"]["example"], {"Content-Type": "text/csv"}
    answers.append(api.post(f"{path}/invocations", content=cells, headers=headers))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("name", ["penguins", "flats"])
def test_the_example_of_the_open_inference_protocol_is_answered(
    api: httpx.Client, document: dict[str, Any], name: str
) -> None:
    path = f"/v2/models/{name}/infer"
    example = described(document, path)["application/json"]["example"]
    answer = api.post(path, json=example)
    plain = described(document, f"/models/{name}/predict")["application/json"]["example"]
    label = api.post(f"/models/{name}/predict", json=plain).json()["prediction"]
    assert answer.json()["outputs"][0]["data"] == [label]


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(set(names)) == len(names) == 37


def test_the_answer_lists_the_labels(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    labels = ["Adelie", "Chinstrap", "Gentoo"]
    answer = schemas["penguins_prediction"]["properties"]
    assert answer["prediction"]["enum"] == labels
    assert answer["probabilities"]["required"] == labels
    price = schemas["flats_prediction"]["properties"]["prediction"]
    assert price == {"type": "number", "description": "[EUR]"}


def test_every_failure_is_described_as_a_problem(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], path


class Links(HTMLParser):
    """Every address that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = "href" if tag == "link" else "src"
        self.found += [value for name, value in attrs if name == wanted and value]


def test_the_page_loads_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = Links()
    links.feed(page.text)
    assert len(links.found) >= 3
    for link in links.found:
        assert not urlsplit(link).netloc
        asset = api.get(link)
        assert asset.status_code == 200
        assert len(asset.content) > 100
    assert "//" not in page.text.replace("// `SwaggerUIBundle`", "")
