"""What a user sees, without any other machine in reach."""

import json
import re

import requests
import screenshots
from playwright.sync_api import Page, expect


def test_docs_shows_the_fields_of_the_loaded_model_and_tries_them_out(
    page: Page, pages: dict[str, str], outside: list[str]
) -> None:
    screenshots.docs(page, pages["docs"])
    predict = page.locator(".opblock", has=page.locator("[data-path='/predict']"))
    for shown in (
        "Torgersen",
        "Length of the bill along its upper ridge",
        "[20, 80]",
        "body_mass_g",
    ):
        expect(predict.get_by_text(shown).first).to_be_visible()
    asked = predict.locator(".curl-command code").inner_text()
    record = json.loads(re.search(r"-d '(\{.*\})'", asked, re.S)[1])
    answered = predict.locator(".live-responses-table .response-col_description code").first
    shown = json.loads(answered.inner_text())
    answer = requests.post(pages["docs"].replace("docs", "predict"), json=record, timeout=9).json()
    assert shown | {"id": answer["id"]} == answer
    assert outside == []


def test_mlflow_shows_every_candidate_of_the_sweep_the_best_first(
    page: Page, pages: dict[str, str], outside: list[str]
) -> None:
    screenshots.mlflow(page, pages["mlflow"])
    shown = page.locator(".ag-row:has([col-id='metrics.`cv_accuracy`'])").evaluate_all(
        "rows => rows.map(row => [+row.getAttribute('row-index'), "
        "row.querySelector('[col-id=\"metrics.`cv_accuracy`\"]').innerText])"
    )
    accuracies = [float(text.rstrip("…")) for _, text in sorted(shown)]
    assert len(accuracies) == 21
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.99
    assert outside == []


def test_mlflow_shows_the_pictures_of_the_winner(page: Page, pages: dict[str, str]) -> None:
    found = requests.post(
        f"{pages['mlflow']}/api/2.0/mlflow/runs/search",
        json={"experiment_ids": ["1"], "filter": "attributes.run_name = 'sweep'"},
        timeout=9,
    ).json()["runs"][0]
    best = next(tag["value"] for tag in found["data"]["tags"] if tag["key"] == "rookery.best_run")
    page.goto(f"{pages['mlflow']}/#/experiments/1/runs/{best}/artifacts")
    page.get_by_text("plots", exact=True).click()
    page.get_by_text("confusion_matrix.png").click()
    picture = page.locator("img[src^='blob:']").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 300


def test_the_printed_link_opens_the_first_notebook_and_every_cell_runs(
    page: Page, pages: dict[str, str], outside: list[str]
) -> None:
    page.goto(pages["notebook"])
    screenshots.run_all(page)
    expect(page.get_by_role("heading", name="1 · What arrived")).to_be_attached()
    assert page.locator(".jp-OutputArea-output img").count() >= 3
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    expect(page.locator(".jp-Dialog, .jp-toast, .Toastify__toast")).to_have_count(0)
    assert outside == []
