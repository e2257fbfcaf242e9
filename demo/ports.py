"""Free ports: the usual one where it is free, any other where it is not."""

import socket

ANY = 0


def free_or_any(host: str, wanted: int) -> int:
    """`wanted` if nobody listens there, else 0, which lets the program take a free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return ANY
        return wanted
