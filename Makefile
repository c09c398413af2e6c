# Needs python3 (3.11 or newer, with venv) and make; fetches everything else by itself and by name.
#
#   make demo    a made-up district on real parts, at http://127.0.0.1:8000
#   make test    all tests          make check   format, lint, types, walls between the rooms
#   make bench   the figures        make clean   forget what was built and the demo's data
#   make soak MINUTES=30    parts killed, disks full, floods: nothing lost, nothing twice (SEED=… plays a night again)

.DELETE_ON_ERROR:
.PHONY: help demo test check bench soak clean lock web-check

help:
	@sed -n '3,$$ s/^#  *//p;/^$$/q' Makefile

# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11, \
  $(shell command -v $(name) >/dev/null && $(name) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' \
  2>/dev/null && command -v $(name))))
BIN := .venv/bin
say = @printf '── %s\n'

# uv installs in two seconds what takes pip half a minute; where it fails, pip does it.
UV = $(firstword $(shell command -v uv) $(wildcard $(BIN)/uv))
install = { test -n "$(UV)" && $(UV) pip install --quiet --python $(BIN)/python $(1); } \
  || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1)

.make:
	@mkdir -p .make

$(BIN)/python: | .make
	@test -n "$(PYTHON)" || { echo 'needs python3 3.11 or newer with venv (Debian: apt-get install python3-venv)'; exit 1; }
	$(say) 'Python: a fresh environment in .venv'
	@$(PYTHON) -m venv .venv
	@command -v uv >/dev/null || { echo '── Python: the installer'; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt; } \
	  || echo '── Python: no uv here; pip does it, slower'

.make/server: requirements/server.txt pyproject.toml | $(BIN)/python
	$(say) 'Python: what the platform runs on'
	@$(call install,--require-hashes -r requirements/server.txt)
	@$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

.make/dev: requirements/dev.txt .make/server
	$(say) 'Python: what checks and tests it'
	@$(call install,--require-hashes -r requirements/dev.txt)
	@touch $@

lock: $(BIN)/python
	$(BIN)/python .ci/lock.py

# ── What Debian has ──────────────────────────────────────────────────────────────────────────────────────────────────

BROKER_PATH := $(PATH):/usr/sbin:/usr/local/sbin

.make/broker: requirements/broker.txt | $(BIN)/python
	@PATH=$(BROKER_PATH) command -v mosquitto >/dev/null || { echo '── MQTT broker: mosquitto'; .ci/debian mosquitto; } \
	  || { echo '── MQTT broker: nats-server, since there is no mosquitto'; \
	  $(call install,--require-hashes -r requirements/broker.txt); }
	@touch $@

.make/browser: | .make
	@{ command -v chromium >/dev/null && fc-list | grep -qi devanagari; } \
	  || { echo '── Browser: chromium, for the tests'; .ci/debian chromium fonts-noto-core fontconfig; } \
	  || echo '── Browser: no chromium here; the tests that need one are skipped and say so'
	@touch $@

.make/postgres: | .make
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	  || { echo '── PostgreSQL, for the tests'; .ci/debian postgresql; } \
	  || echo '── PostgreSQL: none here; the books are tested on SQLite alone'
	@touch $@

# ── The pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

WEB := dashboards/web
WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
NODE_FITS := $(shell node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null && command -v npm)
NODE_PATH := $(if $(NODE_FITS),$(PATH),$(CURDIR)/$(BIN):$(PATH))

.make/node: requirements/node.txt | $(BIN)/python
ifeq ($(NODE_FITS),)
	$(say) 'Pages: Node.js'
	@$(call install,--require-hashes -r requirements/node.txt)
endif
	@touch $@

.make/npm: $(WEB)/package-lock.json $(WEB)/package.json .make/node
	$(say) 'Pages: what they are built with'
	@cd $(WEB) && PATH="$(NODE_PATH)" npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.make/web: $(WEB_SOURCES) .make/npm
	$(say) 'Pages: building'
	@cd $(WEB) && PATH="$(NODE_PATH)" npm run --silent build
	@touch $@

# ── What people ask for ──────────────────────────────────────────────────────────────────────────────────────────────

DEMO ?=

demo: .make/server .make/broker .make/web
	@$(BIN)/coldchain demo --data .demo $(DEMO)

TESTS ?= tests

test: .make/dev .make/broker .make/browser .make/postgres .make/web
	@$(BIN)/python -m pytest $(TESTS)

check: .make/dev web-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/lock.py --check

web-check: .make/npm
	cd $(WEB) && PATH="$(NODE_PATH)" npm run --silent check

bench: .make/dev .make/broker
	@$(BIN)/python -m tests.bench

MINUTES ?= 30
SEED ?=

soak: .make/dev .make/broker
	@SOAK_MINUTES=$(MINUTES) SEED=$(SEED) $(BIN)/python -m pytest -s tests/soak
	@$(BIN)/python -m pytest --hypothesis-profile=soak --timeout=7200 tests/stream/test_hostile.py \
	  tests/stream/test_judge_property.py

clean:
	rm -rf .make .venv .demo $(WEB)/node_modules $(WEB)/dist dist build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
