"""A load of requests whose every outcome is known: what was acknowledged, refused, failed.

Each client is a thread with a connection that is kept alive. It creates contacts, changes its own,
reads them back, and reads Fibonacci lists of many sizes. The ledger says afterwards whether an
acknowledged write is missing, and whether anything was done twice.
"""

import http.client
import json
import multiprocessing
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

PLAIN = {"Content-Type": "application/json"}


@dataclass
class Ledger:
    """What one load did. `failures` has a line for each request that did not succeed."""

    requests: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)
    created: dict = field(default_factory=dict)
    unknown: list = field(default_factory=list)
    slowest_s: float = 0.0

    def add(self, other):
        self.requests += other.requests
        self.failures += other.failures
        self.created |= other.created
        self.unknown += other.unknown
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    @property
    def total(self):
        return sum(self.requests.values())


class Client:
    def __init__(self, port, name, seed, large):
        self.port, self.name, self.large = port, name, large
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.connection = None
        self.serial = 0
        self.own = []

    def ask(self, method, path, body=None):
        """The status and the body, or None for both when the connection was cut."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.ledger.requests[method] += 1
        headers = PLAIN if body is not None else {}
        text = json.dumps(body) if body is not None else None
        began = time.monotonic()
        try:
            self.connection.request(method, path, text, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.ledger.failures.append((time.time(), f"{method} {path}: {error!r}"))
            self.connection.close()
            self.connection = None
            return None, b""
        finally:
            self.ledger.slowest_s = max(self.ledger.slowest_s, time.monotonic() - began)
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer.status, content

    def failed(self, what, status, content):
        if status is not None:
            line = f"{what}: {status} {content[:300].decode(errors='replace')}"
            self.ledger.failures.append((time.time(), line))

    def create(self):
        self.serial += 1
        token = f"{self.name}-{self.serial}"
        status, content = self.ask("POST", "/contacts", {"lastName": token, "firstName": "0"})
        if status == 201:
            resource = json.loads(content)["data"]["id"]
            self.ledger.created[token] = [resource, "0"]
            self.own = [*self.own[-9:], token]
            return
        # Whether it was stored is not known.
        self.ledger.unknown.append(token)
        self.failed("POST", status, content)

    def change(self):
        if not self.own:
            return
        token = self.random.choice(self.own)
        entry = self.ledger.created[token]
        value = str(int(entry[1].split("?")[0]) + 1)
        status, content = self.ask("PATCH", f"/contacts/{entry[0]}", {"firstName": value})
        if status == 200:
            entry[1] = value
        else:
            # From now on either of the two may be there.
            self.own.remove(token)
            entry[1] = f"{entry[1]}?{value}"
            self.failed("PATCH", status, content)

    def read(self):
        if not self.own:
            return
        entry = self.ledger.created[self.random.choice(self.own)]
        status, content = self.ask("GET", f"/contacts/{entry[0]}")
        if status != 200:
            self.failed("GET contact", status, content)
        elif json.loads(content)["data"]["attributes"]["firstName"] != entry[1]:
            self.failed("GET contact, stale", status, content)

    def fibonacci(self):
        count = self.random.choice([10, 100, 1000, self.random.randrange(2000)])
        self.numbers(count)

    def stream(self):
        """A list that is made while it is sent, of some ten megabytes."""
        self.numbers(self.large)

    def numbers(self, count):
        status, content = self.ask("GET", f"/fibonacci/list?count={count}")
        if status != 200:
            self.failed(f"GET fibonacci {count}", status, content)
        elif not content.endswith(b"]}") or content.count(b",") != max(count - 1, 0):
            self.failed(f"GET fibonacci {count}, cut", status, content)

    def run(self, until):
        ways = [self.create] * 30 + [self.change] * 15 + [self.read] * 25 + [self.fibonacci] * 29
        while not until():
            if self.random.randrange(400) == 0:
                self.stream()
            self.random.choice(ways)()
        if self.connection:
            self.connection.close()
        return self.ledger


def _process(port, name, clients, large, stop, results):
    threads, ledger, lock = [], Ledger(), threading.Lock()

    def run(number):
        client = Client(port, f"{name}-{number}", f"{name}{number}", large)
        done = client.run(stop.is_set)
        with lock:
            ledger.add(done)

    for number in range(clients):
        threads.append(threading.Thread(target=run, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    results.put(ledger)


class Load:
    """A load in processes of its own, from `with` to `finish`."""

    def __init__(self, port, name, processes=2, clients=4, large=10_001):
        self.stop, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.processes = [
            multiprocessing.Process(
                target=_process, args=(port, f"{name}{n}", clients, large, self.stop, self.results)
            )
            for n in range(processes)
        ]
        for process in self.processes:
            process.start()

    def finish(self):
        self.stop.set()
        ledger = Ledger()
        for _ in self.processes:
            ledger.add(self.results.get(timeout=120))
        for process in self.processes:
            process.join()
        return ledger


def all_contacts(port):
    """Every contact, page by page: last name to first names."""
    found, path = {}, "/contacts?page%5Bsize%5D=100"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while path:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 429:
            time.sleep(0.2)
            continue
        assert answer.status == 200, text
        document = json.loads(text)
        for resource in document["data"]:
            attributes = resource["attributes"]
            names = found.setdefault(attributes.get("lastName"), [])
            names.append(attributes.get("firstName"))
        path = document["links"].get("next")
        if isinstance(path, dict):
            path = path["href"]
    return found


def check_writes(ledger, port):
    """Every acknowledged write is there once, and nothing is there twice."""
    stored = all_contacts(port)
    problems = []
    for token, (_, value) in ledger.created.items():
        names = stored.get(token, [])
        if len(names) != 1:
            problems.append(f"{token} is there {len(names)} times")
        elif names[0] not in value.split("?"):
            problems.append(f"{token} is {names[0]}, not {value}")
    for token in ledger.unknown:
        if len(stored.get(token, [])) > 1:
            problems.append(f"{token}, whose outcome was unknown, was stored twice")
    return problems


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
