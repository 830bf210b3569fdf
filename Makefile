# Jobhouse. Every target sets up what it needs in .venv first; done once, that costs nothing.
#
#   PYTHON=python3.13   the Python to set .venv up with (3.11 or newer); without it a suitable one is looked for
#   VENV=.venv          where the virtual environment stands

VENV ?= .venv
PYTHON ?= $(shell VENV=$(VENV) sh .ci/python)
export VENV

BIN := $(VENV)/bin
SETUP = @$(PYTHON) .ci/setup.py

.PHONY: help install run test lint bench

help: ## show this list
	@echo "Jobhouse: one house for every scheduled job"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

install: ## set up .venv with what the house needs to run
	$(SETUP) runtime

run: install ## set up and start the house (HOST=127.0.0.1 PORT=8000 DATA_DIR=var DEMO=1)
	@exec $(BIN)/python manage.py up

test: ## set up and run all tests: on SQLite, and with the servers and the browser that are there
	$(SETUP) runtime test containers nats kafka browser
	@$(BIN)/python -m tests

lint: ## set up and check style, types, import contracts, migrations, the API's schema and production settings
	$(SETUP) runtime test lint
	@sh .ci/lint

bench: ## set up and measure against the peers (docs/benchmarks.md)
	$(SETUP) runtime bench
	@$(BIN)/python -m tests.bench
