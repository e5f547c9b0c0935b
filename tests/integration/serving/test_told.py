"""A promotion that tells the API, which would not look for itself within the hour."""

import pytest
from tests.integration.serving.conftest import serving

import rookery as rk
from rookery.errors import Unavailable
from rookery.jobs.project import open_project
from rookery.settings import get_settings


@pytest.fixture
def second(project, monkeypatch) -> str:
    """The promoted model as another version."""
    monkeypatch.setenv("RELOAD_SECONDS", "3600")
    get_settings.cache_clear()
    tracking = project.tracking
    best = tracking.version("penguins", "1").run_id
    return tracking.register("penguins", tracking.model_of_run(best), best, {})


def tell(monkeypatch: pytest.MonkeyPatch, address: str, token: str) -> None:
    monkeypatch.setenv("API_URL", address)
    monkeypatch.setenv("API_ADMIN_TOKEN", token)
    get_settings.cache_clear()


def test_the_api_answers_with_the_version_when_the_promotion_returns(second, monkeypatch):
    with serving(get_settings()) as served:
        address = str(served.client.base_url).rstrip("/")
        tell(monkeypatch, address, "let-me-in")
        assert rk.promote("penguins", version=second).api == f"{address} answers with version 2"
        assert served.version() == "2"
        assert rk.rollback("penguins").api == f"{address} answers with version 1"
        assert served.version() == "1"


def test_with_a_wrong_token_the_alias_moves_and_the_old_model_keeps_serving(second, monkeypatch):
    with serving(get_settings()) as served:
        address = str(served.client.base_url).rstrip("/")
        tell(monkeypatch, address, "wrong")
        with pytest.raises(Unavailable, match="401") as caught:
            rk.promote("penguins", version=second)
        assert caught.value.field == "API_ADMIN_TOKEN"
        assert open_project("penguins").tracking.production("penguins") == "2"
        assert served.version() == "1"
        tell(monkeypatch, address, "let-me-in")
        assert rk.promote("penguins").api == f"{address} answers with version 2"
        assert served.version() == "2"


def test_an_api_of_other_models_says_that_it_has_nothing_to_take(second, monkeypatch):
    with serving(get_settings()) as served:
        address = str(served.client.base_url).rstrip("/")
        assert served.client.post("/models/houses/reload").status_code == 404
        kind = served.client.post("/models/houses/reload").headers["content-type"]
        assert kind.startswith("application/problem+json"), address
