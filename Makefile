# Everything from a bare machine: needs Python 3.11 or newer (with venv) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := scgm-demo

PIP := $(BIN)/python -m pip install --quiet
GROUPS_SINCE := "pip>=25.1"
# Versions that the tests were last seen to pass with; `make lock` writes the file anew.
LOCK := requirements-dev.lock

MEASURE := $(BIN)/python -m experiments
COVER :=
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile $(COVER)

.NOTPARALLEL:
.PHONY: studio studio-test demo test test-slow test-all explore coverage wheel editable mutations results lint format lock hooks clean

# A synthetic scan, segmented, scored and drawn.
demo: $(VENV)/.base
	$(BIN)/scgm demo --output $(DEMO) --overwrite

# The page of the studio; needs Node.js 20 or newer.
studio: studio/node_modules/.package-lock.json
	npm --prefix studio run build

studio-test: studio/node_modules/.package-lock.json
	npm --prefix studio run lint
	npm --prefix studio test

studio/node_modules/.package-lock.json: studio/package-lock.json
	npm --prefix studio ci --no-audit --no-fund

# All tests but the slow ones. Hypothesis draws the same examples each time.
test: $(VENV)/.full
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.full
	$(PYTEST) -m slow

test-all: $(VENV)/.full
	$(PYTEST)

# Hypothesis draws other examples each time, and more of them.
explore: $(VENV)/.full
	$(PYTEST) -m "not slow" --hypothesis-profile explore --hypothesis-show-statistics

coverage: $(VENV)/.full
	$(PYTEST) --cov --cov-report term:skip-covered

# The wheel as it is built: what follows tests it, not this folder, until `make editable`.
wheel: $(VENV)/.full
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PIP) --force-reinstall --no-deps dist/*.whl

editable: $(VENV)/.full
	$(PIP) --no-deps --editable .

# Deliberate faults in a copy of the code; prints those that no test notices.
mutations: $(VENV)/.full
	$(BIN)/python -m experiments.mutations run

# All tables and figures of the shipped models, after these have changed: hours. The confidence is
# fitted first, into the models' cards. Choices (selection) and trainings (network_seeds,
# paper_recipe) stay as they were made.
results: $(VENV)/.full
	$(MEASURE).confidence fit test methods
	$(MEASURE).contrast
	$(MEASURE).calibration
	$(MEASURE).accuracy
	$(MEASURE).expectations
	$(MEASURE).scan_rescan
	$(MEASURE).hard_cases
	$(MEASURE).compression
	$(MEASURE).paper_error
	$(MEASURE).field --scans
	$(MEASURE).side_by_side
	$(MEASURE).figures
	$(MEASURE).phantoms
	$(MEASURE).false_slices
	$(MEASURE).memory --segment
	$(MEASURE).studio_equality --write

lint: $(VENV)/.full
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.full
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/.full
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-header \
	  --extra train --extra classical --extra dicom --extra cohort --extra studio --group dev pyproject.toml --output-file $(LOCK)

hooks: $(VENV)/.full
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) $(DEMO) build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scgm needs Python 3.11 or newer; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(BIN)/python
	$(PIP) --upgrade $(GROUPS_SINCE)
	$(PIP) --constraint $(LOCK) --editable .
	touch $@

# On Linux torch may come with CUDA libraries (several GB); CONTRIBUTING.md says how to do without.
$(VENV)/.full: pyproject.toml $(LOCK) Makefile | $(BIN)/python
	$(PIP) --upgrade $(GROUPS_SINCE)
	$(PIP) --constraint $(LOCK) --editable ".[train,classical,dicom,cohort,studio]" --group dev
	touch $@ $(VENV)/.base
