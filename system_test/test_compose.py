"""The images and both compositions on a real Docker Engine, with a base image made here.

One engine, one set of images: the tests of this file share them, and so stand in one file.
"""

import json
import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from deploy.bill_of_materials import bill, parts_of
from system_test import docker_engine
from system_test.docker_engine import ROOT, Engine, listening_ports

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800), pytest.mark.xdist_group("docker")]

T = TypeVar("T")

IMAGES = {
    "gateway": "server/Dockerfile-no_crypt",
    "plant": "simulator/Dockerfile",
    "receiver": "simulator/Dockerfile",
}
PROJECT = "egrettest"
FLEET = "egretfleet"
DEVELOPERS = ROOT / "docker-compose-no_crypt.yml"
FLEETS = ROOT / "docker-compose.yml"
WAIT_ROUNDS = 240
ROUND_S = 0.25

_PAUSE = threading.Event()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for this file."""
    with docker_engine.engine() as client:
        yield client


@pytest.fixture(scope="module")
def images(engine: Engine) -> Engine:
    """The developer's images, built."""
    for service, dockerfile in IMAGES.items():
        engine.build(dockerfile, f"{PROJECT}_{service}")
    return engine


@pytest.fixture
def developers(images: Engine, tmp_path: Path) -> Iterator["House"]:
    """The developer's composition, up, on a free port."""
    house = House(images, PROJECT, [_on_a_free_port(tmp_path)])
    try:
        house.up()
        yield house
    finally:
        house.compose("down", "-v", "--timeout", "10")


class House:
    """One composition that is up."""

    def __init__(self, engine: Engine, project: str, files: list[Path]) -> None:
        self.engine = engine
        self.project = project
        self._files = files

    def compose(self, *words: str) -> str:
        """`docker-compose WORDS`."""
        return self.engine.compose(self.project, self._files, *words)

    def up(self) -> None:
        """Bring up what is not."""
        self.compose("up", "-d", "--no-build")

    def container(self, service: str) -> str:
        """Its name."""
        return f"{self.project}_{service}_1"

    def ask(self, path: str) -> Any:
        """What the gateway answers on the port that it is published on."""
        ports = self.engine.inspect(self.container("gateway"))["NetworkSettings"]["Ports"]
        port = ports["8080/tcp"][0]["HostPort"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.load(answer)

    def stats(self) -> dict[str, Any]:
        """What the receiver has taken; asked inside, because it is published nowhere."""
        script = (
            "import urllib.request as web;"
            "print(web.urlopen('http://127.0.0.1:8090/stats').read().decode())"
        )
        said = self.engine.run(
            "exec", self.container("receiver"), "/opt/egret/bin/python", "-c", script
        )
        told: dict[str, Any] = json.loads(said)
        return told

    def wait(self, what: str, look: Callable[[], T]) -> T:
        """What `look` finds, as soon as it finds something."""
        error: object = "nothing"
        for _ in range(WAIT_ROUNDS):
            try:
                if found := look():
                    return found
            except (OSError, ValueError, AssertionError, KeyError, IndexError) as not_yet:
                error = not_yet
            _PAUSE.wait(ROUND_S)
        logs = self.compose("logs", "--tail", "40")
        raise AssertionError(f"never {what} ({error}):\n{logs}")


def _on_a_free_port(tmp_path: Path) -> Path:
    """The file as it is, but for the port on this machine, which another program may have."""
    text = DEVELOPERS.read_text()
    changed = text.replace('"127.0.0.1:8080:8080"', '"127.0.0.1::8080"')
    assert changed != text
    file = tmp_path / "compose.yml"
    file.write_text(changed)
    return file


def _known_device(house: House) -> Any:
    device = house.ask("/api/readings")["devices"][0]
    return device if device["model"] else None


def _accepted(house: House) -> int:
    return int(house.stats()["accepted"])


def test_a_developers_machine_shows_a_live_page(developers: House) -> None:
    """Up, healthy, the plant read, and readings acknowledged by the receiver."""
    developers.wait("healthy", lambda: developers.ask("/healthz")["healthy"])

    device = developers.wait("known", lambda: _known_device(developers))
    accepted = developers.wait("acknowledged", lambda: _accepted(developers))

    assert ("Virtual roof", "SH10RT") == (device["name"], device["model"])
    assert accepted > 0


def test_docker_itself_sees_the_gateways_health(developers: House) -> None:
    """By the HEALTHCHECK in the image."""
    developers.wait("healthy", lambda: developers.ask("/healthz")["healthy"])
    check = developers.engine.inspect(developers.container("gateway"))["Config"]["Healthcheck"]

    said = developers.engine.run("exec", developers.container("gateway"), *check["Test"][1:])

    assert said.startswith("healthy, ")


def test_killed_and_made_anew_it_has_lost_nothing(developers: House) -> None:
    """kill -9, the container removed and created again: same serial, no gap, no conflict."""
    developers.wait("acknowledged", lambda: _accepted(developers))
    serial = developers.ask("/api/crypto")["serialNumber"]
    name = developers.container("gateway")

    for _ in range(2):
        before = _accepted(developers)
        developers.engine.run("kill", "--signal", "KILL", name)
        developers.engine.run("rm", "-f", name)
        developers.up()
        developers.wait("more", partial(_more_than, developers, before))

    developers.wait("whole", lambda: developers.stats()["gaps"] == 0)

    assert serial == developers.ask("/api/crypto")["serialNumber"]
    assert 0 == developers.stats()["conflicts"]


def _more_than(house: House, before: int) -> bool:
    return _accepted(house) > before


def test_sigterm_ends_every_container_well(developers: House) -> None:
    """Within the grace period, with exit code 0: nothing had to be killed."""
    developers.wait("acknowledged", lambda: _accepted(developers))

    developers.compose("stop", "--timeout", "15")

    codes = {
        service: developers.engine.inspect(developers.container(service))["State"]["ExitCode"]
        for service in IMAGES
    }
    assert dict.fromkeys(IMAGES, 0) == codes


@pytest.mark.parametrize("service", IMAGES)
def test_a_container_may_do_nothing_that_it_need_not(developers: House, service: str) -> None:
    """Not root, no capability, no new privilege, and a root that cannot be written to."""
    developers.wait("healthy", lambda: developers.ask("/healthz")["healthy"])
    name, run = developers.container(service), developers.engine.run

    status = dict(
        line.split(":\t", 1) for line in run("exec", name, "cat", "/proc/1/status").splitlines()
    )
    written = run("exec", name, "touch", "/app/x", check=False)

    assert ["65534"] * 4 == status["Uid"].split()
    assert {"0" * 16} == {status[each] for each in ("CapEff", "CapPrm", "CapBnd", "CapAmb")}
    assert "1" == status["NoNewPrivs"]
    assert "Read-only file system" in written


def test_nothing_listens_that_should_not(developers: House) -> None:
    """Inside: one port each, two for the plant's control. Outside: the page, on loopback."""
    developers.wait("healthy", lambda: developers.ask("/healthz")["healthy"])

    inside = {
        service: listening_ports(developers.engine, developers.container(service))
        for service in IMAGES
    }
    published = {
        (service, binding["HostIp"])
        for service in IMAGES
        for bindings in developers.engine.inspect(developers.container(service))["NetworkSettings"][
            "Ports"
        ].values()
        for binding in bindings or ()
    }

    assert {"gateway": {8080}, "plant": {5020, 8099}, "receiver": {8090}} == inside
    assert {("gateway", "127.0.0.1")} == published


@pytest.mark.parametrize("service", IMAGES)
def test_no_compiler_reaches_an_image(images: Engine, service: str) -> None:
    """Nor pip, nor the tests, nor a cache."""
    script = "command -v gcc cc make pip cmake; ls /app; ls /root/.cache /var/cache/apt 2>/dev/null"
    said = images.run(
        "run", "--rm", "--entrypoint", "/bin/sh", f"{PROJECT}_{service}", "-c", script, check=False
    )

    program = "server" if service == "gateway" else "simulator"
    assert ["LICENSE", program] == said.split()


def test_an_image_can_tell_what_it_is_made_of(images: Engine, tmp_path: Path) -> None:
    """Python packages with their licences, and Debian's; pip is not among them."""
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n{images.exported()} exec {docker_engine.CLIENT} "$@"\n')
    docker.chmod(0o755)

    parts = parts_of(f"{PROJECT}_gateway", str(docker))
    told = json.loads(bill("gateway", "1.2.3", parts))

    known = {part.name: part for part in parts}
    assert "Apache-2.0 OR BSD-3-Clause" == known["cryptography"].licence
    assert ("deb", "pypi") == (known["python3.11"].kind, known["uvicorn"].kind)
    assert "pip" not in known
    assert len(parts) == len(told["components"])


def test_the_fleets_composition_starts(engine: Engine, tmp_path: Path) -> None:
    """Gateway and phone's door, with a system bus on which there is no BlueZ yet.

    The I2C bus is left out: this machine has none. Everything else is the file as it is.
    """
    engine.build("server/Dockerfile", f"{FLEET}_gateway")
    engine.build("bluetooth/Dockerfile", f"{FLEET}_bluetooth")
    house = House(engine, FLEET, [_for_this_machine(tmp_path)])
    with _bus(tmp_path):
        try:
            house.up()
            house.wait("healthy", lambda: house.ask("/healthz")["healthy"])
            said = house.wait(
                "waiting", lambda: _said(house, "bluetooth", "bluetoothd does not answer")
            )

            assert "Running" in house.compose("ps") or "Up" in house.compose("ps")
            assert said
            assert {"claimed": False, "access": "protected"}.items() <= house.ask(
                "/api/entry"
            ).items()
            with pytest.raises(urllib.error.HTTPError, match="401"):
                house.ask("/api/readings")
        finally:
            house.compose("down", "-v", "--timeout", "10")


def _said(house: House, service: str, words: str) -> str:
    log = house.engine.run("logs", house.container(service))
    return log if words.lower() in log.lower() else ""


def _for_this_machine(tmp_path: Path) -> Path:
    """No I2C bus, a free port, and our own bus where balena puts the host's."""
    text = FLEETS.read_text()
    text, devices = re.subn(r"    devices:\n(?:      .*\n)+", "", text)
    text, ports = re.subn(r'"(80:8080|8443:8443)"', _on_loopback, text)
    bus = f"      - {tmp_path}/bus:/host/run/dbus\n"
    text, volumes = re.subn(r"(    volumes:\n)(      - )", rf"\1{bus}\2", text)
    assert (1, 2, 2) == (devices, ports, volumes)
    file = tmp_path / "fleet.yml"
    file.write_text(text)
    return file


def _on_loopback(ports: re.Match[str]) -> str:
    return f'"127.0.0.1::{ports[1].split(":")[1]}"'


class _bus:  # noqa: N801  # Reads as the function that it is.
    """A message bus with nobody on it, in a folder that containers may mount."""

    def __init__(self, tmp_path: Path) -> None:
        folder = tmp_path / "bus"
        folder.mkdir(mode=0o755)
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(0o755)
        self._configuration = tmp_path / "bus.conf"
        self._configuration.write_text(
            "<busconfig><type>system</type>"
            f"<listen>unix:path={folder}/system_bus_socket</listen>"
            '<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/>'
            '<allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>'
        )

    def __enter__(self) -> None:
        command = [
            "dbus-daemon",
            f"--config-file={self._configuration}",
            "--nofork",
            "--print-address",
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
