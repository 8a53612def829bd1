"""A page from the web tries to use the server on somebody's laptop, in a real browser; the server's own pages may."""

import functools
import http.server
import shutil
import threading

import httpx
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
REBOUND = "--host-resolver-rules=MAP evil.example 127.0.0.1"
BODY = '{"document": "secret = ", "line": 0, "col": 9}'
AS_JSON = "fetch(server, {method: 'POST', body, headers: {'content-type': 'application/json'}})"
ATTEMPTS = {
    "JSON, for which the browser asks first": AS_JSON,
    "JSON that is called text": "fetch(server, {method: 'POST', body})",
    "the same, unread": "fetch(server, {method: 'POST', body, mode: 'no-cors'})",
    "the names of models": "fetch(server + '/v1/models')",
    "the numbers": "fetch(server + '/metrics')",
}
SANDBOX = """([server, body]) => new Promise(told => {
    addEventListener("message", message => told(message.data));
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = `<script>fetch("${server}", {method: "POST", body: "{}"})
        .then(answer => answer.text(), error => error.name).then(text => parent.postMessage(text, "*"))</` + "script>";
    document.body.append(frame);
})"""
FORM = """<form method="post" enctype="text/plain" action="{server}/">
<input name='{{"document": "x", "line": 0, "col": 1, "more": "' value='"}}'></form>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no web page is tried against the server")


@pytest.fixture
def elsewhere(tmp_path):
    """The address of a page that another server serves."""
    (tmp_path / "index.html").write_text("<title>a page of the web</title>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/index.html"
        web.shutdown()
        thread.join()


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, REBOUND])
        yield browser.new_page()
        browser.close()


def completions(address):
    """How many the server has made so far."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("copilot_completions_total"))


def read(page, address, attempt):
    """What a page can read of an answer, or the browser's word for why it cannot."""
    script = f"async ([server, body]) => {{ try {{ return await (await {attempt}).text() }} catch (e) {{ return e.name }} }}"
    return page.evaluate(script, [address, BODY])


def test_another_page_gets_no_completion_and_reads_nothing(address, elsewhere, page):
    before = completions(address)
    page.goto(elsewhere)
    said = {name: read(page, address, attempt) for name, attempt in ATTEMPTS.items()}
    assert set(said.values()) <= {"TypeError", ""}, said
    assert page.evaluate(SANDBOX, [address, BODY]) == "TypeError", "its origin is null"
    page.set_content(FORM.format(server=address))
    with page.expect_response(f"{address}/") as refused:
        page.evaluate("document.forms[0].submit()")
    assert refused.value.status == 403
    assert completions(address) == before


def test_a_name_that_points_at_this_machine_opens_nothing(address, page):
    rebound = address.replace("127.0.0.1", "evil.example")
    assert page.goto(f"{rebound}/docs").status == 403
    assert "host_refused" in read(page, rebound, AS_JSON)


def test_the_server_s_own_pages_ask_and_fetch_nothing_from_elsewhere(address, page):
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{address}/docs")
    page.locator(".opblock").nth(8).wait_for()
    assert all(url.startswith((address, "data:")) for url in fetched)
    answer = read(page, address, AS_JSON)
    assert answer == httpx.post(address, content=BODY, headers={"content-type": "application/json"}, timeout=60).text
