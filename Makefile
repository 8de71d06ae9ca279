# Every target makes the virtual environment first if it is not there.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# One thread per process: the tests and the comparisons run several processes side by side.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: parity test bench lint clean

parity: $(STAMP)   ## run everything on both engines, write out/parity/index.html
	$(ONE_THREAD) $(PY) -m parity

test: $(STAMP) lint   ## what CI runs
	$(ONE_THREAD) $(PY) -m pytest -n 2 --dist worksteal

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: $(STAMP)   ## time the hot loops beside torch
	$(PY) -m benchmarks --scaling

# torchvision's wheel asks for a CUDA torch; the CPU torch that is installed before it serves.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt torch numpy scipy
	$(VENV)/bin/pip install --quiet --no-deps -c constraints.txt torchvision
	$(VENV)/bin/pip install --quiet rich matplotlib pillow threadpoolctl jinja2 mpmath pytest pytest-xdist hypothesis ruff mypy
	$(VENV)/bin/pip install --quiet --no-deps -e .
	touch $(STAMP)

clean:
	rm -rf $(VENV) out build dist *.egg-info
