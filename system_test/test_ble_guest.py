"""The contract of any box, as ble_rest_test has it, on real BlueZ in a guest (route C2)."""

# All tests of that module; the fixtures and marks of this folder come after them and count.
from ble_rest_test.test_any_box import *  # noqa: F401,F403
from system_test.ble_in_guest import *  # noqa: F401,F403
