"""What the tests of deployment share."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import images
from places import REPOSITORY, WORK


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=12, help="rolling restarts of every replica")


@pytest.fixture(scope="session")
def rounds(request):
    return request.config.getoption("--rounds")


def commit():
    return images.output("git", "-C", REPOSITORY, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def image():
    """The image, built from the Dockerfile that users get; base images are made where absent.
    With MONOCOQUE_TEST_IMAGE="as it is" nothing is built."""
    images.make_all()
    if os.environ.get("MONOCOQUE_TEST_IMAGE") == "as it is":
        return "monocoque:0.1.0"
    built = subprocess.run(
        ["docker", "build", "--file", REPOSITORY / "deploy/docker/Dockerfile",
         "--build-arg", f"COMMIT={commit()}", "--tag", "monocoque:0.1.0", REPOSITORY],
        capture_output=True, text=True, env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    return "monocoque:0.1.0"


@pytest.fixture(scope="session")
def binary(request):
    """The program: that of MONOCOQUE_TEST_BINARY, else the image's, else a release build."""
    named = os.environ.get("MONOCOQUE_TEST_BINARY")
    if named:
        return Path(named).resolve()
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
        name = request.getfixturevalue("image")
        program = WORK / "monocoque"
        container = images.output("docker", "create", name)
        try:
            images.run("docker", "cp", f"{container}:/usr/bin/monocoque", program)
        finally:
            images.run("docker", "rm", container, stdout=subprocess.DEVNULL)
        return program
    images.run("cargo", "build", "--release", "--locked", cwd=REPOSITORY)
    return REPOSITORY / "target/release/monocoque"
