# The two commands of the README, and the checks of .ci/run.
PYTHON ?= python3
DEMO_ENV := .venv-demo
TEST_ENV := .venv
DOCS_ENV := .venv-docs
# What the pages of docs/ and of the repository point to.
DOCS_SOURCE := bench docs examples recipes src tests $(wildcard *.md) CITATION.cff LICENSE
# A file's tests share what it makes, so a file stays with one process.
PYTEST := $(TEST_ENV)/bin/python -m pytest --numprocesses auto --dist loadfile
DEMO_OUT := demo-output

.PHONY: help demo test check bench docs clean

help:
	@echo "make demo    diagnose a synthetic radiograph with the plain install (no torch)"
	@echo "make test    run every test in an environment of its own"
	@echo "make check   formatting, types, walls, then the tests with coverage"
	@echo "make docs    write the reference of the commands, and all documentation as a site into site/"
	@echo "make bench   time the way from file to JSON on this machine"
	@echo "make clean   remove the environments and the demo's output"

# A plain install is a copy: it is made again when the program changes.
$(DEMO_ENV)/.installed: pyproject.toml $(shell find src -type f -not -name '*.pyc')
	@echo "Making the environment $(DEMO_ENV) with the plain package ..."
	$(PYTHON) -m venv $(DEMO_ENV)
	$(DEMO_ENV)/bin/python -m pip install --quiet --disable-pip-version-check .
	@touch $@

$(TEST_ENV)/.installed: pyproject.toml
	@echo "Making the environment $(TEST_ENV) with the laboratory and the test tools ..."
	$(PYTHON) -m venv $(TEST_ENV)
	$(TEST_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lab,dev]"
	@touch $@

demo: $(DEMO_ENV)/.installed
	@rm -rf $(DEMO_OUT)
	@mkdir -p $(DEMO_OUT)
	@echo "Drawing two phantoms: synthetic chests, no patient's image ..."
	$(DEMO_ENV)/bin/pneumoscope phantom --out $(DEMO_OUT)/phantoms --count 2 --seed 6 --dicom
	@echo "Diagnosing the one with an opacity, with the symptoms of a made-up adult ..."
	$(DEMO_ENV)/bin/pneumoscope diagnose $(DEMO_OUT)/phantoms/phantom-000007.dcm \
	    --symptoms examples/symptoms.json --json $(DEMO_OUT)/diagnosis.json \
	    --overlay $(DEMO_OUT)/overlay.png --report $(DEMO_OUT)/report.html
	@echo
	@echo "Diagnosing a phantom that is upside down, to show a refusal ..."
	$(DEMO_ENV)/bin/pneumoscope phantom --out $(DEMO_OUT)/upside-down --upside-down
	$(DEMO_ENV)/bin/pneumoscope diagnose $(DEMO_OUT)/upside-down/phantom-000000.png \
	    --report $(DEMO_OUT)/refusal.html
	@echo
	@echo "These were PHANTOMS: their results say nothing about any patient."
	@echo "Open $(DEMO_OUT)/report.html and $(DEMO_OUT)/refusal.html in a browser."

test: $(TEST_ENV)/.installed
	@echo "Running every test; those of real images are skipped where there are none ..."
	$(PYTEST)

check: $(TEST_ENV)/.installed
	$(TEST_ENV)/bin/ruff format --check src tests bench tools
	$(TEST_ENV)/bin/ruff check src tests bench tools
	$(TEST_ENV)/bin/mypy
	$(TEST_ENV)/bin/lint-imports
	$(PYTEST) --cov --cov-report=term-missing:skip-covered --cov-fail-under=90

bench: $(TEST_ENV)/.installed
	$(TEST_ENV)/bin/python bench/diagnose.py

$(DOCS_ENV)/.installed: pyproject.toml
	@echo "Making the environment $(DOCS_ENV) with what builds the documentation ..."
	$(PYTHON) -m venv $(DOCS_ENV)
	$(DOCS_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@

docs: $(DOCS_ENV)/.installed
	$(DOCS_ENV)/bin/python tools/commands_page.py
	@rm -rf .docs-source && mkdir .docs-source && ln -s $(addprefix ../,$(DOCS_SOURCE)) .docs-source/
	$(DOCS_ENV)/bin/python -m mkdocs build --quiet
	@echo "Open site/docs/index.html in a browser."

clean:
	rm -rf $(DEMO_ENV) $(TEST_ENV) $(DOCS_ENV) $(DEMO_OUT) .docs-source site
