"""`python ble_service.py` inside bluetooth/. That it runs is shown in test_main."""

import sys
from pathlib import Path

import pytest

from bluetooth import ble_service

FOLDER = Path(ble_service.__file__).resolve().parent


def test_the_packages_modules_stand_for_nobody_elses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started inside the folder, `import clock` of a library must not find ours."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), "/elsewhere"])
    monkeypatch.setattr(sys, "argv", ["ble_service.py", "--help"])

    with pytest.raises(SystemExit):
        ble_service.main()
    assert [str(FOLDER.parent), "/elsewhere"] == sys.path
    assert "usage: python -m bluetooth" in capsys.readouterr().out
