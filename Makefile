# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
SHELL := /bin/bash
# The first interpreter that starts and is new enough; `make PYTHON=/path/to/python demo` chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
CORE := .venv-core
DEV := .venv
BUILD := .venv-build
BUILT_FROM := pyproject.toml constraints.txt hatch_build.py
KERNELS_FROM := engine/kernels/compiling.py $(wildcard engine/kernels/source/*)
BENCH_JSON ?= build/benchmarks
PIP := -m pip --disable-pip-version-check

.PHONY: demo test gpu-test lint audit bench wheel wheel-alone clean

demo: $(CORE)/.kernels ## The simulated microscope through the whole daemon
	$(CORE)/bin/crystal-monitor demo

test: $(DEV)/.kernels ## All tests, over a few processes at once
	@$(DEV)/bin/python -m compileall -q monitor engine train tests # the processes that tests start need not, each anew
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n auto

gpu-test: $(DEV)/.kernels ## What a machine with an NVIDIA card must run
	$(DEV)/bin/python -m pytest tests/gpu -s

lint: $(DEV)/.ready ## ruff, mypy, import contracts
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

audit: $(DEV)/.ready ## bandit, and known vulnerabilities of the pinned dependencies
	$(DEV)/bin/bandit -q -r monitor engine train -c pyproject.toml
	.ci/audit-dependencies $(DEV)/bin/python constraints.txt

bench: $(DEV)/.kernels ## Ratios against named peers, each in one run
	@mkdir -p $(BENCH_JSON); export CRYSTAL_MONITOR_BENCH_JSON=$(BENCH_JSON) PYTHONPATH=.; \
	for b in tests/benchmarks/bench_*.py; do echo "== $$b"; $(DEV)/bin/python $$b || exit 1; done; \
	$(DEV)/bin/python tests/benchmarks/report.py $(BENCH_JSON)

wheel: $(BUILD)/.ready ## dist/*.whl, for stations of this kind of machine: the kernels in it are compiled
	rm -f dist/*.whl
	$(BUILD)/bin/python -m build --wheel --outdir dist .

wheel-alone: wheel ## The wheel in a clean environment without torch runs the demo
	.ci/wheel-alone $(PYTHON)

$(CORE)/.ready: $(BUILT_FROM)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install one, or say make PYTHON=/path/to/python"; exit 2; }
	@echo "Setting up the light core in $(CORE): one to two minutes, some 300 MB; pip is quiet meanwhile."
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/python $(PIP) install -q --no-compile -c constraints.txt -e .
	@$(CORE)/bin/python -m compileall -qq -j 0 $(CORE)/lib || true # on all cores, as pip does not; some files are templates
	touch $@

$(DEV)/.ready: $(BUILT_FROM)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install one, or say make PYTHON=/path/to/python"; exit 2; }
	@echo "Setting up all that the tests need in $(DEV), torch as well: some minutes and gigabytes; pip is quiet meanwhile."
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) install -q --no-compile -c constraints.txt -e '.[dev]'
	@$(DEV)/bin/python -m compileall -qq -j 0 $(DEV)/lib || true
	touch $@

# Installing has compiled the kernels; after an edit of the C they alone are made anew, and nothing is installed.
$(CORE)/.kernels $(DEV)/.kernels: %/.kernels: %/.ready $(KERNELS_FROM)
	$*/bin/python engine/kernels/compiling.py --unless-current
	@touch $@

$(BUILD)/.ready: constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install one, or say make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/python $(PIP) install -q -c constraints.txt build
	touch $@

clean:
	rm -rf $(CORE) $(DEV) $(BUILD) dist build .pytest_cache .mypy_cache .ruff_cache
