# Two commands matter: `make run` and `make test`. Both need Python 3.11+ and nothing else; `uv` is used where it is found.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .sovrium/demo
# Tests wait as much as they work: one more of them than there are processors.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Some images tell Python not to keep compiled modules; every start of the program would then take three times as long.
COMPILED := env -u PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench lock snapshots docs format clean

run: $(VENV)/run.stamp ## open the console on a copy of the sample app
	@test -f $(DEMO)/app.yaml || $(BIN)/sovrium-tui init $(DEMO) --template crm
	@$(COMPILED) $(BIN)/sovrium-tui $(DEMO)/app.yaml

test: $(VENV)/dev.stamp ## every test
	@$(COMPILED) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(VENV)/dev.stamp ## style, types, direction of imports, links and tables of the docs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(BIN)/python docs/generate.py --check
	@echo "check: all good"

bench: $(VENV)/dev.stamp ## numbers beside the peers'; needs a few minutes
	@$(BIN)/python -m bench

snapshots: $(VENV)/dev.stamp ## accept the screens as they are now; look at the pictures first
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/screens --snapshot-update

docs: $(VENV)/dev.stamp ## write the generated parts of docs/
	@$(BIN)/python docs/generate.py

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: ## resolve the dependencies anew (needs uv)
	@printf 'hatchling>=1.27\neditables>=0.5\n' | uv pip compile pyproject.toml - $(LOCK) -o requirements/run.txt
	@uv pip compile pyproject.toml --extra pictures --extra postgres --group test --group check --group bench $(LOCK) -c requirements/run.txt -o requirements/dev.txt

clean:
	@rm -rf $(VENV) .bench dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A virtual environment from a lock file: `run` holds what the program needs, `dev` also the tests' and checks' tools.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sovrium-tui needs Python 3.11 or newer; $$($(PYTHON) --version) was found. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "The venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV) (once) …" >&2
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r $< && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@
