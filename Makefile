# Two commands matter: `make demo` and `make test`. Both do all set-up on a machine with Python 3.11+, make and git.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test unit soak generate check format lock wheel clean

help:  ## Show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# The lock file says exactly what is installed; the project itself is installed from this folder.
$(READY): requirements.lock tests/instrumentations/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "heliograph needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement tests/instrumentations/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## Run the demo; ARGS="--duration 20" and the like are passed on
	$(BIN)/heliograph demo $(ARGS)

test: $(READY)  ## Run all tests; installs Debian's prometheus when it may, else says so
	@sh scripts/debian-packages.sh
	$(BIN)/python scripts/run_tests.py $(ARGS)

unit: $(READY)  ## Run the unit tests only
	$(BIN)/python -m pytest tests/unit $(ARGS)

soak: $(READY)  ## Run the tests that take minutes: long outages, hundreds of kills
	$(BIN)/python -m pytest -m soak $(ARGS)

CONFIGURATION_PAGE := $(BIN)/python -m heliograph.settings.page
ENVIRONMENT_PAGE := $(BIN)/python -m heliograph.settings.loading.opentelemetry_page

generate: $(READY)  ## Write the pages that are made from the catalogue and the settings
	$(BIN)/heliograph metrics list --markdown > docs/metrics.md
	$(CONFIGURATION_PAGE) > docs/configuration.md
	$(ENVIRONMENT_PAGE) > docs/environment.md

check: $(READY)  ## Lint, types, import contracts, generated files
	$(BIN)/ruff format --check src tests benchmarks examples scripts
	$(BIN)/ruff check src tests benchmarks examples scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@$(BIN)/heliograph metrics list --markdown | cmp -s - docs/metrics.md || { echo 'docs/metrics.md is not what the catalogue says; run: make generate' >&2; exit 1; }
	@$(CONFIGURATION_PAGE) | cmp -s - docs/configuration.md || { echo 'docs/configuration.md is not what the settings say; run: make generate' >&2; exit 1; }
	@$(ENVIRONMENT_PAGE) | cmp -s - docs/environment.md || { echo 'docs/environment.md is not what the variables say; run: make generate' >&2; exit 1; }

format: $(READY)  ## Format the code and mend what can be mended
	$(BIN)/ruff format src tests benchmarks examples scripts
	$(BIN)/ruff check --fix src tests benchmarks examples scripts

.PHONY: bench
bench: $(READY)  ## Measure against the peers; writes benchmarks/results/latest.md and .json
	$(BIN)/python -m benchmarks $(ARGS)

wheel: $(READY)  ## Build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel

# Needs uv (`pip install uv`). Versions are those that the package index has today.
lock:  ## Write requirements.lock anew
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade --quiet --output-file requirements.lock

clean:  ## Remove what the other commands made
	rm -rf $(VENV) .venv-3.* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
