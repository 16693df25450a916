"""How far a run is, in numbers and in words."""

from __future__ import annotations

import re

import pytest

from mbtoolkit.runs.progress import Progress, _words


def test_rate_and_time_left_follow_from_what_is_done():
    progress = Progress(done=50, total=200, seconds=10.0, pause_seconds=5.0)
    assert progress.rate == 5.0
    assert progress.seconds_left == pytest.approx(35.0)


@pytest.mark.parametrize("early", [Progress(0, 10, seconds=5.0), Progress(5, 10, seconds=0.5)], ids=["none", "soon"])
def test_nobody_knows_the_time_left_at_the_beginning(early):
    assert early.seconds_left is None


def test_a_pause_says_when_it_ends_and_why():
    words = _words(Progress(1, 10, {"succeeded": 1}, pause_seconds=30.0, reason="the CRM's limit", seconds=3.0))
    assert re.search(r"paused until \d\d:\d\d:\d\d \(the CRM's limit\)", words)
    assert Progress(1, 10).pause_ends is None


def test_words_tell_rows_rate_limit_and_queue():
    words = _words(Progress(1200, 4000, {"succeeded": 1199, "not_sent": 1}, 0.0, 0.5, queued=800, seconds=60.0))
    assert words == "20/s, 2:20 left, 50% of the limit, 1,199 succeeded, 1 not sent, 800 in the CRM's queue"


def test_hours_are_told_as_hours():
    assert "2:46:40 left" in _words(Progress(1, 10_001, {}, seconds=1.0))
