# Everything a developer needs. `make demo` shows the gateway at work, `make test` proves it.
SHELL := bash
.DEFAULT_GOAL := help
NODE_TEST := node --import tsx --test --test-reporter=spec

unit        = $(sort $(wildcard */test/unit/*.test.ts redis/client/test/unit/*.test.ts lab/*/test/unit/*.test.ts))
contract    = $(sort $(wildcard */test/contract/*.test.ts redis/client/test/contract/*.test.ts lab/*/test/contract/*.test.ts))
integration = $(sort $(wildcard */test/integration/*.test.ts redis/client/test/integration/*.test.ts lab/*/test/integration/*.test.ts))

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

node_modules/.installed: package.json package-lock.json $(wildcard */package.json redis/client/package.json)
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

.PHONY: build
build: node_modules/.installed ## bundle each service into <service>/dist/main.js
	@node tools/build.mjs

.PHONY: check
check: node_modules/.installed ## types, lint, format and unit tests: seconds, before each commit
	@npx tsc --noEmit
	@npx oxlint --type-aware --quiet
	@npx prettier --check --log-level warn .
	@$(NODE_TEST) --test-reporter=dot $(unit)

.PHONY: servers
servers: ## redis-server and mosquitto, installed by apt when missing
	@tools/ensure-servers.sh

.PHONY: test
test: node_modules/.installed servers build ## everything: types, lint, format, unit, contract and integration tests
	npx tsc --noEmit
	npx oxlint --type-aware
	npx prettier --check .
	$(NODE_TEST) $(unit) $(contract) $(integration)
	HARDWARE_TESTS=$(hardware_short) HARDWARE_TIME_LIMIT_SECONDS=300 lab/hardware/test-hardware.sh

# Without those that need longest; all of them in `make test-hardware`.
hardware_short = onoff,sensor

.PHONY: test-hardware
test-hardware: node_modules/.installed servers build ## the services in a virtual machine with I2C and GPIO; SOAK_SECONDS=300 for more
	lab/hardware/test-hardware.sh

.PHONY: demo
demo: node_modules/.installed servers build ## the gateway on this machine's own readings, live
	@node --import tsx lab/demo/main.ts

.PHONY: bench
bench: node_modules/.installed servers build ## speed and cost, as ratios within one run
	@node --import tsx bench/main.ts

.PHONY: format
format: node_modules/.installed ## format every file
	@npx prettier --write --log-level warn .
