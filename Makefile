# make run · make test · make lint · make bench; each is also spelled out in the README.
PYTHON ?= python3
PORT ?= 8501

.PHONY: run test lint bench

.venv/ready: requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check -r requirements.txt
	touch .venv/ready

.venv/ready-dev: .venv/ready requirements-dev.txt requirements-oracle.txt
	.venv/bin/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	.venv/bin/python -m pip install --disable-pip-version-check --no-deps -r requirements-oracle.txt
	touch .venv/ready-dev

run: .venv/ready
	.venv/bin/python -m streamlit run app/main.py --server.port $(PORT)

test: .venv/ready-dev
	.venv/bin/python -m pytest -n 2 --dist loadfile

lint: .venv/ready-dev
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

bench: .venv/ready
	.venv/bin/python -m explainers.benchmark
