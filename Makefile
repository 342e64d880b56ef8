# One door for every command. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

.tools/bin/uv:
	@echo "fetching uv with pip"
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip --disable-pip-version-check install --quiet uv

setup: $(if $(findstring .tools,$(UV)),.tools/bin/uv)  ## Make .venv from the lock file (uv is fetched by pip where missing)
	$(UV) sync --frozen

demo: $(if $(findstring .tools,$(UV)),.tools/bin/uv)  ## The dialer at work for a minute: no telephony, no root (DEMO_SECONDS, DEMO_SPEED, DEMO_JSON)
	@UV_PYTHON_DOWNLOADS=never $(UV) sync --frozen --no-dev --inexact --quiet
	@.venv/bin/dialer demo

check: setup  ## The one gate: format, lint, types, import contracts, unit and contract tests
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) pytest -n 2 tests/unit tests/contract

provision: setup  ## Bring Redis, PostgreSQL, Asterisk and sipp for the integration tests (cached outside the checkout)
	scripts/provision

test: check provision  ## Everything: the gate, then the real Asterisk, Redis and PostgreSQL
	$(RUN) pytest -n 2 --dist loadfile tests/integration

.PHONY: help setup demo check provision test
