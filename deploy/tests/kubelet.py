"""A simulated kubelet: runs the pods of a Deployment as processes, with the numbers of its manifest.

It starts pods, asks their probes, keeps the list of endpoints, which changes reach the proxy late,
and ends pods as Kubernetes does: endpoint away, preStop, SIGTERM, and SIGKILL when the grace time,
which counts from the deletion, is over. A `ClusterIp` deals connections out to the endpoints, as
kube-proxy does: it knows nothing of HTTP and tries nothing twice.
"""

import random
import selectors
import signal
import socket
import subprocess
import threading
import time

from processes import Replica

# How late a change of the endpoints reaches the proxy.
LAG_S = (0.5, 3.0)


class ClusterIp:
    """A port whose connections go to one of the endpoints that the proxy knows of now."""

    def __init__(self):
        self.endpoints, self.refused = set(), 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def later(self, change, endpoint):
        timer = threading.Timer(random.uniform(*LAG_S), change, [endpoint])
        timer.daemon = True
        timer.start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", random.choice(list(self.endpoints))), 5)
        except (OSError, IndexError):
            self.refused += 1
            client.close()
            return
        server.settimeout(None)
        with client, server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    try:
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        key.data.sendall(data)
                    except OSError:
                        return


class Pod:
    def __init__(self, binary, folder, spec, environment):
        (self.container,) = spec["containers"]
        self.grace_s = spec["terminationGracePeriodSeconds"]
        declared = {v["name"]: v["value"] for v in self.container["env"]}
        self.replica = Replica(
            binary, folder, self.container["args"], {**declared, **environment}
        )
        self.ready = threading.Event()
        self.deleted = threading.Event()
        self.restarts, self.killed = 0, False

    def probe(self, name):
        """Whether the probe succeeds, asked as often as it may fail."""
        probe = self.container[name]
        path = probe["httpGet"]["path"]
        for attempt in range(probe["failureThreshold"]):
            if attempt:
                time.sleep(probe["periodSeconds"])
            if self.replica.answers(path, probe["timeoutSeconds"]):
                return True
        return False

    def run(self, address):
        """Lives until it is deleted; its endpoint follows readiness."""
        self.replica.start()
        if not self.probe("startupProbe"):
            self.restarts += 1
        threading.Thread(target=self._watch_life, daemon=True).start()
        while not self.deleted.is_set():
            if self.probe("readinessProbe") != self.ready.is_set():
                self._change_endpoint(address)
            self.deleted.wait(self.container["readinessProbe"]["periodSeconds"])

    def _change_endpoint(self, address):
        if self.ready.is_set():
            self.ready.clear()
            address.later(address.endpoints.discard, self.replica.port)
        else:
            self.ready.set()
            address.later(address.endpoints.add, self.replica.port)

    def _watch_life(self):
        while not self.deleted.wait(self.container["livenessProbe"]["periodSeconds"]):
            if not self.probe("livenessProbe") and not self.deleted.is_set():
                self.restarts += 1

    def delete(self, address):
        """Returns how long the pod took to end."""
        began = time.monotonic()
        self.deleted.set()
        address.later(address.endpoints.discard, self.replica.port)
        time.sleep(self.container["lifecycle"]["preStop"]["sleep"]["seconds"])
        process = self.replica.process
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=self.grace_s - (time.monotonic() - began))
        except subprocess.TimeoutExpired:
            self.killed = True
        self.replica.kill()
        return time.monotonic() - began


class Deployment:
    """The pods of a Deployment behind a cluster IP."""

    def __init__(self, binary, folder, manifest, replicas, environment):
        self.spec = manifest["spec"]
        self.make = lambda: Pod(binary, folder, self.spec["template"]["spec"], environment)
        self.address = ClusterIp()
        self.pods = [self.make() for _ in range(replicas)]
        self.gone = []
        for pod in self.pods:
            self._run(pod)
        for pod in self.pods:
            self.await_ready(pod)

    def _run(self, pod):
        threading.Thread(target=pod.run, args=(self.address,), daemon=True).start()

    def await_ready(self, pod):
        assert pod.ready.wait(90), "a pod does not get ready"

    def roll(self):
        """A rolling update with one pod more at a time and none less."""
        rolling = self.spec["strategy"]["rollingUpdate"]
        assert (rolling["maxSurge"], rolling["maxUnavailable"]) == (1, 0)
        times = []
        for old in list(self.pods):
            new = self.make()
            self._run(new)
            self.await_ready(new)
            time.sleep(self.spec["minReadySeconds"])
            self.pods.append(new)
            self.pods.remove(old)
            self.gone.append(old)
            times.append(old.delete(self.address))
        return times

    def end(self):
        for pod in self.pods:
            pod.deleted.set()
            pod.replica.kill()
