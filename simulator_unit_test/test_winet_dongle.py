"""The dongle's answers as values: tokens, registers, frames, and what nobody should send."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import ManualClock
from simulator.door import WINET, WINET_TLS
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble
from simulator.winet_dongle import MAX_TEXT, Dongle, spaced
from simulator.winet_sessions import Rules

NOON_S = 1_782_043_200
SERVICES = ("devicelist", "real", "real_battery", "direct", "state", "statistics", "local")


def heard(_: str) -> None:
    """A websocket that nobody listens at."""


class Bench:
    """A dongle and its session's token."""

    def __init__(self, model: str = "sh10rt", new: bool = False, **rules: Any) -> None:
        self.clock = ManualClock(NOON_S)
        self.plant = VirtualPlant(model, clock=self.clock)
        name = WINET_TLS if new else WINET
        self.dongle = Dongle(name, self.plant.face, self.plant.troubles, Rules(**rules), new)
        self.token = self.dongle.ask({"service": "connect"}, heard)["result_data"]["token"]

    def param(self, **changes: Any) -> Any:
        asked = {
            "dev_id": "1",
            "param_addr": "5000",
            "param_num": "1",
            "param_type": "0",
            "token": self.token,
        }
        return self.dongle.get_param({**asked, **changes})

    def service(self, service: str, **asked: Any) -> Any:
        return self.dongle.ask({"service": service, "token": self.token, **asked}, heard)

    def log_in(self, password: str = "pw8888") -> Any:
        reply = self.service("login", username="admin", passwd=password)
        self.token = reply["result_data"].get("token", self.token)
        return reply


def test_connect_tells_the_firmware() -> None:
    """No ip on the classic dongle; ip, and forceModifyPasswd with it, on the newest."""
    tells = {"ip", "forceModifyPasswd"}
    seen = []
    for new, login in ((False, False), (True, False), (True, True)):
        bench = Bench(new=new, login_required=login)
        seen.append(tells & bench.service("connect")["result_data"].keys())

    assert [set(), {"ip"}, tells] == seen


def test_registers_come_by_document_address_with_a_trailing_space() -> None:
    """Input 5000 is the type code, holding 13050 the energy management's mode."""
    bench = Bench()
    code = bench.param(param_num="2")
    mode = bench.param(param_addr="13050", param_type="1")

    assert "0E 03 00 64 " == code["result_data"]["param_value"]
    assert "00 00 " == mode["result_data"]["param_value"]


def test_the_battery_is_unit_2() -> None:
    """Its charge at 10744 is the plant's, in tenths of a percent."""
    bench = Bench()
    words = round(bench.plant.moment().soc * 1000)

    reply = bench.param(dev_id="2", param_addr="10744")
    assert spaced([words]) == reply["result_data"]["param_value"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": ""}, 106),
        ({"token": "other"}, 106),
        ({"dev_id": "9"}, 301),
        ({"param_addr": "1"}, 301),
        ({"param_addr": "0"}, 301),
        ({"param_addr": "65536", "param_num": "2"}, 301),
        ({"param_addr": "five"}, 301),
        ({"param_num": "0"}, 301),
        ({"param_num": "126"}, 301),
        ({"param_num": "-1"}, 301),
        ({"param_type": "2"}, 301),
    ],
)
def test_what_cannot_be_read_has_its_code(changes: dict[str, str], code: int) -> None:
    """106 is the token's fault, 301 all the rest."""
    assert code == Bench().param(**changes)["result_code"]


def test_a_token_dies_of_age_in_plant_time() -> None:
    """106 at the age that was configured, and a reconnect heals it."""
    bench = Bench(token_life_s=60.0)
    bench.clock.advance(59)
    before = bench.param()["result_code"]
    bench.clock.advance(1)
    after = bench.param()["result_code"]
    bench.token = bench.service("connect")["result_data"]["token"]

    assert [1, 106, 1] == [before, after, bench.param()["result_code"]]


def test_a_wrong_clock_shows_and_ends_the_session() -> None:
    """The dongle's own time jumps, and tokens of another time are not taken."""
    bench = Bench()
    bench.plant.troubles.set(Order(Trouble.CLOCK_WRONG, value=86_400.0))
    stale = bench.service("local")
    bench.token = bench.service("connect")["result_data"]["token"]
    (item,) = bench.service("local")["result_data"]["list"]

    assert 106 == stale["result_code"]
    assert "2026-06-22 12:00" == item["data_value"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_names_itself_and_wants_a_token(service: str) -> None:
    """With a token it answers; without one it is 106."""
    bench = Bench()
    reply = bench.service(service, dev_id="1")
    bench.token = ""

    assert (1, service) == (reply["result_code"], reply["result_data"]["service"])
    assert 106 == bench.service(service, dev_id="1")["result_code"]


def test_the_device_list_may_be_asked_for_without_a_check() -> None:
    """As SungrowModbusWebClient asks: is_check_token 0."""
    bench = Bench()
    bench.token = "none"

    assert 1 == bench.service("devicelist", type="0", is_check_token="0")["result_code"]


def test_real_of_the_batterys_device_is_the_battery() -> None:
    """Unit 2's live values are those of `real_battery`; a unit that is not there has none."""
    bench = Bench()
    of_battery = bench.service("real", dev_id="2")["result_data"]["list"]

    assert bench.service("real_battery", dev_id="1")["result_data"]["list"] == of_battery
    assert 301 == bench.service("real", dev_id="7")["result_code"]


def test_a_ping_is_answered_without_a_token() -> None:
    """Two fields and no data, as captured."""
    bench = Bench()
    bench.token = ""

    assert {"result_code": 1, "result_msg": "success"} == bench.service("ping", id="1")


def test_a_login_is_wanted_where_it_is_required() -> None:
    """Values are 106 before the login and come after it."""
    bench = Bench(new=True, login_required=True)
    before = bench.service("real", dev_id="1")["result_code"]
    login = bench.log_in()

    assert (106, 1) == (before, login["result_code"])
    assert 1 == bench.service("real", dev_id="1")["result_code"]


def test_wrong_passwords_fail_and_then_lock() -> None:
    """The failing login names itself; the lock is 114, for the right password too."""
    bench = Bench(new=True, login_required=True)
    codes = [bench.log_in("wrong")["result_code"] for _ in range(5)]

    assert 1 not in codes and 114 == codes[-1]
    assert 114 == bench.log_in()["result_code"]


def test_frames_pass_after_the_login() -> None:
    """The vendor's example request reaches the inverter; without rights it is 106."""
    bench = Bench(new=True, login_required=True)
    asked = {"msgValue": "01041387000AC4A0", "msgLength": 8, "msgType": "0"}
    before = bench.dongle.pass_through({**asked, "token": bench.token})
    bench.log_in()
    after = bench.dongle.pass_through({**asked, "token": bench.token})

    assert 106 == before["result_code"]
    assert after["result_data"]["data"].startswith("0104140E0300640001")


def test_without_a_login_duty_the_upgrade_raises_the_token() -> None:
    """As sungrow_http_config does: connect, list, upgradeStatus, then frames."""
    bench = Bench(new=True)
    upgrade = bench.dongle.upgrade_status({"token": bench.token})
    reply = bench.dongle.pass_through({"msgValue": "01041387000AC4A0", "token": bench.token})

    assert "0" == upgrade["result_data"]["nextProcess"]
    assert 1 == reply["result_code"]


def test_with_a_login_duty_the_upgrade_raises_nothing() -> None:
    """Only the login does; an unknown token is 106."""
    bench = Bench(new=True, login_required=True)

    assert "1" == bench.dongle.upgrade_status({"token": bench.token})["result_data"]["nextProcess"]
    assert 106 == bench.dongle.upgrade_status({"token": "other"})["result_code"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [("01041387000A0000", 301), ("010632FB00640000", 391), ("nonsense", 301), (7, 301)],
)
def test_a_frame_that_nobody_answers_has_its_code(frame: object, code: int) -> None:
    """A read is 301, a write 391."""
    bench = Bench(new=True, login_required=True)
    bench.log_in()

    reply = bench.dongle.pass_through({"msgValue": frame, "token": bench.token})
    assert code == reply["result_code"]


def test_pages_need_no_token() -> None:
    """Labels, versions, types and devices; other paths have no page."""
    dongle = Bench().dongle
    labels = dongle.page("/i18n/en_US.properties")
    about, product, types, inverters = (
        dongle.page(path)
        for path in ("/about/list", "/product/list", "/device/getType", "/inverter/list")
    )

    assert isinstance(labels, str) and "I18N_COMMONUA=Phase A Voltage\n" in labels
    assert isinstance(about, dict) and isinstance(types, dict) and isinstance(inverters, dict)
    assert isinstance(product, dict)
    assert {"product_name": "WiNet-S", "product_code": 9} == product["result_data"]
    assert 5 == types["result_data"]["count"]
    assert [1, 2] == [entry["dev_id"] for entry in inverters["result_data"]["list"]]
    assert dongle.page("/other") is None


def test_a_logout_ends_the_session() -> None:
    """And says so."""
    bench = Bench()
    reply = bench.service("logout")

    assert "logout" == reply["result_data"]["service"]
    assert 106 == bench.param()["result_code"]


def test_endless_names_are_cut() -> None:
    """A megabyte of password is not compared, and no number is built of endless digits."""
    bench = Bench()

    assert 1 != bench.log_in("pw8888".ljust(MAX_TEXT + 1, "x"))["result_code"]
    assert 301 == bench.param(param_addr="1" * 10)["result_code"]


def test_settings_are_listed_and_changed_by_name() -> None:
    """Energy management by the dongle's own addresses: 2.5 kW of forced charge."""
    bench = Bench()
    entries = [
        {"param_addr": 33146, "param_value": "2", "param_id": 1},
        {"param_addr": 33147, "param_value": "170", "param_id": 2},
        {"param_addr": 33148, "param_value": "2.50", "param_id": 3},
    ]
    changed = bench.service("param", devid_array=["1"], type="9", count="3", list=entries)
    listed = bench.param(type="9", param_addr="")["result_data"]["list"]

    assert (1, "param") == (changed["result_code"], changed["result_data"]["service"])
    assert [(33146, "2"), (33147, "170"), (33148, "2.50")] == [
        (entry["param_addr"], entry["param_value"]) for entry in listed
    ]
    assert [2, 0xAA, 2500] == list(bench.plant.face.read("winet", 1, "holding", 13049, 3))


def test_a_change_that_cannot_be_made_is_391() -> None:
    """Without a token it is 106; a list of nothing known is 301."""
    bench = Bench()
    entries = [{"param_addr": 33148, "param_value": "99"}]
    refused = bench.service("param", devid_array=["1"], type="9", list=entries)
    nowhere = bench.service("param", devid_array=["1", "2"], type="9", list=entries)
    unknown = bench.param(type="4", param_addr="")
    bench.token = ""

    assert [391, 391, 301] == [each["result_code"] for each in (refused, nowhere, unknown)]
    assert 106 == bench.service("param", type="9", list=entries)["result_code"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
FIELDS = (
    "service",
    "token",
    "list",
    "devid_array",
    "type",
    "dev_id",
    "param_addr",
    "param_num",
    "msgValue",
    "username",
    "passwd",
)
BENCH = Bench(new=True)


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.sampled_from(SERVICES)))
def test_nothing_that_is_asked_raises(asked: dict[str, Any]) -> None:
    """Whatever stands in the fields, there is a reply with a code."""
    dongle = BENCH.dongle
    replies = [
        dongle.ask(asked, heard),
        dongle.get_param(asked),
        dongle.pass_through(asked),
        dongle.upgrade_status(asked),
        dongle.device_list(asked),
        dongle.log_in(asked),
        dongle.ask({**asked, "service": "param"}, heard),
    ]

    assert all(isinstance(reply["result_code"], int) for reply in replies)
