PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -q -n 2

.PHONY: help quickstart test test-slow test-all test-matrix lint format docs clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /'

quickstart: $(VENV)/.installed ## simulate a data set, train a small model on it and score it
	$(RUN) recipes/AminoAcidTOCSY/SpeakerRec/train.py hparams/quickstart.yaml

test: $(VENV)/.installed ## all tests but the slow ones
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.installed ## the slow tests: notebooks, wheel, full recipes
	$(PYTEST) -m slow

test-all: test test-slow ## all tests

test-matrix: $(VENV)/.installed ## the tests with other kernels, numbers of threads and orders: as on other processors
	$(RUN) -m tests.matrix -m "not slow"

lint: $(VENV)/.installed ## style, types and spelling
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/mypy
	$(VENV)/bin/codespell

format: $(VENV)/.installed ## apply the style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: $(VENV)/.installed ## build the site in site/, notebooks executed
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

clean: ## remove the environment and the built site
	rm -rf $(VENV) site

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or later is needed, $(PYTHON) is older; try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
