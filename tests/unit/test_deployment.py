"""The manifests and compose.yaml agree with each other, with the settings and with what the services listen on.

`make check` compares the manifests with the schemas of Kubernetes. This is what no schema says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from api_service.settings import ApiSettings
from shared.db.migrations import MigrationSettings
from shared.db.passfiles import PassfileSettings
from shared.process.serving import END_SECONDS, GRACE_SECONDS
from stream_service import metrics
from stream_service.settings import StreamSettings
from tests.stack import ROOT

if TYPE_CHECKING:
    from shared.process.settings import Settings

FOLDER = ROOT / "deploy" / "kubernetes"
README = (FOLDER / "README.md").read_text()
CADDYFILE = (ROOT / "gateway" / "Caddyfile").read_text()
NAME = "app.kubernetes.io/name"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = [
    manifest
    for file in KUSTOMIZATION["resources"]
    if file.endswith(".yaml")
    for manifest in yaml.safe_load_all((FOLDER / file).read_text())
]
SETTINGS = dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / "settings.env").read_text(), re.MULTILINE))

CLASSES: dict[str, type[Settings]] = {  # by the module that reads them
    "api_service": ApiSettings,
    "stream_service": StreamSettings,
    "shared.db.migrations": MigrationSettings,
    "shared.db.passfiles": PassfileSettings,
}
BINDS = {"api_service": ApiSettings().api_bind, "stream_service": StreamSettings().stream_bind}
CALLERS = {"api": {"gateway"}, "stream": {"gateway"}, "broker": {"stream"}}


def of_kind(kind: str) -> dict[str, Any]:
    """Return the manifests of a kind, by name."""
    return {found["metadata"]["name"]: found for found in MANIFESTS if found["kind"] == kind}


DEPLOYMENTS = of_kind("Deployment")
POLICIES = of_kind("NetworkPolicy")
TEMPLATES = {name: found["spec"]["template"] for name, found in (DEPLOYMENTS | of_kind("Job")).items()}
CONTAINERS = {name: found["spec"]["containers"][0] for name, found in TEMPLATES.items()}
PORTS = {name: container["ports"][0] for name, container in CONTAINERS.items() if "ports" in container}


def module_of(container: dict[str, Any]) -> str | None:
    """Return the module that a container of ours runs, or None."""
    found = re.search(r"-m (\S+)", " ".join(container.get("command", ())))
    return found[1] if found else None


def variables(container: dict[str, Any]) -> dict[str, Any]:
    """Return the environment of a container: for each name the value, or None if it comes from elsewhere."""
    return {variable["name"]: variable.get("value") for variable in container.get("env", ())}


# Settings -----------------------------------------------------------------------------------------------------------


def settings_of(module: str) -> set[str]:
    return {name.upper() for name in CLASSES[module].model_fields}


def placeholders_of(text: str) -> set[str]:
    """Return the names of the variables that a Caddyfile reads."""
    return set(re.findall(r"\{\$(\w+)", text))


def is_read_by_the_driver(name: str) -> bool:
    return name.startswith("PG")


OURS = {name: module for name, container in CONTAINERS.items() if (module := module_of(container))}


@pytest.mark.parametrize(("name", "module"), OURS.items(), ids=OURS)
def test_every_variable_of_a_manifest_is_a_setting(name: str, module: str) -> None:
    given = {variable for variable in variables(CONTAINERS[name]) if not is_read_by_the_driver(variable)}
    assert given - settings_of(module) == set()


def test_every_variable_of_the_gateway_is_read_by_its_caddyfile() -> None:
    assert set(variables(CONTAINERS["gateway"])) - placeholders_of(CADDYFILE) == set()


def test_every_shared_setting_is_read_by_a_service_the_gateway_or_a_manifest() -> None:
    in_manifests = set(re.findall(r"\$\((\w+)\)", str(MANIFESTS)))
    known = placeholders_of(CADDYFILE) | in_manifests.union(*(settings_of(module) for module in CLASSES))
    assert set(SETTINGS) - known == set()
    assert in_manifests - set(SETTINGS) == set()


COMPOSED = {name: module for name, service in COMPOSE["services"].items() if (module := module_of(service))}


@pytest.mark.parametrize(("name", "module"), COMPOSED.items(), ids=COMPOSED)
def test_every_variable_of_a_composed_service_is_a_setting(name: str, module: str) -> None:
    given = {variable for variable in COMPOSE["services"][name]["environment"] if not is_read_by_the_driver(variable)}
    assert given - settings_of(module) == set()


def test_every_line_of_the_example_of_an_env_file_has_an_effect() -> None:
    lines = re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(lines) > 10
    for name in lines:
        passed_on = any(name in service.get("environment", {}) for service in COMPOSE["services"].values())
        assert passed_on or f"${{{name}" in str(COMPOSE) or name.startswith("COMPOSE_"), name


def test_secrets_are_only_referred_to_and_the_readme_creates_each_of_them() -> None:
    assert not of_kind("Secret")
    created = set(re.findall(r"--from-literal=(\w+)=", README))
    references = re.findall(r"'secretKeyRef': \{'name': '(\w+)', 'key': '(\w+)'\}", str(MANIFESTS))
    files = [
        volume["secret"]
        for found in TEMPLATES.values()
        for volume in found["spec"].get("volumes", ())
        if "secret" in volume
    ]
    references += [(secret["secretName"], item["key"]) for secret in files for item in secret["items"]]
    assert {name for name, _ in references} == {"passwords"}
    assert {key for _, key in references} == created


# Each manifest ------------------------------------------------------------------------------------------------------


def test_every_file_is_applied() -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {file for file in KUSTOMIZATION["resources"] if file.endswith(".yaml")}


def test_every_selector_selects_the_pods_of_one_workload() -> None:
    for name, template in TEMPLATES.items():
        assert template["metadata"]["labels"] == {NAME: name}
        for constraint in template["spec"].get("topologySpreadConstraints", ()):
            assert constraint["labelSelector"]["matchLabels"] == {NAME: name}
    for name, deployment in DEPLOYMENTS.items():
        assert deployment["spec"]["selector"]["matchLabels"] == {NAME: name}
    for name, service in of_kind("Service").items():
        assert service["spec"]["selector"] == {NAME: name}
        assert name in TEMPLATES
    for name, budget in of_kind("PodDisruptionBudget").items():
        assert budget["spec"]["selector"]["matchLabels"] == {NAME: name}
        assert name in TEMPLATES


def test_whatever_has_several_pods_is_spread_keeps_a_budget_and_restarts_without_a_gap() -> None:
    several = {name for name, found in DEPLOYMENTS.items() if found["spec"].get("replicas") != 1}
    assert set(of_kind("PodDisruptionBudget")) == several
    for name in several:
        assert DEPLOYMENTS[name]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert TEMPLATES[name]["spec"]["topologySpreadConstraints"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_pod_is_hardened_and_limited(name: str) -> None:
    pod, container = TEMPLATES[name]["spec"], CONTAINERS[name]
    assert len(pod["containers"]) == 1
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]  # none for the CPU: a process that may not run is only slower


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_container_that_keeps_running_is_probed(name: str) -> None:
    container = CONTAINERS[name]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    if name in OURS:
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


# Between them -------------------------------------------------------------------------------------------------------


def test_ports_are_those_that_the_services_listen_on() -> None:
    for name, module in OURS.items():
        if module in BINDS:
            assert PORTS[name]["containerPort"] == BINDS[module].port
            annotations = TEMPLATES[name]["metadata"]["annotations"]
            assert annotations["prometheus.io/port"] == str(BINDS[module].port)
    for name, service in of_kind("Service").items():
        (port,) = service["spec"]["ports"]
        assert (port["port"], port["targetPort"]) == (PORTS[name]["containerPort"], PORTS[name]["name"])
    rule = of_kind("Ingress")["gateway"]["spec"]["rules"][0]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}


def test_the_gateway_and_the_streams_find_the_others_by_the_names_of_their_services() -> None:
    defaults = dict(re.findall(r"\{\$(\w+):([^}]+)\}", CADDYFILE))
    stream = f"{defaults['STREAM_HOST']}:{defaults['STREAM_PORT']}"
    broker = str(variables(CONTAINERS["stream"])["BROKER_URL"]).removeprefix("redis://")
    names = {f"{name}:{found['spec']['ports'][0]['port']}" for name, found in of_kind("Service").items()}
    assert {defaults["API_UPSTREAM"], stream, broker} <= names
    assert variables(CONTAINERS["gateway"])["GATEWAY_SITE"] == f"http://:{PORTS['gateway']['containerPort']}"


@pytest.mark.parametrize("name", ["api", "stream"])
def test_a_pod_has_time_to_drain(name: str) -> None:
    wait = CONTAINERS[name]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(variables(CONTAINERS[name])[f"{name.upper()}_DRAIN_SECONDS"])
    assert TEMPLATES[name]["spec"]["terminationGracePeriodSeconds"] > wait + drain + GRACE_SECONDS + END_SECONDS


def test_the_autoscaler_reads_a_metric_of_the_stream_and_adds_processes_before_one_is_full() -> None:
    spec = of_kind("HorizontalPodAutoscaler")["stream"]["spec"]
    assert spec["scaleTargetRef"]["name"] in DEPLOYMENTS
    assert "replicas" not in DEPLOYMENTS["stream"]["spec"]  # applying the manifests would undo what the autoscaler did
    (metric,) = metrics.SUBSCRIBERS.collect()
    pods = spec["metrics"][0]["pods"]
    assert pods["metric"]["name"] == metric.name
    assert f"{metric.name}{{" in README
    assert int(pods["target"]["averageValue"]) < int(variables(CONTAINERS["stream"])["STREAM_MAX_SUBSCRIBERS"])


def test_the_broker_starts_as_in_compose_and_has_more_memory_than_it_may_use() -> None:
    in_compose = COMPOSE["services"]["broker"]["command"][-1].replace("$$", "$")
    assert CONTAINERS["broker"]["command"][-1] == in_compose
    most = int(SETTINGS["BROKER_BYTES"]) * 2 + 128 * 2**20
    limit = CONTAINERS["broker"]["resources"]["limits"]["memory"]
    assert most * 1.25 < int(limit.removesuffix("Mi")) * 2**20


# Network ------------------------------------------------------------------------------------------------------------


def selects(selector: dict[str, Any], name: str) -> bool:
    """Return whether a selector of pods selects those of this workload."""
    expressions = selector.get("matchExpressions", ())
    assert all((found["key"], found["operator"]) == (NAME, "In") for found in expressions)
    labels_match = selector.get("matchLabels", {NAME: name}) == {NAME: name}
    return labels_match and all(name in found["values"] for found in expressions)


def allowed(name: str, direction: str) -> list[dict[str, Any]]:
    """Return the rules for the pods of this workload. The direction is `ingress` or `egress`."""
    policies = (found["spec"] for found in POLICIES.values())
    return [rule for policy in policies if selects(policy["podSelector"], name) for rule in policy.get(direction, ())]


def is_allowed(name: str, direction: str, other: str, port: str) -> bool:
    """Return whether a rule for the pods of this workload names those of the other one, and this port."""
    peers = "from" if direction == "ingress" else "to"
    return any(
        {"protocol": "TCP", "port": port} in rule["ports"]
        and any(selects(peer["podSelector"], other) for peer in rule.get(peers, ()) if "podSelector" in peer)
        for rule in allowed(name, direction)
    )


def test_nobody_may_talk_to_anybody_unless_a_policy_allows_it() -> None:
    assert POLICIES["nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in POLICIES.items():
        directions = {direction for direction in ("Ingress", "Egress") if direction.lower() in policy["spec"]}
        assert name == "nobody" or set(policy["spec"]["policyTypes"]) == directions
        for rule in policy["spec"].get("ingress", ()):
            assert rule["from"]
            assert rule["ports"]


@pytest.mark.parametrize("name", of_kind("Service"))
def test_the_callers_of_a_service_reach_it_and_no_other_pod_does(name: str) -> None:
    port = PORTS[name]["name"]
    reached_by = {other for other in TEMPLATES if is_allowed(name, "ingress", other, port)}
    assert reached_by == CALLERS.get(name, set())
    for caller in reached_by:
        assert is_allowed(caller, "egress", name, port)


def test_the_gateway_is_reached_from_outside_and_the_services_reach_postgres() -> None:
    assert any("namespaceSelector" in peer for rule in allowed("gateway", "ingress") for peer in rule["from"])
    postgres = {"ports": [{"protocol": "TCP", "port": 5432}]}
    assert {name for name in TEMPLATES if postgres in allowed(name, "egress")} == set(OURS)
