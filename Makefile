# The two commands a new checkout needs are `make demo` and `make test`; both do all their own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Pinned: an open range would fetch several GB of GPU packages on machines that never asked for them.
TORCH ?= torch==2.13.0
READING := import importlib.util as u, pathlib as p; print(p.Path(u.find_spec("moonshine_voice").origin).parent / "assets/two_cities.wav")

.PHONY: demo test check format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed ## run the main job on a minute and a half of real reading
	@READING="$$($(BIN)/python -c '$(READING)')"; set -x; \
	$(BIN)/earmark find "it was the season of darkness" "$$READING" --library $(VENV)/demo-library; \
	$(BIN)/earmark find "the best of times" --library $(VENV)/demo-library; \
	$(BIN)/earmark find "quarterly budget" --library $(VENV)/demo-library

test: $(VENV)/.tested-with ## install what the tests need and run them
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/.tested-with ## formatting, lint and types
	$(BIN)/ruff check src tests bench tools
	$(BIN)/ruff format --check src tests bench tools
	$(BIN)/mypy

format: $(VENV)/.tested-with
	$(BIN)/ruff check --fix src tests bench tools
	$(BIN)/ruff format src tests bench tools

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 10) else f"earmark: expected Python 3.10 or newer, found {v.major}.{v.minor}. Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# The peers are built from source: where there is a C compiler they join the tests, elsewhere one test is skipped by name.
$(VENV)/.tested-with: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[train,plot,formats,collect]" --group test --group check
	@if command -v cc >/dev/null; then $(BIN)/python -m pip install --quiet --group peers; fi
	@touch $@

clean: ## remove the virtual environment and everything made in it
	rm -rf $(VENV)
