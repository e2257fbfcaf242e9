"""The label as a picture: a QR code for a terminal or for print, with the text beneath it.

What is made here shows the secret: it goes where a person asked for it and nowhere else.
"""

import io

import segno

from bluetooth.label import Label

QR_ERROR_CORRECTION = "M"
"""Fifteen per cent of the picture may be scratched off."""

SVG_MODULE_MM = 0.8
"""Side of one dot in print: phones read it from a hand's breadth."""

QUIET_MODULES = 4
"""White around the code, as ISO/IEC 18004 asks."""


def card_text(label: Label, name: str) -> str:
    """The card for a terminal: the code in block characters, the name and the label in groups."""
    drawn = io.StringIO()
    _code(label, name).terminal(drawn, border=QUIET_MODULES, compact=True)
    return f"{drawn.getvalue()}\n  {name}\n  {label.printed()}\n"


def card_svg(label: Label, name: str) -> str:
    """The card for print, as an SVG with the same text beneath the code."""
    code = _code(label, name)
    drawn = code.svg_inline(border=QUIET_MODULES, omitsize=True, svgclass=None, lineclass=None)
    side = code.symbol_size(border=QUIET_MODULES)[0]
    width, height = side * SVG_MODULE_MM, (side + 9) * SVG_MODULE_MM
    text = (
        f'<g font-family="monospace" text-anchor="middle" font-size="2.1">'
        f'<text x="{side / 2}" y="{side + 1.5}">{_escaped(name)}</text>'
        f'<text x="{side / 2}" y="{side + 5}" textLength="{side - 4}">{label.printed()}</text></g>'
    )
    inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.1f}mm" height="{height:.1f}mm"'
        f' viewBox="0 0 {side} {side + 9}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{inner}{text}</svg>\n'
    )


def _code(label: Label, name: str) -> segno.QRCode:
    return segno.make_qr(label.pairing_text(name), error=QR_ERROR_CORRECTION)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
