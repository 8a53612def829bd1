# Every target makes its own set-up: .venv/.ready is newer than the two files that say what belongs into .venv.

EXTRAS = book,tune,serve,test
RUN = .venv/bin/python -m
CHAPTERS = notebooks/[0-9][0-9]_*.ipynb

# Options for `make lab`, for example ARGS=--no-browser; names of chapters for `make notebooks`, for example ARGS=01_the_cursor.
ARGS =
# The interpreter that .venv is made with. Where none is named, the first of these that is new enough; 3.11 was tested.
PYTHON =
CANDIDATES = $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3)
# Jupyter refuses root unless told; in a container root is who you are.
AS_ROOT = $(shell test "$$(id -u)" != 0 || echo --allow-root)

# What a chapter prints is what a CPU without a network gives, wherever `make` runs.
notebooks sample test: export CUDA_VISIBLE_DEVICES =
notebooks sample test: export HF_HUB_OFFLINE = 1
notebooks sample test: export TOKENIZERS_PARALLELISM = false
# In 8 bits an answer may differ from one processor to the next.
sample: export COPILOT_PRECISION = float32

.PHONY: help lab demo test book notebooks sample bench results pilots clean

help:
	@echo 'make lab        open the first chapter in JupyterLab (on a server: make lab ARGS=--no-browser)'
	@echo 'make demo       complete a loop and a binary search in the terminal'
	@echo 'make test       lint, unit tests, and every chapter run and compared with its stored outputs'
	@echo 'make book       build the book into _build/html, warnings as errors'
	@echo 'make notebooks  run the chapters and store their outputs'
	@echo 'make sample     store what the model says at twenty cursors, and draw the picture of the README'
	@echo 'make bench      measure completion speed on this machine (ARGS="engine typing server" names parts)'
	@echo 'make results    measure the pocket model and its adapters on held-out code: about eight hours on two cores, resumable'
	@echo 'make pilots     compare recipes of pretraining (ARGS="order seed"): hours; then the page about them'
	@echo 'make clean      remove the rendered book and caches (.venv and build stay)'

lab: .venv/.ready
	$(RUN) jupyterlab $(AS_ROOT) --ServerApp.root_dir='$(CURDIR)' --LabApp.default_url=/lab/tree/notebooks/00_first_completion.ipynb $(ARGS)

demo: .venv/.ready
	@$(RUN) copilot_lib demo

test: .venv/.ready
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pytest --nbval

# --all, since a page from an earlier build would keep its warning to itself.
book: .venv/.ready
	.venv/bin/jupyter-book build . --all -W -n --keep-going
	.venv/bin/python book/check_pages.py _build/html

notebooks: .venv/.ready
	.venv/bin/python book/build_notebooks.py $(ARGS)

# What else shows the model's own words: to be made anew, like the notebooks, when its weights change.
sample: .venv/.ready
	$(RUN) copilot_lib sample --output results/pocket/sample.json
	.venv/bin/python book/make_readme_picture.py

bench: .venv/.ready
	$(RUN) copilot_lib bench $(ARGS)

# Long measurements, stored under results/: the plan of the trainings is shown first, and what has a record is not done again.
# Two processes share the sweep, a third call does what one of them may have left. The first time also a corpus, which the
# n-gram model beside the network counts.
results: .venv/.ready
	test -f build/pocket/corpus.jsonl || $(RUN) copilot_lib corpus
	$(RUN) copilot_lib quality
	COPILOT_PRECISION=float32 $(RUN) copilot_lib ablation networkx sqlalchemy fontTools
	COPILOT_PRECISION=float32 $(RUN) copilot_lib tasks --output results/tasks/pocket.json
	$(RUN) copilot_lib sweep --plan
	OMP_NUM_THREADS=1 $(RUN) copilot_lib sweep & OMP_NUM_THREADS=1 $(RUN) copilot_lib sweep; wait
	OMP_NUM_THREADS=1 $(RUN) copilot_lib sweep
	COPILOT_PRECISION=float32 $(RUN) copilot_lib claims
	OMP_NUM_THREADS=1 $(RUN) copilot_lib flywheel
	.venv/bin/python book/make_claims_tables.py

# Compares recipes of pretraining: hours. Without ARGS only the page and its figures are made anew.
pilots: .venv/.ready
	test -f build/pocket/corpus.jsonl || $(RUN) copilot_lib corpus
	for name in $(ARGS); do $(RUN) copilot_lib pilots $$name || exit 1; done
	.venv/bin/python book/make_pilots_page.py

clean:
	rm -rf _build .pytest_cache .hypothesis .ruff_cache copilot_lib.egg-info
	find copilot_lib tests book notebooks -name __pycache__ -prune -exec rm -rf {} +
	find notebooks -name .ipynb_checkpoints -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml constraints.txt
	@if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    chosen=; \
	    for name in $(CANDIDATES); do \
	        if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then chosen=$$name; break; fi; \
	    done; \
	    if [ -z "$$chosen" ]; then \
	        echo 'No Python 3.11 or newer among: $(subst ",,$(CANDIDATES)). Install one (Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.11), or name yours: make PYTHON=/path/to/python ...' >&2; exit 1; \
	    fi; \
	    if ! "$$chosen" -c 'import ensurepip, venv' 2>/dev/null; then \
	        echo "$$chosen lacks the modules that make an environment: on Debian and Ubuntu, sudo apt install python3-venv, then run make again." >&2; exit 1; \
	    fi; \
	    echo "Making .venv with $$("$$chosen" --version)"; \
	    "$$chosen" -m venv --clear .venv || exit 1; \
	fi
	@echo 'Installing the tested set into .venv: about 2 GB, some minutes the first time'
	$(RUN) pip install --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
