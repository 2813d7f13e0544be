# `make help` lists the targets. Everything needed is fetched on first use: see scripts/bootstrap.sh.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Another environment's settings would win over the ones of .venv.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

PYTHON := .venv/bin/python
STAMP := .venv/setup.stamp
ARGS ?=
# Random kills of `make chaos`, after all cases of its matrix.
KILLS ?= 1000
SEED ?=
# Test processes; each has a PostgreSQL and browsers of its own.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n > 4 ? 4 : n)))

# The stamp holds the folder it was made in: a checkout that was moved is set up again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml uv.lock .python-version
	@bash scripts/bootstrap.sh

.PHONY: help
help: ## List the targets
	@echo "Usage: make TARGET [ARGS=...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Set up this checkout: .venv and a browser (the other targets do it when needed)
	@bash scripts/bootstrap.sh

.PHONY: demo
demo: $(STAMP) ## Sign in to two accounts of the demo world through the agents, offline, and show what is behind
	@$(PYTHON) -m playground.demo $(ARGS)

.PHONY: test
test: $(STAMP) ## Run all tests side by side (ARGS="-k name" for some of them, one after the other)
	@$(if $(ARGS),$(PYTHON) -m pytest $(ARGS),bash scripts/test.sh $(JOBS))

.PHONY: chaos
chaos: $(STAMP) ## Kill everything at every boundary and at random (KILLS=1000 SEED=n), and count what came of it
	@$(PYTHON) -m tests.chaos.run --kills $(KILLS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: fuzz-api
fuzz-api: $(STAMP) ## Send over 5,000 requests made from the OpenAPI description to the API, and check every answer
	@FUZZ_REQUESTS=5600 $(PYTHON) -m pytest -q -s tests/api/v1/test_openapi.py $(ARGS)

.PHONY: audit
audit: $(STAMP) ## Look up the locked packages in the list of known vulnerabilities (needs the internet)
	@.venv/bin/pip-audit --local --skip-editable $(ARGS)

.PHONY: evals
evals: $(STAMP) ## Run all agent evaluations that need no key
	@$(PYTHON) -m evals.run $(ARGS)

.PHONY: lint
lint: $(STAMP) ## Check style, types and the import rules
	@bash scripts/lint.sh

.PHONY: format
format: $(STAMP) ## Format the code and fix what ruff can fix
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

.PHONY: env
env: ## Write a .env with generated secrets (for docker compose; seezar itself needs none)
	@bash scripts/make-env.sh

.PHONY: clean
clean: ## Remove .venv, .tools and caches; accounts and sessions (SEEZAR_HOME) and .env stay
	@rm -rf .venv .tools .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
