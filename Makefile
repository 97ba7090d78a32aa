# PayRail: `make up` starts the stack, `make test` runs every check there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/.synced

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- set-up ---------------------------------------------------------------------------------------------------------

$(STAMP): requirements/dev.txt pyproject.toml sdk/pyproject.toml
	@bash requirements/install.sh
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Make .venv with all pinned packages and both distributions

.PHONY: requirements
requirements: $(STAMP) ## Pin and hash the dependencies again
	requirements/compile.sh

# ---- run ------------------------------------------------------------------------------------------------------------

.PHONY: up
up: $(STAMP) ## Set up what is missing and start the stack
	@.venv/bin/payrail up

.PHONY: verify
verify: $(STAMP) ## Prove the data files: chain, sequence, balance, transitions, no card number anywhere
	@.venv/bin/payrail verify

# ---- contracts ------------------------------------------------------------------------------------------------------

# npm writes this file last, so it stands for a whole installation.
INSTALLED := node_modules/.package-lock.json
REDOCLY := openapi/$(INSTALLED)
FRONTEND := frontend/$(INSTALLED)
PYRIGHT := tests/sdk/$(INSTALLED)
RECEIVER := docs/receivers/$(INSTALLED)
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true

.PHONY: tools
tools: $(REDOCLY) $(FRONTEND) $(PYRIGHT) $(RECEIVER) ## Install the tools that need Node: for contracts, TypeScript and the SDK's types

%/$(INSTALLED): %/package.json %/package-lock.json %/.npmrc
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || \
		{ echo "The tools in $* need Node 20 or newer, with npm; 'node' is missing or older." >&2; exit 1; }
	@cd $* && npm ci --prefer-offline --fetch-timeout=20000 --fetch-retries=2 --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

.PHONY: generate
generate: $(STAMP) $(REDOCLY) $(FRONTEND) ## Write bundles, SDK and TypeScript types anew from openapi/
	@$(PY) openapi/generate.py .

.PHONY: release-contracts
release-contracts: $(STAMP) ## Keep the bundles as those that later ones are compared with
	@for service in gateway vault provider-sim ledger-jobs; do \
		$(PY) -c 'import json, sys; print(json.dumps(json.load(sys.stdin), ensure_ascii=False, separators=(",", ":")))' \
			< services/payrail/contracts/$$service.json > openapi/released/$$service.json; done

.PHONY: lint-contracts
lint-contracts: $(REDOCLY) ## Lint the contracts
	@cd openapi && { node_modules/.bin/redocly lint --config redocly.yaml > node_modules/.lint.log 2>&1 || \
		{ cat node_modules/.lint.log; exit 1; }; }

.PHONY: drift
drift: $(STAMP) $(REDOCLY) $(FRONTEND) ## Compare the committed bundles, SDK and types with what openapi/ gives
	@$(PY) openapi/drift.py

.PHONY: check-frontend
check-frontend: $(FRONTEND) ## Check the types of the TypeScript
	@cd frontend && node_modules/.bin/tsc --noEmit

# ---- checks and tests -----------------------------------------------------------------------------------------------

NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && echo yes)
TEST_PROCESSES ?= 2

.PHONY: check
check: $(STAMP) $(if $(NODE),lint-contracts drift check-frontend,without-node) ## The fast part: lint, format, types, import rules, contracts, drift
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --config pyproject.toml > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

CHROMIUM := $(shell command -v "$${CHROMIUM_PATH:-/usr/bin/chromium}" 2>/dev/null)

.PHONY: without-chromium
without-chromium:
	@echo "Without Chromium Swagger UI is not tried out: install the package chromium, or set CHROMIUM_PATH." >&2

.PHONY: without-node
without-node:
	@echo "Without Node 20 the contracts are neither linted nor compared with what is generated from them, and" \
		"nothing of the TypeScript and of the pages in a browser is checked." >&2

.PHONY: test
test: check $(if $(NODE),tools) $(if $(CHROMIUM),,without-chromium) ## Every check and test there is
	@rm -rf build/seen
	@PAYRAIL_SEEN=build/seen .venv/bin/pytest -n $(TEST_PROCESSES) tests contract-tests
	@PAYRAIL_SEEN=build/seen .venv/bin/pytest contract-tests/after_all_tests.py

# As a setting of the services SEED is one number, so that they must not see this list.
SEED ?= 1
EXAMPLES ?= 100

.PHONY: fuzz
fuzz: $(STAMP) ## Fuzz the contracts: SEED=1,2 EXAMPLES=500 (per operation), SERVICE=gateway for one alone
	@env -u SEED PYTHONPATH=tests $(PY) contract-tests/fuzz.py --seeds $(SEED) --examples $(EXAMPLES) $(if $(SERVICE),--service $(SERVICE))

.PHONY: bench
bench: $(STAMP) ## Run the benchmarks: ratios against bare baselines
	@$(PY) -m benchmarks.contract_app
	@$(PY) -m benchmarks.payments
	@$(PY) -m benchmarks.start_up
	@$(PY) -m benchmarks.stack_in_tests
	@$(PY) -m benchmarks.big_day

.PHONY: clean
clean: ## Remove what was installed, built or cached; runtime data stays
	@rm -rf .venv openapi/node_modules frontend/node_modules tests/sdk/node_modules docs/receivers/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './data/*' -prune -exec rm -rf {} +
