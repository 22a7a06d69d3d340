"""Just enough of the wire protocol to make a replica set, and to know when it is one."""

import socket
import ssl
import struct
import time
from pathlib import Path

START_TIMEOUT_S = 60


def bson(document):
    body = b""
    for key, value in document.items():
        name = key.encode() + b"\0"
        if isinstance(value, bool):
            body += b"\x08" + name + bytes([value])
        elif isinstance(value, int):
            body += b"\x10" + name + struct.pack("<i", value)
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
        elif isinstance(value, list):
            body += b"\x04" + name + bson({str(i): item for i, item in enumerate(value)})
        else:
            body += b"\x03" + name + bson(value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def encrypted(connection, tls):
    context = ssl.create_default_context(cafile=Path(tls) / "ca.pem")
    client = Path(tls) / "client.pem"
    if client.exists():
        context.load_cert_chain(client)
    return context.wrap_socket(connection, server_hostname="127.0.0.1")


def ask(port, command, tls=None):
    """The raw reply to a command on the database `admin`."""
    body = struct.pack("<I", 0) + b"\0" + bson({**command, "$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection = encrypted(connection, tls) if tls else connection
        connection.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
        reply = connection.makefile("rb")
        length = struct.unpack("<i", reply.read(4))[0]
        return reply.read(length - 4)


def wait_until_ready(name, ports, alive, tls=None):
    """Whether one of the servers takes writes and all are members before one ends."""
    initiated = False
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and alive():
        try:
            replies = [ask(port, {"hello": 1}, tls) for port in ports]
            primary = any(b"\x08isWritablePrimary\0\x01" in reply for reply in replies)
            members = sum(b"\x08secondary\0\x01" in reply for reply in replies) + primary
            if primary and members == len(ports):
                return True
            if name == "mongod" and not initiated:
                members = [
                    {"_id": number, "host": f"127.0.0.1:{port}"}
                    for number, port in enumerate(ports)
                ]
                config = {"_id": "monocoque", "members": members}
                # A server that was started on old files answers that it is a member already.
                ask(ports[0], {"replSetInitiate": config}, tls)
                initiated = True
        except (OSError, struct.error):
            pass
        time.sleep(0.05)
    return False
