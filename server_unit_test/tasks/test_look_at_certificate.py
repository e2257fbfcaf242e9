"""The certificate is looked after each minute, and what is wrong with it is said once."""

from server.engine.task import Again, Failed
from server.errors import IdentityError
from server.model.notice import Level
from server.tasks.look_at_certificate import (
    LOOK_BUDGET_S,
    LOOK_EVERY_S,
    LOOK_SLACK_S,
    LookAtCertificate,
)
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0


class Certificates:
    """`ports.Certificates` with what a look finds."""

    def __init__(self, *found: str) -> None:
        self.found = [*found]

    def look(self) -> str:
        """The next one."""
        return self.found.pop(0)


def told(home: Home) -> list[tuple[Level, str]]:
    """The notices."""
    return [(each.level, each.text) for each in home.house.notices.shown()]


def test_it_looks_again_and_again(home: Home) -> None:
    """Each minute, without a word while all is well."""
    task = LookAtCertificate(home.house, Certificates("", ""))

    assert Again(NOW + LOOK_EVERY_S) == run(task, NOW)
    assert [] == told(home)


def test_a_problem_is_told_and_goes_when_it_is_mended(home: Home) -> None:
    """Words for the owner, as long as they are true."""
    task = LookAtCertificate(home.house, Certificates("It ended.", "It ended.", ""))
    run(task, NOW)
    run(task, NOW)
    during = told(home)

    run(task, NOW)

    assert [(Level.WARNING, "It ended.")] == during
    assert [] == told(home)


def test_what_was_found_at_start_is_told(home: Home) -> None:
    """The first look comes before there is an engine."""
    LookAtCertificate(home.house, Certificates(), "The key was broken.")

    assert [(Level.WARNING, "The key was broken.")] == told(home)


def test_a_disk_that_fails_is_told_and_tried_again(home: Home) -> None:
    """The certificate that is shown goes on being shown."""
    task = LookAtCertificate(home.house, Certificates())

    verdict = task.settle(Failed(IdentityError("check the disk")), NOW)

    assert Again(NOW + LOOK_EVERY_S) == verdict
    assert [(Level.WARNING, "check the disk")] == told(home)


def test_it_costs_an_idle_box_nearly_nothing() -> None:
    """A wake-up a minute, shared with others."""
    assert LOOK_BUDGET_S + LOOK_SLACK_S < LOOK_EVERY_S
