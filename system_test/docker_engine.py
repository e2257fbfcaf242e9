"""A Docker Engine for tests: the one that runs, or one of our own; and a base image for it.

No image registry is asked for anything. The base image is made from Debian's archive with
debootstrap, from whichever mirror this machine uses, and gets the name that the Dockerfiles expect;
with it go this machine's certificate authorities, so that a build reaches what this machine
reaches. Engine and images are kept in the user's cache folder from run to run; containers, networks
and volumes are removed by who made them.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASE_IMAGE = "debian:bookworm-slim"
SUITE = "bookworm"
CLIENT = "/usr/bin/docker"
COMPOSE = "/usr/bin/docker-compose"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

COMMAND_TIMEOUT_S = 60.0
BUILD_TIMEOUT_S = 600.0
"""One image, with packages and wheels to fetch, while other proofs use the cores."""
BOOTSTRAP_TIMEOUT_S = 600.0
START_ROUNDS = 120
ROUND_S = 0.5

_PAUSE = threading.Event()
_LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists")


class Engine:
    """A client of one engine."""

    def __init__(self, address: str) -> None:
        self._environ = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
            "HOME": os.environ.get("HOME", "/"),
            "DOCKER_BUILDKIT": "0",
            **({"DOCKER_HOST": address} if address else {}),
        }

    def run(self, *words: str, timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True) -> str:
        """`docker WORDS`; what it printed. An AssertionError with all of it when it failed."""
        return self._call([CLIENT, *words], timeout_s, check)

    def compose(self, project: str, files: list[Path], *words: str) -> str:
        """`docker-compose WORDS` on these files."""
        named = [word for file in files for word in ("-f", str(file))]
        command = [COMPOSE, "--project-directory", str(ROOT), "-p", project, *named, *words]
        return self._call(command, BUILD_TIMEOUT_S, True)

    def exported(self) -> str:
        """The engine's address as a shell is told it; "" for the one that everybody finds."""
        host = self._environ.get("DOCKER_HOST", "")
        return f"DOCKER_HOST={host}" if host else ""

    def inspect(self, name: str) -> Any:
        """Everything about a container or an image."""
        return json.loads(self.run("inspect", name))[0]

    def answers(self) -> bool:
        """Whether there is an engine at all."""
        try:
            self.run("info", timeout_s=5.0)
        except (AssertionError, subprocess.TimeoutExpired, FileNotFoundError):
            return False
        return True

    def has_image(self, name: str) -> bool:
        """Whether an image of that name is there."""
        return bool(self.run("images", "-q", name).strip())

    def build(self, dockerfile: str, tag: str) -> None:
        """Build from the repository, on this machine's own network."""
        self.run(
            *("build", "-q", "--network", "host", "-f", str(ROOT / dockerfile)),
            *("-t", tag, str(ROOT)),
            timeout_s=BUILD_TIMEOUT_S,
        )

    def _call(self, command: list[str], timeout_s: float, check: bool) -> str:
        done = subprocess.run(
            command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}"
            )
        return done.stdout


def cache_folder() -> Path:
    """Where engine and images stay between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "egret" / "docker"


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that runs here, or one of our own until the end of the block."""
    running = Engine("")
    if running.answers():
        with _alone():
            _provide_base(running)
        yield running
        return
    with _alone(), _own_engine() as own:
        _provide_base(own)
        yield own


@contextmanager
def _alone() -> Iterator[None]:
    """Two test processes share one cache, one after the other."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _own_engine() -> Iterator[Engine]:
    with (
        tempfile.TemporaryDirectory(prefix="egret-docker-") as place,
        open(Path(place) / "log", "w+", encoding="utf-8", errors="replace") as log,
    ):
        address = f"unix://{place}/engine.sock"
        process = subprocess.Popen(
            [
                "dockerd",
                *("-H", address, "--data-root", str(cache_folder() / "data")),
                *("--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            own = Engine(address)
            for _ in range(START_ROUNDS):
                if process.poll() is not None or own.answers():
                    break
                _PAUSE.wait(ROUND_S)
            if not own.answers():
                log.seek(0)
                raise AssertionError(f"no Docker Engine starts here:\n{log.read()[-4000:]}")
            yield own
        finally:
            process.terminate()
            try:
                process.wait(COMMAND_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _unmount_beneath(Path(place))


def _unmount_beneath(place: Path) -> None:
    """An engine that ends leaves the namespace of the machine's own network mounted."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith(f"{place}/"):
            subprocess.run(["umount", mount], timeout=COMMAND_TIMEOUT_S, check=False)


def _provide_base(client: Engine) -> None:
    if client.has_image(BASE_IMAGE):
        return
    with tempfile.TemporaryDirectory(prefix="egret-base-") as place:
        tree = Path(place) / "tree"
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(tree)]
            + _mirror(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=BOOTSTRAP_TIMEOUT_S,
            check=True,
        )
        for name in _LEFT_OUT:
            shutil.rmtree(tree / name, ignore_errors=True)
        for package in (tree / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, tree / CERTIFICATES.relative_to("/"))
            (tree / "etc/pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
        packed = Path(place) / "tree.tar"
        with tarfile.open(packed, "w") as archive:
            archive.add(tree, arcname=".")
        client.run("import", str(packed), BASE_IMAGE, timeout_s=BUILD_TIMEOUT_S)


def _mirror() -> list[str]:
    """The mirror that apt uses here; nothing if it does not say, and debootstrap decides."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    for line in told.stdout.splitlines():
        site, _, release = line.partition(" ")
        if release == SUITE:
            return [site]
    return []


def listening_ports(client: Engine, container: str) -> set[int]:
    """TCP ports on which anything listens inside a container, but not on its loopback alone."""
    ports = set()
    for table in ("tcp", "tcp6"):
        text = client.run("exec", container, "cat", f"/proc/net/{table}", check=False)
        for line in text.splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == "0A" and not _is_loopback(words[1]):
                ports.add(int(words[1].rpartition(":")[2], 16))
    return ports


def _is_loopback(address: str) -> bool:
    return address.startswith(("0100007F:", "0B00007F:", "0" * 24 + "01000000:"))


def environment_of(inspected: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a container."""
    return dict(each.split("=", 1) for each in inspected["Config"]["Env"])
