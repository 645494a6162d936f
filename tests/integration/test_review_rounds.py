"""Reviews on the page between two rounds: the next round knows them from its start, names obey them, and names stay."""

import csv
import html
import json
import re
from collections import Counter

import pandas as pd
import pytest

from whosame.annotation.accounts.users import add_user
from whosame.annotation.store.store import open_store
from whosame.annotation.web.app import create_app
from whosame.runs import Run
from whosame.tables import read_memory

pytestmark = pytest.mark.xdist_group("rounds")


@pytest.fixture
def reviewed(calm, copied, tmp_path):
    """A copy of the project of the run "calm"."""
    return copied(calm, tmp_path / "project")


def names_in(run):
    with (run.folder / "identities.csv").open(newline="") as opened:
        return {row["path"]: row["identity"] for row in csv.DictReader(opened)}


class Reviewer:
    """A person at the page, who sends what its script sends."""

    def __init__(self, client, token):
        self.client = client
        client.post("/login", data={"token": token})
        page = client.get("/review", headers={"accept": "text/html"}).text
        client.headers["x-csrf"] = re.search(r'data-csrf="([^"]+)"', page)[1]
        self.content = json.loads(html.unescape(html.unescape(re.search(r'data-content="([^"]+)"', page)[1])))
        self.sent = 0

    def open(self, identity):
        self.content = self.client.get("/review/sheet", params={"run": "", "identity": identity}).json()

    def send(self, what, **fields):
        self.sent += 1
        sheet = self.content["sheet"]
        common = {"identity": sheet["identity"], "version": sheet["version"], "name": f"{self.sent:032}"}
        if what == "compare":
            common["reference"] = sheet["images"][0]["token"]
        reply = self.client.post(
            f"/review/{what}", data={"run": self.content["run"], "seconds": "5", **common, **fields}
        )
        assert reply.status_code == 200, reply.text
        self.content = reply.json()


def test_a_round_and_names_obey_what_was_reviewed_between(reviewed, serving, type_kedro):
    folder = reviewed
    type_kedro(folder, "identities", "calm")
    run = Run(folder / "data" / "runs" / "calm")
    with open_store(f"sqlite:///{folder / 'data' / 'answers.db'}") as store:
        app = create_app(store, runs=folder / "data" / "runs")
        with serving(app) as served:
            person = Reviewer(served.client(accept="application/json"), add_user(store, "ann"))
            review = app.state.reviews.open(run)
            roots = review.state().roots.tolist()
            shown = person.content["sheet"]
            tokens = [each["token"] for each in shown["images"]]
            parts = Counter(roots[review.tokens.row(token)] for token in tokens)
            out = next(token for token in tokens[1:] if parts[roots[review.tokens.row(token)]] == 1)
            person.send("compare", form="tick", different=out, same=" ".join({*tokens[1:]} - {out}))
            person.open(shown["identity"])
            other = person.content["sheet"]["suggestions"][0]["tokens"][0]
            rows = [review.tokens.row(token) for token in (tokens[0], out, other)]
            person.send("compare", form="merge", same=other)
            person.send("name", given="Anna")
        given = [event for event in store.answers(run.about()["uid"]) if event.review is not None]
    given = [(event.image_a, event.image_b, event.verdict) for event in given]
    assert Counter(verdict for *_, verdict in given)["different"] == 1
    type_kedro(folder, "identities", "calm")
    paths = [review.table.paths[row] for row in rows]
    reference, ticked, merged = map(names_in(run).get, paths)
    assert (reference, merged) == ("Anna", "Anna")
    assert ticked != "Anna"
    type_kedro(folder, "rounds", "--params=run=calm,rounds=5,budget=50")  # it ends with another table
    table = pd.read_parquet(run.round(4) / "memory.parquet")
    pairs = [*table[["image_a", "image_b", "verdict"]].itertuples(index=False, name=None)]
    earlier = len(pd.read_parquet(run.round(3) / "memory.parquet"))
    assert pairs[earlier : earlier + len(given)] == given  # before the questions of the round
    assert json.loads((run.round(4) / "metrics.json").read_text())["annotation/asked"] <= 10  # they cost nothing of it
    memory = read_memory(table, review.table.image_ids)
    assert (memory.implied(rows[0], rows[1]), memory.implied(rows[0], rows[2])) == (False, True)
    assert (run.folder / "identities.csv").stat().st_mtime > (run.round(4) / "metrics.json").stat().st_mtime
    names = names_in(run)
    reference, ticked, merged = map(names.get, paths)
    assert reference == merged != ""
    assert ticked != reference
    assert "Anna" in names.values()  # it goes with most of the images that had it
