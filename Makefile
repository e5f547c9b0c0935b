# Short cuts; every target also stands as plain commands in the README.
# A new Python than the first one found: PYTHON=python3.13 make setup
.POSIX:
.SUFFIXES:

bin = .venv/bin
# Python of the images beside the package, and how mypy reads it
scripted = fastapi jupyter minio mlflow services/data-api
scripted_as = --config-file= --cache-dir $(CURDIR)/.mypy_cache --strict --ignore-missing-imports --allow-untyped-calls

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

#: The stack, in containers
.PHONY: up down logs status links backup restore
up: ## Build what changed, start all, print addresses and the password
	@scripts/host_user.sh
	docker compose up --build --detach
	@docker compose logs --follow --no-log-prefix welcome

down: ## Stop all; the data stays
	docker compose --profile batches down

logs: ## What the services say, until Ctrl-C
	docker compose logs --follow --tail 100

status: ## Services, and the tables, runs and versions of the task
	docker compose ps --all
	docker compose exec jupyter rookery status

links: ## The addresses and the password again
	@docker compose run --rm --no-deps welcome

backup: ## Copy all data together into backups/
	docker compose run --build --rm backup

restore: ## Bring a copy back into an empty stack: make restore FROM=backups/…
	docker compose run --build --rm restore "$(FROM)"

#: Check
.PHONY: dev lint test test-model test-stack test-browser ci-local
dev: ## As setup, with the tools of the checks
	@scripts/setup.sh dev

lint: dev ## Style, types, the direction of imports, notebooks without outputs
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	@# each folder alone: they import by bare names, and are no packages
	for place in $(scripted); do (cd $$place && $(CURDIR)/$(bin)/mypy $(scripted_as) *.py) || exit; done
	$(bin)/lint-imports
	$(bin)/nbstripout --verify --keep-id notebooks/*.ipynb
	@scripts/actionlint.sh

test: dev ## Unit and integration tests, the four notebooks among them
	$(bin)/python -m pytest

test-model: dev ## The checks of a task, on the model that serves: make test-model TASK=penguins
	@task="$(TASK)"; $(bin)/python -m pytest model_tests $${task:+--task "$$task"}

test-stack: dev ## The stack in real containers: start, faults, doors, backup
	@docker info >/dev/null 2>&1 || { echo "no Docker engine answers; start one, then: make test-stack" >&2; exit 2; }
	$(bin)/python -m pytest tests/stack

ci-local: setup ## The workflows of .github on this machine, from push to deployment
	@$(bin)/python scripts/ci_local.py $(ACTS)

test-browser: dev ## The pages in a real Chromium
	$(bin)/python -m pytest tests/browser

#: Measure and show
.PHONY: bench bench-serving soak screenshots
bench: dev ## Every claim of speed, measured side by side
	for claim in tables sweep demo new_table; do $(bin)/python benchmarks/bench_$$claim.py || exit; done
	@# fewer candidates than there may be, so that all of it ends in half an hour
	$(bin)/python benchmarks/bench_batches.py --candidates linear_regression
	$(bin)/python benchmarks/bench_many_candidates.py --candidates 120 --rows 4000
	@if docker info >/dev/null 2>&1; then \
		for claim in mysql stack stack_sweep; do $(bin)/python benchmarks/bench_$$claim.py || exit; done; \
	else echo "left out, because no Docker engine answers: bench_mysql, bench_stack, bench_stack_sweep"; fi

bench-serving: dev ## The API beside other servers, on the same models
	$(bin)/python benchmarks/bench_serving.py

soak: dev ## Ten minutes of load and swaps; batches under twenty kill -9
	$(bin)/python benchmarks/soak_batches.py
	$(bin)/python benchmarks/soak.py

screenshots: dev ## Make images/ again, in Chromium, from the stack that runs
	$(bin)/python scripts/screenshots.py

#: Maintain
.PHONY: lock clean
lock: setup ## Renew the locks in requirements/ and of the images
	scripts/lock.sh

clean: ## Remove .venv and caches, never data
	rm -rf .venv build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -prune -exec rm -rf {} +
