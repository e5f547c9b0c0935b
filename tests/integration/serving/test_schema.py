"""The OpenAPI document and the page that shows it."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from tests.integration.serving.conftest import ADMIN

COUNT = 15  # examples an operation


@pytest.fixture(scope="session")
def document(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/openapi.json").json()
    return found


def test_every_operation_keeps_to_its_description(api: httpx.Client) -> None:
    """Schemathesis asks each operation with what its schema allows, and with what it forbids."""
    schema = schemathesis.openapi.from_url(f"{api.base_url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 2 + 3 * 6
    for operation in operations:
        for mode in GenerationMode:
            if mode is GenerationMode.POSITIVE or operation.body:
                ask(operation.as_strategy(generation_mode=mode))


def ask(cases: SearchStrategy[Case]) -> None:
    @settings(
        max_examples=COUNT, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def check(case: Case) -> None:
        case.call_and_validate(headers=ADMIN if case.path.endswith("/reload") else {})

    check()


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


@pytest.mark.parametrize("path", ["", "/models/penguins", "/models/flats"])
def test_the_example_of_each_operation_is_answered(
    api: httpx.Client, document: dict[str, Any], path: str
) -> None:
    for operation in (f"{path}/predict", f"{path}/predict/batch"):
        body = document["paths"][operation]["post"]["requestBody"]
        example = body["content"]["application/json"]["example"]
        assert api.post(operation, json=example).status_code == 200


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
