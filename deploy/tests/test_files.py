"""The files of deploy/ against their validators, and against what must fit together."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import compose_spec
import pytest
import yaml

from places import DEPLOY, REPOSITORY
from test_nginx import setting_ms

DOCKERFILE = DEPLOY / "docker/Dockerfile"
COMPOSE = ["compose.yaml", "compose.all-in-one.yaml"]
# Goes beside the first, whose services it says more of.
OBSERVABILITY = "compose.observability.yaml"
OVERLAYS = ["all-in-one", "services"]
# The oldest that has all fields that are used, a middle one and the newest.
KUBERNETES = ["1.30", "1.33", "1.37"]
# What closing takes after the last request: see `stop_budget` and `STOP_PATIENCE`.
CLOSING_MS = 10_000


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_hadolint_has_no_complaint():
    # DL4006 wants a shell that stops at the first command of a pipe; dash has no such option, and
    # what is piped is a file or the output of awk.
    checked = subprocess.run(
        ["hadolint", "--ignore", "DL4006", DOCKERFILE], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_the_image_has_a_numeric_user_no_shell_and_forms_that_need_none():
    final = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert final.startswith("scratch\n")
    assert re.search(r"^USER \d+:\d+$", final, re.M)
    assert re.search(r'^ENTRYPOINT \["', final, re.M)
    assert re.search(r'^  CMD \["/usr/bin/monocoque", "healthcheck"\]$', final, re.M)
    assert not re.search(r"^RUN ", final, re.M)


def compose(name):
    return yaml.safe_load((DEPLOY / name).read_text())["services"]


@pytest.mark.parametrize("name", [*COMPOSE, OBSERVABILITY])
def test_the_compose_specification_takes_the_file(name):
    compose_spec.PyCompose(str((DEPLOY / name).read_text()))


def own_services(name):
    return {service: one for service, one in compose(name).items() if "image" in one}


@pytest.mark.parametrize("name", [*COMPOSE, OBSERVABILITY])
def test_every_container_is_hardened_and_bounded(name):
    assert own_services(name)
    for service, declared in own_services(name).items():
        assert declared["read_only"] is True, service
        assert declared["cap_drop"] == ["ALL"], service
        assert declared["security_opt"] == ["no-new-privileges:true"], service
        assert int(declared["user"].split(":")[0]) > 0, service
        assert declared["mem_limit"] and declared["pids_limit"], service
        assert declared["restart"] in ("unless-stopped", "on-failure"), service
        assert "latest" not in declared["image"], service


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_waits_longer_than_a_replica_takes_to_stop(name):
    takes = setting_ms("drain_delay_ms") + setting_ms("drain_timeout_ms") + CLOSING_MS
    for service, declared in compose(name).items():
        if declared["image"].startswith("monocoque"):
            assert seconds(declared["stop_grace_period"]) * 1000 >= takes, service


def test_only_the_proxy_publishes_a_port_and_nobody_the_operations_port():
    published = {name: one["ports"] for name, one in compose("compose.yaml").items() if "ports" in one}
    assert published == {"proxy": ["${HTTP_PORT:-80}:8080"]}
    assert compose("compose.all-in-one.yaml")["monocoque"]["ports"] == ["${HTTP_PORT:-80}:8000"]


def test_what_observes_is_beside_the_services_and_only_this_machine_sees_it():
    beside = compose(OBSERVABILITY)
    observed = set(beside) - set(own_services(OBSERVABILITY))
    assert observed == {"fibonacci", "contacts"}
    for service in observed:
        assert service in compose("compose.yaml")
        assert "observability" in beside[service]["networks"]
        assert beside[service]["environment"]["MONOCOQUE_OTLP_ENDPOINT"] == "http://collector:4318"
    published = {name: one["ports"] for name, one in beside.items() if "ports" in one}
    assert list(published) == ["grafana"] and published["grafana"][0].startswith("127.0.0.1:")
    for service, declared in own_services(OBSERVABILITY).items():
        for volume in declared["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).is_file(), (service, source)


def test_prometheus_asks_the_observed_services_and_knows_the_rules():
    folder = DEPLOY / "observability"
    prometheus = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert prometheus["rule_files"] == ["alerts.yaml"]
    [job] = prometheus["scrape_configs"]
    [names] = job["dns_sd_configs"]
    assert (names["names"], names["port"]) == (["fibonacci", "contacts"], 9000)
    [group] = yaml.safe_load((folder / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]:
        assert rule["expr"] and rule["annotations"]["summary"], rule
        assert rule["labels"]["severity"] in ("page", "ticket"), rule
    collector = yaml.safe_load((folder / "collector.yaml").read_text())
    assert set(collector["service"]["pipelines"]) == {"traces", "logs", "metrics"}
    json.loads((folder / "dashboard.json").read_text())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_has_no_complaint():
    folder = DEPLOY / "observability"
    for kind, file in (("config", "prometheus.yml"), ("rules", "alerts.yaml")):
        checked = subprocess.run(
            ["promtool", "check", kind, file], cwd=folder, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def kustomized(overlay):
    folder = DEPLOY / "kubernetes/overlays" / overlay
    built = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return built.stdout


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_the_manifests(tmp_path, overlay, version):
    # The schemas of the Gateway API are not Kubernetes' own.
    documents = [d for d in yaml.safe_load_all(kustomized(overlay)) if d["kind"] != "HTTPRoute"]
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    checked = subprocess.run(
        ["kubernetes-validate", "--strict", "-k", version, file], capture_output=True, text=True
    )
    text = checked.stdout + checked.stderr
    assert checked.returncode == 0 and text.count(" passed") == len(documents), text


def test_the_optional_component_builds():
    for component in ("gateway", "monitoring"):
        folder = DEPLOY / "kubernetes/components" / component
        built = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
        assert built.returncode == 0, built.stderr


def of_kind(overlay, kind):
    return {
        document["metadata"]["name"]: document
        for document in yaml.safe_load_all(kustomized(overlay))
        if document["kind"] == kind
    }


def pods(overlay):
    for name, deployment in of_kind(overlay, "Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        yield name, deployment["spec"], spec, container


def environment(container):
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_grace_times_add_up(overlay):
    for name, _, spec, container in pods(overlay):
        variables = environment(container)
        delay = int(variables["MONOCOQUE_DRAIN_DELAY_MS"])
        waits = container["lifecycle"]["preStop"]["sleep"]["seconds"] * 1000
        takes = waits + delay + setting_ms("drain_timeout_ms") + CLOSING_MS
        assert spec["terminationGracePeriodSeconds"] * 1000 >= takes, name
        assert waits + delay >= 5000, "proxies need time to learn that a pod goes"
        assert not (waits and delay), "one of the two waits is enough"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_never_kill_what_only_waits_for_the_datastore(overlay):
    for name, _, _, container in pods(overlay):
        for probe, path in (
            ("startupProbe", "/startup"),
            ("livenessProbe", "/liveness"),
            ("readinessProbe", "/readiness"),
        ):
            assert container[probe]["httpGet"] == {"path": path, "port": "operations"}, name
            assert container[probe]["timeoutSeconds"] >= 2, name
        live = container["livenessProbe"]
        stuck_s = live["periodSeconds"] * live["failureThreshold"]
        assert stuck_s * 1000 > setting_ms("worker_stuck_after_ms"), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_restricted(overlay):
    for name, _, spec, container in pods(overlay):
        assert spec["enableServiceLinks"] is False, name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 65532, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert re.fullmatch(r"monocoque:\d+\.\d+\.\d+", container["image"]), name
        resources = container["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}, name
    (namespace,) = of_kind(overlay, "Namespace").values()
    enforced = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"


def test_services_survive_updates_and_the_loss_of_nodes():
    budgets = of_kind("services", "PodDisruptionBudget")
    scalers = of_kind("services", "HorizontalPodAutoscaler")
    for name, deployment, spec, _ in pods("services"):
        assert "replicas" not in deployment, "the autoscaler owns the number"
        assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert deployment["minReadySeconds"] >= 5
        least = scalers[name]["spec"]["minReplicas"]
        assert least > budgets[name]["spec"]["maxUnavailable"] == 1
        assert budgets[name]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        selected = budgets[name]["spec"]["selector"]["matchLabels"]
        assert selected == deployment["selector"]["matchLabels"]
        for spread in spec["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"] == selected
            assert spread["matchLabelKeys"] == ["pod-template-hash"]


def test_the_embedded_store_is_never_used_by_two_pods():
    ((_, deployment, _, _),) = pods("all-in-one")
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    (volume,) = of_kind("all-in-one", "PersistentVolumeClaim").values()
    assert volume["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert not of_kind("all-in-one", "HorizontalPodAutoscaler")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_route_and_service_leads_to_a_pod(overlay):
    deployments = of_kind(overlay, "Deployment")
    services = of_kind(overlay, "Service")
    for name, service in services.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        ports = [port["targetPort"] for port in service["spec"]["ports"]]
        assert ports == ["http"], "the operations port is no Service's"
    (route,) = of_kind(overlay, "HTTPRoute").values()
    for rule in route["spec"]["rules"]:
        for backend in rule["backendRefs"]:
            assert backend["name"] in services and backend["port"] == 80


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_comes_in_or_goes_out_that_no_policy_names(overlay):
    policies = of_kind(overlay, "NetworkPolicy")
    deny = policies.pop("default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in policies.values():
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"] and rule["ports"]


def test_settings_that_files_name_exist():
    declared = (REPOSITORY / "crates/server/src/settings/declaration.rs").read_text()
    names = set(re.findall(r"^        ([a-z0-9_]+): ", declared, re.M)) | {"config"}
    for file in Path(DEPLOY).rglob("*"):
        if file.is_file() and "tests" not in file.parts:
            for name in re.findall(r"MONOCOQUE_([A-Z0-9_]+)\b", file.read_text()):
                known = name.lower() in names or name == "VERSION"
                assert known, f"{file} names the setting {name.lower()}, which there is not"


def test_the_bill_of_materials_names_what_is_linked_and_nothing_else():
    document = json.loads(subprocess.check_output([DEPLOY / "docker/sbom"]))
    named = {one["name"] for one in document["components"]}
    assert {"tokio", "hyper", "libsqlite3-sys", "mongodb", "chassis", "store-sqlite"} <= named
    assert not {"criterion", "proptest", "cc", "server"} & named, "only what is linked"
    for one in document["components"]:
        assert one["licenses"] and one["purl"] == f"pkg:cargo/{one['name']}@{one['version']}"
        assert "hashes" in one or one["name"] in os.listdir(REPOSITORY / "crates")
