"""The overview: for coordinators alone, every figure from the store, a decision by form."""

import re
import time
from itertools import count

import pytest
from PIL import Image

from whosame import artefacts
from whosame.annotation.quality.answered_pairs import answered_pair
from whosame.annotation.web.cache import Cache
from whosame.annotation.web.overview_routes import ago


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def clock():
    return time.time  # the page has no other


def answers(people, who, *verdicts):
    return [people.answer_next(who, verdict)[0] for verdict in verdicts]


@pytest.fixture
def disputed(people, task_queue):
    """Three pairs, of which two people see two alike: the first one waits for a third answer."""
    task_queue(3, overlap=2)
    answers(people, "alice", "same", "same", "different")
    answers(people, "bob", "different", "same", "different")


@pytest.fixture
def chief(page_of, store):
    """A coordinator's browser, in front of the page of the store."""
    return page_of(store).log_in("chief", "coordinator")


def settle(client, task, verdict, **more):
    form = {"csrf": client.csrf, "run": "uid", "task": task, "verdict": verdict, **more}
    return client.post("/overview/settle", data=form)


def plain(text):
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def verdict_of(store, task=1):
    return answered_pair(store, "uid", task).verdict


@pytest.mark.usefixtures("disputed")
def test_it_is_for_coordinators(page_of, store):
    page = page_of(store)
    nobody, annotator = page.client(), page.log_in("carol", "annotator")
    for path in ("/overview", "/overview/pair/1"):
        reply = nobody.get(path)
        assert (reply.status_code, reply.headers["location"]) == (303, "/login")
        assert annotator.get(path).status_code == 403
    assert settle(annotator, 1, "same").status_code == 403
    assert verdict_of(store) is None


def test_without_a_run_it_says_so(chief):
    assert "No run has asked people yet" in chief.get("/overview").text
    assert chief.get("/overview/pair/1").status_code == 404


@pytest.mark.usefixtures("disputed")
def test_figures_people_and_disputes_are_shown(chief):
    text = chief.get("/overview").text
    for part in (
        "This round 6 of 7 answers, at most 10 pairs",
        "Budget of the run 2 of 30, 28 left",
        "in 1 min at the pace of the last 15 min",
        "Agreement, kappa 0.40 3 pairs answered by several",
        "alice 3 2 1 0",
        "67 % of 3, kappa 0.40",
        "To settle 1",
    ):
        assert part in plain(text)
    assert text.count('class="card"') == 1
    assert text.count('href="/overview/pair/') == 8  # the dispute twice, and six answers
    assert 'content="20"' in text.split("<noscript>")[1].split("</noscript>")[0]


@pytest.mark.usefixtures("disputed")
def test_a_pair_is_settled_by_form_and_comes_to_rest(chief, store):
    reply = settle(chief, 1, "different")
    assert (reply.status_code, reply.headers["location"]) == (303, "/overview?run=uid&settled=1")
    decided = answered_pair(store, "uid", 1)
    assert (decided.verdict, decided.answers[-1].annotator, decided.settled) == ("different", "chief", True)
    text = chief.get(reply.headers["location"]).text
    for part in ("Settled.", "No pair waits because people disagree.", "Disputed and decided"):
        assert part in text
    settle(chief, 1, "same")  # thought better of it
    assert verdict_of(store) == "same"


@pytest.mark.usefixtures("disputed")
def test_who_settles_sees_what_came_of_it_though_counting_takes_long(page_of, store):
    page = page_of(store)
    chief = page.log_in("chief", "coordinator")
    page.served.app.state.cache = Cache(now=count(0, 100).__next__)  # it seems to take 100 s, and so is good for 1000

    def settled():
        row = re.search(r'row">chief.*?</tr>', chief.get("/overview").text, re.DOTALL)[0]
        return re.findall(r"<td>(\d+)</td>", row)[-1]

    assert settled() == "0"
    settle(chief, 1, "different")
    assert settled() == "1"


def test_one_pair_leads_to_the_next_disputed_one(people, task_queue, chief):
    task_queue(2, overlap=2)
    first, second = answers(people, "alice", "same", "same")
    answers(people, "bob", "different", "different")
    assert settle(chief, second, "same", onward=1).headers["location"] == f"/overview/pair/{first}?run=uid"
    assert settle(chief, first, "same", onward=1).headers["location"] == "/overview?run=uid&settled=1"


@pytest.mark.usefixtures("disputed")
def test_a_forged_form_settles_nothing_and_one_that_makes_no_sense_is_refused(chief, store):
    assert settle(chief, 1, "same", csrf="forged").status_code == 403
    for odd in ({"verdict": "maybe"}, {"task": "0"}, {"task": str(2**63)}, {"task": "x"}, {"run": "../x"}):
        form = {"csrf": chief.csrf, "run": "uid", "task": 1, "verdict": "same", **odd}
        assert chief.post("/overview/settle", data=form).status_code == 422, odd
    assert verdict_of(store) is None


@pytest.mark.usefixtures("disputed")
def test_a_round_that_is_over_says_why_nothing_changed(chief, store, task_queue):
    task_queue([(6, 7)], round=1, overlap=2)
    reply = chief.get(settle(chief, 1, "same").headers["location"])
    assert "That round asks no more" in reply.text
    assert "data-settle" not in reply.text
    assert verdict_of(store) is None
    assert settle(chief, 77, "same").headers["location"] == "/overview"


@pytest.mark.usefixtures("disputed")
def test_a_pair_shows_its_answers_and_why_there_is_no_preview(page_of, chief, store, tmp_path):
    text = plain(chief.get("/overview/pair/1").text)
    assert "Same individual? pair 1, round 1" in text
    assert re.search(r"alice same \S+( s)? just now bob different", text)
    assert "Not decided yet" in text
    assert "this page was started without the folder of the runs" in text
    elsewhere = page_of(store, runs=tmp_path / "runs").log_in("other", "coordinator").get("/overview/pair/1").text
    assert "is not on the machine that serves this page" in elsewhere
    for path in ("/overview/pair/9", "/overview/pair/1?run=another", "/overview?run=another"):
        assert chief.get(path).status_code == 404
    for path in ("/overview/pair/0", "/overview/pair/x", f"/overview/pair/{2**63}", "/overview?run=%2e%2e"):
        assert chief.get(path).status_code == 422


def test_answers_in_a_circle_are_shown_with_their_chain(store, people, task_queue, chief):
    task_queue([(0, 1), (0, 2), (1, 2), (3, 4)])
    answers(people, "alice", "same", "same", "different", "same")
    text = chief.get("/overview").text
    assert "Answers that cannot all be true" in text
    circle = text.split('class="chain"')[1].split("</ol>")[0]
    links = re.findall(r'aria-label="Pair (\d): (\w+)"', circle)
    assert links == [("3", "different"), ("1", "same"), ("2", "same")]
    (a, b), (_, c) = (answered_pair(store, "uid", task).tokens for task in (1, 2))
    assert re.findall(r"/picture/([\w-]+)", circle) == [b, c, b, a, a, c]  # round in a circle
    for task, told in ((1, True), (3, True), (4, False)):
        assert ("Answers that cannot all be true" in chief.get(f"/overview/pair/{task}").text) == told
    settle(chief, 3, "same")
    assert "Answers that cannot all be true" not in chief.get("/overview").text


@pytest.mark.usefixtures("disputed")
def test_of_several_runs_the_newest_or_the_one_asked_for(page_of, store, chief, task_queue):
    time.sleep(0.01)  # the newest is told by the clock
    task_queue([(0, 1)], run_uid="uid2", run="another")
    assert "<small>another" in chief.get("/overview").text
    assert "<small>mine" in chief.get("/overview?run=uid").text
    other = page_of(store, run_uid="uid").log_in("other", "coordinator")
    assert "<small>mine" in other.get("/overview").text


def test_names_are_text_and_no_style_or_script_stands_in_the_page(people, task_queue, chief):
    task_queue(1, run="<b>bold</b>")
    answers(people, "<script>alert(1)</script>", "same")
    for path in ("/overview", "/overview/pair/1"):
        text = chief.get(path).text
        assert "<b>bold" not in text
        assert "&lt;script&gt;alert(1)" in text
        assert not re.search(r"<style|style=|<script(?![^>]*src)|on(click|load)=", text)
        for source in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
            assert chief.get(source).status_code == 200


def test_a_coordinator_sees_pictures_of_pairs_that_others_answered(
    store, tmp_path, people, task_queue, chief, image_ref
):
    Image.new("RGB", (8, 16), "teal").save(tmp_path / "0.png")
    task_queue(1, root=str(tmp_path), images=dict.fromkeys((0, 1), image_ref(tmp_path, "0.png")))
    answers(people, "alice", "same")
    token = answered_pair(store, "uid", 1).tokens[0]
    assert chief.get(f"/picture/{token}").headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("before", "said"),
    [(0, "just now"), (600, "10 min ago"), (7200, "2.0 h ago"), (5 * 86400, "5 d ago"), (-50, "just now")],
)
def test_how_long_ago(before, said):
    assert ago(time.time() - before) == said
    assert ago(None) == "–"


def test_the_last_audit_of_the_names_is_shown(page_of, store, people, task_queue, tmp_path):
    task_queue(1)
    folder = tmp_path / "mine"
    artefacts.write(folder / artefacts.RUN, {"uid": "uid"})
    chief = page_of(store, runs=tmp_path).log_in("chief", "coordinator")
    assert "How right the names are" not in chief.get("/overview").text
    known = {"value": 0.5, "low": 0.25, "high": 0.75}
    names = ("individuals", "precision", "recall", "bcubed_precision", "bcubed_recall")
    audit = {"asked": 191, "confidence": 0.9, "rounds": 0, "estimates": dict.fromkeys(names, known)}
    artefacts.write(folder / artefacts.AUDIT, audit)
    artefacts.write(folder / "round_000" / artefacts.METRICS, {})
    shown = plain(chief.get("/overview").text)
    assert "An audit of 191 questions, after round 0; 1 round has been played since: kedro audit --run=mine" in shown
    assert "Estimated Value 90 % interval" in shown
    assert "Pairs of one name that are one individual 50.0 % 25.0 % … 75.0 %" in shown
