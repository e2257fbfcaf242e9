"""Who may enter, put together from files at start."""

from pathlib import Path

from server.host.entry_file import ENTRY_FILE
from server.identity.door_token import DOOR_TOKEN_FILE
from server.identity.label import LABEL_FILE
from server.model.access import Scope
from server.way_in import way_in


def test_a_first_start_makes_label_and_token_and_no_owner(tmp_path: Path) -> None:
    """Each where it belongs; the code is shown where the box asks for its owner."""
    found = way_in(tmp_path / "data", tmp_path / "door")

    assert {LABEL_FILE, DOOR_TOKEN_FILE} == {each.name for each in (tmp_path / "door").iterdir()}
    assert not (tmp_path / "data").exists()
    assert (False, ()) == (found.entry.view.claimed, found.problems)
    assert found.claim.code == found.code_to_show(is_open=False)
    assert "" == found.code_to_show(is_open=True)


def test_a_box_with_an_owner_shows_no_code(tmp_path: Path) -> None:
    """The label alone claims it again."""
    first = way_in(tmp_path, tmp_path)
    book = first.entry.with_password(first.entrance.digested("a long enough password"))
    first.entrance.keeper.write(book)

    second = way_in(tmp_path, tmp_path)

    assert "" == second.code_to_show(is_open=False)
    label = (tmp_path / LABEL_FILE).read_text().splitlines()[1]
    assert second.entrance.claims(label, True)
    assert not second.entrance.claims(second.claim.code, True)


def test_the_door_has_its_token_before_there_is_an_owner(tmp_path: Path) -> None:
    """A phone joins the box to a Wi-Fi first."""
    found = way_in(tmp_path, tmp_path)

    caller = found.entry.view.of_token((tmp_path / DOOR_TOKEN_FILE).read_text().strip())

    assert caller is not None and caller.may(Scope.CONFIGURE)


def test_what_cannot_be_used_lets_nobody_in_and_is_told(tmp_path: Path) -> None:
    """A broken label, a token that cannot be made, a book of rubbish: the box goes on without."""
    (tmp_path / LABEL_FILE).write_text("rubbish")
    (tmp_path / DOOR_TOKEN_FILE).mkdir()
    (tmp_path / ENTRY_FILE).write_text("{")

    found = way_in(tmp_path, tmp_path)

    assert 3 == len(found.problems)
    assert found.entry.view.claimed and {} == found.entry.view.tokens
    assert "" == found.code_to_show(is_open=False)
    assert not found.entrance.claims("rubbish", True)
