# Every target does its own set-up first; the second call finds it done. `make` alone lists the targets.

PYTHON ?= python3
VENV ?= .venv
# The packaged program is built in an environment of its own, in which there is nothing else to slip in.
# cuda: with ONNX Runtime's CUDA build (Linux and Windows with an NVIDIA card; about 3 GB).
VARIANT ?= cpu
APP_VENV := build/venv-$(VARIANT)
APP_MB ?= 350
# PyTorch is installed before everything else, so that no other package pulls a build of its own choice.
# PyPI's Linux build brings CUDA (several GB); for a small CPU build elsewhere:
#   make test TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0
ARGS ?=
BENCH ?= $(sort $(wildcard benchmarks/*.py))

BIN := $(VENV)/bin
APP_BIN := $(APP_VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(BIN)/python $(PIP_INSTALL)

# Debian packages; elsewhere the same libraries under other names (macOS and Windows wheels carry PortAudio).
SYSTEM_RUN := libportaudio2
SYSTEM_APP := $(SYSTEM_RUN) binutils libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libdbus-1-3 libfontconfig1
SYSTEM_TEST := $(SYSTEM_RUN) jackd2 libfluidsynth3 libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3

# $(call system,PACKAGES): install what is missing where apt may be used, else name it and go on.
define system
@missing=$$(command -v dpkg-query >/dev/null && for p in $(1); do \
	dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done | xargs); \
sudo=$$([ "$$(id -u)" = 0 ] || echo sudo -n); \
if [ "$$(uname)" = Linux ] && ! command -v dpkg-query >/dev/null; then \
	echo "Not a Debian-like system: please see to these libraries yourself: $(1)"; \
elif [ -n "$$missing" ] && { [ -z "$$sudo" ] || $$sudo true 2>/dev/null; }; then \
	echo "Installing system packages: $$missing"; \
	$$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null"; \
elif [ -n "$$missing" ]; then \
	echo "Missing system packages; please run: sudo apt-get install $$missing"; \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench e2e-ardour soak clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run-ready ## set up, then play a groove with the shipped bundle (ARGS="--kit tr808")
	$(BIN)/ghostnote run $(ARGS)

test: $(VENV)/.test-ready ## set up, then run all tests (ARGS="tests/cli/test_main.py -k version")
	OMP_NUM_THREADS=1 $(BIN)/pytest $(ARGS)

lint: $(VENV)/.test-ready ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(VENV)/.test-ready ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test-ready ## print the figures of all benchmarks (one: BENCH=benchmarks/sampler_speed.py)
	@set -e; for script in $(BENCH); do echo "== $$script"; $(BIN)/python -m $$(echo $${script%.py} | tr / .) $(ARGS); done

e2e-ardour: $(VENV)/.test-ready ## Ardour, without its window, plays into ghostnote serve and records it (ARGS="--keep out/ardour")
	$(call system,jackd2 ardour)
	$(BIN)/python -m benchmarks.ardour.line_up $(ARGS)

soak: $(VENV)/.test-ready ## serve under random load and tell what grows, is late or hangs (ARGS="--minutes 60")
	$(BIN)/python -m benchmarks.soak $(ARGS)

app: $(APP_VENV)/.ready ## build the packaged program, dist/Ghostnote (VARIANT=cuda: with CUDA)
	$(APP_BIN)/pyinstaller --noconfirm --log-level WARN --workpath build/pyinstaller build.spec
	$(APP_BIN)/python packaging/size.py dist/Ghostnote $(if $(filter cpu,$(VARIANT)),$(APP_MB))

app-smoke: app $(VENV)/.test-ready ## build it, then let it try itself out on a JACK server without hardware
	GHOSTNOTE_PROGRAM=dist/Ghostnote/Ghostnote $(BIN)/pytest tests/packaging $(ARGS)

clean: ## remove the virtual environment, caches and what was built; keeps runs/ and out/
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Ghostnote needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 2; }

$(VENV)/.run-ready: pyproject.toml | $(BIN)/python
	$(call system,$(SYSTEM_RUN))
	$(PIP) -e .
	@touch $@

$(VENV)/.test-ready: pyproject.toml | $(BIN)/python
	$(call system,$(SYSTEM_TEST))
	$(PIP) $(TORCH)
	$(PIP) -e '.[train,evaluate,soundfont,discover,desktop,dev]'
	@touch $@ $(VENV)/.run-ready

$(APP_VENV)/.ready: pyproject.toml packaging/requirements.py | $(BIN)/python
	$(call system,$(SYSTEM_APP))
	$(BIN)/python -m venv $(APP_VENV)
	$(BIN)/python packaging/requirements.py $(VARIANT) > build/requirements.txt
	$(APP_BIN)/python $(PIP_INSTALL) -r build/requirements.txt
	$(APP_BIN)/python $(PIP_INSTALL) --no-deps -e .
	@touch $@
