"""The overview as its routes serve it: to coordinators alone, every figure from the store, a decision by form."""

import re
import socket
import threading
import time
from itertools import count

import httpx
import pytest
import uvicorn
from PIL import Image

from whosame.annotation.accounts.users import add_user
from whosame.annotation.quality.answered_pairs import answered_pair
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.store import open_store
from whosame.annotation.web.app import create_app
from whosame.annotation.web.cache import Cache
from whosame.annotation.web.overview_routes import ago


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        yield store


@pytest.fixture
def people(store, people_of):
    return people_of(store)


def begin(store, tmp_path, pairs, *, uid="uid", run="mine", overlap=2, number=0):
    images = {image: ImageRef(f"{image}.png", "") for pair in pairs for image in pair}
    about = RunInfo(uid, run, str(tmp_path), number, 3, 0, 30, 10, overlap)
    round_ = TaskQueue(store, about, images)
    round_.begin()
    round_.ask([PairTask(a, b, "between") for a, b in pairs])
    return round_


def says(people, who, *verdicts):
    return [people.answer_next(who, verdict)[0] for verdict in verdicts]


@pytest.fixture
def browser():
    """Serve an application in a thread, and return a client of it."""
    opened = []

    def serve(app):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False, follow_redirects=True
        )
        opened.append((client, server, thread))
        while not server.started:
            time.sleep(0.005)
        return client

    yield serve
    for client, server, thread in opened:
        client.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def log_in(browser):
    def enter(store, name="chief", role="coordinator", **options):
        token = add_user(store, name, role=role)
        app = create_app(store, **options)
        client = browser(app)
        client.app = app
        assert client.post("/login", data={"token": token}).status_code == 200
        return client

    return enter


@pytest.fixture
def disputed(store, tmp_path, people):
    """Three pairs, of which two people see two alike: the other waits for a third answer."""
    begin(store, tmp_path, [(0, 1), (2, 3), (4, 5)])
    says(people, "alice", "same", "same", "different")
    says(people, "bob", "different", "same", "different")
    return store


def csrf(text):
    return re.search(r'name="csrf" value="([^"]+)"', text)[1]


def settle(client, task, verdict, **more):
    form = {"csrf": csrf(client.get("/overview").text), "run": "uid", "task": task, "verdict": verdict, **more}
    return client.post("/overview/settle", data=form, follow_redirects=False)


def test_it_is_for_coordinators(disputed, log_in, browser):
    nobody = browser(create_app(disputed))
    annotator = log_in(disputed, "carol", "annotator")
    for path in ("/overview", "/overview/pair/1"):
        reply = nobody.get(path, follow_redirects=False)
        assert (reply.status_code, reply.headers["location"]) == (303, "/login")
        assert annotator.get(path).status_code == 403
    form = {"csrf": csrf(annotator.get("/").text), "run": "uid", "task": 1, "verdict": "same"}
    assert annotator.post("/overview/settle", data=form).status_code == 403
    assert answered_pair(disputed, "uid", 1).verdict is None


def test_without_a_run_it_says_so(store, log_in):
    client = log_in(store)
    assert "No run has asked people yet" in client.get("/overview").text
    assert client.get("/overview/pair/1").status_code == 404


def test_figures_people_and_disputes_are_shown(disputed, log_in):
    text = log_in(disputed).get("/overview").text
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "This round 2 of 10 pairs" in plain
    assert "Budget of the run 2 of 30, 28 left" in plain
    assert "in 1 min at the pace of the last 15 min" in plain
    assert "Agreement, kappa 0.40 3 pairs answered by several" in plain
    assert "alice 3 2 1 0" in plain
    assert "67 % of 3, kappa 0.40" in plain
    assert "To settle 1" in plain
    assert text.count('class="card"') == 1
    assert text.count('href="/overview/pair/') == 8  # the dispute twice, and six answers
    assert 'content="20"' in text.split("<noscript>")[1].split("</noscript>")[0]


def test_a_pair_is_settled_by_form_and_comes_to_rest(disputed, log_in):
    client = log_in(disputed)
    reply = settle(client, 1, "different")
    assert (reply.status_code, reply.headers["location"]) == (303, "/overview?run=uid&settled=1")
    decided = answered_pair(disputed, "uid", 1)
    assert (decided.verdict, decided.answers[-1].annotator, decided.settled) == ("different", "chief", True)
    text = client.get(reply.headers["location"]).text
    assert "Settled." in text
    assert "No pair waits because people disagree." in text
    assert "Disputed and decided" in text
    settle(client, 1, "same")  # thought better of it
    assert answered_pair(disputed, "uid", 1).verdict == "same"


def test_who_settles_sees_what_came_of_it_though_counting_takes_long(disputed, log_in):
    client = log_in(disputed)
    client.app.state.cache = Cache(now=count(0, 100).__next__)  # it seems to take 100 s, and so is good for 1000

    def settled():
        row = re.search(r'row">chief.*?</tr>', client.get("/overview").text, re.DOTALL)[0]
        return re.findall(r"<td>(\d+)</td>", row)[-1]

    assert settled() == "0"
    settle(client, 1, "different")
    assert settled() == "1"


def test_one_pair_leads_to_the_next_disputed_one(store, tmp_path, log_in, people):
    begin(store, tmp_path, [(0, 1), (2, 3)])
    first, second = says(people, "alice", "same", "same")
    says(people, "bob", "different", "different")
    client = log_in(store)
    assert settle(client, second, "same", onward=1).headers["location"] == f"/overview/pair/{first}?run=uid"
    assert settle(client, first, "same", onward=1).headers["location"] == "/overview?run=uid&settled=1"


def test_a_forged_form_settles_nothing(disputed, log_in):
    client = log_in(disputed)
    for form in ({"csrf": "forged"}, {}):
        data = {"run": "uid", "task": 1, "verdict": "same", **form}
        assert client.post("/overview/settle", data=data).status_code == 403
    from_afar = client.post(
        "/overview/settle",
        data={"csrf": csrf(client.get("/overview").text), "run": "uid", "task": 1, "verdict": "same"},
        headers={"Origin": "https://elsewhere.example"},
    )
    assert from_afar.status_code == 403
    assert answered_pair(disputed, "uid", 1).verdict is None


@pytest.mark.parametrize(
    ("field", "value"), [("verdict", "maybe"), ("task", "0"), ("task", str(2**63)), ("task", "x"), ("run", "../x")]
)
def test_a_form_that_makes_no_sense_is_refused(disputed, field, value, log_in):
    form = {"task": 1, "verdict": "same", field: value}
    client = log_in(disputed)
    data = {"csrf": csrf(client.get("/overview").text), "run": "uid", **form}
    assert client.post("/overview/settle", data=data).status_code == 422


def test_a_round_that_is_over_says_why_nothing_changed(disputed, tmp_path, log_in):
    client = log_in(disputed)
    stale = csrf(client.get("/overview").text)
    begin(disputed, tmp_path, [(6, 7)], number=1)
    form = {"csrf": stale, "run": "uid", "task": 1, "verdict": "same"}
    reply = client.post("/overview/settle", data=form)
    assert "That round asks no more" in reply.text
    assert "data-settle" not in reply.text
    assert answered_pair(disputed, "uid", 1).verdict is None
    assert client.post("/overview/settle", data={**form, "task": 77}).url.path == "/overview"


def test_a_pair_shows_who_said_what_and_why_there_is_no_sheet(disputed, tmp_path, log_in):
    client = log_in(disputed)
    plain = " ".join(re.sub(r"<[^>]+>", " ", client.get("/overview/pair/1").text).split())
    assert re.search(r"alice same \d\.\d s just now bob different", plain)
    assert "Not decided yet" in plain
    assert "this page was started without the folder of the runs" in plain
    elsewhere = log_in(disputed, "other", runs=tmp_path / "runs").get("/overview/pair/1").text
    assert "is not on the machine that serves this page" in elsewhere
    for path in ("/overview/pair/9", "/overview/pair/1?run=another", "/overview?run=another"):
        assert client.get(path).status_code == 404
    for path in ("/overview/pair/0", "/overview/pair/x", f"/overview/pair/{2**63}", "/overview?run=%2e%2e"):
        assert client.get(path).status_code == 422


def test_answers_in_a_circle_are_shown_with_their_chain(store, tmp_path, log_in, people):
    begin(store, tmp_path, [(0, 1), (0, 2), (1, 2), (3, 4)], overlap=1)
    says(people, "alice", "same", "same", "different", "same")
    client = log_in(store)
    text = client.get("/overview").text
    assert "Answers that cannot all be true" in text
    assert re.findall(r'aria-label="Pair (\d): (\w+)"', text.split('class="chain"')[1].split("</ol>")[0]) == [
        ("3", "different"),
        ("1", "same"),
        ("2", "same"),
    ]
    shown = re.findall(r"/picture/([\w-]+)", text.split('class="chain"')[1].split("</ol>")[0])
    (a, b), (_, c) = answered_pair(store, "uid", 1).tokens, answered_pair(store, "uid", 2).tokens
    assert shown == [b, c, b, a, a, c]  # round in a circle
    for task, told in ((1, True), (3, True), (4, False)):
        assert ("Answers that cannot all be true" in client.get(f"/overview/pair/{task}").text) == told
    settle(client, 3, "same")
    assert "Answers that cannot all be true" not in client.get("/overview").text


def test_of_several_runs_the_newest_or_the_one_asked_for(disputed, tmp_path, log_in):
    time.sleep(0.01)  # the newest is told by the clock
    begin(disputed, tmp_path, [(0, 1)], uid="uid2", run="another")
    client = log_in(disputed)
    assert "<small>another" in client.get("/overview").text
    assert "<small>mine" in client.get("/overview?run=uid").text
    assert "<small>mine" in log_in(disputed, "other", run_uid="uid").get("/overview").text


def test_names_are_text_not_markup(store, tmp_path, log_in, people):
    begin(store, tmp_path, [(0, 1)], run="<b>bold</b>")
    says(people, "<script>alert(1)</script>", "same")
    text = log_in(store).get("/overview").text
    assert "<b>bold" not in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_no_style_or_script_stands_in_the_page(disputed, log_in):
    client = log_in(disputed)
    for path in ("/overview", "/overview/pair/1"):
        text = client.get(path).text
        assert not re.search(r"<style|style=|<script(?![^>]*src)|on(click|load)=", text)
        for source in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
            assert client.get(source).status_code == 200


def test_a_coordinator_sees_pictures_of_pairs_that_others_answered(store, tmp_path, log_in, people):
    Image.new("RGB", (8, 16), "teal").save(tmp_path / "0.png")
    from hashlib import blake2b

    digest = blake2b((tmp_path / "0.png").read_bytes(), digest_size=16).hexdigest()
    about = RunInfo("uid", "mine", str(tmp_path), 0, 3, 0, 30, 10, 1)
    round_ = TaskQueue(store, about, {0: ImageRef("0.png", digest), 1: ImageRef("0.png", digest)})
    round_.begin()
    round_.ask([PairTask(0, 1, "within")])
    says(people, "alice", "same")
    handle = answered_pair(store, "uid", 1).tokens[0]
    assert log_in(store).get(f"/picture/{handle}").headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("before", "said"),
    [(0, "just now"), (600, "10 min ago"), (7200, "2.0 h ago"), (5 * 86400, "5 d ago"), (-50, "just now")],
)
def test_how_long_ago(before, said):
    assert ago(time.time() - before) == said


class Clock:
    time = 0.0

    def __call__(self):
        return self.time


def test_what_takes_long_to_count_is_counted_seldom():
    clock, times = Clock(), []
    cache = Cache(now=clock)

    def count():
        times.append(clock.time)
        clock.time += 2
        return len(times)

    assert cache.get("a", count) == cache.get("a", count) == 1
    assert cache.get("b", lambda: "other") == "other"
    clock.time = 21.9
    assert cache.get("a", count) == 1
    clock.time = 22
    assert cache.get("a", count) == 2
    cache.clear()
    assert cache.get("a", count) == 3


def test_never_is_a_dash():
    assert ago(None) == "–"
