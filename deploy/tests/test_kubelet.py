"""A rolling update in Kubernetes, simulated with the numbers of the manifests."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import kubelet
import nginx as proxy
from load import Load, check_writes
from processes import Datastore
from test_containers import report
from test_files import of_kind
from test_processes import UNLIMITED


@pytest.fixture
def deployments(binary, tmp_path):
    datastore = Datastore(tmp_path)
    settings = tmp_path / "contacts.toml"
    settings.write_text(f'mongo_uri = "{datastore.uri}"\n')
    environment = {
        "contacts": {"MONOCOQUE_CONFIG": str(settings)},
        "fibonacci": {},
    }
    manifests = of_kind("services", "Deployment")
    running = {
        name: kubelet.Deployment(binary, tmp_path, manifests[name], 2, environment[name])
        for name in ("contacts", "fibonacci")
    }
    yield running
    for deployment in running.values():
        deployment.end()
    datastore.kill()


def test_nobody_notices_a_rolling_update(deployments, tmp_path):
    # A gateway before the cluster IPs: it names each of them as one server.
    port = proxy.free_port()
    addresses = {name: [one.address.port] for name, one in deployments.items()}
    config = proxy.rendered(
        tmp_path / "gateway", port, addresses["fibonacci"], addresses["contacts"], UNLIMITED
    )
    time.sleep(kubelet.LAG_S[1])
    with proxy.Nginx(proxy.current(), config, port):
        load = Load(port, "update")
        with ThreadPoolExecutor() as together:
            took = list(together.map(kubelet.Deployment.roll, deployments.values()))
        ledger = load.finish()
        report(f"rolling update; pods took {took} s to end", ledger)
        assert ledger.failures == []
        for deployment in deployments.values():
            assert not any(pod.killed or pod.restarts for pod in deployment.gone + deployment.pods)
            assert deployment.address.refused == 0
        assert check_writes(ledger, port) == []
