"""`python ble_service.py` inside bluetooth/: the same as `python -m bluetooth` beside it.

Earlier gateways of this family are started like this, and so are the units that people wrote.
"""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line of the package, found from this file whatever the folder is."""
    here = Path(__file__).resolve().parent
    # Python has put this folder first, where our clock.py would stand for anybody's `clock`.
    sys.path[:] = [str(here.parent), *(each for each in sys.path if Path(each).resolve() != here)]
    from bluetooth.__main__ import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
