# Two commands: `make run` and `make test`. Everything else is for those who work on the product.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := $${CARGO_TARGET_DIR:-target}/release/gemma-burger

.PHONY: help run test setup build lint unit e2e doctor bench mlflow

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: setup build ## install what is missing, fetch the models, serve at http://localhost:3000
	@$(BIN) serve

test: ## everything: lints, unit tests, the real model, a real browser
	@scripts/setup.sh --test
	@scripts/test.sh

setup:
	@scripts/setup.sh

build:
	@cargo build --release --locked -p gemma-burger

lint: ## formatting, clippy, docs, licences
	@scripts/test.sh lint

unit: ## tests without a browser
	@scripts/test.sh unit

bench: build ## the product's figures on this machine
	@$(BIN) bench

e2e: ## the browser tests
	@scripts/test.sh e2e

mlflow: ## a server of MLflow at http://localhost:5001, in an environment of its own
	@scripts/mlflow.sh

doctor: build ## what is present, what is missing
	@$(BIN) doctor



