# `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install --only-binary=:all: --require-hashes

LISTEN ?= 127.0.0.1:8000
# The data directory; empty means the default, ~/.local/share/belvedere.
DATA ?=
PYTEST_ARGS ?=
# Test processes; each has a store, a database and a data directory of its own.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); echo $$((n < 4 ? n : 4)))

.DEFAULT_GOAL := help
.PHONY: help setup setup-run run test test-servers check format readme lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: setup-run ## start Belvedere on LISTEN (127.0.0.1:8000)
	@exec $(BIN)/belvedere up --listen $(LISTEN) $(if $(DATA),--data $(DATA))

setup: $(VENV)/.setup-test ## make .venv with everything that tests and checks need

setup-run: $(VENV)/.setup-run

test: setup ## run the whole test suite in JOBS processes; PYTEST_ARGS goes to pytest
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(PYTEST_ARGS)

test-servers: setup ## run the relational tests on the servers of BELVEDERE_TEST_{DATABASE,CACHE,BROKER}_URL
	@test -n "$$BELVEDERE_TEST_DATABASE_URL" || { echo "BELVEDERE_TEST_DATABASE_URL is not set"; exit 1; }
	BELVEDERE_DATABASE_URL="$$BELVEDERE_TEST_DATABASE_URL" \
	BELVEDERE_CACHE_URL="$${BELVEDERE_TEST_CACHE_URL:-memory://}" \
	BELVEDERE_BROKER_URL="$${BELVEDERE_TEST_BROKER_URL:-memory://}" \
	$(BIN)/python -m pytest tests/fleet tests/dashboard tests/system $(PYTEST_ARGS)

check: setup ## ruff, mypy, import contracts, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	BELVEDERE_DATA=$$(mktemp -d) $(BIN)/belvedere makemigrations --check --dry-run

format: setup ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## pin every dependency by hash again (needs uv); index addresses stay out of the files
	$(call compile,requirements.lock,pyproject.toml)
	$(call compile,requirements-test.lock,pyproject.toml --extra test --extra postgres)
	echo 'psycopg[binary]' | $(call compile,requirements-postgres.lock,- --constraint requirements-test.lock)

readme: setup ## write the settings table of README.md anew from the code
	BELVEDERE_DATA=$$(mktemp -d) $(BIN)/python .ci/settings_table.py

clean: ## remove .venv and what tools left behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

define compile
uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --universal \
	--python-version 3.11 --output-file $(1) $(2)
endef

# The stamps are younger than the locks that they stand for, so that a second call does nothing.
$(VENV)/.setup-run: requirements.lock | $(BIN)/python
	@test $(VENV)/.setup-test -nt $< || { echo "installing what Belvedere needs (about a minute)"; $(PIP) -r $<; }
	@$(MAKE) --no-print-directory $(BIN)/belvedere
	@touch $@

$(VENV)/.setup-test: requirements-test.lock | $(BIN)/python
	@echo "installing what Belvedere and its tests need (about two minutes)"
	@$(PIP) -r $<
	@$(MAKE) --no-print-directory $(BIN)/belvedere
	@touch $@ $(VENV)/.setup-run

# The console command without building a package, for which pip would fetch tools that no lock names.
$(BIN)/belvedere: | $(BIN)/python
	@$(BIN)/python .ci/link.py

$(BIN)/python:
	@PYTHON="$(PYTHON)" .ci/make-venv $(VENV)
