# Short cuts; every target also stands as plain commands in the README.
# A new Python than the first one found: PYTHON=python3.13 make setup
.POSIX:
.SUFFIXES:

bin = .venv/bin

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^#: /{print "\n" substr($$0, 4)} /^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile

#: Start
.PHONY: setup env demo local
setup: ## Make .venv from the hashed locks; does nothing when nothing changed
	@scripts/setup.sh local

env: ## Copy .env.example to .env, for your eyes only, unless there is one
	@test -e .env && echo ".env is there already" || (umask 077 && cp .env.example .env)

demo: setup ## From the penguins to an answered prediction, then everything stops
	@$(bin)/python scripts/demo.py

local: setup ## MLflow :5005, JupyterLab :8888 and the API :8000 until Ctrl-C, without Docker
	@$(bin)/python scripts/local.py

#: Check
.PHONY: dev lint test test-browser
dev: ## As setup, with the tools of the checks
	@scripts/setup.sh dev

lint: dev ## Style, types, the direction of imports, notebooks without outputs
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/nbstripout --verify --keep-id notebooks/*.ipynb

test: dev ## Unit and integration tests, the four notebooks among them
	$(bin)/python -m pytest

test-browser: dev ## The pages in a real Chromium
	$(bin)/python -m pytest tests/browser

#: Measure and show
.PHONY: bench screenshots
bench: dev ## Every claim of speed, measured side by side
	for claim in benchmarks/bench_*.py; do $(bin)/python "$$claim" || exit; done

screenshots: dev ## Make images/ again, from a real run in Chromium
	$(bin)/python scripts/screenshots.py

#: Maintain
.PHONY: lock clean
lock: setup ## Renew the locks in requirements/ from pyproject.toml
	scripts/lock.sh

clean: ## Remove .venv and caches, never data
	rm -rf .venv build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -prune -exec rm -rf {} +
