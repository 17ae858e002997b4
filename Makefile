# Two commands matter: `make study` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help study test quiz site bench check format setup clean

BIN := .venv/bin
PORT ?= 8000
WORKERS ?= auto
# Material's notice about MkDocs 2 is for maintainers, not for a learner who builds the site.
export NO_MKDOCS_2_WARNING := 1

# The first Python on the path that is one of 3.11, 3.12 and 3.13; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-8s %s\n' "$$name" "$$what"; done

setup:  ## create .venv and install what the pins name (nothing to do when they have not changed)
	@test -n "$(PYTHON)" || { echo "dlref needs Python 3.11, 3.12 or 3.13, and found none; install one, or run make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) tools/setup.py

study: setup  ## build the site, serve it on 127.0.0.1 (PORT=8000) and say how to start the quiz
	@$(BIN)/python -m dldocs.serve --port $(PORT)

test: setup  ## run every check that CI runs
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

quiz: setup  ## what is due today, in the terminal
	@$(BIN)/dlquiz

site: setup  ## build the site into site/, strictly
	@$(BIN)/python -m dldocs.assets
	$(BIN)/mkdocs build

bench: setup  ## measure against the named peers, interleaved, and print the ratios
	$(BIN)/python -m benchmarks

check: setup  ## lint, types and imports: seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/node node_modules/pyright/index.js
	$(BIN)/lint-imports

format: setup  ## let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove everything that was built or installed here
	rm -rf .venv .cache node_modules site build dist docs/assets/vendor
