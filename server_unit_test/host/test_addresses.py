"""Under which addresses the machine is reached, from the kernel's own table."""

from pathlib import Path

import pytest

from server.host.addresses import LOOPBACKS, MAX_IPV6, lasting_ipv6, own_addresses

TABLE = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 02 40 00 80     eth0
20010db80000000000000000abcd1234 02 40 00 01     eth0
fd000000000000000000000000000007 02 40 00 80     eth0
fe8000000000000000000000000000aa 02 40 20 80     eth0
"""


def test_lasting_addresses_are_told(tmp_path: Path) -> None:
    """Neither those of one link, nor loopback, nor temporary ones."""
    table = tmp_path / "if_inet6"
    table.write_text(TABLE)

    assert ("2001:db8::7", "fd00::7") == lasting_ipv6(table)


@pytest.mark.parametrize("text", ["", "rubbish", "xyz 02 40 00 80 eth0", "00 01 00 00 zz lo"])
def test_a_table_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    """As on a machine without IPv6."""
    table = tmp_path / "if_inet6"
    table.write_text(text)

    assert () == lasting_ipv6(table)
    assert () == lasting_ipv6(tmp_path / "missing")


def test_they_are_bounded(tmp_path: Path) -> None:
    """A machine with hundreds has them for other purposes."""
    table = tmp_path / "if_inet6"
    table.write_text("".join(f"20010db8{each:024x} 02 40 00 80 eth0\n" for each in range(100)))

    assert MAX_IPV6 == len(lasting_ipv6(table))


def test_loopback_is_always_among_them(tmp_path: Path) -> None:
    """A certificate is to hold on the box itself."""
    assert set(LOOPBACKS) <= set(own_addresses(tmp_path / "missing"))
