"""The card that a person scans or reads."""

import xml.etree.ElementTree as ElementTree

import segno

from bluetooth.label import Label
from bluetooth.label_card import QR_ERROR_CORRECTION, QUIET_MODULES, card_svg, card_text

LABEL = Label(bytes.fromhex("b51ea90f4c1dd2e8a7730c56f1e0429b"))
NAME = "Egret <A1&B2>"


def dots() -> list[list[bool]]:
    """The QR code that the card should show, as segno computes it from the pairing text."""
    code = segno.make_qr(LABEL.pairing_text(NAME), error=QR_ERROR_CORRECTION)
    return [[bool(dot) for dot in row] for row in code.matrix_iter(border=QUIET_MODULES)]


def test_a_terminal_shows_the_code_and_the_text() -> None:
    """The code is drawn two rows a line; light is printed, so it reads on a dark terminal."""
    lines = card_text(LABEL, NAME).splitlines()
    rows = dots()
    upper = [[line[x] in " ▄" for x in range(len(rows))] for line in lines[: len(rows) // 2]]

    assert rows[0 : len(upper) * 2 : 2] == upper
    assert f"  {NAME}" in lines
    assert f"  {LABEL.printed()}" in lines


def test_the_svg_is_whole_and_shows_the_text() -> None:
    """A drawing program can read it, and what is typed stands below the code."""
    root = ElementTree.fromstring(card_svg(LABEL, NAME))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]

    assert [NAME, LABEL.printed()] == texts
    assert root.attrib["width"].endswith("mm")
    assert list(root.iter("{http://www.w3.org/2000/svg}path"))
