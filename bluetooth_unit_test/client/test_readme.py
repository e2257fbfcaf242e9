"""What the README promises is there."""

import shlex
from pathlib import Path

from bluetooth.client import __main__ as command_line
from bluetooth.client.errors import Exit

README = Path(command_line.__file__).with_name("README.md").read_text(encoding="utf-8")
PROGRAM = "python -m bluetooth.client "


def test_every_example_is_understood() -> None:
    """By the command line itself; so are those of its help."""
    lines = [*README.splitlines(), *command_line.EPILOG.splitlines()]
    examples = [line.partition(PROGRAM)[2] for line in lines if line.strip().startswith(PROGRAM)]

    for each in examples:
        words = shlex.split(each.partition("|")[0], comments=True)
        command_line.options_of(command_line.arguments().parse_args(words))
    assert len(examples) >= 12


def test_every_exit_code_is_explained() -> None:
    """In its table."""
    assert all(f"| {int(each)} |" in README for each in Exit)
