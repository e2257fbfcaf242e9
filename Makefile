# Everything a developer, or a curious owner, needs. `make` alone explains the targets.
#
# All of it lives in .venv, installed from locks with hashes; nothing is asked of the machine but
# make and Python 3.11 or newer. Another interpreter: `make venv PYTHON=python3.12`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The processes that are checked for types, and everything that is formatted.
PROCESSES  := server simulator bluetooth virtual_radio demo benchmark
# Tests that need nothing but .venv; system_test also needs SYSTEM_PACKAGES.
TESTS      := server_unit_test simulator_unit_test bluetooth_unit_test virtual_radio_unit_test \
	demo_unit_test server_rest_test ble_rest_test benchmark
GENERATORS  = $(sort $(wildcard docs/generate_*.py))

# Debian packages that `make test-all` needs: a browser for the page's own tests, FUSE for the file
# system that forgets unsynced writes, a message bus, what makes and starts the guest in which the
# real BlueZ and NetworkManager run, and a Docker Engine for the images.
SYSTEM_PACKAGES ?= chromium fuse3 dbus qemu-system-x86 debootstrap cpio kmod busybox-static xz-utils \
	docker.io docker-compose iptables systemd

# Two at a time, longest first: the slow proofs wait far more than they compute.
JOBS   ?= 2
ROUNDS ?= 100

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv run test test-all release soak lint format bench docs docs-check lock clean \
	lint-format lint-style lint-types system-packages python-found

help: ## Explain the targets
	@echo "Egret, the firmware of an energy gateway. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(BIN)/.test ## Put everything that is needed into .venv, from the locks with hashes

run: $(BIN)/.runtime ## Start a virtual plant, a receiver and the gateway; print the page's address
	@$(BIN)/python -m demo $(ARGS)

test: lint ## The checks, then all tests that need no system package, with coverage
	$(BIN)/pytest -n auto --cov=server --cov-report=term $(TESTS)

test-all: system-packages lint ## Everything: also browsers, power cuts, guests, images (installs Debian packages)
	$(BIN)/pytest -n $(JOBS) --dist loadgroup system_test $(TESTS)

soak: $(BIN)/.test system-packages ## The slow proofs for hours: kills, power cuts, long simulations (ROUNDS=100)
	$(BIN)/pytest -n $(JOBS) --maxschedchunk=1 -m "" --rounds $(ROUNDS) system_test
	$(BIN)/pytest -n $(JOBS) --maxschedchunk=1 -m soak $(TESTS) || [ $$? -eq 5 ] # 5: there are none

lint: docs-check lint-format lint-style lint-types ## Generated pages, format, style and types (-k for all at once)

lint-format: $(BIN)/.test
	$(BIN)/black --check .

lint-style: $(BIN)/.test
	$(BIN)/flake8

lint-types: $(BIN)/.test
	$(BIN)/mypy $(addprefix -p ,$(PROCESSES))

format: $(BIN)/.test ## Let black lay out every file
	$(BIN)/black .

bench: $(BIN)/.test ## Measure against the peers in one run; writes docs/performance.md
	$(BIN)/python -m benchmark $(ARGS)

docs: $(BIN)/.test ## Write every generated page again
	@set -e; for generator in $(GENERATORS); do \
		echo "$$generator"; PYTHONPATH=. $(BIN)/python $$generator; done

docs-check: $(BIN)/.test ## Refuse a generated page that its source has left behind
	@stale=""; for generator in $(GENERATORS); do \
		PYTHONPATH=. $(BIN)/python $$generator --check || stale="$$stale $$generator"; done; \
	[ -z "$$stale" ] || { echo "not current:$$stale; run: make docs" >&2; exit 1; }

# No index, no host and no path may enter a lock: it must install from wherever pip is told to.
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

lock: $(BIN)/.test ## Write the locks again from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --output-file requirements.lock pyproject.toml
	$(COMPILE) $(ARGS) --constraint requirements.lock --extra bluetooth \
		--output-file requirements-bluetooth.lock pyproject.toml
	$(COMPILE) $(ARGS) --constraint requirements.lock --extra secure_element \
		--output-file requirements-secure_element.lock pyproject.toml
	$(COMPILE) $(ARGS) --constraint requirements-bluetooth.lock \
		--extra bluetooth --extra secure_element --extra test --extra bench \
		--output-file requirements-test.lock pyproject.toml
	@! grep -nE '://|^-' requirements*.lock \
		|| { echo "a lock names a place; see above" >&2; exit 1; }

# Needs a Docker Engine; BASE_IMAGE is the distribution that the images stand on.
VERSION    = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' server/__init__.py)
BASE_IMAGE ?= debian:bookworm-slim
IMAGES     := gateway=server/Dockerfile gateway-no-crypt=server/Dockerfile-no_crypt \
	bluetooth=bluetooth/Dockerfile simulator=simulator/Dockerfile

release: $(BIN)/.test ## Build every image, with a CycloneDX list of what is in it, into artifacts/
	@for each in $(IMAGES); do \
		docker build --build-arg BASE_IMAGE=$(BASE_IMAGE) -f $${each#*=} -t egret/$${each%%=*}:$(VERSION) . || exit 1; done
	$(BIN)/python -m deploy.bill_of_materials --version $(VERSION) \
		$(foreach each,$(IMAGES),egret/$(firstword $(subst =, ,$(each))):$(VERSION))

clean: ## Remove .venv and everything that was made; your data/ stays
	rm -rf $(VENV) build artifacts .mypy_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- what the targets above stand on ---------------------------------------------------------

# The environment itself. Each stamp is older than its lock only when something must be installed.
$(BIN)/python:
	@$(MAKE) --no-print-directory python-found
	$(PYTHON) -m venv $(VENV)

$(BIN)/.runtime: requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/.test: requirements-test.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(BIN)/.runtime

python-found:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "No $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); Egret needs 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }

system-packages:
	@missing=""; for package in $(SYSTEM_PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	[ -n "$$missing" ] || exit 0; \
	command -v apt-get >/dev/null || { \
		echo "make test-all needs these Debian packages (or their like):$$missing" >&2; exit 1; }; \
	if [ "$$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo -n"; else \
		echo "make test-all needs Debian packages; as root run: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing"; \
	$$run env DEBIAN_FRONTEND=noninteractive sh -c \
		"apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing" >.system-packages.log 2>&1 \
		|| { tail -n 20 .system-packages.log >&2; exit 1; }; rm -f .system-packages.log
