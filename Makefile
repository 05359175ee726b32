# Everything from a bare machine: needs Python 3.11 or newer (with venv) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := scgm-demo

PIP := $(BIN)/python -m pip install --quiet
GROUPS_SINCE := "pip>=25.1"

# The one place that pins torch, and it comes first, so that nothing else brings another one. On
# Linux it may come with CUDA libraries (several GB); CONTRIBUTING.md says how to do without.
TORCH := torch==2.13.0

.NOTPARALLEL:
.PHONY: demo test lint format clean

demo: $(VENV)/.base
	$(BIN)/scgm demo --output $(DEMO) --overwrite

test: $(VENV)/.full
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.full
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.full
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) $(DEMO) build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scgm needs Python 3.11 or newer; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(BIN)/python
	$(PIP) --upgrade $(GROUPS_SINCE)
	$(PIP) --editable .
	touch $@

$(VENV)/.full: pyproject.toml Makefile | $(BIN)/python
	$(PIP) --upgrade $(GROUPS_SINCE)
	$(PIP) $(TORCH)
	$(PIP) --editable ".[train]" --group dev
	touch $@ $(VENV)/.base
