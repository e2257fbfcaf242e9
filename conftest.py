"""What every test suite of this repository may use: the virtual radio's fixtures.

It stands here because pytest takes plugins only from the topmost conftest.py.
"""

pytest_plugins = ["virtual_radio.plugin"]
