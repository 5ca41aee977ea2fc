"""A session without a screen that keeps every notice it gave."""

import pytest

from featherseg.session.session import Session


@pytest.fixture
def session(pump):
    made = Session(pump.post)
    made.notices = []
    made.noticed.connect(made.notices.append)
    yield made
    made.close()
