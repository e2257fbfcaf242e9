"""The archive of the initramfs."""

from virtual_radio.guest import newc

HEADER_BYTES = 110


def test_an_entry_has_its_fields_where_the_kernel_looks_for_them() -> None:
    """Magic, mode, size and length of the name, all in hexadecimal."""
    made = newc.archive([newc.Entry("init", newc.PROGRAM_MODE, b"hello")])

    assert b"070701" == made[:6]
    assert newc.PROGRAM_MODE == int(made[14:22], 16)
    assert 5 == int(made[54:62], 16)
    assert 5 == int(made[94:102], 16)
    assert b"init\0" == made[HEADER_BYTES : HEADER_BYTES + 5]


def test_names_and_data_begin_at_multiples_of_four() -> None:
    """Whatever their lengths."""
    for length in range(5):
        made = newc.archive([newc.Entry("n" * (length + 1), newc.FILE_MODE, b"x" * length)])

        assert 0 == len(made) % 4
        assert made.index(b"070701", 1) % 4 == 0


def test_an_archive_ends_with_its_trailer() -> None:
    """So that the kernel takes the next archive after it."""
    made = newc.archive([])

    assert newc.END.encode() in made[HEADER_BYTES:]
