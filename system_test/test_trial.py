"""A version on trial as a whole process: what proves it, and how it gives up, once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from server import __version__
from server.host.release_file import FALLBACK_FILE, ReleaseFile
from server.ledger.trial import MAX_TRIES, TRIAL_LEAST_S
from server.model.release import TRIAL_EXIT_CODE, Attempt, Release
from system_test.processes import HTTP_TIMEOUT_S, Program, device, wait_until

END_TIMEOUT_S = 60.0
"""For the last words and a clean stop, on a machine that does much else."""

PROOF_TIMEOUT_S = TRIAL_LEAST_S + 60.0

BEFORE = "0.0.9"

Start = Callable[..., Program]

pytestmark = pytest.mark.system


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def attempt_in(data: Path) -> Attempt:
    """What is remembered of the version on trial."""
    record = ReleaseFile(data).read()
    assert record is not None and record.trial is not None
    return record.trial


def unhealthy(program: Program) -> str:
    """Why /healthz answers 503; empty while it does not."""
    answer = requests.get(f"{program.url}/healthz", timeout=HTTP_TIMEOUT_S)
    return str(answer.json()["reason"]) if answer.status_code == 503 else ""


def test_a_version_that_used_up_its_tries_gives_up_once(data: Path, gateway: Start) -> None:
    """It says why, ends with its own code, and stays when it is started again all the same."""
    ReleaseFile(data).write(
        Release(BEFORE, __version__, Attempt(__version__, 0, MAX_TRIES)),
    )
    first = gateway(data)
    reason = wait_until(lambda: unhealthy(first), END_TIMEOUT_S, "reason")
    code = wait_until(lambda: first.returncode, END_TIMEOUT_S, "end")
    failed = attempt_in(data).failed
    again = gateway(data)
    then = wait_until(lambda: unhealthy(again), END_TIMEOUT_S, "reason")

    assert (TRIAL_EXIT_CODE, 0) == (code, again.stop())
    assert f"version {__version__} has not proved itself: it was started {MAX_TRIES}" in reason
    assert "it was started" in failed and f"it failed before: {failed}" in then
    assert "version given up" in first.output() and "Traceback" not in first.output()


def test_a_version_that_reads_and_delivers_is_proven(
    data: Path, gateway: Start, plant: Start, receiver: Start
) -> None:
    """With a real device and a real endpoint, a minute after its start."""
    devices = [device(plant().door, "roof", interval_s=1.0)]
    settings = {"EGRET_HARVEST_INTERVAL_S": "1", "EGRET_CLOCK_TRUST": "always"}
    sink = receiver()
    with gateway(data, devices=devices, endpoints=[sink.url], settings=settings) as before:
        identity = before.get("/api/crypto")
        known = {"device": identity["serialNumber"], "public_key": identity["publicKey"]}
        requests.post(f"{sink.url}/register", json=known, timeout=HTTP_TIMEOUT_S)
        wait_until(lambda: latest(before), END_TIMEOUT_S, "reading")
    ReleaseFile(data).write(Release(BEFORE, BEFORE))

    after = gateway(data, devices=devices, endpoints=[sink.url], settings=settings)
    owed = attempt_in(data).devices
    wait_until(lambda: "standing=proven" in after.output(), PROOF_TIMEOUT_S, "proof")
    wait_until(lambda: proven(data) == __version__, END_TIMEOUT_S, "record")

    assert (("roof",), "") == (owed, unhealthy(after))


def latest(program: Program) -> bool:
    """Whether something has been accepted."""
    return int(program.get("/api/snapshot")["store"]["accepted"]) > 0


def proven(data: Path) -> str:
    """The version that the record calls proven."""
    record = ReleaseFile(data).read()
    return record.proven if record else ""


def test_the_version_before_tells_what_became_of_the_newer_one(data: Path, gateway: Start) -> None:
    """From the note of its supervisor, on the page; and it is healthy."""
    ReleaseFile(data).write(Release(__version__, "9.0.0", Attempt("9.0.0", 0, 3)))
    (data / FALLBACK_FILE).write_text("9.0.0 was started 3 times and did not prove itself\n")
    program = gateway(data)

    told = json.dumps(program.get("/api/state"))

    assert "" == unhealthy(program)
    assert "Version 9.0.0 was tried and did not prove itself" in told
    assert "was started 3 times" in told


def test_a_first_start_leaves_a_proven_version(data: Path, gateway: Start) -> None:
    """Nothing is on trial where nothing ran before."""
    assert 0 == gateway(data).stop()

    assert Release(__version__, __version__) == ReleaseFile(data).read()


def test_a_stop_during_a_trial_gives_the_try_back(data: Path, gateway: Start) -> None:
    """The next start is the first again."""
    ReleaseFile(data).write(Release(BEFORE, BEFORE))
    tries = []
    for _ in range(2):
        program = gateway(data)
        tries.append(attempt_in(data).tries)
        program.stop()
        tries.append(attempt_in(data).tries)

    assert [1, 0, 1, 0] == tries
