# Infusion Records: every task of a developer and of the build. `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
PORT ?= 8080
JOBS ?= auto
FILES ?=
KEYCLOAK := build/keycloak/keycloak-26.0.5
SECOND_VALIDATOR := build/conformance/classpath.txt
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: install run test check bench bench-search bench-access bench-register conformance keycloak guide package nightly format lock help

$(INSTALLED): requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

install: $(INSTALLED)  ## make .venv from the lock and install the service into it
	@echo "installed: $(BIN)/infusion-records"

run: $(INSTALLED)  ## start the service with the demonstration clinic on http://127.0.0.1:8080
	$(BIN)/infusion-records demo --port $(PORT)

test: $(INSTALLED)  ## run the whole test suite on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS)

check: $(INSTALLED)  ## lint, formatting, types and the layers of the design
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(INSTALLED)  ## measure the real server on both databases
	$(BIN)/python -m benchmarks

bench-search: $(INSTALLED)  ## measure how searches change while the record grows to 64,000 patients
	$(BIN)/python -m benchmarks.search

bench-access: $(INSTALLED)  ## measure what authentication, restriction and audit cost
	$(BIN)/python -m benchmarks.access

bench-register: $(INSTALLED)  ## measure what posting to the register costs, and how fast its log of two years is read
	$(BIN)/python -m benchmarks.register
	$(BIN)/python -m benchmarks.register.log

$(SECOND_VALIDATOR): tools/conformance/pom.xml $(wildcard tools/conformance/src/main/java/conformance/*.java)
	mvn --quiet --batch-mode --file tools/conformance/pom.xml process-classes
	@touch $@

guide: $(INSTALLED)  ## write what is made from the clinic's definitions: the list of the guide, docs/profiles.md
	$(BIN)/python -m scripts.guide

package: $(INSTALLED)  ## the same, and the guide as a FHIR package in dist/
	$(BIN)/python -m scripts.guide package

conformance: $(INSTALLED) $(SECOND_VALIDATOR) $(if $(FILES),,package)  ## hold definitions, examples and corpus to HAPI's validator; FILES="…" only those
	$(BIN)/python -m tools.conformance $(FILES)

$(KEYCLOAK): tools/keycloak/pom.xml
	mvn --quiet --batch-mode --file tools/keycloak/pom.xml generate-resources
	@touch $@

keycloak: $(INSTALLED) $(KEYCLOAK)  ## fetch Keycloak (150 MB) and test the external mode against it
	KEYCLOAK_HOME=$(KEYCLOAK) $(BIN)/python -m pytest tests/external/test_keycloak.py

nightly: $(INSTALLED)  ## the large counts and the runs on deliberately broken builds
	$(BIN)/python -m pytest -n $(JOBS) -m "nightly or not nightly" --hypothesis-profile nightly

format: $(INSTALLED)  ## rewrite the sources in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED)  ## pin every dependency with its hashes
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements-build.lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
