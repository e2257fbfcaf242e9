"""Who may enter a protected box, from its first start on: the real process, asked over HTTP."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from server_rest_test.protected import PASSWORD, Asker, Box, started

WRONG_TRIES = 5


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, Asker]]:
    """A claimed box and its owner, for tests that leave both as they are."""
    with started(tmp_path_factory.mktemp("box") / "data") as box:
        yield box, box.owner()


@pytest.fixture
def box(shared: tuple[Box, Asker]) -> Box:
    """The box."""
    return shared[0]


@pytest.fixture
def owner(shared: tuple[Box, Asker]) -> Asker:
    """Its owner, logged in."""
    return shared[1]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Box]:
    """A box that nobody owns."""
    with started(tmp_path / "data") as box:
        yield box


# -- becoming the owner -------------------------------------------------------------------------


def test_a_new_box_serves_its_page_and_waits_for_its_owner(fresh: Box) -> None:
    """What says nothing of the house is open; all else waits, and says for what."""
    somebody = fresh.asker()

    entry = somebody.call("GET", "/api/entry").json()

    assert {"claimed": False, "access": "protected", "exposed": False} == {
        key: entry[key] for key in ("claimed", "access", "exposed")
    }
    assert {"name": "nobody", "scopes": [], "owner": False} == entry["you"]
    opened = [somebody.status(path) for path in ("/", "/static/page.js", "/healthz", "/api/docs")]
    assert [200] * 4 == opened
    refused = somebody.call("GET", "/api/snapshot")
    assert (401, "unclaimed") == (refused.status_code, refused.json()["reason"])


@pytest.mark.parametrize("form", ["as printed", "plain", "scanned"])
def test_the_labels_secret_claims_the_box(fresh: Box, form: str) -> None:
    """However it is typed or scanned; whoever did it is logged in."""
    plain = fresh.label.replace("-", "").lower()
    secret = {"as printed": fresh.label, "plain": plain, "scanned": f"egret:pair?v=1&s={plain}&n=x"}
    somebody = fresh.asker()

    response = somebody.claim(secret[form])

    assert 200 == response.status_code, response.text
    assert {"status": "ok"} == response.json()
    entry = somebody.call("GET", "/api/entry").json()
    assert (True, True) == (entry["claimed"], entry["you"]["owner"])
    assert 200 == somebody.status()
    assert 401 == fresh.asker().status()


def test_the_code_of_the_first_start_claims_it_once(fresh: Box) -> None:
    """For whoever sees the terminal; afterwards the label alone does."""
    code = fresh.first["claim_code"]

    statuses = [fresh.asker().claim(code).status_code for _ in range(2)]

    assert [200, 401] == statuses


def test_a_password_that_is_none_is_refused_in_words(fresh: Box) -> None:
    """Before anything counts as a try; the words do not repeat it."""
    for password in ("short", "aaaaaaaaaaaaaaaa", "x" * 300):
        response = fresh.asker().claim(fresh.label, password)
        assert 400 == response.status_code
        assert "password" in response.json()["error"] and password not in response.text
    assert 200 == fresh.asker().claim(fresh.label).status_code


def test_guessing_the_label_gets_slower_and_slower(fresh: Box) -> None:
    """Five tries, then a pause that the answer tells; the right secret has to wait as well."""
    guesser = fresh.asker()

    statuses = [guesser.claim("P6ZS-0000").status_code for _ in range(WRONG_TRIES)]
    waiting = guesser.claim(fresh.label)

    assert [401] * WRONG_TRIES == statuses
    assert 429 == waiting.status_code
    assert 1 <= int(waiting.headers["retry-after"]) <= 30
    assert "wait" in waiting.json()["error"]


def test_claiming_anew_shuts_everybody_else_out(fresh: Box) -> None:
    """A forgotten password, or a box that was sold: sessions and tokens end, unless kept."""
    first = fresh.owner()
    program = fresh.asker(first.token("read")["token"])
    second = fresh.asker()

    second.claim(fresh.label, "another good password")

    assert (401, 401, 200) == (first.status(), program.status(), second.status())
    assert 401 == fresh.asker().log_in().status_code
    kept = fresh.asker(second.token("read")["token"])
    third = fresh.asker()
    third.claim(fresh.label, "a third good password", keep_tokens=True)
    assert (401, 200, 200) == (second.status(), kept.status(), third.status())


# -- sessions -----------------------------------------------------------------------------------


def test_the_cookie_is_for_the_browser_alone(box: Box) -> None:
    """No script reads it, no other site has it sent, and no answer repeats it."""
    somebody = box.asker()

    response = somebody.log_in()

    header = response.headers["set-cookie"]
    name, *attributes = [each.strip() for each in header.split(";")]
    assert name.startswith("egret_session=") and len(somebody.cookie) >= 43
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} == set(attributes)
    assert somebody.cookie not in response.text


def test_a_cookie_that_was_kept_is_worth_nothing_after_logout(box: Box) -> None:
    """The box forgets the session, not only the browser."""
    somebody = box.asker()
    somebody.log_in()
    stolen = {"Cookie": f"egret_session={somebody.cookie}"}
    before = box.asker().call("GET", "/api/snapshot", headers=stolen).status_code

    response = somebody.call("POST", "/api/entry/logout")

    assert 200 == before
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert 401 == box.asker().call("GET", "/api/snapshot", headers=stolen).status_code
    assert 401 == somebody.status()


def test_a_stream_ends_with_its_session(box: Box) -> None:
    """Soon after the logout, although nobody closes it."""
    somebody = box.asker()
    somebody.log_in()
    with somebody.call("GET", "/api/stream", stream=True) as stream:
        lines = stream.iter_lines()
        began = next(lines)
        box.asker().call(
            "POST", "/api/entry/logout", headers={"Cookie": f"egret_session={somebody.cookie}"}
        )
        events = sum(line.startswith(b"data:") for line in lines)

    assert began.startswith(b"retry:")
    assert 1 <= events < 20


def test_five_wrong_passwords_make_everybody_at_that_address_wait(fresh: Box) -> None:
    """The right one too; who is in already stays in."""
    owner = fresh.owner()
    guesser = fresh.asker()

    statuses = [guesser.log_in("guess number one").status_code for _ in range(WRONG_TRIES)]
    waiting = guesser.log_in()

    assert [401] * WRONG_TRIES == statuses
    assert (429, "wait") == (waiting.status_code, waiting.json()["reason"])
    assert 1 <= int(waiting.headers["retry-after"]) <= 30
    assert 200 == owner.status()


def test_a_new_password_ends_every_other_session(fresh: Box) -> None:
    """It takes the old one, even in a session: a browser left open is not the owner."""
    owner, elsewhere = fresh.owner(), fresh.asker()
    elsewhere.log_in()
    path, new = "/api/entry/password", "quite another password"

    refused = owner.call("POST", path, {"old": "not the old one", "new": new})
    changed = owner.call("POST", path, {"old": PASSWORD, "new": new})

    assert (401, 200) == (refused.status_code, changed.status_code)
    assert (200, 401) == (owner.status(), elsewhere.status())
    assert [401, 200] == [fresh.asker().log_in(each).status_code for each in (PASSWORD, new)]


# -- tokens -------------------------------------------------------------------------------------

WRITE = {"commands": [{"type": "write", "startingAddress": 1, "values": [1]}]}
ASKED = {
    "read": ("GET", "/api/snapshot", None),
    "configure": ("POST", "/api/logger", {"logger": "server", "level": "INFO"}),
    "control": ("POST", "/api/inverter/modbus", WRITE),
    "owner": ("GET", "/api/token", None),
}


@pytest.mark.parametrize("scope", ["read", "configure", "control"])
def test_a_token_may_do_what_it_says(box: Box, owner: Asker, scope: str) -> None:
    """And nothing beside it, least of all what is the owner's."""
    program = box.asker(owner.token(scope, name=f"may {scope}")["token"])

    for what, (method, path, body) in ASKED.items():
        response = program.call(method, path, body)
        turned_away = response.json().get("error", "") if response.status_code == 403 else ""
        refused_here = "its token lacks" in turned_away or "only the owner" in turned_away
        assert (what != scope) is refused_here, (what, response.text)


def test_a_revoked_token_ends_at_once(box: Box, owner: Asker) -> None:
    """Its stream as well."""
    told = owner.token("read")
    program = box.asker(told["token"])
    with program.call("GET", "/api/stream", stream=True) as stream:
        lines = stream.iter_lines()
        next(lines)
        before = program.status()

        revoked = owner.call("DELETE", "/api/token", {"id": told["id"]})
        events = sum(line.startswith(b"data:") for line in lines)

    assert (200, 200, 401) == (before, revoked.status_code, program.status())
    assert events < 20
    assert 404 == owner.status("/api/token", "DELETE", {"id": told["id"]})


def test_a_token_is_told_once_and_kept_as_a_digest(box: Box, owner: Asker) -> None:
    """Neither the list nor the file shows it; both files are for the program's eyes alone."""
    told = owner.token("read", "control", name="Home Assistant")

    listed = owner.call("GET", "/api/token")

    (mine,) = [each for each in listed.json()["tokens"] if each["id"] == told["id"]]
    assert ("Home Assistant", ["read", "control"], True) == (
        mine["name"],
        mine["scopes"],
        mine["revocable"],
    )
    secret = told["token"].rpartition("_")[2]
    kept = (box.data / "entry.json").read_text()
    assert secret not in listed.text + kept and PASSWORD not in kept
    for name in ("entry.json", "bluetooth_token", "bluetooth_label"):
        assert 0o600 == stat.S_IMODE((box.data / name).stat().st_mode)


def test_a_program_lets_itself_do_no_more(box: Box, owner: Asker) -> None:
    """Who may enter and what may be written are the owner's to set."""
    program = box.asker(owner.token("configure")["token"])

    for changes in ({"api": {"access": "open"}}, {"control": {"raw_writes": True}}):
        response = program.call("POST", "/api/settings", changes)
        assert 403 == response.status_code
        assert "only the owner" in response.json()["error"]
    assert 200 == program.status("/api/settings", "POST", {"name": "Cellar"})
    assert 200 == owner.status("/api/settings", "POST", {"api": {"live_readings": True}})
    assert (200, 401) == (box.asker().status("/api/readings"), box.asker().status())
    assert 200 == owner.status("/api/settings", "POST", {"api": {"live_readings": False}})
    assert 401 == box.asker().status("/api/readings")


def test_the_bluetooth_services_token_lies_beside_the_label(box: Box, owner: Asker) -> None:
    """It reads and configures; it is listed, and taken back by taking its file away."""
    service = box.asker((box.data / "bluetooth_token").read_text().strip())

    report = service.status("/api/bluetooth/state", "POST", {"state": "open"})

    assert (200, 200, 403) == (service.status(), report, service.status("/api/token"))
    refused = owner.call("DELETE", "/api/token", {"id": "bluetooth"})
    assert 400 == refused.status_code and "remove the file" in refused.json()["error"]


def test_only_the_owner_has_his_words_signed(box: Box, owner: Asker) -> None:
    """A program with every scope has not."""
    program = box.asker(owner.token("read", "configure", "control")["token"])
    for path, body in (("crypto/sign", {"message": "x"}), ("jwt/create", {"barn": {"a": 1}})):
        assert 403 == program.status(f"/api/{path}", "POST", body)
        assert 200 == owner.status(f"/api/{path}", "POST", body)


# -- restarts -----------------------------------------------------------------------------------


def test_a_restart_ends_sessions_and_keeps_tokens(tmp_path: Path) -> None:
    """And the owner, his password and the Bluetooth service's token."""
    data = tmp_path / "data"
    with started(data) as box:
        owner = box.owner()
        token, cookie = owner.token("read")["token"], owner.cookie
        service = (data / "bluetooth_token").read_text()
    with started(data) as box:
        kept = {"Cookie": f"egret_session={cookie}"}

        assert "claim_code" not in box.first
        assert 401 == box.asker().call("GET", "/api/snapshot", headers=kept).status_code
        assert 200 == box.asker(token).status()
        assert 200 == box.asker().log_in().status_code
        assert service == (data / "bluetooth_token").read_text()


def test_a_broken_book_lets_nobody_in_but_the_labels_holder(tmp_path: Path) -> None:
    """It is told, kept aside at the next claim, and never taken for a new box."""
    data = tmp_path / "data"
    with started(data) as box:
        token = box.owner().token("read")["token"]
    (data / "entry.json").write_text("{ rubbish")
    with started(data) as box:
        somebody = box.asker()

        assert True is somebody.call("GET", "/api/entry").json()["claimed"]
        assert "claim_code" not in box.first
        assert (401, 401) == (somebody.log_in().status_code, box.asker(token).status())
        owner = box.owner()
        assert "cannot be read" in owner.call("GET", "/api/snapshot").text
        assert "{ rubbish" == (data / "entry.json.broken-1").read_text()
        assert json.loads((data / "entry.json").read_text())["password"]


def test_the_folder_of_the_door_may_lie_elsewhere(tmp_path: Path) -> None:
    """Where two containers share it: label and token, nothing else."""
    door = tmp_path / "door"
    with started(tmp_path / "data", "--door", str(door)) as box:
        label = (door / "bluetooth_label").read_text().splitlines()[1]

        assert 200 == box.asker().claim(label).status_code
        assert {"bluetooth_label", "bluetooth_token"} == {each.name for each in door.iterdir()}
        assert (tmp_path / "data" / "entry.json").exists()
