# Front door: each target is a script that installs what it needs, shows what it does, and can be run twice.

.DEFAULT_GOAL := build
.PHONY: build test lint demo cluster cluster-down images e2e long bench mutants fuzz coverage docs install package clean help

build: ## the program, build/tailboot
	@scripts/need build
	@scripts/build release

test: ## unit, corpus, valgrind and scenario tests
	@scripts/test

lint: ## format, layers, sizes, bans, analyzers, spelling, generated documents
	@scripts/lint

demo: ## a real node in front of you: no account, no cluster
	@tests/real/demo

cluster: ## a Kubernetes node with a tailnet beside it, until cluster-down; NODES=2 for a second node
	@tests/node/cluster --nodes $${NODES:-1}

cluster-down: ## ends it
	@tests/node/cluster --down

images: ## container images of both architectures, build/images/, and their checks
	@tests/images/all

e2e: ## every story on real partners, and on the node
	@tests/e2e

long: ## stories that need minutes, LONG_AWAY=300 s without a control server and LONG_KILLS=60 kills
	@TAILBOOT_CONTROL_AWAY=$${LONG_AWAY:-300} TAILBOOT_KILLS=$${LONG_KILLS:-60} tests/node/e2e test_probes.py test_kills.py

bench: build ## figures beside the reference
	@tests/bench/run
	@tests/bench/datapath

mutants: ## the code of one requirement less: its test has to fail
	@tests/mutants/run

fuzz: ## every parser by libFuzzer, FUZZ_SECONDS each
	@scripts/fuzz

coverage: ## coverage of unit and scenario tests
	@scripts/coverage

docs: ## documents generated from tables in the code
	@scripts/docs

install: build ## DESTDIR= PREFIX=/usr/local
	@scripts/install

package: ## Debian package with the systemd unit, build/package/
	@scripts/package

clean: ## removes build/
	@rm -rf build

help: ## this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
