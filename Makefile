# make run · make test · make test-all · make test-plain · make lint · make bench; each is also spelled out in docs/development.md.
# make lock · make licences · make audit: what is installed, its digests, its licences, and what is known against it.
# make api: the public names of the library, written to docs/api.md.
# make first-visit: the results that a first visit finds, after the version of a method rose.
# make screenshots: every page at three widths, light and dark, to look at.
# make sums: after a lesson was edited, its digest among those of all that ships.
PYTHON ?= python3
PORT ?= 8501
# What is never imported need not be compiled, a minute of an installation; what is, once and not by every process, which
# takes each of them a quarter of a minute.
export PYTHONDONTWRITEBYTECODE =
PIP = .venv/bin/python -m pip install --disable-pip-version-check --no-compile

# What compares computations. Right does not depend on the processor: neither may a tolerance.
NUMERICAL = $(addprefix tests/explainers/,baselines canonical cid rescaling ru test_every_network.py \
  benchmark/test_calibration.py $(addprefix evaluation/test_,measures.py randomised.py) \
  $(addprefix networks/,$(addprefix test_,features.py networks.py silence.py trial.py) architectures/test_unet.py) \
  $(addprefix datasets/test_,membranes.py picture_colours.py))

.PHONY: run test test-all test-plain lint bench api first-visit screenshots sums lock licences audit

.venv/ready: requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	if .venv/bin/python tools/lock.py --fits; then \
	  $(PIP) --require-hashes -r requirements.lock && \
	  $(PIP) --no-deps --no-build-isolation -e .; \
	else $(PIP) -r requirements.txt; fi
	touch .venv/ready

.venv/ready-dev: .venv/ready requirements-dev.txt requirements-oracle.txt
	$(PIP) -r requirements-dev.txt
	$(PIP) --no-deps -r requirements-oracle.txt
	touch .venv/ready-dev

run: .venv/ready
	.venv/bin/python -m streamlit run app/main.py --server.port $(PORT)

# Two workers, and a file's tests on one of them: what they share is made once.
PYTEST = .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/ready-dev
	$(PYTEST) --few -m "not long and not browser"

test-all: .venv/ready-dev
	$(PYTEST)

test-plain: .venv/ready-dev
	ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OMP_NUM_THREADS=1 \
	  $(PYTEST) -m "not slow" $(NUMERICAL)

lint: .venv/ready-dev
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/lint-imports --no-logo
	.venv/bin/basedpyright

bench: .venv/ready
	.venv/bin/python -m explainers.benchmark
	.venv/bin/python -m explainers.benchmark.information_flow
	.venv/bin/python -m app.first_map_bench
	.venv/bin/python -m app.rerun_bench
	.venv/bin/python -m app.cancel_bench
	.venv/bin/python -m app.sweep_bench

api: .venv/ready
	.venv/bin/python tools/api.py

first-visit: .venv/ready
	.venv/bin/python -m app.first_visit

screenshots: .venv/ready-dev
	.venv/bin/python tools/screenshots.py

sums: .venv/ready
	.venv/bin/python -c "from explainers import assets; assets.write_sums(assets.ASSETS)"

lock: .venv/ready
	.venv/bin/python tools/lock.py

licences: .venv/ready
	.venv/bin/python tools/licences.py

# Asks PyPI's and OSV's lists of known flaws: this one needs the network.
audit: .venv/ready
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --disable-pip-version-check pip-audit==2.10.1
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock
