# Two commands for everybody: `make build` makes the whole series, `make test` runs what CI runs.
# Both first make .venv from the pinned and hashed requirements; a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
MANIFEST := pyproject.toml requirements-build.lock requirements.lock

.PHONY: build test
build: $(VENV)/installed
	$(BIN)/jixiang build --all

$(VENV)/installed: $(MANIFEST)
	@echo "make: installing the pinned requirements into $(VENV) (about 200 MB, once)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements-build.lock
	$(INSTALL) --require-hashes --no-build-isolation -r requirements.lock
	$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "make: installing what the tests need"
	$(INSTALL) --require-hashes --no-build-isolation -r requirements-dev.lock
	@touch $@
