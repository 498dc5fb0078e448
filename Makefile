# The commands of the project; `make help` lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# The one place that names the versions of programs.
GOLANGCI := v2.15.0
STRIPE_MOCK := v0.203.0
# How long each fuzz target runs.
FUZZTIME ?= 5s

LINT := .tools/golangci-lint-$(GOLANGCI)
CLIENTS := test/clients/node_modules/.package-lock.json
SUITE := test/conformance/node_modules/.package-lock.json
BROWSER := test/browser/node_modules/.package-lock.json
NODE := $(CURDIR)/.tools/node/bin

# Tests use the Node.js that scripts/setup brought, if it had to.
WITH_NODE := PATH="$(NODE):$$PATH"

.PHONY: help setup run fmt lint test race golden fuzz bench abuse generate deps clients conformance screenshots stripe-mock tidy generated

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the other commands need and is missing.
	@scripts/setup
	@$(MAKE) -s $(LINT) $(CLIENTS) $(SUITE) $(BROWSER)

run: ## Serve on http://127.0.0.1:8787.
	go run ./cmd/heycmo-server

fmt: $(LINT) ## Format the Go code.
	$(LINT) fmt

lint: $(LINT) ## Run go vet and the linters.
	go vet ./...
	$(LINT) run --allow-parallel-runners

# A step says its name and the time it took.
test: ## Check everything, as CI does.
	@for step in setup tidy generated lint race fuzz; do \
		printf '\n=== %s\n' $$step; \
		began=$$SECONDS; \
		$(MAKE) --no-print-directory $$step; \
		printf '=== %s: %d s\n' $$step $$((SECONDS - began)); \
	done; \
	printf '\n=== make test: everything passed in %d s\n' $$SECONDS

# Not from the cache, which knows nothing of PostgreSQL and the scripts of test/clients.
race: ## Run all tests with the race detector; none may be skipped for want of a program.
	$(WITH_NODE) HEYCMO_TEST_REQUIRE=postgres,node,chromium go test -race -count=1 -timeout 20m ./...

golden: ## Write the golden files of tests anew.
	@scripts/golden

fuzz: ## Run each fuzz target for FUZZTIME (5s).
	@scripts/fuzz $(FUZZTIME)

bench: ## Run the benchmarks, and measure the server beside others.
	go test -run '^$$' -bench . -benchmem ./...
	go run ./test/load compare memory flat

abuse: ## Measure what good customers feel of others' abuse, for three minutes.
	go run ./test/load abuse

generate: ## Write generated files anew.
	go generate ./...

deps: ## List the packages that importing heycmo brings, without the standard library's.
	@go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./heycmo

clients: $(CLIENTS) ## Run MCP clients of others against the server, for seven minutes.
	$(WITH_NODE) HEYCMO_TEST_REQUIRE=node HEYCMO_TEST_IDLE=6m go test -count=1 -v -timeout 20m -run '^TestClients' ./cmd/heycmo-server ./test/clients

screenshots: $(BROWSER) ## Walk through the dashboard and write pictures of each page to screenshots/.
	@rm -rf screenshots && mkdir screenshots
	go test -count=1 ./test/browser -run '^Test(Dashboard|Work|Payment|Operator|Showcase)' -args -screenshots $(CURDIR)/screenshots
	@ls screenshots | wc -l | xargs printf '%s pictures are in screenshots/\n'

stripe-mock: ## Check requests to Stripe against Stripe's own mock.
	@test -x .tools/stripe-mock || GOBIN=$(CURDIR)/.tools go install github.com/stripe/stripe-mock@$(STRIPE_MOCK)
	PATH="$(CURDIR)/.tools:$$PATH" HEYCMO_TEST_REQUIRE=stripe-mock go test -count=1 -run StripesMock -v ./billing/stripebilling

conformance: $(SUITE) ## Run the official MCP conformance suite ten times.
	$(WITH_NODE) HEYCMO_TEST_REQUIRE=node go test -count=10 -v ./test/conformance

# go.mod and go.sum must be as go mod tidy writes them.
tidy:
	go mod tidy -diff

# Generated files must be as their generators write them.
generated:
	@scripts/generated

$(LINT):
	@echo "building golangci-lint $(GOLANGCI), which takes about two minutes"
	@GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) 2> >(grep -v '^go: downloading' >&2)
	@rm -f .tools/golangci-lint-*
	@mv .tools/golangci-lint $@

$(CLIENTS) $(SUITE) $(BROWSER): test/%/node_modules/.package-lock.json: test/%/package.json test/%/package-lock.json
	npm ci --prefix test/$* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
