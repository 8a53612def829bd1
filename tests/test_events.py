"""Reports of what became of completions: what is kept, what is refused, and that nothing is kept unasked."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from copilot_lib.feedback import Contradiction, Event, Store

PREFIX, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
ACCEPTED = Event("a", "accepted", 5, 900, "2026-11-01T12:00:00", "pocket", "return ", "", "x + 1")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "events.sqlite")


def complete(address):
    return httpx.post(f"{address}/v1/completions", json={"prompt": PREFIX, "suffix": SUFFIX}, timeout=60).json()


def report(address, kind, id, **more):
    return httpx.post(f"{address}/v1/events", json={"type": kind, "completion_id": id} | more, timeout=60)


def test_what_is_reported_is_kept_with_the_text_and_what_is_around_it(serving, tmp_path):
    file = tmp_path / "events.sqlite"
    with serving("--record", str(file)) as (address, process):
        assert str(file) in process.stdout.readline(), "what is kept is said at the start"
        told = complete(address)
        assert report(address, "shown", told["id"]).json() == {"recorded": True}
        assert report(address, "accepted", told["id"], accepted_characters=3, elapsed_ms=700).status_code == 200
        process.send_signal(signal.SIGKILL)
    shown, accepted = Store(file).events()
    assert (shown.kind, accepted.kind, accepted.accepted_characters, accepted.elapsed_ms) == ("shown", "accepted", 3, 700)
    assert (shown.prefix, shown.suffix, shown.text) == (PREFIX, SUFFIX, told["choices"][0]["text"])
    assert file.stat().st_mode & 0o077 == 0, "others on the machine cannot read it"


def test_faults_are_refused_and_the_next_report_works(serving, tmp_path):
    with serving("--record", str(tmp_path / "events.sqlite")) as (address, _):
        ids = [complete(address)["id"] for _ in range(3)]
        assert report(address, "accepted", "cmpl-unknown").status_code == 404
        assert report(address, "opened", ids[0]).status_code == 422
        assert report(address, "accepted", ids[0], elapsed_ms=-1).status_code == 422
        assert report(address, "accepted", ids[0], accepted_characters=10**6).status_code == 422
        assert report(address, "accepted", ids[0], choice_index=1).status_code == 404
        assert report(address, "dismiss", ids[0]).status_code == 200
        assert report(address, "accepted", ids[0]).status_code == 409
        assert report(address, "select", ids[1], elapsed=12).status_code == 200
        assert report(address, "accepted", ids[1]).status_code == 409
        (tmp_path / "events.sqlite").write_bytes(b"this is no database" * 100)
        assert report(address, "accepted", ids[2]).status_code == 507
        assert complete(address)["choices"]


def test_nothing_is_kept_unless_it_was_switched_on(address):
    told = httpx.post(address, json={"document": PREFIX, "line": 1, "col": 11}, timeout=60)
    assert report(address, "accepted", told.headers["x-completion-id"]).json() == {"recorded": False}


def test_accepting_word_by_word_goes_on_and_everything_else_is_settled_once(store):
    for event in (replace(ACCEPTED, kind="shown", accepted_characters=0), replace(ACCEPTED, accepted_characters=1), ACCEPTED):
        store.add(event)
    for event in (ACCEPTED, replace(ACCEPTED, accepted_characters=2), replace(ACCEPTED, kind="rejected")):
        with pytest.raises(Contradiction, match="accepted already"):
            store.add(event)
    assert [event.accepted_characters for event in store.events()] == [0, 1, 5]


def test_events_of_many_threads_are_all_kept(store):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: store.add(replace(ACCEPTED, completion_id=str(n))), range(40)))
    assert {event.completion_id for event in store.events()} == {str(n) for n in range(40)}


KILLED = """
import os, sys
from pathlib import Path
from copilot_lib.feedback import Event, Store
store = Store(Path(sys.argv[1]))
for number in range(1000):
    store.add(Event(str(number), "accepted", 1, None, "", "pocket", "", "", "x"))
    print(number, flush=True)
    if number == 25:
        os.kill(os.getpid(), 9)
"""


def test_a_kill_loses_nothing_that_was_written(tmp_path):
    file = tmp_path / "events.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], capture_output=True, text=True, check=False)
    assert [event.completion_id for event in Store(file).events()] == done.stdout.split()
    assert len(done.stdout.split()) == 26


def test_the_numbers_are_there_for_prometheus(serving):
    with serving() as (address, _):
        for _ in range(3):
            complete(address)
        said = httpx.get(f"{address}/metrics").text
    assert "copilot_remembered 2.0" in said
    assert 'copilot_completion_seconds_bucket{le="+Inf"} 3.0' in said
    assert "copilot_waiting 0.0" in said
    assert PREFIX not in said
