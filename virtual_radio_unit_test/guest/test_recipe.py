"""The keys under which parts are kept."""

from dataclasses import replace

from virtual_radio.guest import recipe
from virtual_radio.guest.archive import Archive

ARCHIVE = Archive("bookworm", "http://mirror.test/debian/", (), "")


def test_the_same_recipe_has_the_same_key_on_every_mirror() -> None:
    """A part that was made behind one mirror serves behind another."""
    elsewhere = replace(ARCHIVE, mirror="http://other.test/debian/", transport="Acquire")

    assert recipe.debian_key(ARCHIVE) == recipe.debian_key(elsewhere)


def test_another_release_has_another_key() -> None:
    """Two releases lie side by side."""
    assert recipe.debian_key(ARCHIVE) != recipe.debian_key(replace(ARCHIVE, suite="trixie"))


def test_a_change_of_the_lock_or_of_python_has_another_key() -> None:
    """Packages are those of exactly this lock."""
    keys = {
        recipe.site_key("a==1", "3.11"),
        recipe.site_key("a==2", "3.11"),
        recipe.site_key("a==1", "3.13"),
    }

    assert 3 == len(keys)


def test_ingredients_do_not_run_into_one_another() -> None:
    """("ab", "c") is another recipe than ("a", "bc")."""
    assert recipe.key("ab", "c") != recipe.key("a", "bc")
