"""The model API, as a promotion tells it that there is another version."""

import time
from typing import Any

import requests

from rookery.errors import Unavailable
from rookery.settings import Settings

TAKES_SECONDS = 30.0  # loading and proving a large model is seconds; another worker polls
PAUSE_SECONDS = 0.1
ANSWERS_IN_A_ROW = 5  # each on a connection of its own, so that several workers are met


def make_api_take(settings: Settings, name: str, version: str) -> bool:
    """Has the API at `API_URL` reload, and waits until it answers with this version.

    False where that API does not serve the model, so has nothing to take.

    Raises:
        Unavailable: it does not answer, refuses, or keeps another version.
    """
    place = f"{settings.api_url}/models/{name}"
    token = settings.api_admin_token.get_secret_value() if settings.api_admin_token else ""
    answer = _ask(settings, "POST", f"{place}/reload", {"Authorization": f"Bearer {token}"})
    if answer.status_code == 404 and _is_problem(answer):
        return False
    if answer.status_code != 200:
        field = "API_ADMIN_TOKEN" if answer.status_code in (401, 403) else "API_URL"
        raise _untaken(settings, f"POST /reload: {_said(answer)}", field)
    _wait(settings, f"{place}/ready", version)
    return True


def _wait(settings: Settings, place: str, version: str) -> None:
    deadline, agreeing = time.monotonic() + TAKES_SECONDS, 0
    while agreeing < ANSWERS_IN_A_ROW:
        answer = _ask(settings, "GET", place, {})
        serves = _json(answer).get("version") if answer.status_code == 200 else None
        agreeing = agreeing + 1 if serves == version else 0
        if not agreeing:
            if time.monotonic() > deadline:
                found = f"it answers with version {serves}" if serves else _said(answer)
                raise _untaken(settings, f"GET /ready, {TAKES_SECONDS:g} s later: {found}")
            time.sleep(PAUSE_SECONDS)


def _ask(settings: Settings, method: str, url: str, headers: dict[str, str]) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # a proxy for the internet does not lead to it
        try:
            # the token is for this address only
            return session.request(
                method, url, headers=headers, timeout=TAKES_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise _untaken(settings, f"it does not answer ({type(error).__name__})") from error


def _untaken(settings: Settings, why: str, field: str = "API_URL") -> Unavailable:
    return Unavailable(
        f"the API at {settings.api_url} has not taken the version: {why}",
        field=field,
        value=settings.api_url,
        allowed="the address of an API that runs, and its API_ADMIN_TOKEN",
        next="the same command again, which repeats only this",
    )


def _is_problem(answer: requests.Response) -> bool:
    """Whether it is the API's own answer, and not another server's."""
    return answer.headers.get("Content-Type", "").startswith("application/problem+json")


def _said(answer: requests.Response) -> str:
    detail = _json(answer).get("detail")
    return f"{answer.status_code} {str(detail)[:300]}" if detail else f"{answer.status_code}"


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except requests.JSONDecodeError:  # another server's page
        return {}
    return found if isinstance(found, dict) else {}
