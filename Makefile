# Needs python3 (3.11 or newer, with venv), make and the package index; everything else lives in .venv.
PYTHON ?= python3
PY := .venv/bin/python
# The locks name every package with its hashes: another file under the same name is refused.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
PIP := $(PY) $(INSTALL)
TOOLS := .venv/tools/bin
PEERS := .venv/peers
CHROMIUM ?= /usr/bin/chromium
SOFFICE ?= /usr/bin/soffice
COMPOSE ?= docker compose

# The texts as Django reads them; only their source is kept. One call compiles every language.
ENGLISH := locale/en/LC_MESSAGES/django.mo

.DEFAULT_GOAL := help
.PHONY: help bootstrap-dev channels sentry exports admin up demo down test test-services chaos storm load worlds saved docs locale e2e screenshots browser spreadsheet fuzz lint format typecheck bench bench-peers build compose-up compose-down doctor backup restore logs reset coverage mutation workflows hooks lock sbom audit

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

bootstrap-dev: .venv/.dev ## Install everything for development into .venv

channels: .venv/.channels ## Install what the alert channels Telegram, Slack and Discord need

sentry: .venv/.sentry ## Install what errors to Sentry need (SENTRY_DSN)

exports: .venv/.exports ## Install what the exports as Parquet and Arrow need

admin: .venv/.runtime $(ENGLISH) ## Make an operator's account for /admin/; asks for a name and a password
	@$(PY) manage.py admin

up: .venv/.runtime $(ENGLISH) ## Run Charon here until Ctrl-C (PORT=8000, HOST=127.0.0.1)
	@exec $(PY) manage.py up

demo: .venv/.runtime $(ENGLISH) ## Run Charon against local replicas of all providers; nothing is real
	@exec $(PY) manage.py demo

down: .venv/.runtime ## End the Charon that runs on this folder's data
	@$(PY) manage.py down

doctor: .venv/.runtime $(ENGLISH) ## Look the installation over: what is wrong and what to do; code 0 is fine (JSON=1 for scripts)
	@$(PY) manage.py doctor $(if $(JSON),--json)

backup: .venv/.runtime ## Copy the database into data/backups and check the copy; Charon may run
	@$(PY) manage.py backup

restore: .venv/.runtime ## Put a backup in the place of the database: FILE=data/backups/...; REPLACE=1 over one that is there
	$(if $(FILE),,@echo "Which one? make restore FILE=data/backups/..." >&2; exit 1)
	@$(PY) manage.py restore $(if $(REPLACE),--replace) -- "$$FILE"

logs: ## Follow the logs of the containers (SERVICE=miner for one); make up writes its own to the terminal
	@command -v $(firstword $(COMPOSE)) >/dev/null || { echo "There is no $(firstword $(COMPOSE)) here. make up writes to its terminal, a service of systemd to journalctl -u charon -f" >&2; exit 1; }
	@$(COMPOSE) logs --follow --tail 200 $(SERVICE)

reset: .venv/.runtime ## Remove the database, after a question (CONFIRM=yes answers it); EVERYTHING=1: the backups and the secret key too
	@$(PY) manage.py reset $(if $(filter yes,$(CONFIRM)),--yes) $(if $(EVERYTHING),--everything)

# Python keeps what it compiled: pytest rewrites every assert, 7 s in each worker.
test test-services: export PYTHONDONTWRITEBYTECODE =

test: .venv/.dev $(ENGLISH) ## Run the tests; they need no service and no network
	$(PY) -m pytest

test-services: .venv/.dev $(ENGLISH) ## Run them on PostgreSQL and Redis, with the tests that stop servers and kill processes
	$(PY) -m tests.services

chaos: .venv/.dev $(ENGLISH) ## Hurt an installation for three minutes on each database, and compare it with an undisturbed one
	$(PY) -m tests.chaos --on sqlite
	$(PY) -m tests.chaos --on postgres

worlds: .venv/.dev $(ENGLISH) ## Show what the record says of 1,000 worlds without an edge and of 200 with one; 15 minutes of two free cores
	$(PY) -m tests.worlds

storm: .venv/.dev $(ENGLISH) ## Move prices 10,000 times while what evaluates and sends alerts is killed (MOVES=10000)
	$(PY) -m tests.storm --moves $(or $(MOVES),10000) $(if $(DATABASE),--database $(DATABASE))

load: .venv/.dev $(ENGLISH) ## Ask web with 32, 256 and 1,000 connections at once, and as one greedy caller; needs wrk (SECONDS_EACH=60)
	$(PY) -m bench.load

saved: .venv/.dev $(ENGLISH) ## Rewrite the saved responses and schemas that the tests compare; each changed byte should be meant
	$(PY) -m tests.saved

docs: .venv/.dev ## Write the parts of the docs that list modules, tables and decisions
	$(PY) -m tests.documents

locale: $(ENGLISH) ## Compile the texts of locale/

$(ENGLISH): $(wildcard locale/*/LC_MESSAGES/django.po) | .venv/.runtime
	@$(PY) -m babel.messages.frontend -q compile -d locale -D django

e2e: browser spreadsheet .venv/.e2e $(ENGLISH) ## Walk through the pages with Chromium (CHROMIUM=/usr/bin/chromium), open exports with LibreOffice (SOFFICE=/usr/bin/soffice); not part of make test
	CHROMIUM="$(CHROMIUM)" SOFFICE="$(SOFFICE)" $(PY) -m pytest -n 0 -p no:randomly e2e

screenshots: browser .venv/.e2e $(ENGLISH) ## Take the pictures of docs/screenshots
	CHROMIUM="$(CHROMIUM)" $(PY) -m e2e.screenshots

fuzz: .venv/.fuzz ## Ask every operation of the API for what its schema allows and forbids, as callers of every kind; not part of make test
	$(PY) -m fuzz

# Checked before anything is installed.
browser:
	@test -x "$(CHROMIUM)" || { echo "There is no Chromium at $(CHROMIUM). On Debian: apt install chromium; elsewhere set CHROMIUM=/path/to/it" >&2; exit 1; }

spreadsheet:
	@test -x "$(SOFFICE)" || { echo "There is no LibreOffice at $(SOFFICE). On Debian: apt install libreoffice-calc; elsewhere set SOFFICE=/path/to/soffice" >&2; exit 1; }

lint: .venv/.dev ## Check style, types, templates and imports, every tool to its end; CHANGED=1: only what differs from main
	@$(PY) -m tests.lint $(if $(CHANGED),--changed)

format: .venv/.dev ## Format the code and the templates
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	find templates -name '*.html' | xargs .venv/bin/djade --target-version 5.2

typecheck: .venv/.dev ## Check the types alone: mypy everywhere, pyright where Django allows
	$(PY) -m mypy .
	$(PY) -m basedpyright

# Without the compiler of the rules: what runs as machine code cannot be traced.
coverage: export NUMBA_DISABLE_JIT = 1
coverage: .venv/.dev $(ENGLISH) ## Measure the branches that the tests take in store, queries and signals; under 95 % of one fails
	rm -rf data/coverage
	$(PY) -m coverage run -m pytest -p no:randomly -m "not services and not processes" --deselect tests/test_compiled.py
	$(PY) -m coverage combine --quiet
	@ends=0; for package in markets/store markets/queries signals; do \
		echo "== $$package"; $(PY) -m coverage report --include="$$package/*" || ends=1; \
	done; exit $$ends

mutation: .venv/.mutation $(ENGLISH) ## Break validation, tax rules and alert evaluation, one line at a time, and list what no test notices (ONLY=pattern)
	.venv/mutation/bin/python -m tests.mutation $(ONLY)

workflows: .venv/.tools ## Check .github/ and .pre-commit-config.yaml against their schemas
	@$(TOOLS)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(TOOLS)/pre-commit validate-config

hooks: .venv/.dev .venv/.tools ## Have git check the changed files at each commit
	@$(TOOLS)/pre-commit install

# Development first: what is tested is what everything else gets. UPGRADE takes newer versions of the indirect packages.
lock: .venv/.tools ## Write the locks requirements*.txt from requirements*.in (UPGRADE=--upgrade)
	@for name in -dev "" -channels -sentry -exports -e2e -fuzz -tools -mutation -peers; do \
		case "$$name" in -dev|-fuzz|-tools|-mutation|-peers) tested= ;; *) tested="--constraint requirements-dev.txt" ;; esac; \
		$(TOOLS)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
			--custom-compile-command "make lock" $$tested $(UPGRADE) \
			"requirements$$name.in" --output-file "requirements$$name.txt" || exit 1; \
	done

# A package of several locks is listed once.
sbom: .venv/.tools ## Write sbom.json, the packages of the images as CycloneDX, from the locks
	@awk '/^[a-z]/ { new = !seen[$$1]++ } new' requirements.txt requirements-channels.txt requirements-sentry.txt | $(TOOLS)/cyclonedx-py \
		requirements --pyproject pyproject.toml --output-reproducible --of JSON --output-file sbom.json -

# The hashes are in the locks, so pip need not resolve anything anew.
audit: .venv/.tools ## Compare the locked packages with the public database of advisories; needs the internet
	@$(TOOLS)/pip-audit --disable-pip --require-hashes --progress-spinner off $(foreach name,requirements.txt requirements-channels.txt requirements-sentry.txt requirements-exports.txt,-r $(name))

bench: .venv/.dev $(ENGLISH) ## Run every benchmark of bench/ but that of make load, one after the other
	@for script in $(filter-out bench/load.py,$(wildcard bench/[a-z]*.py)); do \
		name=$$(basename "$$script" .py); echo "== $$name"; $(PY) -m "bench.$$name" || exit 1; \
	done

bench-peers: .venv/.dev .venv/.peers $(ENGLISH) ## Compare with what one would pick instead, over one PostgreSQL (ROUNDS=5 SECONDS_EACH=3 CONNECTIONS=16,64 ONLY=cold,cached STRICT=1; MIX=60: a minute of everything); needs wrk
	@PEERS_PYTHON="$(abspath $(PEERS)/bin/python)" $(PY) -m $(if $(MIX),bench.peers.mix --seconds $(MIX),bench.peers \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) \
		$(if $(CONNECTIONS),--connections $(CONNECTIONS)) $(if $(ONLY),--only $(ONLY)) $(if $(STRICT),--strict))

build: ## Build the images of the containers (COMPOSE="docker compose")
	$(COMPOSE) build --no-cache

compose-up: ## Run Charon with PostgreSQL, Redis, a proxy and Prometheus in containers; missing secrets are made into .env
	@sh docker/secrets.sh .env
	$(COMPOSE) up -d --build

compose-down: ## End the containers and DELETE their volumes: database, Redis, metrics
	$(COMPOSE) down -v

# A stamp is written after its work has succeeded, so that an interrupted install is taken up again by the next call.
# The development packages contain those of the runtime and of the channels: one install serves all three stamps.
.venv/.runtime: requirements.txt | .venv/.made
	@echo "Installing the packages into .venv (once; about a minute)"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.channels: requirements-channels.txt .venv/.runtime
	@echo "Installing the packages of the channels into .venv (once; a few seconds)"
	@$(PIP) -r requirements-channels.txt
	@touch $@

.venv/.sentry: requirements-sentry.txt .venv/.runtime
	@echo "Installing the client of Sentry into .venv (once; a few seconds)"
	@$(PIP) -r requirements-sentry.txt
	@touch $@

.venv/.exports: requirements-exports.txt .venv/.runtime
	@echo "Installing the packages of the exports into .venv (once; 45 MB)"
	@$(PIP) -r requirements-exports.txt
	@touch $@

.venv/.dev: requirements.txt requirements-channels.txt requirements-sentry.txt requirements-dev.txt | .venv/.made
	@echo "Installing the packages for development into .venv (once; about two minutes)"
	@$(PIP) -r requirements-dev.txt
	@touch .venv/.runtime .venv/.channels .venv/.sentry $@

.venv/.e2e: requirements-e2e.txt requirements-exports.txt .venv/.dev
	@echo "Installing the browser driver and Arrow into .venv (once; 210 MB)"
	@$(PIP) -r requirements-e2e.txt
	@touch $@

# Schemathesis brings a plug-in of pytest: beside the packages of the project it would be part of every `make test`.
.venv/.fuzz: requirements-fuzz.txt .venv/.dev
	@echo "Installing the fuzzer into .venv/fuzz (once; 95 MB)"
	@$(PY) -m venv .venv/fuzz
	@.venv/fuzz/bin/python $(INSTALL) -r requirements-fuzz.txt
	@touch $@

.venv/.mutation: requirements-mutation.txt | .venv/.made
	@echo "Installing what breaks the code into .venv/mutation (once)"
	@$(PY) -m venv .venv/mutation
	@.venv/mutation/bin/python $(INSTALL) -r requirements-mutation.txt
	@touch $@

# What Charon is compared with must not change what Charon runs on.
.venv/.peers: requirements-peers.txt | .venv/.made
	@echo "Installing what Charon is compared with into $(PEERS) (once; 170 MB)"
	@$(PY) -m venv $(PEERS)
	@$(PEERS)/bin/python $(INSTALL) -r requirements-peers.txt
	@touch $@

# Tools share no package with the project.
.venv/.tools: requirements-tools.txt | .venv/.made
	@echo "Installing the tools of releases and commits into .venv/tools (once; 110 MB)"
	@$(PY) -m venv .venv/tools
	@.venv/tools/bin/python $(INSTALL) -r requirements-tools.txt
	@touch $@

# An environment that works is taken as it is. Debian ships venv without ensurepip: asked first, nothing is left behind.
.venv/.made:
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then \
		command -v "$(PYTHON)" >/dev/null || { echo "Charon needs Python 3.11 or newer, and $(PYTHON) is not there." >&2; exit 1; }; \
		"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
			echo "Charon needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }; \
		"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) has no venv. On Debian and Ubuntu: apt install python3-venv (or $$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))" >&2; exit 1; }; \
		"$(PYTHON)" -m venv --clear .venv || { rm -rf .venv; exit 1; }; \
	fi
	@touch $@
