PYTHON ?= python3
VENV := .venv
MANIFESTS := $(filter-out %/kustomization.yaml, $(wildcard deploy/kubernetes/*.yaml))
BIN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run psql user test faults bench check format lock clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(VENV)/local: requirements-local.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stockstream needs Python 3.11 or newer")'
	@test -x $(BIN) || $(PYTHON) -m venv $(VENV)
	$(BIN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-local.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/local
	$(BIN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: $(VENV)/local ## Run stockstream here: PostgreSQL, both services, the dashboard
	@$(BIN) -m shared.local run

psql: $(VENV)/local ## Open psql on its database; ARGS='-c "select 1"' runs one command
	@$(BIN) -m shared.local psql $(ARGS)

user: $(VENV)/local ## Create or repair an account; ARGS='ann --role admin' (asks for the password)
	@$(BIN) -m api_service.user $(ARGS)

# Three processes on two cores: many tests wait for a service that they have stopped.
test: $(VENV)/dev ## Run every test: real PostgreSQL, real processes, a real browser
	@$(BIN) -m tests.browser.chromium
	@$(BIN) -m tests.system_programs
	@$(BIN) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(VENV)/dev ## Inject faults for 10 minutes with each of three seeds, without and with a broker; ARGS='--seconds 60 --seed 4' for less
	@$(BIN) -m tests.browser.chromium
	@$(BIN) -m tests.system_programs
	@$(BIN) -m pytest -m heavy tests/faults
	@$(BIN) -m tests.faults $(ARGS)

bench: $(VENV)/dev ## Measure deliveries and requests, next to the usual design and (if installed) nchan; ARGS='a b' for some cases
	@$(BIN) -m bench $(ARGS)

check: $(VENV)/dev ## Check format, lint, types, imports, manifests, and known vulnerabilities of the dependencies
	$(BIN) -m ruff format --check .
	$(BIN) -m ruff check .
	$(BIN) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/kubernetes-validate --strict --quiet $(MANIFESTS)
	$(BIN) -m pip_audit --disable-pip --no-deps --progress-spinner off --requirement requirements-dev.txt >/dev/null

format: $(VENV)/dev ## Format the code
	$(BIN) -m ruff format .
	$(BIN) -m ruff check --fix .

lock: $(VENV)/dev ## Pin the newest versions of the dependencies, with hashes
	$(BIN) -m pip install --quiet pip-tools
	for extra in "" local dev; do \
		$(BIN) -m piptools compile --quiet --upgrade --generate-hashes --strip-extras --no-annotate --no-header \
			--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
			$${extra:+--extra local} $${extra:+--extra $$extra} \
			--output-file requirements$${extra:+-$$extra}.txt pyproject.toml; \
	done

clean: ## Remove what make has built, but not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
