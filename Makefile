# Two commands for everybody: `make build` makes the whole series, `make test` runs all that CI runs.
# Both first make .venv from the pinned and hashed requirements; a second run starts at once.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install

.PHONY: build test lock
build: .venv/installed
	@echo "make: building the whole series into out/"
	@$(BIN)/jixiang build --all

test: build .venv/installed-dev
	@$(MAKE) --no-print-directory system-packages
	@echo "make: style, types, imports"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@echo "make: tests"
	@$(BIN)/pytest --numprocesses 2

# Resolves the requirements anew; needs uv. The locks hold versions and hashes, and no address.
lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	    requirements-build.in --output-file requirements-build.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	    pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	    --group dev --constraint requirements.lock --output-file requirements-dev.lock

.venv/installed: pyproject.toml requirements-build.lock requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or newer is needed; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "make: installing the pinned requirements into .venv, once (about 150 MB to fetch)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --requirement requirements-build.lock
	@$(PIP) --require-hashes --no-build-isolation --requirement requirements.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "make: installing what the tests need, once"
	@$(PIP) --require-hashes --no-build-isolation --requirement requirements-dev.lock
	@touch $@

# zbar reads the codes a second time; its Python package brings no library on Linux.
.PHONY: system-packages
system-packages:
	@$(BIN)/python -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("zbar"))' || { \
	    echo "make: installing libzbar0, which the tests read QR codes with"; \
	    if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	        apt-get update -qq && apt-get install -y -qq libzbar0 >/dev/null; \
	    elif command -v apt-get >/dev/null && command -v sudo >/dev/null; then \
	        sudo apt-get update -qq && sudo apt-get install -y -qq libzbar0 >/dev/null; \
	    else \
	        echo "make: please install the library zbar (Debian: libzbar0, macOS: brew install zbar), then say make test again"; \
	        exit 1; \
	    fi; }
