"""How the servers are told what to be."""

from pathlib import Path


def command_line(name, program, port, folder):
    address = ["--port", str(port)]
    if name == "mongod":
        test_commands = ["--setParameter", "enableTestCommands=1"]
        place = ["--dbpath", str(folder), "--bind_ip", "127.0.0.1"]
        return [*program, "--quiet", *place, *address, *test_commands]
    storage = ["--storage-path", str(folder), "--enable-test-commands"]
    return [*program, "--host", "127.0.0.1", *address, *storage]


REPLICA_SET = ["--replSet", "monocoque"]


def options_of_mongod(given, folder):
    options = [] if given.standalone else list(REPLICA_SET)
    if given.tls_folder:
        tls = Path(given.tls_folder).resolve()
        options += ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(tls / "server.pem")]
        options += ["--tlsCAFile", str(tls / "ca.pem")]
        if not given.tls_clients:
            options.append("--tlsAllowConnectionsWithoutCertificates")
    if given.auth:
        options.append("--auth")
        if not given.standalone:
            # The members of a set know each other by it, even if there is only one.
            key = folder / "key"
            key.write_text("monocoque")
            key.chmod(0o600)
            options += ["--keyFile", str(key)]
    return options


def options_of_stand_in(given):
    # As MongoDB does for `w=majority`: what is acknowledged survives `kill -9`.
    options = ["--sync-on-commit"]
    if given.standalone:
        options.append("--standalone")
    if given.tls_folder:
        tls = Path(given.tls_folder).resolve()
        pair, ca = str(tls / "server.pem"), str(tls / "ca.pem")
        options += ["--tls-cert-file", pair, "--tls-key-file", pair, "--tls-ca-file", ca]
        if given.tls_clients:
            options.append("--tls-require-client-cert")
    if given.auth:
        options.append("--auth")
    return options


def uri(name, ports):
    replica_set = "monocoque" if name == "mongod" else "secantus"
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"mongodb://{hosts}/?replicaSet={replica_set}"
