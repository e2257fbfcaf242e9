"""The audit log of a real gateway: what its owner reads of what was done, over restarts."""

import json
from pathlib import Path
from typing import Any

from server_rest_test.conftest import _PAUSE, WAIT_ROUNDS
from server_rest_test.protected import PASSWORD, Asker, started


def read(owner: Asker, path: str = "/api/audit") -> list[dict[str, Any]]:
    """The entries, the newest first."""
    response = owner.call("GET", path)
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json()["entries"]
    return entries


def wait_for(owner: Asker, count: int, path: str = "/api/audit") -> list[dict[str, Any]]:
    """Entries are written just after the answer."""
    for _ in range(WAIT_ROUNDS):
        found = read(owner, path)
        if len(found) >= count:
            return found
        _PAUSE.wait(0.02)
    raise AssertionError(f"there are {len(found)} entries, not {count}")


def test_what_was_done_is_told_and_survives_a_restart(tmp_path: Path) -> None:
    """From the first start on: claim, settings, token; without a secret."""
    with started(tmp_path) as box:
        owner = box.owner()
        owner.call("POST", "/api/settings", {"name": "The hidden name"})
        token = owner.token("configure")
        program = box.asker(token["token"])
        program.call("POST", "/api/settings", {"bluetooth": {"window_s": 60}})
        first = wait_for(owner, 5)
    with started(tmp_path) as box:
        owner = box.asker()
        owner.log_in()

        again = wait_for(owner, 7)

    told = [(each["who"], each["path"], each["about"]) for each in reversed(again)]
    assert [
        ("gateway", "", [again[-1]["about"][0]]),
        ("nobody", "/api/entry/claim", []),
        ("owner", "/api/settings", ["name"]),
        ("owner", "/api/token", [token["id"], "a program"]),
        ("a program", "/api/settings", ["bluetooth.window_s"]),
    ] == told[:5]
    assert ("gateway", "/api/entry/login") == (told[5][0], told[6][1])
    assert first == again[2:]
    text = (tmp_path / "audit" / "changes.jsonl").read_text()
    for secret in (PASSWORD, token["token"], box.label, "The hidden name"):
        assert secret not in text


def test_who_is_refused_is_told_apart(tmp_path: Path) -> None:
    """Wrong passwords, and changes without a right, from where they came."""
    with started(tmp_path) as box:
        owner = box.owner()
        stranger = box.asker()
        stranger.log_in("not the password")
        stranger.call("POST", "/api/settings", {"name": "Mine"})

        found = wait_for(owner, 2, "/api/audit?refused=true")

        assert [
            ("nobody", "127.0.0.1", "http", "/api/settings", 401),
            ("nobody", "127.0.0.1", "http", "/api/entry/login", 401),
        ] == [tuple(each[k] for k in ("who", "source", "door", "path", "status")) for each in found]
        assert not [each for each in read(owner) if each["status"] == 401]


def test_the_owner_takes_it_home_as_a_file(tmp_path: Path) -> None:
    """One JSON object a line; nobody else gets it."""
    with started(tmp_path) as box:
        owner = box.owner()
        wait_for(owner, 2)

        response = owner.call("GET", "/api/audit/export")

        lines = [json.loads(line) for line in response.text.splitlines()]
        assert [1, 2] == [each["number"] for each in lines]
        assert 401 == box.asker().status("/api/audit/export")


def test_a_torn_line_of_a_power_cut_stops_nothing(tmp_path: Path) -> None:
    """The gateway starts, reads what is whole and goes on below."""
    folder = tmp_path / "audit"
    folder.mkdir()
    whole = '{"number": 41, "at_ms": 1, "clock": "synced", "door": "http", "status": 200}\n'
    (folder / "changes.jsonl").write_text(whole + '{"number": 42, "at_m')
    with started(tmp_path) as box:
        found = wait_for(box.owner(), 3)

    assert [43, 42, 41] == [each["number"] for each in found]
