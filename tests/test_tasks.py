"""Whether it runs: the tasks pass their own tests, a child process may do little, and known answers get what they are worth."""

import ast
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from copilot_lib.completer import Completer
from copilot_lib.tasks import KINDS, Limits, holes, measuring, run, sandbox, tasks

OF_THE_BENCHMARK = """
    has_close_elements separate_paren_groups truncate_number below_zero mean_absolute_deviation intersperse
    parse_nested_parens filter_by_substring sum_product rolling_max make_palindrome string_xor longest
    greatest_common_divisor all_prefixes string_sequence count_distinct_characters parse_music how_many_times sort_numbers
    find_closest_elements rescale_to_unit filter_integers strlen largest_divisor factorize remove_duplicates flip_case
    concatenate filter_by_prefix get_positive is_prime find_zero sort_third unique max_element fizz_buzz sort_even
    decode_cyclic prime_fib triples_sum_to_zero car_race_collision incr_list pairs_sum_to_zero change_base triangle_area
    fib4 median is_palindrome modp decode_shift remove_vowels below_threshold add same_chars fib correct_bracketing
    monotonic common largest_prime_factor sum_to_n derivative fibfib vowels_count circular_shift digitSum fruit_distribution
    pluck search strange_sort_list will_it_fly smallest_change total_match is_multiply_prime is_simple_power iscube hex_key
    decimal_to_binary is_happy numerical_letter_grade prime_length starts_one_ends solve anti_shuffle get_row sort_array
    encrypt next_smallest is_bored any_int encode skjkasdkd check_dict_case count_up_to multiply count_upper closest_integer
    make_a_pile words_string choose_num rounded_avg unique_digits by_length even_odd_palindrome count_nums move_one_ball
    exchange histogram reverse_delete odd_count minSubArraySum max_fill select_words get_closest_vowel match_parens maximum
    solution add_elements get_odd_collatz valid_date split_words is_sorted intersection prod_signs minPath tri digits
    is_nested sum_squares check_if_last_char_is_a_letter can_arrange largest_smallest_integers compare_one
    is_equal_to_sum_even special_factorial fix_spaces file_name_check order_by_points specialFilter get_max_triples bf
    sorted_list_sum x_or_y double_the_difference compare Strongest_Extension cycpattern_check even_odd_count
    int_to_mini_roman right_angle_triangle find_max eat do_algebra string_to_md5 generate_integers
"""
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


def test_there_are_sixty_of_many_kinds_and_none_is_the_benchmark_s():
    assert len(tasks()) == 60
    assert len({task.name for task in tasks()}) == 60
    assert len({task.topic for task in tasks()}) == 10
    assert {task.name for task in tasks()}.isdisjoint(OF_THE_BENCHMARK.split())
    assert len(OF_THE_BENCHMARK.split()) > 150


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.name)
def test_a_task_passes_its_own_test_and_not_without_its_body(task):
    assert run(task.program(task.text)).passed
    start, end = next(KINDS["body"](task))
    assert not run(task.program(task.text[:start] + "pass" + task.text[end:])).passed, "the test would notice nothing"


@EACH_KIND
def test_the_reference_in_its_hole_is_the_task_itself(kind):
    asked = holes(kind)
    assert len({hole.group for hole in asked}) == 60
    for hole in asked:
        assert hole.filled(hole.reference) == hole.task.program(hole.task.text)
        assert hole.task.test not in hole.cursor.text, "who fills the hole is not told the test"


def test_where_the_newline_is_part_of_a_line_the_cursor_is_at_its_beginning():
    for with_newline, without in zip(holes("line with its newline"), holes("line"), strict=True):
        assert with_newline.cursor.line_prefix == "" and with_newline.reference.endswith("\n")
        assert with_newline.reference.strip() == without.reference
        assert without.cursor.line_prefix.isspace() and "\n" not in without.reference


REFUSED = {
    "assert False": "AssertionError",
    "def f(:\n": "SyntaxError",
    "import sys; sys.exit(0)": "SystemExit",
    "import os; os._exit(0)": "ended before its end",
    "import os, signal; os.kill(os.getpid(), signal.SIGTERM)": "PermissionError: os.kill",
    "while True: pass": "more processor time than allowed",
    "x = ' ' * 2**31": "MemoryError",
    "def f(): f()\nf()": "RecursionError",
    "open('a', 'w').write('x' * 10**6)": "OSError",
    "open('/tmp/not_yours', 'w')": "PermissionError: open",
    "open('../not_yours', 'w')": "PermissionError: open",
    "import os; os.remove('/tmp/x')": "PermissionError: os.remove",
    "import os; os.rename('/tmp/x', '/tmp/y')": "PermissionError: os.rename",
    "import shutil; shutil.rmtree('/tmp/x')": "PermissionError: shutil.rmtree",
    "import os; os.fork()": "PermissionError: os.fork",
    "import os; os.system('true')": "PermissionError: os.system",
    "import os; os.execv('/bin/true', ['true'])": "PermissionError: os.exec",
    "import subprocess; subprocess.run(['true'])": "PermissionError: subprocess.Popen",
    "import socket; socket.socket()": "PermissionError: socket.__new__",
    "import urllib.request as r; r.urlopen('http://127.0.0.1:1')": "URLError: <urlopen error socket.getaddrinfo may not",
    "import ctypes; ctypes.CDLL(None)": "PermissionError: ctypes.dlopen",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "print('passed')\nraise ValueError('passed')": "ValueError: passed",
    "x = '\ud800'": "UnicodeEncodeError",
    "import os; assert not os.environ.keys() - {'LC_CTYPE'}; assert os.listdir() == []": "passed",
    "open('a', 'w').write('x'); assert open('a').read() == 'x'": "passed",
}


@pytest.mark.parametrize("program", REFUSED)
def test_what_a_program_may_not_do_ends_it_and_nothing_else(program):
    outcome = run(program, Limits(cpu_s=1))
    assert outcome.why.startswith(REFUSED[program])
    assert outcome.passed == (REFUSED[program] == "passed")


def test_a_program_that_sleeps_is_ended_by_the_clock():
    assert run("import time; time.sleep(30)", Limits(wall_s=1)).why == "slept for 1 s"


def test_nothing_of_a_program_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    for program in ("open('a', 'w').write('x')", "import time; time.sleep(30)"):
        run(program, Limits(wall_s=1))
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) < 200 if Path("/proc/self/fd").exists() else True


def test_many_runs_leave_no_pipe_open():
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("only Linux shows a process's open files")
    before = len(list(folder.iterdir()))
    for _ in range(5):
        run("pass")
    assert len(list(folder.iterdir())) == before


def few(kind):
    """The holes of some tasks: the tests of all of them would take minutes."""
    names = {task.name for task in tasks()[::9]}
    return [hole for hole in holes(kind) if hole.task.name in names]


def test_known_answers_get_what_they_are_worth():
    rows = measuring.rows(measuring.KNOWN, few, partial(run, limits=Limits(cpu_s=1)))
    found = {(row["kind"], row["answers"]): row for row in rows}
    without = "reference without its last newline"
    for kind in KINDS:
        assert found[kind, "reference"]["passes"] == found[kind, "reference"]["exact"] == [1, 1, 1]
        assert found[kind, "reference"]["why_not"] == {}
        assert found[kind, "shuffled references"]["passes"][0] < 0.3
        assert found[kind, "empty"]["exact"][0] == 0
        assert {row["holes"] for (of, _), row in found.items() if of == kind} == {len(few(kind))}
    assert found["body", "empty"]["passes"][0] == 0
    assert found["line", "empty"]["passes"][0] < 0.15
    assert found["line", without]["passes"][0] == 1, "an editor's cursor leaves the newline where it is"
    assert found["line with its newline", without]["passes"][0] < 0.6
    assert found["line with its newline", without]["exact"][0] == 0


def test_no_program_is_run_twice():
    ran = []
    methods = dict.fromkeys(("one", "other"), measuring.KNOWN["reference"])
    list(measuring.rows(methods, few, lambda program: ran.append(program) or sandbox.Outcome(True, "passed")))
    assert len(ran) == len(set(ran)) == len({hole.task.name for hole in few("line")})


def test_a_right_answer_that_is_not_the_author_s_counts_as_one_that_runs():
    asked = [hole for hole in holes("line") if hole.reference == "return number_or_zero" or hole.task.name == "mean"][:1]
    [row] = [
        row
        for row in measuring.rows({"other": lambda asked: ["if len(numbers) == 0:"]}, lambda kind: asked)
        if row["kind"] == "line"
    ]
    assert (row["passes"][0], row["exact"][0], row["passes_otherwise"]) == (1, 0, 1)


def test_a_model_is_asked_for_what_each_kind_needs():
    completer = Completer.load("pocket")
    for kind in KINDS:
        asked = holes(kind)[:2]
        for text in measuring.of_model(completer)(asked):
            assert text.count("\n") <= (1 if kind == "line with its newline" else 0) or kind == "body"
            ast.parse("x = 1")
    alone = measuring.of_model(completer, both_sides=False)(holes("line")[:6])
    assert alone != measuring.of_model(completer)(holes("line")[:6])


def test_the_stored_record_is_of_these_tasks():
    record = json.loads((Path(__file__).parent.parent / "results/tasks/pocket.json").read_text(encoding="utf-8"))
    for kind in KINDS:
        counted = {(row["holes"], row["functions"]) for row in record["rows"] if row["kind"] == kind}
        assert counted == {(len(holes(kind)), 60)}
    assert {row["passes"][0] for row in record["rows"] if row["answers"] == "reference"} == {1.0}


def test_the_child_knows_nothing_of_the_package():
    source = sandbox.CHILD.read_text(encoding="utf-8")
    assert "copilot_lib" not in source
    assert subprocess.run([sys.executable, "-I", "-S", "-c", source], input=b"", capture_output=True).returncode != 0
