# Everything a developer needs. `make demo` shows the gateway at work, `make test` proves it.
SHELL := bash
.DEFAULT_GOAL := help
# Node 20 can spin for ever while it takes down sockets that were reset (Environment::CleanupHandles);
# leaving at once when the last test has ended avoids that code.
NODE_TEST := node --import tsx --test --test-force-exit
UNIT_TESTS := node --import tsx

# Those of a package and of a package below a folder (redis/client, grafana/api, lab/azure).
tests       = $(sort $(filter-out node_modules/%,$(wildcard */test/$(1)/*.test.ts */*/test/$(1)/*.test.ts)))
unit        = $(call tests,unit)
contract    = $(call tests,contract)
integration = $(call tests,integration)
conformance = $(call tests,conformance)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

node_modules/.installed: package.json package-lock.json $(filter-out node_modules/%,$(wildcard */package.json */*/package.json))
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

.PHONY: build
build: node_modules/.installed ## bundle each service into <service>/dist/main.js
	@node tools/build.mjs

.PHONY: check
check: node_modules/.installed ## types, lint, format and unit tests: seconds, before each commit
	@npx tsc --noEmit
	@npx tsc --noEmit -p grafana/api/page
	@npx oxlint --type-aware --quiet
	@npx prettier --check --log-level warn .
	@$(UNIT_TESTS) --test-reporter=dot tools/unit-tests.ts $(unit)

.PHONY: dashboards
dashboards: node_modules/.installed ## write grafana/dashboards/*.json from grafana/src
	@node --import tsx grafana/src/main.ts

.PHONY: servers
servers: ## redis-server and mosquitto, installed by apt when missing
	@tools/ensure-servers.sh

grafana/library/node_modules/.installed: grafana/library/package.json grafana/library/package-lock.json
	npm --prefix grafana/library ci --no-fund --no-audit --ignore-scripts --loglevel=error
	@touch $@

.PHONY: test-dashboards
test-dashboards: node_modules/.installed servers build grafana/library/node_modules/.installed ## the dashboards, by Grafana's own library
	$(NODE_TEST) --test-reporter=spec $(sort $(wildcard grafana/library/test/*.test.ts))

.PHONY: test
test: node_modules/.installed servers build ## everything: types, lint, format, unit, contract and integration tests
	npx tsc --noEmit
	npx tsc --noEmit -p grafana/api/page
	npx oxlint --type-aware
	npx prettier --check .
	$(UNIT_TESTS) --test-reporter=spec tools/unit-tests.ts $(unit)
	$(NODE_TEST) --test-concurrency=2 --test-reporter=spec $(contract) $(integration) $(conformance)
	$(MAKE) --no-print-directory test-dashboards
	HARDWARE_TESTS=$(hardware_short) HARDWARE_TIME_LIMIT_SECONDS=300 lab/hardware/test-hardware.sh

# Without those that need longest; all of them in `make test-hardware`.
hardware_short = onoff,sensor

.PHONY: test-containers
test-containers: node_modules/.installed servers ## images, stack, balena build and live mode on a Docker engine, started when missing
	lab/containers/test-containers.sh

.PHONY: test-hardware
test-hardware: node_modules/.installed servers build ## the services in a virtual machine with I2C and GPIO; SOAK_SECONDS=300 for more
	lab/hardware/test-hardware.sh

.PHONY: test-node-versions
test-node-versions: node_modules/.installed servers build ## the services' tests on Node 22 and 24 too
	tools/test-node-versions.sh 22 24

.PHONY: soak
soak: node_modules/.installed servers build ## minutes of random faults: SOAK_SECONDS (300), SOAK_SEED
	FAULT_SCHEDULES=3000 $(NODE_TEST) mqtthandler/test/unit/forwarder-faults.test.ts
	CHAOS_SEEDS=300 $(NODE_TEST) provisioner/test/unit/chaos.test.ts
	$(NODE_TEST) $(sort $(wildcard */test/soak/*.test.ts))

.PHONY: demo
# The moment the command was typed: the demo tells how long the first reading took from there.
demo: export DEMO_STARTED_MS := $(shell date +%s%3N)
demo: node_modules/.installed servers build ## the gateway on this machine's own readings, live
	@node --import tsx lab/demo/main.ts

.PHONY: bench
bench: node_modules/.installed servers build ## speed and cost, as ratios within one run
	@node --import tsx bench/main.ts $(BENCH)

.PHONY: format
format: node_modules/.installed ## format every file
	@npx prettier --write --log-level warn .
