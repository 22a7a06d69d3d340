"""Starting servers, and leaving nothing behind."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .options import REPLICA_SET, command_line

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For a process that has just begun. Only Linux can do it; elsewhere it may be left over."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def guard(folder, alive):
    """A process that outlives this one and removes the folder when the pipe `alive` closes."""
    if os.fork() != 0:
        return
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Whoever reads what this script prints must not wait for the guard.
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    while os.read(alive, 1):
        pass
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            break
        time.sleep(0.1)
    os._exit(0)


def start(name, program, port, folder):
    """A server as a child process; `folder` gets its data, and its log beside it."""
    data = Path(folder) / f"data-{port}"
    data.mkdir(exist_ok=True)
    arguments = command_line(name, program, port, data)
    with open(f"{data}.log", "ab") as output:
        return subprocess.Popen(
            arguments + (REPLICA_SET if name == "mongod" else []),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def folder_for_a_while():
    """A folder that is gone after this process, however that ends."""
    folder = tempfile.mkdtemp(prefix="monocoque-mongodb-")
    alive, mine = os.pipe()
    if os.fork() == 0:
        os.close(mine)
        guard(folder, alive)
        os._exit(0)
    os.close(alive)
    os.wait()
    return folder
