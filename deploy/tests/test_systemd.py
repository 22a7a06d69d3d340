"""The unit of systemd: what systemd thinks of it, and what it promises of the process."""

import configparser
import os
import shutil
import socket
import subprocess
import time

import pytest

from nginx import free_port
from places import DEPLOY
from processes import is_answered
from test_files import CLOSING_MS
from test_nginx import setting_ms

SYSTEMD = DEPLOY / "systemd"


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(SYSTEMD / name)
    return parser


def test_systemd_takes_the_units(tmp_path):
    for name in ("monocoque.service", "monocoque.socket"):
        shutil.copy(SYSTEMD / name, tmp_path)
    # The program is not installed here.
    service = tmp_path / "monocoque.service"
    service.write_text(service.read_text().replace("/usr/bin/monocoque", "/bin/true"))
    units = sorted(tmp_path.glob("monocoque.*"))
    checked = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert checked.returncode == 0 and "monocoque" not in checked.stderr, checked.stderr


def test_systemd_finds_the_service_well_confined():
    checked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
         SYSTEMD / "monocoque.service"],
        capture_output=True, text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_systemd_waits_longer_than_the_process_takes_to_stop():
    service = unit("monocoque.service")["Service"]
    takes = setting_ms("drain_delay_ms") + setting_ms("drain_timeout_ms") + CLOSING_MS
    assert int(service["TimeoutStopSec"].rstrip("s")) * 1000 >= takes
    assert int(service["WatchdogSec"].rstrip("s")) * 1000 > 2 * setting_ms("worker_stuck_after_ms")


class Manager:
    """As much of systemd as the process knows of: passed sockets, and a socket that is told."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.sockets = [socket.create_server(("127.0.0.1", free_port())) for _ in "12"]
        self.port = self.sockets[0].getsockname()[1]
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(folder / "notify"))
        self.told.settimeout(30)

    def start(self):
        numbers = [one.fileno() for one in self.sockets]
        # What systemd does between fork and exec: the sockets are 3 and 4, and the variables set.
        script = (
            f"import os\nos.dup2({numbers[0]}, 100); os.dup2({numbers[1]}, 101)\n"
            "os.dup2(100, 3); os.dup2(101, 4)\n"
            "os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))\n"
            f"os.execv({str(self.binary)!r}, ['monocoque', 'serve', 'fibonacci'])\n"
        )
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"),
                       "WATCHDOG_USEC": "400000"}
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(["/usr/bin/python3", "-c", script], pass_fds=numbers, stderr=log,
                                    env=environment)

    def hear(self, wanted):
        while (heard := self.told.recv(4096).decode().strip()) != wanted:
            assert heard in ("READY=1", "WATCHDOG=1", "STOPPING=1"), heard


@pytest.fixture
def manager(binary, tmp_path):
    return Manager(binary, tmp_path)


def test_the_service_manager_hears_of_the_start_of_life_and_of_the_end(manager):
    process = manager.start()
    manager.hear("READY=1")
    assert is_answered(f"http://127.0.0.1:{manager.port}/fibonacci/5")
    for _ in range(4):
        manager.hear("WATCHDOG=1")
    process.terminate()
    manager.hear("STOPPING=1")
    assert process.wait(timeout=60) == 0


def test_connections_wait_while_the_process_is_replaced(manager):
    process = manager.start()
    manager.hear("READY=1")
    process.terminate()
    assert process.wait(timeout=60) == 0
    waiting = socket.create_connection(("127.0.0.1", manager.port), timeout=60)
    waiting.sendall(b"GET /fibonacci/5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    time.sleep(0.5)
    process = manager.start()
    answer = b"".join(iter(lambda: waiting.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b'{"n":5,"answer":5}'), answer
    process.terminate()
    assert process.wait(timeout=60) == 0
