# `make help` lists the targets. All that they write stays below this folder, nearly all in .venv*, .cache and .airflow.
# But for root: `make test`, `make chaos` and `make chaos-short` run PostgreSQL, which refuses root, so they make a user
# pgserver, and let everybody read and enter the folders above; and `make browser` on Debian installs the package
# chromium if there is no browser. `make check` does both.

PYTHON ?=
PORT ?=
SANDBOX_PORT ?=
CHROMIUM ?=
PYTHONS ?= python3.11 python3.12 python3.13

export TMPDIR := $(CURDIR)/.cache/tmp
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis
export AIRFLOW_HOME := $(CURDIR)/.airflow/unit-tests

VENV := .venv/bin/python
# Many tests wait for a server or a process, so that two cores have time for three at once.
SIDE_BY_SIDE := --numprocesses 3 --dist loadfile
VENV_OLDEST := .venv-3.1/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo airflow test browser screenshots chaos chaos-short docs lint types contracts test-oldest check constraints env env-oldest clean

help: ## list the targets
	@echo "usage: make TARGET [PYTHON=/path/to/python3]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: env ## run the example DAG on a real Airflow against the sandbox, and check the outcome on both sides
	@$(VENV) -m dev.demo

airflow: env ## leave the demo's Airflow and sandbox running to explore; PORT=8080 SANDBOX_PORT=8099 to choose
	@$(VENV) -m dev.explore --port "$(PORT)" --sandbox-port "$(SANDBOX_PORT)"

test: env ## run the unit tests, then the system tests on a real Airflow
	$(VENV) -m pytest $(SIDE_BY_SIDE)
	$(VENV) -m pytest -m system tests

browser: env ## go a newcomer's way through Airflow's web UI with a real browser; CHROMIUM=/path/to/it to choose
	@CHROMIUM=$$(dev/find-chromium $(CHROMIUM)) && export CHROMIUM && $(VENV) -m pytest -m browser tests/browser

screenshots: browser ## the same, and take its pictures into the documentation
	@mkdir -p docs/images
	cp .airflow/browser/screenshots/*.png docs/images/

chaos: env ## bring about every fault on a real Airflow and count the effects; takes one to two hours
	@$(VENV) -m tests.system.chaos

chaos-short: env ## a few faults of the same kinds, in a few minutes
	@$(VENV) -m tests.system.chaos --short

docs: env ## build the documentation, .cache/docs/html; what it warns of is an error
	$(VENV) -m sphinx --quiet --fail-on-warning --nitpicky --doctree-dir .cache/docs/doctrees docs .cache/docs/html
	@echo "open .cache/docs/html/index.html"

lint: env ## check style and format
	$(VENV) -m ruff check
	$(VENV) -m ruff format --check

types: env ## check types
	$(VENV) -m mypy

contracts: env ## check which part may import which
	.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter

# Without the tests of make's programs, which run on 3.3 only, and of what needs more than is installed there. Those of
# protocol/ and sandbox/ stay: Airflow cannot change their outcome, but simplejson, FastAPI and uvicorn can.
test-oldest: env-oldest ## run the unit tests on the oldest Airflow supported, with the oldest of all it depends on
	$(VENV_OLDEST) -m pytest $(SIDE_BY_SIDE) --ignore tests/dev --ignore tests/system --ignore tests/browser

check: ## all that CI does
	@.ci/run

constraints: ## resolve the pinned versions anew; needs Python 3.11, 3.12 and 3.13
	@mkdir -p .cache/tmp
	@python=$$(dev/find-python $(PYTHON)) && "$$python" -m dev.constraints $(PYTHONS)

env: ## make or mend the virtual environment, .venv
	@mkdir -p .cache/tmp
	@python=$$(dev/find-python $(PYTHON)) && "$$python" -m dev.environment 3.3

env-oldest: # the same with the oldest Airflow supported, .venv-3.1
	@mkdir -p .cache/tmp
	@python=$$(dev/find-python $(PYTHON)) && "$$python" -m dev.environment 3.1

clean: ## remove all that was made
	rm -rf .venv .venv-3.1 .cache .airflow
