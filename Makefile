# Two commands for everybody: `make build` makes the whole series, `make test` runs all that CI runs.
# Both first make .venv from the pinned and hashed requirements; a second run starts at once.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
BENCH_PIP := .venv-bench/bin/python -m pip --quiet --disable-pip-version-check install
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or newer is needed; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'

.PHONY: build test lock
build: .venv/installed
	@echo "make: building the whole series into out/"
	@$(BIN)/jixiang build --all

test: build .venv/installed-dev
	@$(MAKE) --no-print-directory system-packages browser
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
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	    --group bench --constraint requirements.lock --constraint requirements-dev.lock --output-file requirements-bench.lock

.venv/installed: pyproject.toml requirements-build.lock requirements.lock
	@$(CHECK_PYTHON)
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

# Takes about half an hour and writes the document. For a quick look that leaves it alone:
# make bench-audio BENCH="--minutes 0.5 --rounds 1 --skip memory"
BENCH ?= --write docs/benchmarks.md
.PHONY: bench-audio bench-poster bench-scan bench-site bench-feed bench-captions
bench-audio: .venv-bench/installed
	@.venv-bench/bin/python -m benchmarks.audio $(BENCH)
bench-poster: .venv-bench/installed
	@.venv-bench/bin/python -m benchmarks.posters $(BENCH)
bench-scan: .venv/installed .venv-bench/installed
	@$(MAKE) --no-print-directory system-packages
	@.venv-bench/bin/python -m benchmarks.scan $(BENCH)
bench-site: .venv-bench/installed
	@.venv-bench/bin/python -m benchmarks.site $(BENCH)
bench-feed: .venv/installed
	@$(BIN)/python -m benchmarks.feed $(BENCH)
bench-captions: .venv-bench/installed
	@.venv-bench/bin/python -m benchmarks.captions $(BENCH)

# In an environment of its own: what we are compared with is no part of the program, and nothing that tests or the store see may
# depend on whether somebody ran a benchmark.
.venv-bench/installed: pyproject.toml requirements-build.lock requirements.lock requirements-bench.lock
	@$(CHECK_PYTHON)
	@echo "make: installing the program and what it is compared with into .venv-bench, once (about 200 MB to fetch)"
	@$(PYTHON) -m venv .venv-bench
	@$(BENCH_PIP) --require-hashes --requirement requirements-build.lock
	@$(BENCH_PIP) --require-hashes --no-build-isolation --requirement requirements.lock
	@$(BENCH_PIP) --require-hashes --no-build-isolation --requirement requirements-bench.lock
	@$(BENCH_PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# zbar reads the codes a second time; its Python package brings no library on Linux. nginx serves the site with the settings that
# we ship: a machine that can have none still runs the other tests; where CI is set, those that need it fail and say so.
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
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin"; command -v nginx >/dev/null || { \
	    echo "make: installing nginx-light, which the tests serve the site with (Debian starts it, on port 80)"; \
	    if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	        apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null; \
	    elif command -v apt-get >/dev/null && command -v sudo >/dev/null; then \
	        sudo apt-get update -qq && sudo apt-get install -y -qq nginx-light >/dev/null; \
	    fi; \
	    command -v nginx >/dev/null; \
	} || echo "make: no nginx can be installed here, so docs/nginx.conf is not tried; install it (macOS: brew install nginx)"

# A machine that can have none still runs the other tests; where CI is set, those that need it fail and say so.
.PHONY: browser
browser: .venv/installed-dev
	@$(BIN)/python -m tests.browser || { \
	    echo "make: fetching Chromium, which the tests open the pages in"; \
	    $(BIN)/playwright install --only-shell chromium >/dev/null 2>&1; \
	    $(BIN)/python -m tests.browser; \
	} || { \
	    if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	        apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	    elif command -v apt-get >/dev/null && command -v sudo >/dev/null; then \
	        sudo apt-get update -qq && sudo apt-get install -y -qq chromium >/dev/null; \
	    fi; \
	    $(BIN)/python -m tests.browser; \
	} || echo "make: no browser can be fetched for this machine, so the pages are not tried in one; install Chromium, Chrome or Edge"
