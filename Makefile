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
