# Every target does its own set-up: a virtual environment with the package in editable form and
# what the target needs, made once and made again when pyproject.toml or the pinned versions change.
#
#   make PYTHON=python3.12        another interpreter
#   make TORCH='torch==2.8.0'     another torch (a CPU-only or CUDA build: any argument of pip install)
#   make test TESTS=tests/linear  a part of the tests

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
JOBS ?= 2
TESTS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := .ci/constraints.txt
READY := $(VENV)/.ready

.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help install demo test lint format docs wheel benchmark clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14

# torch first and only if there is none: a version that is there already is never replaced.
$(READY)-core: pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import torch" 2>/dev/null || $(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(READY)-%: $(READY)-core
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --editable '.[$*]'
	@touch $@

# AlphaTransform asks for astronomy packages that nothing here uses: without its dependencies, of
# which the extra has those that are needed.
$(READY)-test: $(READY)-core
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --editable '.[test]'
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --no-deps alpha-transform
	@touch $@

install: $(READY)-core ## the package, editable, in .venv

demo: $(READY)-core ## simulate a noisy scan, reconstruct it on the command line, leave a picture
	$(BIN)/python examples/demo.py

test: $(READY)-test ## the whole test suite and the examples in the docstrings
	$(BIN)/python -m pytest -n $(JOBS) $(TESTS)

lint: $(READY)-dev $(READY)-test ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY)-dev ## rewrite the sources in the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(READY)-docs ## the documentation, warnings as errors; open docs/_build/html/index.html
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

wheel: $(READY)-dev ## build sdist and wheel, install the wheel in a clean environment, use it
	rm -rf dist
	$(BIN)/python -m build
	TORCH='$(TORCH)' .ci/smoke_test.sh $(BIN)/python dist/*.whl

benchmark: $(READY)-test ## speed and accuracy, beside the peers where there are some
	$(BIN)/python benchmarks/projectors.py
	$(BIN)/python benchmarks/fbp.py
	$(BIN)/python benchmarks/solvers.py
	$(BIN)/python benchmarks/low_dose.py
	$(BIN)/python benchmarks/shearlets.py
	$(BIN)/python benchmarks/paper.py

clean: ## remove everything that was generated, but not the environment
	rm -rf build dist docs/_build docs/_generated docs/gallery docs/sg_execution_times.rst demo-output
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
