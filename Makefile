# Two commands set everything up on a fresh machine: `make run` and `make test`.
# Needed beforehand: python3 (3.11 or newer), make, git and, for `make test`, apt.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --only-binary :all: --require-hashes
export UV_SYSTEM_CERTS ?= 1

.PHONY: run test test-all lint bench pictures lock clean

run: .venv/.run
	@$(BIN)/python -m demo.run

test: .venv/.test
	@sh tests/system_packages.sh
	$(BIN)/pytest -n 2 --dist worksteal

test-all: .venv/.test
	@sh tests/system_packages.sh
	$(BIN)/pytest -n 2 --dist worksteal --all-backends

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.lint
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/pytest -q -p no:cacheprovider tests/test_floors.py

bench: .venv/.test
	$(BIN)/python -m bench

pictures: .venv/.test
	@sh tests/system_packages.sh
	$(BIN)/python -m tests.pictures

# Renews the locks; no index address goes into them.
LOCK := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock: .venv/.tool
	$(LOCK) requirements-tool.in -o requirements-tool.txt
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-test.in -o requirements-test.txt

.venv/.tool: requirements-tool.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh .ci/install python3-venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-tool.txt
	@touch $@

.venv/.run: .venv/.tool requirements.txt pyproject.toml
	@$(UV) -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test: .venv/.run requirements-test.txt
	@$(UV) --compile-bytecode -r requirements-test.txt # hundreds of processes start in the tests, some where none may write
	@touch $@

clean:
	rm -rf .venv var
