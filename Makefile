# Two commands: `make dev` runs everything on this machine, `make test` proves it. Nothing else needs to be installed
# than Python 3.11+ and make; scripts/bootstrap gets the rest from the package index.
.DEFAULT_GOAL := help
.PHONY: help dev test test-unit web bench gauntlet check contracts lint format servers doctor clean
SHELL := /bin/sh
RUN := scripts/bootstrap
ARGS ?=

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: ## Run everything here: Postgres, Temporal with its UI, API, worker, simulator, sample merchant (Ctrl-C stops it)
	@$(RUN) clearway dev $(ARGS)

# A process more than there are processors, each with servers of its own; more than four would need more memory than
# they save time.
test: servers ## Run the whole test suite; ARGS="tests/stack/dev -k ports" runs a part
	@$(RUN) pytest -n auto --maxprocesses 4 $(ARGS)

test-unit: ## Run the tests that need no server (within a minute)
	@$(RUN) pytest tests/unit $(ARGS)

web: ## Lint, build, type-check and unit-test the dashboard; its Node comes from the path or from the package index
	@$(RUN) python -m clearway.dev.dashboard_build

gauntlet: servers ## Payments under fire, then a verdict on every invariant; ARGS="--payments 10000" for the long run
	@$(RUN) python -m tests.fire.gauntlet $(ARGS)

bench: servers ## Measure what a payment costs (3 minutes); ARGS="--only overload" measures something else
	@$(RUN) python -m scripts.bench $(ARGS)

check: lint contracts ## Lint, types, import rules and contract files; what CI runs before the tests

lint: ## Ruff, format check, mypy, import rules
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

# Each line compares a committed contract (OpenAPI, event schemas, ...) with what the code says now.
contracts: ## Compare the committed contracts with the code
	@$(RUN) python -m scripts.event_schemas --check
	@$(RUN) python -m scripts.custom_gateway_schema --check
	@$(RUN) python -m scripts.openapi --check
	@$(RUN) python -m scripts.error_reference --check
	@$(RUN) python -m scripts.roles_table --check

format: ## Rewrite the code as the formatter and the safe fixes want it
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

servers: ## Get Temporal's servers into the cache (the first time may build one: about 6 minutes)
	@$(RUN) python -m clearway.dev.toolchain

doctor: ## Say what is found on this machine and what is missing
	@$(RUN) clearway doctor

clean: ## Remove the development state (.clearway: its payments too) and the tools' caches
	@pid=$$(sed -n 's/.*"pid": \([0-9][0-9]*\).*/\1/p' .clearway/stack.json 2>/dev/null); \
	if [ -n "$$pid" ] && kill -0 "$$pid" 2>/dev/null; then \
		echo "A stack runs on .clearway (process $$pid): stop it first."; exit 1; fi
	rm -rf .clearway .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
