# What a developer types.  The README's two commands do the same on a machine without make.

PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test check format lint types contracts tests bench bench-daemon gate mutants proof soak soak-daemon clean

demo: .venv                ## install and run the quickstart
	$(BIN)/arena run config/quickstart.toml

test: .venv tests          ## install and run the tests

check: .venv lint types contracts tests   ## everything that has to pass

.venv: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch .venv

format:                    ## rewrite the code in its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports

tests:
	$(BIN)/pytest --numprocesses 2

bench: .venv               ## figures of this machine, as ratios to its limits
	$(BIN)/python -m benchmarks.first_run
	$(BIN)/python -m benchmarks.first_run --grow
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.asks
	$(BIN)/python -m benchmarks.durable
	$(BIN)/python -m benchmarks.trades
	$(BIN)/python -m benchmarks.trades --limits
	$(BIN)/python -m benchmarks.memory

bench-daemon: .venv        ## the same of the daemon: some six minutes on a machine with nothing else to do
	$(BIN)/python -m benchmarks.daemon reads
	$(BIN)/python -m benchmarks.daemon slowdown
	$(BIN)/python -m benchmarks.daemon hostile
	$(BIN)/python -m benchmarks.daemon idle
	$(BIN)/python -m benchmarks.daemon ready
	$(BIN)/python -m benchmarks.daemon memory

mutants: .venv             ## how many seeds each planted bug needs to be found
	$(BIN)/python -m tests.simulation.mutants

gate: .venv                ## that every strategy of ours passes the gate, whole
	$(BIN)/arena check --all-built-in

proof: .venv               ## that nothing acknowledged is lost: crashes, power cuts and kills, in one table
	$(BIN)/python -m tests.proof --size proof

soak: .venv                ## the same, for hours
	$(BIN)/python -m tests.proof --size soak

soak-daemon: .venv         ## a daemon, stopped and killed while everybody asks it: 15 minutes
	$(BIN)/python -m tests.daemon.terms --count 200
	$(BIN)/python -m tests.daemon.soak --minutes 10 --agents 2000

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
