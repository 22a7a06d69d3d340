"""Replicas as plain processes, and the datastore that they share."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from nginx import free_port
from places import REPOSITORY


def is_answered(url, timeout_s=2):
    try:
        with urllib.request.urlopen(url, timeout=timeout_s):
            return True
    except (urllib.error.URLError, OSError):
        return False


class Replica:
    """One process; after a restart it has the same ports."""

    def __init__(self, binary, folder, arguments, environment=None):
        self.port, self.operations = free_port(), free_port()
        self.command = [str(binary), *arguments]
        self.environment = {
            **{name: value for name, value in os.environ.items() if "MONGO" not in name},
            **(environment or {}),
            "MONOCOQUE_LISTEN": f"127.0.0.1:{self.port}",
            "MONOCOQUE_ADMIN_LISTEN": f"127.0.0.1:{self.operations}",
        }
        self.log = open(folder / f"replica-{self.port}.log", "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stderr=self.log)
        return self

    def answers(self, path, timeout_s=2):
        return is_answered(f"http://127.0.0.1:{self.operations}{path}", timeout_s)

    def wait_until_ready(self, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while not self.answers("/readiness"):
            with open(self.log.name, encoding="utf-8") as log:
                assert self.process.poll() is None and time.monotonic() < deadline, log.read()[-3000:]
            time.sleep(0.05)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0

    def restart(self):
        self.stop()
        self.start().wait_until_ready()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        self.log.close()


class Datastore:
    """The MongoDB server that scripts/mongodb finds or installs."""

    def __init__(self, folder):
        self.port = free_port()
        program = [sys.executable, REPOSITORY / "scripts/mongodb", "serve"]
        command = [*program, "--port", str(self.port), "--path", folder / "data"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.uri = f"mongodb://127.0.0.1:{self.port}/monocoque?directConnection=true"

    def kill(self):
        self.process.kill()
        self.process.wait()
