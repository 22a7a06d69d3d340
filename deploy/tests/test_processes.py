"""Two replicas of each service as plain processes behind Nginx, with fixed ports."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import nginx as proxy
from load import Load, check_writes
from processes import Datastore, Replica
from test_containers import report

# One address sends the whole load.
UNLIMITED = [("limits.conf", "200r/s", "100000r/s"), ("limits.conf", "burst=400", "burst=10000")]


class Deployment:
    def __init__(self, binary, folder):
        self.datastore = Datastore(folder)
        store = {"MONGO_URI": self.datastore.uri}
        self.contacts = [Replica(binary, folder, ["serve", "contacts"], store) for _ in "12"]
        self.fibonacci = [Replica(binary, folder, ["serve", "fibonacci"]) for _ in "12"]
        for replica in self.replicas:
            replica.start()
        for replica in self.replicas:
            replica.wait_until_ready()
        self.port = proxy.free_port()
        config = proxy.rendered(
            folder / "proxy", self.port, [r.port for r in self.fibonacci],
            [r.port for r in self.contacts], UNLIMITED,
        )
        self.nginx = proxy.Nginx(proxy.debian(), config, self.port)

    @property
    def replicas(self):
        return self.contacts + self.fibonacci

    def end(self):
        self.nginx.__exit__()
        for replica in self.replicas:
            replica.kill()
        self.datastore.kill()


@pytest.fixture(scope="module")
def deployment(binary, tmp_path_factory):
    running = Deployment(binary, tmp_path_factory.mktemp("deployment"))
    yield running
    running.end()


def test_nobody_notices_a_rolling_restart_of_processes(deployment, rounds):
    load = Load(deployment.port, "rolling")
    with ThreadPoolExecutor() as together:
        for _ in range(rounds):
            for pair in zip(deployment.contacts, deployment.fibonacci, strict=True):
                list(together.map(Replica.restart, pair))
    ledger = load.finish()
    report("rolling restart of processes", ledger)
    assert ledger.failures == []
    assert check_writes(ledger, deployment.port) == []


def test_a_killed_process_takes_only_what_it_was_doing(deployment):
    load = Load(deployment.port, "killed")
    time.sleep(2)
    victims = [deployment.contacts[0], deployment.fibonacci[0]]
    before = time.time()
    for victim in victims:
        victim.process.kill()
        victim.process.wait()
    killed = time.time()
    time.sleep(2)
    for victim in victims:
        victim.start().wait_until_ready()
    time.sleep(2)
    ledger = load.finish()
    report("processes killed with -9", ledger)
    for when, line in ledger.failures:
        assert before <= when <= killed + 1.5, line
        # An answer that was being sent is cut; nobody can go on with it but the client.
        assert "502" in line or "IncompleteRead" in line, line
    assert len(ledger.failures) <= 8, "more than was in flight"
    assert check_writes(ledger, deployment.port) == []


def test_a_stopped_process_delays_and_loses_nothing(deployment):
    load = Load(deployment.port, "stopped")
    time.sleep(2)
    victim = deployment.contacts[0]
    victim.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    victim.process.send_signal(signal.SIGCONT)
    time.sleep(2)
    ledger = load.finish()
    report("processes paused for 5 s", ledger)
    assert ledger.failures == []
    assert check_writes(ledger, deployment.port) == []
