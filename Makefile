# `make help` lists the targets. All that they write stays below this folder, nearly all in .venv*, .cache and .airflow.
# But for root: `make test`, `make chaos`, `make chaos-short` and `make cluster-test` run PostgreSQL, which refuses root,
# so they make a user pgserver, and let everybody read and enter the folders above; and on Debian `make browser` installs
# the package chromium if there is no browser, and `make cluster-test` redis-server. `make check` does the first two.

PYTHON ?=
PORT ?=
SANDBOX_PORT ?=
CHROMIUM ?=
REDIS ?=
ROWS ?=
MINUTES ?= 30
SEED ?=
PYTHONS ?= python3.11 python3.12 python3.13

# Compiled code is kept, below this folder: without it, each task of Airflow compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE
export TMPDIR := $(CURDIR)/.cache/tmp
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis
export AIRFLOW_HOME := $(CURDIR)/.airflow/unit-tests

VENV := .venv/bin/python
FIND_PYTHON := @mkdir -p .cache/tmp && python=$$(dev/find-python $(PYTHON)) && "$$python"

.DEFAULT_GOAL := help
.PHONY: help demo airflow test test-unit coverage test-system test-system-shared test-system-own test-tools browser screenshots hostile chaos chaos-short cluster-test kill-test soak \
	docs lint types contracts structure bench bench-import bench-sandbox test-oldest test-oldest-system check check-all messages constraints env env-oldest clean

help: ## list the targets
	@echo "usage: make TARGET [PYTHON=/path/to/python3]"
	@sed -n 's/^\([a-z0-9.%-]*\):.*## \(.*\)/  \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: env ## run the example DAG on a real Airflow against the sandbox, and check the outcome on both sides
	@$(VENV) -m dev.demo

airflow: env ## leave the demo's Airflow and sandbox running to explore; PORT=8080 SANDBOX_PORT=8099 to choose
	@$(VENV) -m dev.explore --port "$(PORT)" --sandbox-port "$(SANDBOX_PORT)"

test: test-unit test-system ## run the unit tests, then the system tests on a real Airflow

test-unit: ## run the unit tests
	$(FIND_PYTHON) -m dev.unit_tests newest

# Apart from `test-unit`: on Python 3.11, measuring made the tests of one vendor take 210 seconds of a processor, not 122.
coverage: ## run the unit tests, and measure what they cover
	$(FIND_PYTHON) -m dev.unit_tests newest --cov --cov-report=term:skip-covered

test-system: env ## run the system tests in two groups side by side: those that share an Airflow, and the others
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-system-shared test-system-own

# Two pytests: pytest-xdist 3.8 does not heed its groups on pytest 9.2.
test-system-shared: env
	$(VENV) -m pytest -m "system and not own_airflow" tests/system

test-system-own: env
	$(VENV) -m pytest -m "system and own_airflow" tests/system

test-tools: env ## test on a real Airflow the programs that start one
	$(VENV) -m pytest -m system tests/dev

browser: env ## go a newcomer's way through Airflow's web UI with a real browser; CHROMIUM=/path/to/it to choose
	@CHROMIUM=$$(dev/find-chromium $(CHROMIUM)) && export CHROMIUM && $(VENV) -m pytest -m browser tests/browser

screenshots: browser ## the same, and take its pictures into the documentation
	@mkdir -p docs/images
	cp .airflow/browser/screenshots/*.png docs/images/

hostile: env ## thousands of answers that no honest server gives, to both HTTP libraries; takes some minutes
	$(VENV) -m pytest -m hostile tests/hostile

chaos: env ## bring about every fault on a real Airflow and count the effects; takes one to two hours
	@$(VENV) -m tests.system.chaos

chaos-short: env ## a few faults of the same kinds, in a few minutes
	@$(VENV) -m tests.system.chaos --short

cluster-test: env ## faults between two workers, triggerers and schedulers, a Redis and a database; ROWS="worker killed" to choose
	@REDIS=$$(dev/find-redis $(REDIS)) && export REDIS && $(VENV) -m tests.system.chaos.cluster --only "$(ROWS)"

kill-test: env ## kill and freeze processes at random moments, 220 times, and count the effects; takes a few minutes
	@$(VENV) -m tests.hostile.kill

soak: env ## half an hour of load and random faults on a real Airflow: nothing may grow or be lost; MINUTES=3 SEED=1 to choose
	@$(VENV) -m tests.system.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

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

structure: env ## print lengths, sizes, and the functions that an order and a wait go through
	@$(VENV) -m tests.structure

bench: env ## measure the package next to hand-written clients and mapped tasks, about an hour; ROWS=upserts,limits to choose
	@$(VENV) -m benchmarks $(ROWS)

bench-import: env ## print what a DAG file's imports cost, next to those of Airflow's HttpOperator
	@$(VENV) -m benchmarks.imports

bench-sandbox: env ## print how the sandbox's rate holds from 0 to 100,000 records; takes some minutes
	@$(VENV) -m benchmarks.sandbox

test-oldest: ## run the unit tests on the oldest Airflow supported, with the oldest of all it depends on
	$(FIND_PYTHON) -m dev.unit_tests oldest

test-oldest-system: env-oldest ## run there the system tests of what is done otherwise than on the newest Airflow
	.venv-3.1/bin/python -m pytest -m system tests/system/test_question_deferred.py

test-3.%: ## run the unit tests on another Airflow, as in `make test-3.2`
	$(FIND_PYTHON) -m dev.unit_tests 3.$*

check: ## all that CI does
	@.ci/run

check-all: ## the same, every Airflow and Python supported, the whole chaos matrix, and the cluster test; takes hours
	@.ci/run --all

messages: env ## collect every message of the package in tests/data/messages.txt, to read in one go
	@$(VENV) -m dev.messages

constraints: ## resolve the pinned versions anew; needs Python 3.11, 3.12 and 3.13
	@mkdir -p .cache/tmp
	@python=$$(dev/find-python $(PYTHONS)) && "$$python" -m dev.constraints $(PYTHONS)

env: ## make or mend the virtual environment, .venv
	$(FIND_PYTHON) -m dev.environment newest

env-oldest: # the same with the oldest Airflow supported
	$(FIND_PYTHON) -m dev.environment oldest

clean: ## remove all that was made
	rm -rf .venv .venv-* .cache .airflow
