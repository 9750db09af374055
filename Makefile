# Needs python3 (3.11 or newer) with venv, and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
WORKERS ?= 2
SOURCES := pyproject.toml README.md $(shell find src configs docs/man -type f ! -name '*.pyc')
CODE := src tests scripts benchmarks campaigns

.DEFAULT_GOAL := help
.PHONY: help install demo develop test browser lint format types generate fresh images site bench check dist release-check lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.installed  ## make .venv with the locked packages and dl itself

demo: install  ## train the example `digits` on real data and show what came out
	@shown=$$($(BIN)/dl train configs/digits.yaml) && run=$$(echo "$$shown" | tail -n 1) && \
	echo && $(BIN)/dl evaluate "$$run" && \
	echo && echo "The run:       $$run" && echo "Its pictures:" && ls -1 "$$run"/plots/* | sed 's/^/  /' && \
	echo "Look again:    $(BIN)/dl show $$run"

develop: $(VENV)/.locked  ## the same, but `dl` runs from src/ as it is edited
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.installed

test: install  ## test the installed package
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

browser: $(VENV)/axe.min.js  ## bring axe-core, with which tests check pages for accessibility (needs npm)

lint: $(VENV)/.locked  ## ruff: rules and format
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

format: $(VENV)/.locked  ## ruff: mend what it can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

types: $(VENV)/.locked  ## mypy, strict
	$(BIN)/mypy

generate: install  ## write the generated files anew: vocabulary, reference, schema, pictures of docs/
	for script in scripts/generate_*.py scripts/draw_images.py; do $(BIN)/python $$script || exit 1; done

fresh: install  ## fail if a generated file is not what its generator writes
	for script in scripts/generate_*.py; do $(BIN)/python $$script --check || exit 1; done

images: install  ## train anew what the pictures of docs/ show, and fail if they no longer look like that
	$(BIN)/python scripts/draw_images.py --check

site: install  ## the documentation as a site, in site/ (FAST=1: without the trained reports)
	$(if $(FAST),,$(BIN)/python scripts/site_examples.py)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python scripts/check_links.py

bench: install  ## compare with other libraries: make bench MNIST=mnist.npz DIGITS=digits.csv BENCH="--only sweep"
	$(BIN)/python benchmarks/all.py "$(MNIST)" "$(DIGITS)" $(BENCH)

check: FAST = 1
check: lint types fresh site test  ## what CI does

dist: $(VENV)/.locked  ## build what a release uploads into dist/, twice, and check it
	$(BIN)/python scripts/build_dist.py

release-check: dist  ## try dist/ in an empty environment of each Python found (minutes for each)
	$(BIN)/python scripts/check_release.py $(PYTHONS)

lock:  ## pin every package anew, with hashes (needs uv): all for work on dl, and those it runs on
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --output-file requirements.lock
	$(UV) pip compile pyproject.toml --constraint requirements.lock --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	  --no-emit-find-links --no-header --output-file requirements.run.lock

clean:  ## remove .venv and what tools left behind; runs/ stays
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	  "dl needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV) (takes minutes, once)"
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/axe.min.js: $(VENV)/.locked
	npm pack --silent --pack-destination $(VENV) axe-core@4.14.1
	tar --extract --gzip --to-stdout --file $(VENV)/axe-core-4.14.1.tgz package/axe.min.js > $@
	rm $(VENV)/axe-core-4.14.1.tgz

$(VENV)/.installed: $(VENV)/.locked $(SOURCES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall .
	@touch $@
