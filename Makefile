# `make run` and `make test` need only Python 3.11 to 3.13 and make. Each first makes the environment
# in .venv from requirements.lock.

PYTHON ?= python3
RESULTS ?= results
# They reach the shell as variables of its own, so that any path is one word and nothing in it is run.
override PYTHON := $(value PYTHON)
override RESULTS := $(value RESULTS)
override ONLY := $(value ONLY)
export PYTHON RESULTS ONLY
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
UV := uv==0.13.9
READY := .venv/.ready

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/src
# Bytecode is kept, also where the machine says otherwise: importing TensorFlow anew takes 15 s.
unexport PYTHONDONTWRITEBYTECODE

# A study run by make shows one display of its progress, and leaves a job's words to its log.
# VERBOSE=1 shows all.
run study report: export SCANLINE_QUIET := $(if $(VERBOSE),,1)
SNAKEMAKE := snakemake --cores $(CORES) $(if $(VERBOSE),,--logger rich --show-failed-logs)

.DEFAULT_GOAL := help
.PHONY: help env remove-moved-env run study publish report ui track runs verify bench kernel test mutants cluster-test docs check format graph play lock dist clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

COMPILER := $(firstword $(foreach name,$(CXX) c++ g++ clang++,$(shell command -v $(name) 2>/dev/null)))

# An environment's programs run only where it was made, so one that was moved is made anew.
MOVED := $(shell made=$$(sed -n 's|^command = .* -m venv [^/]*/|/|p' .venv/pyvenv.cfg 2>/dev/null); \
  [ -z "$$made" ] || [ "$$made" -ef .venv ] || echo remove-moved-env)

$(READY): requirements.lock compiler.lock $(MOVED)
	@"$$PYTHON" -c 'import os, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "scanline needs Python 3.11, 3.12 or 3.13; " + os.environ["PYTHON"] + " is " + sys.version.split()[0] + ". Name another, for example: make PYTHON=python3.13 $(or $(MAKECMDGOALS),env)")'
	test -x .venv/bin/python || "$$PYTHON" -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock $(if $(COMPILER),,-r compiler.lock)
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

remove-moved-env:
	@echo "The environment in .venv was made elsewhere; it is made anew."
	rm -rf .venv

env: $(READY)  ## make the environment in .venv

run: $(READY)  ## the quick study on real MNIST, to a finished HTML report
	$(SNAKEMAKE) --configfile workflow/presets/quick.yaml
	@echo "The report: results-quick/mnist-threshold-0.1/report/report.html"

study: $(READY)  ## the study of config.yaml
	$(SNAKEMAKE) --resources gpu=1

publish: $(READY)  ## put the finished study's models and numbers into the repository
	python workflow/scripts/publish_results.py --results "$$RESULTS"

report: $(READY)  ## a trained study's HTML report, and Snakemake's own beside it; trains nothing
	python workflow/scripts/refuse_trainings.py --results "$$RESULTS"
	$(SNAKEMAKE) --configfile "$$RESULTS/config.json" --resources gpu=1
	snakemake --cores 1 --configfile "$$RESULTS/config.json" --report "$$RESULTS/snakemake-report.html"
	@echo "$$RESULTS"/*/report/report.html "$$RESULTS/snakemake-report.html"

ui: $(READY)  ## browse the tracked runs (RESULTS=results-quick for the quick study)
	python workflow/scripts/browse_runs.py --results "$$RESULTS"

track: $(READY)  ## send to the tracking store what it has missed
	python workflow/scripts/track_results.py --results "$$RESULTS"

runs: $(READY)  ## list the current runs and what each was made from
	python workflow/scripts/list_runs.py --results "$$RESULTS"

verify: $(READY)  ## compare all recorded hashes with results, config and code
	python workflow/scripts/verify_results.py --results "$$RESULTS"

# One worker more than there are cores, because tests also wait: for servers, and for kills to work.
test: $(READY)  ## the tests
	python -m pytest -n $$(($(CORES) + 1)) --dist loadfile --no-loadscope-reorder

SEED ?= 0
mutants: $(READY)  ## plant faults in the code; do the tests notice? (a day; SAMPLE=20 SEED=1: some, 3 minutes)
	python tests/helpers/mutants.py --seed $(SEED) --jobs $(CORES) \
	  $(if $(SAMPLE),--sample $(SAMPLE) --minutes 2 --limit-s 30 --least 0.6)

cluster-test: $(READY)  ## the tests on a real one-node Slurm (root; installs nothing)
	@python tests/helpers/slurm.py
	python -m pytest tests/cluster

TORCH := torch==2.13.0
build/bench-env/.ready: $(READY)
	test -x build/bench-env/bin/python || "$$PYTHON" -m venv build/bench-env
	uv pip install --quiet --python build/bench-env/bin/python $(TORCH) numpy tyro
	touch $@

bench: build/bench-env/.ready  ## speed beside Keras and PyTorch, and how cost grows (QUICK=1: training alone)
	python benchmarks/bench.py $(if $(QUICK),--quick) $(if $(ONLY),--only "$$ONLY")

kernel: $(READY)  ## build the native core (made by itself when first needed)
	python -m scanline.models.native

build/docs-env/.ready: docs.lock $(READY)
	test -x build/docs-env/bin/python || "$$PYTHON" -m venv build/docs-env
	uv pip install --quiet --python build/docs-env/bin/python --require-hashes -r docs.lock
	touch $@

docs: build/docs-env/.ready  ## build the documentation in build/site; a dead link is an error
	NO_MKDOCS_2_WARNING=1 build/docs-env/bin/mkdocs build --strict --quiet

check: docs $(READY)  ## style, types, dead links, and the workflow's own checks
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow/rules
	snakemake --lint
	lint-imports --no-cache --no-logo

format: $(READY)  ## bring all sources into form
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow/rules

graph: $(READY)  ## draw the rules and the wings of the package as docs/*.svg
	python workflow/scripts/draw_rulegraph.py
	python workflow/scripts/draw_architecture.py

KEPT := pretrained/mnist-threshold-0.1
play: $(READY)  ## write docs/play/index.html, a page to play with, of a kept model
	python src/write_play.py --model $(KEPT)/predict/gru-64-context/seed-1/model.keras \
	  --classifier $(KEPT)/classify/gru-64/seed-1/model.keras --out build/play
	mkdir -p docs/play
	cp build/play/index.html docs/play/index.html

lock: $(READY)  ## resolve the dependencies of pyproject.toml anew
	uv pip compile pyproject.toml --extra study --extra export --group check --group test --group dist --universal --python-version 3.11 \
	  --generate-hashes --custom-compile-command "make lock" --quiet -o requirements.lock
	uv pip compile --group pyproject.toml:compiler --universal --python-version 3.11 \
	  --generate-hashes --custom-compile-command "make lock" --quiet -o compiler.lock
	uv pip compile --group pyproject.toml:docs --universal --python-version 3.11 \
	  --generate-hashes --custom-compile-command "make lock" --quiet -o docs.lock

dist: $(READY)  ## build the wheel and the sdist in build/dist, and check them
	rm -rf build/dist
	python -m build --no-isolation --outdir build/dist
	twine check --strict build/dist/*

clean:  ## remove what can be made again, but no results and no data
	rm -rf .venv build .pytest_cache .hypothesis .mypy_cache .ruff_cache
