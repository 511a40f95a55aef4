# Two commands matter: `make demo` and `make test`. The rest is what they are made of.
#
#   VENV=DIR     where the environment lies (default .venv)
#   PYTHON=EXE   which Python makes it (default: the first of 3.12, 3.11 that runs)

PYTHON ?= $(shell for exe in python3.12 python3.11 python3 python; do \
	$$exe -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& echo $$exe && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist loadgroup
CACHE := $(or $(MLTK_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mltk)
LINT := $(CACHE)/lint/bin
HELM = $(or $(shell command -v helm),$(wildcard $(CACHE)/cluster/tools/helm),$(LINT)/helm)
SCHEMAS = $(CACHE)/lint/schemas-$(shell cat .ci/lint/schemas.py .ci/lint/triggers.yaml tests/cluster/node/go/*/go.mod | cksum | cut -d' ' -f1)

.PHONY: help env demo test lint format bench kill-test fuzz-listen chart lock clean support-table models-table results-table cluster cluster-down cluster-image test-cluster test-servers parity-generated parity-triggers conformance published

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

# The stamp names the checkout too: an environment in a cache may serve another clone.
STAMP = $(VENV)/mltk-$(shell cat requirements/*.txt setup.cfg pyproject.toml | cksum | cut -d' ' -f1)-$(shell echo '$(CURDIR)' | cksum | cut -d' ' -f1)

env: $(STAMP) ## make or refresh the environment

$(STAMP):
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 found; type: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; exit 3; }
	@test -x $(BIN)/python || { echo "== making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV); }
	@echo "== installing the locked requirements (4 GB on disk; minutes the first time)"
	@version=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') && \
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements/python$$version.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/mltk-*; touch $@

demo: env ## four models of real data, of three kinds, through the Tekton pipeline, then where to look
	@PATH="$(abspath $(BIN)):$$PATH" mltk doctor --quiet
	@PATH="$(abspath $(BIN)):$$PATH" mltk run
	@PATH="$(abspath $(BIN)):$$PATH" mltk models list
	@command -v mltk > /dev/null || echo "first:  . $(BIN)/activate    (puts mltk on your PATH)"

test: env ## the whole test suite
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: env $(CACHE)/lint/tekton-lint ## every linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/yamllint --strict tasks tekton charts/mltk/Chart.yaml charts/mltk/values.yaml mltk.yaml .github
	@$(CACHE)/lint/node_modules/.bin/tekton-lint --max-warnings 0 'tasks/*/*.yaml' 'tekton/*/*.yaml'
	@echo "lint: clean"

$(CACHE)/lint/tekton-lint: .ci/lint/package-lock.json
	@mkdir -p $(CACHE)/lint && cp .ci/lint/package.json .ci/lint/package-lock.json $(CACHE)/lint/
	@cd $(CACHE)/lint && npm ci --silent --no-audit --no-fund && rm -f node_modules/@octokit/openapi/generated/*.deref.json && touch tekton-lint

published: env $(CACHE)/lint/tekton-lint ## what git hosts publish of their APIs and events, for the tests (needs Go)
	@$(BIN)/python -m tests.published

format: env ## format the sources
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

support-table: env ## docs/tekton-support.md: what of Tekton is supported, from the tests
	@$(BIN)/python -m tests.parity.support > docs/tekton-support.md

models-table: env ## docs/exporter.md: what can be exported and how exact it is (minutes; needs Chromium)
	@$(BIN)/python -m tests.func.tfjs.models_table

results-table: env ## docs/results.md: what the models are worth, beside scikit-learn's (minutes)
	@$(BIN)/python -W ignore -m examples.results

bench: env ## the speed budgets, as ratios of one run
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m bench

KILLS ?= 1000

kill-test: env ## kill engines at random moments, and see that nothing is lost (minutes; KILLS=N SEED=N RUNTIME=plain)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.func.local.killing --kills $(KILLS) $(SEED:%=--seed %) $(RUNTIME:%=--runtime %)

EVENTS ?= 1000000

fuzz-listen: env ## hostile events to mltk listen (EVENTS=N SEED=N)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.func.listener.fuzzing --events $(EVENTS) $(SEED:%=--seed %)

chart: env $(HELM) $(LINT)/kubeconform $(SCHEMAS) ## the chart and all manifests against schemas (needs Go)
	@.ci/lint/chart $(HELM) $(LINT)/kubeconform $(SCHEMAS)
	@echo "chart: clean"

# The helm of this machine, the one that the test cluster brought, or one built here.
$(LINT)/helm: tests/cluster/node/go/cli/go.mod
	@echo "== building helm"; mkdir -p $(LINT)
	@cd $(<D) && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o $@ helm.sh/helm/v3/cmd/helm && touch $@

$(LINT)/kubeconform: .ci/lint/go.mod
	@echo "== building kubeconform"; mkdir -p $(LINT)
	@cd $(<D) && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o $@ github.com/yannh/kubeconform/cmd/kubeconform && touch $@

# From what the test cluster is built of, so that both are of one version.
$(SCHEMAS):
	@echo "== making schemas"
	@modules=$$(for each in kubernetes:k8s.io/kubernetes pipelines:github.com/tektoncd/pipeline triggers:github.com/tektoncd/triggers; do \
		(cd tests/cluster/node/go/$${each%%:*} && go mod download $${each#*:} && go list -m -f '{{.Dir}}' $${each#*:}) || exit; done) && \
	rm -rf $@.part && $(BIN)/python .ci/lint/schemas.py $$modules $@.part && mv $@.part $@

# What tensorflowjs asks for and mltk's export does without (mltk/tfjs/stock.py), and what TensorFlow
# asks for and never imports; a quarter of the image. `pip check` in the image tells of them.
NOT_IN_IMAGE := flax jax jaxlib libclang optax orbax-checkpoint tensorboard-data-server \
	tensorflow-decision-forests tensorflow-hub tensorstore tf-keras treescope ydf
COMPILE := uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	--generate-hashes

NODE := $(or $(PYTHON),python3) -m tests.cluster.node

cluster: ## a real Kubernetes with Tekton on this machine (Linux, root; docs/test-cluster.md)
	@$(NODE) up
	@echo "export KUBECONFIG=$(CACHE)/cluster/kubeconfig PATH=$$($(NODE) path):\$$PATH"

cluster-down: ## remove it; what it built stays in the cache
	@$(NODE) down

CLUSTER_IMAGE := $(CACHE)/cluster/mltk.tar

# Somebody's own cluster, when KUBECONFIG names one; MLTK_TEST_IMAGE is then an image that it can pull.
# The cases of tests/parity name images that only a node of ours has.
THEIRS := $(filter-out $(CACHE)/cluster/kubeconfig,$(KUBECONFIG))

test-cluster: env $(if $(THEIRS),,cluster-image) ## the tests that need it, with the image of this checkout
	@$(BIN)/python -c 'from tests import gitea, s3; [each.built() for each in (gitea, s3) if not each.missing()]'
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder tests/cluster $(if $(THEIRS),,tests/parity tests/parity_triggers)

parity-triggers: env published ## Tekton Triggers' own code and ours, asked the same (needs Go)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest tests/parity_triggers

test-servers: env ## a real Gitea, S3 server, and stores that speak as Google's and Azure's (needs Go and gcc; builds them once)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadgroup tests/gitea tests/s3 tests/buckets

conformance: env ## Tekton's own examples on the embedded engine (needs Go; ONLY=REGEX JOBS=2)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.conformance --jobs $(or $(JOBS),2) --only '$(ONLY)' \
		--output $(CACHE)/conformance.json

parity-generated: env cluster ## RUNS=500 random runs on both engines, from NUMBER=1
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest tests/parity/test_generated.py \
		--runs $(or $(RUNS),500) --number $(or $(NUMBER),1) --timeout 0

cluster-image: env cluster
	@version=$$($(BIN)/python -c 'from mltk.version import __version__; print(__version__)') && \
	$(or $(PYTHON),python3) images/mltk/build.py --tag localhost/mltk:$$version --output $(CLUSTER_IMAGE)
	@$(NODE) load $(CLUSTER_IMAGE)

lock: ## renew the locked requirements (needs uv)
	@for version in 3.11 3.12; do \
		$(COMPILE) --python-version $$version --extra all --extra s3 --extra gs --extra az --extra server --extra dev setup.cfg \
			-o requirements/python$$version.txt || exit; done
	@$(COMPILE) --python-version 3.11 --extra all --extra s3 --extra gs --extra az --extra server setup.cfg \
		--constraint requirements/python3.11.txt $(NOT_IN_IMAGE:%=--no-emit-package %) \
		-o requirements/image.txt

clean: ## remove the environment and the state of local runs
	rm -rf $(VENV) .mltk
