# Two commands: `make demo` and `make test`. Each installs what it needs into .venv, once.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all lint format docs clean

demo: .venv/.installed
	$(BIN)/harness compare --preset demo

# One single-threaded process per core: the tests' networks are too small for more threads.
test: .venv/.installed-dev
	$(PYTEST) -m "not slow"

# With kills, servers, clusters, simulations and fuzzing.
test-all: .venv/.installed-dev
	$(PYTEST)

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pages of docs/ as a site in site/; a warning is an error.
docs: .venv/.installed-dev
	$(BIN)/zensical build --strict

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv

.venv/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "harness needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: .venv/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.installed-dev: .venv/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch .venv/.installed $@
