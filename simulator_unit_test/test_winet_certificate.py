"""The dongle's certificate: the same as long as it should be, another one on command."""

from pathlib import Path

import pytest

from simulator.winet_certificate import FILE_NAME, Certificate


def test_a_certificate_stays_until_it_is_made_anew() -> None:
    """Asking twice shows the same one; regenerating shows another, in the same context."""
    certificate = Certificate("WiNet-1")
    context, first = certificate.context(), certificate.fingerprint()
    second = certificate.regenerate()

    assert first != second
    assert second == certificate.fingerprint()
    assert context is certificate.context()


def test_a_folder_keeps_it_beyond_the_process(tmp_path: Path) -> None:
    """A second dongle on the same folder shows the same one, and only the owner reads it."""
    first = Certificate("WiNet-1", tmp_path / "dongle")
    fingerprint = first.fingerprint()

    assert fingerprint == Certificate("WiNet-1", tmp_path / "dongle").fingerprint()
    assert 0o600 == (tmp_path / "dongle" / FILE_NAME).stat().st_mode & 0o777


def test_a_new_one_replaces_the_kept_one(tmp_path: Path) -> None:
    """Regenerating is remembered in the folder too."""
    first = Certificate("WiNet-1", tmp_path)
    anew = first.regenerate()

    assert anew == Certificate("WiNet-1", tmp_path).fingerprint()


def test_without_a_folder_each_dongle_has_its_own() -> None:
    """Two dongles are never taken for one another."""
    assert Certificate("WiNet-1").fingerprint() != Certificate("WiNet-1").fingerprint()


@pytest.mark.parametrize("kept", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA=="])
def test_a_file_that_is_none_is_named(tmp_path: Path, kept: bytes) -> None:
    """What is kept and cannot be used is told, with what to do; nothing is overwritten."""
    (tmp_path / FILE_NAME).write_bytes(kept)

    with pytest.raises(ValueError, match="winet.pem holds no key with its certificate; remove it"):
        Certificate("WiNet-1", tmp_path).context()
    assert kept == (tmp_path / FILE_NAME).read_bytes()


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for a moment: a container may have no place that can be written."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)

    assert 64 == len(Certificate("WiNet-1").fingerprint())
    assert [] == list(tmp_path.iterdir())


def test_no_tickets_are_given() -> None:
    """A dongle remembers no TLS session."""
    assert 0 == Certificate("WiNet-1").context().num_tickets
