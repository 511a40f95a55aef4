"""What a platform team relies on: least privilege, no secret, no way out, nothing lost."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest
import yaml

from mltk.cli.tick_event import TYPE
from tests.func.chart.conftest import CHART, REPOSITORY, Obj, Render, Rendered

EVERYTHING = CHART / "ci/everything.yaml"
TASKS = {"fetch-data", "train-model", "gate-model", "register-model", "deploy-model", "report"}

LISTENER = {
    "triggers.tekton.dev/eventlisteners": "get list watch",
    "triggers.tekton.dev/interceptors": "get list watch",
    "triggers.tekton.dev/triggerbindings": "get list watch",
    "triggers.tekton.dev/triggers": "get list watch",
    "triggers.tekton.dev/triggertemplates": "get list watch",
    "configmaps": "get list watch",
    "tekton.dev/taskruns": "create",
    "events": "create patch",
}
CLUSTER_LISTENER = {
    "triggers.tekton.dev/clusterinterceptors": "get list watch",
    "triggers.tekton.dev/clustertriggerbindings": "get list watch",
}

# All that anybody is granted. A verb more here is a decision, not an accident.
GRANTED = {
    ("Role", "mltk-user"): {
        "tekton.dev/pipelineruns": "create delete get list patch watch",
        "tekton.dev/taskruns": "create delete get list patch watch",
        "tekton.dev/pipelines": "get list",
        "tekton.dev/tasks": "get list",
        "pods": "get list watch",
        "pods/log": "get list watch",
        "events": "list",
        "configmaps mltk": "get",
        "configmaps": "create get patch",
    },
    ("Role", "mltk-prune"): {
        "tekton.dev/pipelineruns": "delete get list",
        "tekton.dev/taskruns": "delete get list",
    },
    ("Role", "mltk-queue"): {"tekton.dev/pipelineruns": "list patch watch"},
    ("Role", "mltk-test"): {"tekton.dev/pipelines": "get list", "tekton.dev/tasks": "get list"},
    ("Role", "mltk-start-runs"): {
        "tekton.dev/pipelineruns": "create list",
        "tekton.dev/taskruns": "list",
        "tekton.dev/pipelines": "get",
        "configmaps": "create get patch",
    },
    ("Role", "mltk-start-windows"): {
        "tekton.dev/pipelineruns": "create list",
        "tekton.dev/taskruns": "list",
        "tekton.dev/pipelines": "get",
        "configmaps": "create get patch",
    },
    ("Role", "mltk-event-listener"): LISTENER,
    ("Role", "mltk-windows"): LISTENER,
    ("Role", "mltk-arrivals"): {
        **{name: LISTENER[name] for name in LISTENER if name != "tekton.dev/taskruns"},
        "tekton.dev/pipelineruns": "create",
    },
    ("ClusterRole", "mltk-arrivals-ml"): CLUSTER_LISTENER,
    ("ClusterRole", "mltk-event-listener-ml"): CLUSTER_LISTENER,
    ("ClusterRole", "mltk-windows-ml"): CLUSTER_LISTENER,
}


def _granted(role: Obj) -> dict[str, str]:
    found = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                names = " ".join(["", *rule.get("resourceNames", ())])
                name = f"{group}/{resource}" if group else resource
                found[name + names] = " ".join(sorted(rule["verbs"]))
    return found


def test_a_release_makes_the_tasks_and_their_accounts(release: Rendered) -> None:
    others = {"start-runs", "start-windows", "ingest-data", "recall-champion", "recall-trials"}
    assert release.of("Task").keys() - others == TASKS
    assert "model-delivery" in release.of("Pipeline")
    assert {f"mltk-{task}" for task in TASKS} <= release.of("ServiceAccount").keys()


def test_every_object_tells_its_release(release: Rendered) -> None:
    for each in release:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "delivery", each["metadata"]["name"]
        assert labels["app.kubernetes.io/part-of"] == "mltk"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/name"]


def test_every_pod_passes_the_restricted_standard(release: Rendered) -> None:
    for name, pod in release.pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*pod["containers"], *pod.get("initContainers", ())]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert "requests" in container["resources"], name
        for volume in pod.get("volumes", ()):
            kinds = {"emptyDir", "persistentVolumeClaim"}
            kinds |= {"secret"} if name == "Deployment mltk-interceptor" else set()
            assert volume.keys() - {"name"} <= kinds, name


def test_no_secret_is_made_or_read_into_an_account(release: Rendered) -> None:
    assert release.of("Secret") == {}
    for account in release.of("ServiceAccount").values():
        assert "secrets" not in account


def test_no_account_puts_a_token_into_pods(release: Rendered) -> None:
    for name, account in release.of("ServiceAccount").items():
        # The pod of an EventListener is Tekton's, and it has no other way to ask for its token.
        listens = name in ("mltk-event-listener", "mltk-windows", "mltk-arrivals")
        assert account["automountServiceAccountToken"] is listens


def test_only_what_asks_the_api_server_has_a_token(render: Render) -> None:
    asking = {
        name: pod["serviceAccountName"]
        for name, pod in render(EVERYTHING).pods()
        if pod.get("automountServiceAccountToken")
    }
    assert asking == {
        "CronJob mltk-prune": "mltk-prune",
        "Deployment mltk-queue": "mltk-queue",
        "Pod mltk-test-tasks": "mltk-test",
    }


def test_roles_grant_exactly_what_is_asked(render: Render) -> None:
    release = render(EVERYTHING)
    found = {
        (kind, name): _granted(role)
        for kind in ("Role", "ClusterRole")
        for name, role in release.of(kind).items()
    }
    assert found == GRANTED


def test_the_tasks_of_a_run_have_no_role(release: Rendered) -> None:
    bound = {
        subject["name"]
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for binding in release.of(kind).values()
        for subject in binding["subjects"]
        if subject["kind"] == "ServiceAccount"
    }
    assert bound & {f"mltk-{task}" for task in TASKS} == set()
    assert bound <= release.of("ServiceAccount").keys()


def _selects(policy: Obj, labels: dict[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    for each in selector.get("matchExpressions", ()):
        there = each["key"] in labels
        if each["operator"] == "Exists" and not there:
            return False
        if each["operator"] == "In" and labels.get(each["key"]) not in each["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def _way_out(release: Rendered, task: str) -> list[Obj]:
    labels = {"tekton.dev/taskRun": f"wine-1-{task}", "tekton.dev/task": task}
    chosen = [each for each in release.of("NetworkPolicy").values() if _selects(each, labels)]
    assert any({"Ingress", "Egress"} <= {*each["spec"]["policyTypes"]} for each in chosen)
    assert all(each["spec"].get("ingress", []) == [] for each in chosen)
    return [rule for each in chosen for rule in each["spec"].get("egress", ())]


def _ports(rules: list[Obj]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_the_pod_that_trains_has_no_network_at_all(render: Render) -> None:
    for values in (None, EVERYTHING, CHART / "ci/external-mlflow.yaml"):
        assert _way_out(render(values), "train-model") == []


@pytest.mark.parametrize(
    ("task", "ports"),
    [
        ("fetch-data", {53, 443, 22, 80, 9418}),
        ("gate-model", {53, 5000}),
        ("register-model", {53, 5000}),
        ("report", {53, 5000, 443}),
        ("deploy-model", {53, 443}),
        ("start-runs", {53, 443, 22, 80, 9418, 6443}),
        ("start-windows", {53, 443, 22, 80, 9418, 6443}),
        ("ingest-data", {53, 443, 22, 80, 9418, 553}),
        ("a-task-of-somebody", set()),
    ],
)
def test_a_task_reaches_what_it_needs(render: Render, task: str, ports: set[int]) -> None:
    assert _ports(_way_out(render(EVERYTHING), task)) == ports


def test_an_external_mlflow_is_reached_at_its_own_port(render: Render) -> None:
    release = render(CHART / "ci/external-mlflow.yaml")
    (_, rule) = _way_out(release, "gate-model")
    assert rule["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]
    assert _ports([rule]) == {8443}
    assert "mltk-mlflow" not in release.of("Deployment").keys() | release.of("Service").keys()
    uri = release.of("ConfigMap")["mltk"]["data"]["tracking-uri"]
    assert uri == "https://mlflow.example.com:8443"


def test_mlflow_is_reached_by_those_who_need_it(render: Render) -> None:
    policy = render().of("NetworkPolicy")["mltk-mlflow"]["spec"]
    (rule,) = policy["ingress"]
    tasks = rule["from"][0]["podSelector"]["matchExpressions"]
    assert tasks == [
        {
            "key": "tekton.dev/task",
            "operator": "In",
            "values": [
                "gate-model",
                "recall-champion",
                "recall-trials",
                "register-model",
                "report",
            ],
        }
    ]
    assert policy["egress"] == []


def test_the_volume_of_models_outlives_the_release(render: Render) -> None:
    claim = render().of("PersistentVolumeClaim")["mltk-mlflow"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    # Two servers at once would damage the database.
    server = render().of("Deployment")["mltk-mlflow"]["spec"]
    assert server["strategy"] == {"type": "Recreate"}
    assert server["replicas"] == 1


def test_a_selector_is_the_same_in_the_next_version(render: Render) -> None:
    server = render().of("Deployment")["mltk-mlflow"]["spec"]
    assert server["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "mltk-mlflow",
        "app.kubernetes.io/instance": "delivery",
    }


def test_the_uri_of_a_database_comes_from_a_secret(render: Render) -> None:
    server = render(CHART / "ci/postgresql.yaml").of("Deployment")["mltk-mlflow"]
    pod = server["spec"]["template"]["spec"]
    for container in [*pod["containers"], *pod["initContainers"]]:
        uri = next(e for e in container["env"] if e["name"] == "MLFLOW_BACKEND_STORE_URI")
        assert uri["valueFrom"] == {"secretKeyRef": {"name": "mlflow-database", "key": "uri"}}
        assert "postgresql" not in str(container.get("args"))


def test_the_image_of_the_release_is_in_every_manifest(render: Render) -> None:
    release, image = render(EVERYTHING), "registry.example.com/ml/mltk:0.1.0"
    for kind in ("Task", "Pipeline"):
        for each in release.of(kind).values():
            defaults = {p["name"]: p.get("default") for p in each["spec"]["params"]}
            assert defaults["image"] == image
    for name, pod in release.pods():
        for container in [*pod["containers"], *pod.get("initContainers", ())]:
            assert container.get("image", image) == image, name
            assert pod["imagePullSecrets"] == [{"name": "registry"}], name


def test_the_names_of_secrets_reach_the_tasks(render: Render) -> None:
    release = render(None, 'secrets={"source": "git-and-s3"}')
    params = release.of("Task")["fetch-data"]["spec"]["params"]
    assert {"git-and-s3"} == {p["default"] for p in params if p["name"] == "source-secret"}


def test_waiting_runs_do_not_wait_for_each_other(render: Render) -> None:
    release = render(EVERYTHING)
    runs = release.of("ResourceQuota")["mltk-runs"]["spec"]
    # Else what holds the volume of a run on its node would count, and a run could wait for it.
    assert runs["scopes"] == ["Terminating"]
    assert runs["hard"] == {"pods": "10", "requests.cpu": "16", "requests.memory": "32Gi"}
    accelerators = release.of("ResourceQuota")["mltk-accelerators"]["spec"]["hard"]
    assert accelerators == {"requests.nvidia.com/gpu": "2"}
    (limits,) = release.of("LimitRange")["mltk-runs"]["spec"]["limits"]
    assert limits["defaultRequest"] == {"cpu": "250m", "memory": "512Mi"}


def _prunes(release: Rendered) -> dict[str, list[str]]:
    job = release.of("CronJob")["mltk-prune"]["spec"]["jobTemplate"]["spec"]
    containers = job["template"]["spec"]["containers"]
    return {each["name"]: [*each["command"], *each["args"]] for each in containers}


def test_pruning_deletes_old_runs_and_nothing_else(render: Render) -> None:
    runs = "mltk delete pipelineruns --on=cluster --namespace=ml --all --keep=20 --keep-since=30d"
    assert _prunes(render()) == {"runs": runs.split()}


def test_with_triggers_it_deletes_what_pushes_started_too(render: Render) -> None:
    pruned = _prunes(render(EVERYTHING))
    pushes = "mltk delete taskruns --on=cluster --namespace=ml"
    assert pruned.keys() == {"runs", "pushes", "ticks"}
    assert pruned["pushes"][:5] == pushes.split()
    assert "--selector=tekton.dev/task=start-runs" in pruned["pushes"]
    ticks = ["--selector=tekton.dev/task=start-windows", "--keep=10", "--keep-since=1d"]
    assert pruned["ticks"][5:] == ticks


def test_queue_is_tended_where_it_is_asked_for_and_mltk_can_tell(render: Render) -> None:
    for queue in ("true", "false"):
        release = render(None, f"queue.enabled={queue}")
        assert ("mltk-queue" in release.of("Deployment")) is (queue == "true")
        assert ("mltk-queue" in release.of("NetworkPolicy")) is (queue == "true")
        assert release.of("ConfigMap")["mltk"]["data"]["queue"] == queue


def test_triggers_are_off_unless_asked_for(render: Render) -> None:
    release = render()
    assert release.of("EventListener") == {}
    assert release.of("ClusterRole") == {}
    assert "start-runs" not in release.of("Task")
    assert "mltk-start-runs" not in release.of("ServiceAccount")


def test_a_push_to_a_branch_starts_runs(render: Render) -> None:
    release = render(EVERYTHING)
    triggers = {
        each["name"]: each for each in release.of("EventListener")["mltk"]["spec"]["triggers"]
    }
    hosts = {"github", "gitlab", "gitea", "bitbucket", "git"}
    assert {name.removesuffix("-push") for name in triggers if name.endswith("-push")} == hosts
    github, cel = triggers["github-push"]["interceptors"]
    params = {p["name"]: p["value"] for p in github["params"]}
    assert params["secretRef"] == {"secretName": "hooks", "secretKey": "token"}
    (condition,) = cel["params"]
    assert "body.ref in ['refs/heads/release/2026', 'refs/heads/main']" in condition["value"]
    assert "[skip mltk]" in condition["value"]
    binding = release.of("TriggerBinding")["mltk-github-push"]["spec"]["params"]
    assert {"name": "repo-url", "value": "ssh://git@example.com/ml/models.git"} in binding
    template = release.of("TriggerTemplate")["mltk-start-runs"]["spec"]
    (run,) = template["resourcetemplates"]
    assert run["spec"]["taskRef"]["name"] in release.of("Task")
    assert run["spec"]["serviceAccountName"] in release.of("ServiceAccount")


def test_a_clock_that_posts_ticks_starts_the_look_at_windows(render: Render) -> None:
    release = render(EVERYTHING)
    job = release.of("CronJob")["mltk-tick"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["args"] == ["--post=http://el-mltk-windows.ml.svc:8080"]
    (trigger,) = release.of("EventListener")["mltk-windows"]["spec"]["triggers"]
    (condition,) = trigger["interceptors"][0]["params"]
    assert TYPE in condition["value"]
    binding = release.of("TriggerBinding")[trigger["bindings"][0]["ref"]]["spec"]["params"]
    assert {each["name"]: each["value"] for each in binding} == {
        "repo-url": "ssh://git@example.com/ml/models.git",
        "branch": "release/2026",
    }
    (run,) = release.of("TriggerTemplate")[trigger["template"]["ref"]]["spec"]["resourcetemplates"]
    task = release.of("Task")[run["spec"]["taskRef"]["name"]]["spec"]
    given = {each["name"] for each in run["spec"]["params"]}
    assert {each["name"] for each in task["params"] if "default" not in each} == given
    assert run["spec"]["serviceAccountName"] in release.of("ServiceAccount")


def test_nobody_but_the_clock_posts_ticks(render: Render) -> None:
    release = render(EVERYTHING)
    pod = release.of("CronJob")["mltk-tick"]["spec"]["jobTemplate"]["spec"]["template"]
    (rule,) = release.of("NetworkPolicy")["mltk-windows"]["spec"]["ingress"]
    (peer,) = rule["from"]
    chosen = peer["podSelector"]["matchLabels"]
    assert chosen.items() <= pod["metadata"]["labels"].items()
    assert chosen["app.kubernetes.io/name"] == "mltk-tick"


def test_windows_are_off_unless_asked_for(render: Render) -> None:
    release = render()
    assert "mltk-tick" not in release.of("CronJob")
    assert "start-windows" not in release.of("Task")


def test_data_that_arrive_start_a_run_that_waits(render: Render) -> None:
    release = render(EVERYTHING)
    listener = release.of("EventListener")["mltk-arrivals"]["spec"]
    assert listener["serviceAccountName"] in release.of("ServiceAccount")
    template = release.of("TriggerTemplate")["mltk-arrival"]["spec"]
    declared = {each["name"]: each for each in template["params"]}
    assert declared["quiet-period"]["default"] == "1m"
    assert declared["ingest-secret"]["default"] == "mltk-ingest"
    binding = release.of("TriggerBinding")["mltk-arrival"]["spec"]["params"]
    assert binding[0] == {"name": "repo-url", "value": "ssh://git@example.com/ml/models.git"}
    for trigger in listener["triggers"]:
        given = {each["name"] for each in binding} | set(_inline(trigger))
        assert {name for name in declared if "default" not in declared[name]} <= given
        assert given <= set(declared)
    (run,) = template["resourcetemplates"]
    for task in run["spec"]["pipelineSpec"]["tasks"]:
        takes = release.of("Task")[task["taskRef"]["name"]]["spec"]["params"]
        given = {each["name"] for each in task["params"]}
        assert {each["name"] for each in takes if "default" not in each} <= given
        assert given <= {each["name"] for each in takes}
    for each in run["spec"]["taskRunSpecs"]:
        assert each["serviceAccountName"] in release.of("ServiceAccount")


def test_whom_the_listener_for_data_asks(render: Render) -> None:
    release = render(EVERYTHING)
    triggers = {
        each["name"]: each
        for each in release.of("EventListener")["mltk-arrivals"]["spec"]["triggers"]
    }
    assert {each["value"] for each in triggers["gcs"]["interceptors"][0]["params"]} == {
        "https://mltk.example.com/arrivals",
        "push@example.iam.gserviceaccount.com",
    }
    secret = triggers["s3"]["interceptors"][0]["params"][0]["value"]
    assert secret == {"secretName": "bucket", "secretKey": "token"}
    secret = triggers["cloudevents"]["interceptors"][0]["params"][0]["value"]
    assert secret == {"secretName": "events", "secretKey": "authorization"}
    pod = release.of("Deployment")["mltk-interceptor"]["spec"]["template"]["spec"]
    mounted = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"][1:]}
    (container,) = pod["containers"]
    folder = container["args"][-1].partition("=")[2]
    places = {each["name"]: each["mountPath"] for each in container["volumeMounts"][1:]}
    assert places == {name: f"{folder}/{secret}" for name, secret in mounted.items()}
    for each in triggers.values():
        ref = each["interceptors"][0]["ref"]
        if ref["name"] not in ("github", "cel"):
            service = release.of("Interceptor")[ref["name"]]["spec"]["clientConfig"]["service"]
            assert service["namespace"] == "ml"
            assert service["name"] in release.of("Service")
            assert ref["kind"] == "NamespacedInterceptor"


def test_data_is_not_listened_for_unless_asked_for(render: Render) -> None:
    release = render()
    assert "ingest-data" not in release.of("Task")
    assert "mltk-interceptor" not in release.of("Deployment")
    some = {"enabled": True, "repoUrl": "https://git.example.org/models.git"}
    both = ('triggers={"enabled": true}', 'queue={"enabled": true}')
    release = render(None, f"arrivals={json.dumps(some)}", *both)
    names = [
        each["name"] for each in release.of("EventListener")["mltk-arrivals"]["spec"]["triggers"]
    ]
    assert "gcs" not in names
    assert "s3" in names


def test_senders_may_share_a_secret(render: Render) -> None:
    """Kubernetes refuses a pod that mounts two volumes at one place."""
    shared = {"s3": "bucket", "azure": "bucket", "cloudevents": "bucket", "mlflow": "mlflow"}
    setting = f"arrivals.secrets={json.dumps(shared)}"
    pod = render(EVERYTHING, setting).of("Deployment")["mltk-interceptor"]["spec"]["template"]
    mounts = pod["spec"]["containers"][0]["volumeMounts"][1:]
    assert [each["mountPath"].rpartition("/")[2] for each in mounts] == ["bucket", "mlflow"]
    assert {each["name"] for each in mounts} == {
        each["name"] for each in pod["spec"]["volumes"][1:]
    }


def _inline(trigger: Obj) -> dict[str, str]:
    return {each["name"]: each["value"] for each in trigger["bindings"] if "name" in each}


def test_what_triggers_bind_is_what_the_template_takes(render: Render) -> None:
    release = render(EVERYTHING)
    declared = release.of("TriggerTemplate")["mltk-start-runs"]["spec"]["params"]
    required = {each["name"] for each in declared if "default" not in each}
    for trigger in release.of("EventListener")["mltk"]["spec"]["triggers"]:
        given = set(_inline(trigger))
        for each in trigger["bindings"]:
            if "ref" in each:
                spec = release.of("TriggerBinding")[each["ref"]]["spec"]
                given |= {p["name"] for p in spec["params"]}
        assert required <= given <= {each["name"] for each in declared}, trigger["name"]


def test_a_pull_request_registers_nothing_and_a_fork_gets_no_secret(render: Render) -> None:
    release = render(EVERYTHING)
    for trigger in release.of("EventListener")["mltk"]["spec"]["triggers"]:
        inline = _inline(trigger)
        if trigger["name"].endswith("-push"):
            assert inline == {}
            continue
        assert inline.pop("register") == "false"
        if not trigger["name"].endswith("-fork"):
            assert inline == {}
            continue
        nothing = {"source-secret": "mltk-none", "forge-secret": "mltk-none"}
        assert inline == {"untrusted": "true", **nothing}


def test_pull_requests_and_forks_can_be_left_out(render: Render) -> None:
    def names(**values: bool) -> list[str]:
        given = json.dumps({"enabled": True, **values})
        release = render(None, f"triggers={given}")
        return [each["name"] for each in release.of("EventListener")["mltk"]["spec"]["triggers"]]

    assert not any(each.endswith("-fork") for each in names(forks=False))
    assert any(each.endswith("-request") for each in names(forks=False))
    assert all(each.endswith("-push") for each in names(pullRequests=False))


def test_the_shipped_triggers_work_without_the_chart(render: Render) -> None:
    windows = {"enabled": True, "repoUrl": "https://git.example.org/models.git"}
    rendered = render(None, 'triggers={"enabled": true}', f"windows={json.dumps(windows)}")
    shipped_files = [
        *(REPOSITORY / "tekton/triggers").glob("*.yaml"),
        *(REPOSITORY / "tekton/windows").glob("*.yaml"),
    ]
    for path in sorted(shipped_files):
        for shipped in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            made = rendered.of(shipped["kind"])[shipped["metadata"]["name"]]
            assert made["spec"] == shipped["spec"]


@pytest.mark.parametrize(
    "setting",
    [
        'imagePullSecret=["registry"]',
        'mlflow={"storage": {"sise": "1Gi"}}',
        'mlflow={"backend": "mysql"}',
        'mlflow={"backend": "postgresql"}',
        'mlflow={"externalUri": "mlflow.example.com"}',
        'mlflow={"externalUri": "https://ada:secret@mlflow.example.com"}',
        'mlflow={"enabled": false}',
        'image="mltk"',
        'image="mltk:latest"',
        'quota={"pods": 0}',
        'limitRange={"enabled": false}',
        'triggers={"branches": ["main\' || true || \'"]}',
        'prune={"keepSince": "soon"}',
        'windows={"enabled": true}',
        'windows={"schedule": "often"}',
        'arrivals={"enabled": true, "repoUrl": "https://git.example.org/models.git"}',
        'arrivals={"quietPeriod": "soon"}',
        'networkPolicy={"source": {"cidr": "anywhere", "ports": [443]}}',
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    template: Callable[..., subprocess.CompletedProcess[str]], setting: str
) -> None:
    done = template(None, setting)
    assert done.returncode != 0
    assert setting.split("=")[0] in done.stderr


@pytest.mark.parametrize(
    "image",
    [
        "mltk:0.1.0",
        "localhost:5000/ml/mltk:0.1.0",
        f"registry.example.com/mltk@sha256:{'0' * 64}",
        f"registry.example.com:443/ml/mltk:0.1.0@sha256:{'0' * 64}",
    ],
)
def test_names_of_images_are_taken(render: Render, image: str) -> None:
    release = render(None, f'image="{image}"')
    assert release.of("ConfigMap")["mltk"]["data"]["image"] == image


def _names(values: Obj, above: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        inner = isinstance(value, dict) and value and name not in ("resources",)
        found |= _names(value, f"{above}{name}.") if inner else {above + name}
    return found


def test_every_value_is_explained() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    rows = (REPOSITORY / "docs/chart.md").read_text(encoding="utf-8").split("## Values")[1]
    explained = {
        name
        for row in rows.split("\n## ")[0].splitlines()
        for name in re.findall(r"`([\w.]+)`", row.removeprefix("| ").split(" | ")[0])
    }
    assert explained == _names(values)


def test_a_cluster_without_the_chart_gets_the_same_accounts(render: Render) -> None:
    shipped = (REPOSITORY / "tekton/access/serviceaccounts.yaml").read_text(encoding="utf-8")
    names = {each["metadata"]["name"] for each in yaml.safe_load_all(shipped) if each}
    assert names <= render().of("ServiceAccount").keys()
