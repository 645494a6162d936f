# make demo    a fresh machine: environment, install, demo images, a run without questions and one with 500
# make test    a fresh machine: environment, install, every test
# make demo TORCH=cpu    the same without CUDA, also make test TORCH=cpu; after make clean where an environment is there
# make check   ruff, mypy, import-linter
# make bench   the table of what each step costs; ARGS="--sizes=3000,30000", "--peer=PATH"; make bench-limits   bounds, by pytest
# make bench-selection    what strategies make of the labels, without training; ARGS="--strategies=dcps,gain-labels"
# make docs    the documentation site: build/site/index.html
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= # what torch computes with, of uv pip install --torch-backend: cpu, auto, cu128, …; empty: PyPI's, on Linux with CUDA
BACKEND := $(if $(strip $(TORCH)),--torch-backend=$(strip $(TORCH)))
export KEDRO_DISABLE_TELEMETRY := true
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
unexport PYTHONDONTWRITEBYTECODE # without compiled files every command would take 10 s longer to start

.PHONY: demo test pytest check docs bench bench-limits bench-selection format clean

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "whosame needs Python 3.11 or newer: make PYTHON=python3.11"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/uv pip install --quiet $(BACKEND) --python $(BIN)/python --editable .
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/uv pip install --quiet $(BACKEND) --python $(BIN)/python --editable . --group dev
	@touch $@ $(VENV)/installed

demo: $(VENV)/installed
	$(BIN)/kedro rounds --params=strategy=none,run=demo-none,use_cameras=false
	$(BIN)/kedro rounds --params=use_cameras=false

test: $(VENV)/installed-dev
	$(MAKE) --jobs=2 --output-sync=line check pytest

pytest: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadgroup  # three processes: more threads would only wait

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "$(CURDIR)/build/site/index.html"

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/table.py $(ARGS)

bench-limits: $(VENV)/installed-dev
	$(BIN)/python -m pytest benchmarks --benchmark-only -n 0 --override-ini timeout=1800

bench-selection: $(VENV)/installed
	$(BIN)/python benchmarks/selection.py $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .viz build dist
