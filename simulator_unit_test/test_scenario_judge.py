"""The judge: told truths and readings by hand, it finds what is wrong and nothing else."""

from simulator.scenario import Expected, parse_scenario
from simulator.scenario_judge import MAX_FINDINGS, MAX_TRUTHS, Judge, Seen, matches, troubles_of

TEXT = """
[[plant]]
name = "roof"
doors = { modbus = 0, encrypted = 0 }
[[plant]]
name = "barn"
model = "sg5.0rt"
[[step]]
at = "10 s"
do = "modbus drop"
for = "10 s"
[[step]]
at = "22 s"
do = "stop"
for = "8 s"
[[expect]]
that = "readings resume"
within = "5 s"
[[expect]]
that = "none invented"
[[expect]]
that = "no other device disturbed"
within = "3 s"
"""

TRUTH = {"pv_power": 1000, "battery_soc": 0.5}
ROOF, BARN = ("roof", "modbus"), ("barn", "modbus")


def judge(*doors: tuple[str, str]) -> Judge:
    """A judge of the scenario above, who knows the truth of its first minute."""
    found = Judge(parse_scenario(TEXT), doors)
    for second in range(60):
        for plant in ("roof", "barn"):
            found.know(float(second), plant, TRUTH)
    return found


def seen(door: tuple[str, str], taken_s: float | None, **values: object) -> Seen:
    return Seen(*door, taken_s, values)


def against(found: Judge, now_s: float = 60.0) -> dict[Expected, tuple[str, ...]]:
    """What spoke against each expectation that does not hold."""
    return {each.expectation.that: each.against for each in found.verdicts(now_s) if not each.holds}


def feed(found: Judge, door: tuple[str, str], times: range, **values: object) -> None:
    """A reading a second, seen as it is taken."""
    for second in times:
        found.see(float(second), [seen(door, float(second), **values)])


def test_troubles_that_follow_at_once_are_one() -> None:
    """A door has no time to recover between steps that lie closer than it is given."""
    scenario = parse_scenario(TEXT)

    assert ((10.0, 30.0),) == troubles_of(scenario, "roof", "modbus", 5)
    assert ((10.0, 20.0), (22.0, 30.0)) == troubles_of(scenario, "roof", "modbus", 1)
    assert ((22.0, 30.0),) == troubles_of(scenario, "roof", "encrypted", 5)
    assert () == troubles_of(scenario, "barn", "modbus", 5)


def test_all_is_well() -> None:
    """Readings before the trouble and soon after it, all true: everything holds."""
    found = judge(ROOF)
    feed(found, ROOF, range(0, 10), pv_power=1000)
    feed(found, ROOF, range(33, 60), pv_power=1000, battery_soc=50.0, work_state="running")
    figures = [each.figure for each in found.verdicts(60)]

    assert {} == against(found)
    assert ["slowest 3.0 s of 1", "64 values compared", "longest silence 0.0 s"] == figures


def test_late_is_not_resumed() -> None:
    """A reading that comes later than it may counts as late."""
    found = judge(ROOF)
    feed(found, ROOF, range(37, 60))

    assert {Expected.RESUME: ("roof modbus: trouble ended at 30 s; after 7.0 s",)} == against(found)


def test_an_old_reading_resumes_nothing() -> None:
    """What was read before the trouble, shown again and again, is no reading."""
    found = judge(ROOF)
    for second in range(60):
        found.see(float(second), [seen(ROOF, min(9.0, second))])

    assert {Expected.RESUME: ("roof modbus: trouble ended at 30 s; not at all",)} == against(found)


def test_an_invented_value_is_found_once() -> None:
    """A value that the plant never had is named with the truth, however often it is shown."""
    found = judge(BARN)
    for second in range(5):
        found.see(float(second), [seen(BARN, 1.0, pv_power=0)])
    feed(found, BARN, range(5, 60))

    assert {Expected.NONE_INVENTED: ("barn modbus at 1.0 s: pv_power 0, truth 1000",)} == against(
        found
    )


def test_what_a_plant_has_not_is_invented() -> None:
    """A string inverter has no battery, so no value of one can have been read."""
    found = judge(BARN)
    feed(found, BARN, range(0, 60), battery_power=0)

    (texts,) = against(found).values()
    assert "barn modbus at 0.0 s: battery_power 0: has no battery" == texts[0]
    assert MAX_FINDINGS == len(texts)


def test_a_neighbour_that_falls_silent_is_disturbed() -> None:
    """A door in no trouble that gives no reading for too long is named, once a silence."""
    found = judge(BARN)
    feed(found, BARN, range(0, 12))
    for second in range(12, 60):
        found.see(float(second), [seen(BARN, 11.0)])

    assert {
        Expected.UNDISTURBED: ("barn modbus in no trouble, yet no reading for 4.0 s at 15.0 s",)
    } == against(found)


def test_a_door_in_trouble_is_not_disturbed() -> None:
    """Its silence is what the trouble is for, and after it recovery is judged, not silence."""
    found = judge(ROOF)
    feed(found, ROOF, range(0, 10))
    for second in range(10, 34):
        found.see(float(second), [seen(ROOF, 9.0)])
    feed(found, ROOF, range(34, 60))

    assert {} == against(found)


def test_a_reading_of_no_known_time_is_not_believed() -> None:
    """Where the truth of a moment is unknown, its reading is not called true."""
    found = judge(BARN)
    for second in range(MAX_TRUTHS):
        found.know(100.0 + second, "barn", TRUTH)
    found.see(59.0, [seen(BARN, 1.0, pv_power=1000)])

    assert ("barn modbus at 1.0 s: no truth is known of that time",) == against(found)[
        Expected.NONE_INVENTED
    ]


def test_what_was_before_the_beginning_is_not_judged() -> None:
    """Nobody wrote down the truth of that time."""
    found = judge(BARN)
    found.see(0.0, [seen(BARN, -0.5, pv_power=7)])
    feed(found, BARN, range(1, 60))

    assert {} == against(found)


def test_rounding_is_allowed_and_no_more() -> None:
    """A value may differ by what its register cannot show; words and unknown names are let be."""
    assert matches("battery_soc", 50.05, [TRUTH])
    assert not matches("battery_soc", 50.1, [TRUTH])
    assert matches("pv_power", 2000, [TRUTH, {"pv_power": 2000}])
    assert matches("pv_power", "--", [TRUTH]) and matches("other", 7, [])
