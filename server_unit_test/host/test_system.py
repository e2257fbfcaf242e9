"""The machine's figures, read from copies of its files."""

from pathlib import Path

from server.host.system import SystemFigures, read_system

MEMINFO = "MemTotal:        1000 kB\nMemFree:          250 kB\nMemAvailable:     500 kB\nodd\n"


def test_the_figures_are_read_from_the_machines_files(tmp_path: Path) -> None:
    """Kibibytes become bytes, millidegrees degrees."""
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "uptime").write_text("86400.50 1000.00\n")
    (tmp_path / "loadavg").write_text("0.10 0.20 0.30 1/100 1234\n")
    (tmp_path / "temp").write_text("48250\n")

    figures = read_system(tmp_path, tmp_path / "temp")

    assert SystemFigures(86400.5, (0.1, 0.2, 0.3), 1024000, 512000, 256000, 48.25) == figures


def test_what_is_missing_is_absent(tmp_path: Path) -> None:
    """A machine without these files has no figures, not zeros."""
    expected = SystemFigures(None, None, None, None, None, None)

    assert expected == read_system(tmp_path, tmp_path / "temp")


def test_rubbish_is_absent_too(tmp_path: Path) -> None:
    """A file that cannot be understood is no error."""
    for name in ("meminfo", "uptime", "loadavg", "temp"):
        (tmp_path / name).write_bytes(b"\xff rubbish \x00")
    (tmp_path / "loadavg").write_text("0.1 x 0.3")

    expected = SystemFigures(None, None, None, None, None, None)
    assert expected == read_system(tmp_path, tmp_path / "temp")


def test_this_machine_has_an_uptime() -> None:
    """The default paths are those of Linux."""
    assert (read_system().uptime_s or 0) > 0
