"""Secrets in source text: found by their forms, named by line and kind, and what only looks like one is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_lib.tuning import leaks
from copilot_lib.tuning.leaks import Secret

# None of these opens anything. Each is put together here, so that no scanner takes this file for one that leaks.
LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"
SECRETS = {
    "AWS Access Key": 'key_id = "AKIA' + 'QZXW3E4R5T6Y7U8I"',
    "Basic Auth Credentials": 'url = "https://me:' + 'mine@db.shop.com/orders"',
    "GitHub Token": 'use("ghp_' + (LETTERS * 2)[:36] + '")',
    "Private Key": 'pem = "-----BEGIN RSA PRIVATE ' + 'KEY-----"',
    "Secret Keyword": "password = " + "'correct horse'",
    "Slack Token": 'hook("xoxb-' + "123456789012-123456789012-" + LETTERS[:24] + '")',
    "OpenAI Token": 'client = Client("sk-' + (LETTERS * 2)[:20] + "T3BlbkFJ" + LETTERS[:20] + '")',
    "Stripe Access Key": 'charge("sk_' + "live_" + LETTERS[:24] + '")',
}
ASSIGNED = [
    "connection = connect(host='db.shop.com', password='Pr0dPassw0rd')",
    'client = OpenAI(api_key="q8Zr1vT5xYw2' + 'LmNp")',
    'api_key: str = "q8Zr1vT5xYw2' + 'LmNp"',
    'PASSWORD: Final = "Pr0d' + 'Passw0rd"',
    'def connect(password: str | None = "Pr0d' + 'Passw0rd"):',
    'def connect(host: str, password="Pr0d' + 'Passw0rd"):',
    'if debug: password = "Pr0d' + 'Passw0rd"',
    'else: api_key = "q8Zr1vT5xYw2' + 'LmNp"',
    'class Settings: password = "Pr0d' + 'Passw0rd"',
    'connect(rows[1:n], password="Pr0d' + 'Passw0rd")',
    'settings = {"password": "Pr0d' + 'Passw0rd"}',
]
HARMLESS = [
    'password = os.environ["PASSWORD"]',
    'client = OpenAI(api_key=os.environ["KEY"])',
    'password: str = getpass("Password: ")',
    'password = vault.read("database")',
    "token = tokens[3]",
    'password = "${PASSWORD}"',
    'url = "postgresql://scott:tiger@localhost/test"',
    'url = "postgresql://scott:tiger@192.168.0.134/test"',
    'url = "https://me:mine@example.com/"',
    'digest = "' + "0123456789abcdef" * 2 + '"',
    'password = "hunter2"  # pragma: allowlist secret',
    "import secrets",
]


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_on_its_line_and_named_by_its_kind(kind):
    text = f"import os\n\n{SECRETS[kind]}\nprint(os.name)\n"
    assert Secret(3, kind) in leaks.found(text)
    assert {secret.line for secret in leaks.found(text)} == {3}


@pytest.mark.parametrize("line", ASSIGNED)
def test_a_password_is_found_in_every_form_in_which_python_gives_a_value_to_a_name(line):
    assert leaks.found(line + "\n") == [Secret(1, "Secret Keyword")]


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_looked_up_made_up_reserved_or_marked_is_no_secret(line):
    assert leaks.found(line + "\n") == []


def test_nothing_of_the_secret_is_kept():
    for line in SECRETS.values():
        assert all(secret.__dict__.keys() == {"line", "kind"} for secret in leaks.found(line))


LINES = st.lists(st.sampled_from([*SECRETS.values(), *HARMLESS, "", "x = f(y)", "İ = 'ß'", "a\r", "\x0c"]), max_size=12)


@given(LINES)
def test_the_quick_look_passes_on_every_line_in_which_a_detector_finds_something(lines):
    text = "\n".join(lines)
    looked_at = {number for number, _ in leaks.suspects(text)}
    for number, line in enumerate(text.split("\n"), 1):
        if any(list(detector.analyze_string(line)) for detector in leaks.detectors()):
            assert number in looked_at


@given(LINES)
def test_lines_are_counted_as_an_editor_counts_them(lines):
    text = "\n".join(lines)
    found = {secret.line for secret in leaks.found(text)}
    assert found == {number for number, line in enumerate(text.split("\n"), 1) if line in SECRETS.values()}


HOSTILE = ["password" + " " * 1900 + '"', '"' + "password" * 240, 'password="' * 190]


@pytest.mark.parametrize("line", HOSTILE, ids=["blanks", "names", "assignments"])
def test_no_file_can_keep_the_scanner_busy(line):
    began = time.process_time()
    leaks.found(line)
    assert time.process_time() - began < 10


def test_a_file_with_too_much_to_check_is_taken_for_one_with_a_secret():
    assert leaks.found((HOSTILE[1] + "\n") * 500) == [Secret(1, leaks.UNCHECKED)]


def test_no_service_is_asked(monkeypatch):
    def asked(*arguments, **options):
        raise AssertionError("a connection")

    monkeypatch.setattr("socket.socket.connect", asked)
    monkeypatch.setattr("socket.getaddrinfo", asked)
    assert len(leaks.found("\n".join(SECRETS.values()))) >= len(SECRETS)
