"""The shape of replies, as captured from dongles."""

from simulator.winet_replies import failure, listed, notice, success


def test_a_success_names_its_service() -> None:
    """Code 1, "success", and the service beside the data."""
    assert {
        "result_code": 1,
        "result_msg": "success",
        "result_data": {"service": "connect", "uid": 1},
    } == success("connect", uid=1)


def test_a_list_carries_its_length() -> None:
    """The count follows the list."""
    assert {"service": "real", "list": [7], "count": 1} == listed("real", [7])["result_data"]


def test_a_failure_has_the_vendors_message() -> None:
    """301 is a read that failed, 391 a change that failed."""
    messages = [failure(code)["result_msg"] for code in (301, 391)]

    assert ["I18N_COMMON_READ_FAILED", "I18N_COMMON_SET_FAILED"] == messages


def test_a_notice_is_code_100() -> None:
    """As pushed to a client that has lost its session."""
    assert {
        "result_code": 100,
        "result_msg": "normal user limit",
        "result_data": {"service": "notice"},
    } == notice("normal user limit")
