"""What the operating system's files say, and what follows when they do not."""

from pathlib import Path

import pytest

from server.host.system import SystemFigures, read_system

MEMINFO = "MemTotal:        1000 kB\nMemFree:          200 kB\nMemAvailable:     500 kB\nHuge: 3\n"
NOTHING = SystemFigures(None, None, None, None, None, None)


def machine(folder: Path, **files: str) -> SystemFigures:
    """The figures of a machine whose files say this."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return read_system(folder, folder / "temp")


def test_every_figure_is_read(tmp_path: Path) -> None:
    """Seconds, processes, bytes and degrees."""
    figures = machine(
        tmp_path,
        uptime="12345.67 54321.00\n",
        loadavg="0.10 0.20 0.30 1/234 5678\n",
        meminfo=MEMINFO,
        temp="48312\n",
    )

    assert (
        SystemFigures(
            uptime_s=12345.67,
            load=(0.1, 0.2, 0.3),
            memory_total_bytes=1_024_000,
            memory_available_bytes=512_000,
            memory_free_bytes=204_800,
            temperature_c=48.312,
        )
        == figures
    )


def test_missing_files_are_missing_figures(tmp_path: Path) -> None:
    """A machine that tells nothing is no error, and nothing is told as zero."""
    assert NOTHING == machine(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", "x y z\n", "\x00\xff", "nothing: much\n"])
def test_rubbish_is_no_figure(tmp_path: Path, text: str) -> None:
    """What cannot be understood is absent."""
    figures = machine(tmp_path, uptime=text, loadavg=text, meminfo=text, temp=text)

    assert NOTHING == figures


def test_this_machine_can_be_read() -> None:
    """The real files, where there are any, are understood."""
    figures = read_system()

    assert figures.uptime_s is None or figures.uptime_s > 0
