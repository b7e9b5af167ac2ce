# One command per task; continuous integration runs the same ones.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECURITY := $(VENV)/security
SITE := $(VENV)/site
PINS := layers/connector/requirements.txt requirements/dev.txt requirements/emulator.txt requirements/docs.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

setup: $(VENV)/.installed $(BIN)/connector  ## create .venv and install what the project needs

$(VENV)/.installed: requirements/dev.txt layers/connector/requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("setup: Python 3.11 or newer is needed\n  do: make setup PYTHON=/path/to/it")'
	@echo "setup: creating $(VENV), an environment for the project's tools"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python tools/install.py requirements/dev.txt
	@touch $@

$(BIN)/connector: pyproject.toml $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: setup  ## every kind of message through the whole deployed system, on this machine
	@python -m sandbox demo $(ARGS)

sandbox: setup  ## keep the whole system running on this machine (ARGS="--port 4566 …")
	@python -m sandbox up $(ARGS)

drill: setup  ## lose a stack with open conversations, make it anew, see that no consumer is a stranger
	@python -m sandbox drill $(ARGS)

MINUTES ?= 5
SEED ?= 1
CONSUMERS ?= 20
FAULTS ?= 0.1

soak: setup  ## many conversations while faults are injected everywhere (MINUTES=5 SEED=1 CONSUMERS=20 FAULTS=0.1)
	@python -m sandbox soak --minutes $(MINUTES) --seed $(SEED) --consumers $(CONSUMERS) --faults $(FAULTS) $(ARGS)

# Test files run in parallel; those that share a sandbox run one after the other (tests/conftest.py).
# Long files come first, in the order of the folders: the short ones of tests/unit fill the gaps.
JOBS ?= 2

test: check security docs  ## everything: checks, checkov, unit, integration and end-to-end tests (JOBS=2)
	@pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

unit: setup  ## the unit tests only
	@pytest -q tests/unit simulator/tests $(ARGS)

fuzz: setup  ## fuzz the entry points with INPUTS=100000 inputs each, from SEED=1
	@INPUTS=$(or $(INPUTS),100000) pytest -q -n $(JOBS) --hypothesis-profile=fuzz --hypothesis-seed=$(or $(SEED),1) -k fuzzed tests/fuzz $(ARGS)

simulate: setup  ## simulate both pipelines in SCHEDULES=10000 schedules of faults, from SEED=1
	@PYTHONPATH=layers/connector python -m tests.simulation --schedules $(or $(SCHEDULES),10000) --seed $(or $(SEED),1) $(ARGS)

bench: setup  ## measure everything into docs/benchmarks.md (ARGS="--only throughput --quick")
	@PYTHONPATH=layers/connector python -m benchmarks $(ARGS)

mutation: setup  ## mutation testing: change the code in small ways, check that a unit test fails (ARGS="--only '*retries*'")
	@python -m tools.mutation $(ARGS)

check: setup  ## format, lint, types, import rules and the template
	@ruff format --check --quiet .
	@ruff check --quiet .
	@mypy
	@PYTHONPATH=layers/connector lint-imports
	@cfn-lint template.yaml
	@sam validate --lint

security: $(SECURITY)/.installed  ## check the template and the workflows with checkov
	@said=$$($(SECURITY)/bin/checkov --config-file tools/checkov.yaml 2>&1) || { echo "$$said"; exit 1; }

audit: $(SECURITY)/.installed  ## search for known vulnerabilities of the pinned packages (needs pypi.org)
	@found=0; for pins in $(PINS); do echo "$$pins"; \
	$(SECURITY)/bin/pip-audit --strict --disable-pip --require-hashes -r $$pins $(ARGS) || found=1; \
	done; exit $$found

$(SECURITY)/.installed: requirements/security.txt $(VENV)/.installed
	@echo "setup: installing checkov and pip-audit into $(SECURITY) (once, a minute)"
	@$(BIN)/python -m venv $(SECURITY)
	@$(SECURITY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/security.txt
	@touch $@

# The theme announces another tool in each build; a warning of the build itself is an error.
docs: $(SITE)/.installed  ## build the documentation as a site: open site/index.html
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet

$(SITE)/.installed: requirements/docs.txt $(VENV)/.installed
	@echo "setup: installing MkDocs into $(SITE) (once)"
	@$(BIN)/python -m venv $(SITE)
	@$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/docs.txt
	@touch $@

openapi: setup  ## write the contract's schemas into docs/openapi.yaml
	@python docs/openapi.py

format: setup  ## format the sources
	@ruff format --quiet .
	@ruff check --quiet --fix .

build: setup  ## build the layer and the template into .aws-sam
	@sam build

deploy: setup  ## build, deploy and protect a stack on AWS (STAGE=production)
	@python -m tools.deploy "$(STAGE)" $(ARGS)

cost: setup  ## write docs/cost.md from the template and the measured runs
	@python -m tools.cost

scale: setup  ## write the table of limits in docs/scale.md from the runs, the quotas and the template
	@python -m tools.limits

requirements: setup  ## resolve requirements/*.in to hashed pins (ARGS=--upgrade renews them)
	@sh requirements/compile.sh $(ARGS)

clean:  ## remove everything that these commands created
	@rm -rf $(VENV) site .sandbox .aws-sam .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo sandbox drill soak test docs security audit unit bench fuzz simulate mutation check format openapi build deploy cost scale requirements clean
