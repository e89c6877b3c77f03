# make run    the whole relay on this machine, nothing configured
# make test   the tests, against a real Redis and a real PostgreSQL from wheels; make test-long has those that take minutes
# make prove  the long proof that no gift is lost and none doubled
# make screenshots  a picture of every page of the console, into docs/screens
# Works with GNU make 3.81 (macOS) and later.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NEEDS := import sys; sys.exit(sys.version_info < (3, 11))

# The first interpreter that is new enough; say PYTHON=... to choose another.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for p in python3.11 python3 python3.14 python3.13 python3.12 python; do \
	if $$p -c '$(NEEDS)' >/dev/null 2>&1; then echo $$p; break; fi; done)
endif

# Recorded payloads and signature vectors that lie beside the checkout, where there are some.
ifeq ($(origin RELAY_PAYLOADS),undefined)
ifneq ($(wildcard ../shared/payloads/.),)
export RELAY_PAYLOADS := $(abspath ../shared/payloads)
endif
endif
ifeq ($(origin RELAY_VECTORS),undefined)
ifneq ($(wildcard ../shared/vectors/.),)
export RELAY_VECTORS := $(abspath ../shared/vectors)
endif
endif

PYTEST_ARGS ?= -n auto

.DEFAULT_GOAL := help
.PHONY: help run test test-long prove screenshots lint format requirements clean bench secure bandit audit sbom

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-22s %s\n' "$$target" "$$text"; done

run: $(STAMP) ## bring up the whole relay with sample gifts; Ctrl-C stops it
	@exec $(BIN)/python -m relay.demo

test: $(STAMP) ## run the tests (PYTEST_ARGS="-k refund" for some)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-long: $(STAMP) ## the tests that take minutes: a deploy as on a platform, a rolling restart under load
	@$(BIN)/python -m pytest -m long -n 0

# Seeds that `make prove` plays, of 20 gifts each: PROVE_SEEDS=100 for a first look.
PROVE_SEEDS ?= 5000

prove: $(STAMP) ## the proof in its long form: PROVE_SEEDS simulated seeds, seeded bugs, real processes (over an hour)
	@$(BIN)/python -m tests.prove.simulation --seeds $(PROVE_SEEDS) --table
	@$(BIN)/python -m tests.prove.bugs
	@$(BIN)/python -m tests.prove.processes
	@RELAY_API_EXAMPLES=400 $(BIN)/python -m pytest tests/service/api/test_document.py --timeout 1200 -n auto

screenshots: $(STAMP) ## a picture of every page of the console, into docs/screens; needs a Chromium
	@$(BIN)/python -m tests.browser.screenshots

lint: $(STAMP) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict relay
	$(BIN)/lint-imports

bench: $(STAMP) ## how fast events are answered and gifts posted, with real processes
	@$(BIN)/python -m bench

format: $(STAMP) ## let ruff format and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: $(STAMP) ## pin requirements*.in again, with the newest versions
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

COMPILE = CUSTOM_COMPILE_COMMAND='make requirements' $(BIN)/pip-compile --quiet --upgrade --strip-extras \
	--allow-unsafe --generate-hashes --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# In an environment of their own: neither belongs to what relay runs on.
AUDIT := var/audit
AUDIT_TOOLS = test -f $(AUDIT)/.installed || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet \
	--retries 0 --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0 && touch $(AUDIT)/.installed; }

secure: bandit audit sbom ## what CI asks about security: bandit, known holes, what relay runs on

bandit: $(STAMP) ## insecure code (bandit); what is allowed has its reason beside it
	@mkdir -p var
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive relay wsgi.py gunicorn.conf.py 2>var/bandit.log || \
		{ cat var/bandit.log >&2; echo "Bandit: RED."; exit 1; }
	@echo "Bandit: GREEN. Nothing found."

audit: ## known holes in requirements.txt (pip-audit): green, red, or not done, and it says which
	@$(AUDIT_TOOLS)
	@$(AUDIT)/bin/python .ci/audit.py

sbom: ## what relay runs on, as CycloneDX, into var/sbom.json
	@$(AUDIT_TOOLS)
	@$(AUDIT)/bin/python -m cyclonedx_py requirements requirements.txt --output-format JSON --output-file var/sbom.json
	@echo "SBOM: var/sbom.json"

clean: ## remove the virtualenv, caches and everything under var/
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed again only when the pins change. Compiled when first imported: most of it is never imported by a demo.
$(STAMP): requirements-dev.txt
	@if ! $(or $(PYTHON),false) -c '$(NEEDS)' 2>/dev/null; then \
		echo "relay needs CPython 3.11 or later; say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@echo "Setting up $(VENV) (once, and when requirements-dev.txt changes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-dev.txt
	@touch $(STAMP)
