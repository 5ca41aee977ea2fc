"""Statistics of the open case: measured beside the work, known to be out of date."""

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.statistics import Statistics
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box

SHAPE = (6, 10, 10)


@pytest.fixture
def statistics(session, pump):
    made = Statistics(session, pump.post)
    session.use(new_case(Volume(np.full(SHAPE, 30, np.int16), Geometry(SHAPE, (2.0, 1.0, 1.0)), "CT")))
    yield made
    made.measured.close()


def paint(session, z, value=1):
    session.paint("Box", Box((z, 0, 0), (z + 1, 5, 5)), np.full((1, 5, 5), value, np.uint8))


def test_measured_then_changed_then_measured_again(session, statistics, pump):
    paint(session, 1)
    assert statistics.measured.state == "none" and statistics.table() is None
    statistics.measured.update()
    assert statistics.measured.state == "working"
    pump.until(lambda: statistics.measured.state == "current")
    table = statistics.table()
    assert "Mean (HU)" in table.header
    assert dict(zip(table.header, table.rows[0], strict=True))["Volume (ml)"] == "0.05"
    paint(session, 2)
    assert statistics.measured.state == "changed" and statistics.rows[0].voxels == 25, (
        "old rows stay and are called old"
    )
    statistics.measured.update()
    pump.until(lambda: statistics.measured.state == "current")
    assert statistics.rows[0].voxels == 50


def test_an_edit_while_measuring_makes_the_answer_out_of_date(session, statistics, pump):
    paint(session, 1)
    statistics.measured.update()
    paint(session, 2)
    pump.until(lambda: statistics.measured.state != "working")
    assert statistics.measured.state == "changed"


def test_another_case_forgets_the_rows_and_what_is_being_measured(session, statistics, pump):
    paint(session, 1)
    statistics.measured.update()
    session.use(new_case(Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE))))
    assert statistics.measured.state == "none" and statistics.rows == []
    statistics.measured.update()
    pump.until(lambda: statistics.measured.state == "current")
    assert statistics.rows == []
    session.use(None)
    assert statistics.measured.state == "nothing"


def test_measuring_ends_no_reading(session, statistics, pump):
    session.opening.compute("Reading", lambda ear: 1, lambda _: None)
    statistics.measured.update()
    assert session.reading
    pump.until(lambda: statistics.measured.state == "current" and not session.reading)
