"""The review on the page: sheets and pictures for those who are logged in, forms that change something, thumbnails."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from whosame import artefacts
from whosame.data.indexing import index_images
from whosame.data.source import SourceConfig
from whosame.naming.given_names import write_given_names
from whosame.naming.identity_table import IdentityRow, read_identities, write_identities
from whosame.naming.nearest_identities import nearest_identities
from whosame.runs import Run

NAME = "r" * 32


@pytest.fixture
def made(tmp_path):
    """A project with a run of 12 images: three identities of four, the last of which is doubtful."""
    folder = tmp_path
    (folder / "images").mkdir()
    for row in range(12):
        Image.new("RGB", (40, 80), (20 * row, 90, 200 - 10 * row)).save(folder / "images" / f"{row:02d}.png")
    source = SourceConfig(layout="folder", images=str(folder / "images"))
    manifest = index_images(source, folder / "data")
    run = folder / "data" / "runs" / "mine"
    run.mkdir(parents=True)
    about = {"uid": "uid", "manifest": {"digest": manifest.digest}, "configuration": {}}
    (run / artefacts.RUN).write_text(json.dumps(about))
    rows = [IdentityRow(f"{k:02d}.png", str(k // 4 + 1), "clustered", 0.9 - k / 30, None, "") for k in range(12)]
    vectors = np.eye(3, dtype=np.float32)[np.arange(12) // 4]
    content = write_identities(rows)
    (run / artefacts.IDENTITIES).write_bytes(content)
    artefacts.write(run / artefacts.IDENTITIES_NEAR, nearest_identities(vectors, [r.identity for r in rows], content))
    return folder, manifest


@pytest.fixture
def project(made):
    return made[0]


@pytest.fixture
def reviewed(page_of, sqlite_store, project):
    return page_of(sqlite_store, runs=project / "data" / "runs")


@pytest.fixture
def alice(reviewed):
    client = reviewed.log_in("alice", accept="application/json")
    client.headers["x-csrf"] = client.csrf
    return client


def sheet(client, **query):
    return client.get("/review/sheet", params={"run": "", **query}).json()


def post(client, what, content, **fields):
    shown = content["sheet"]
    known = {"run": content["run"], "identity": shown["identity"], "version": shown["version"], "name": NAME}
    if what in ("tick", "merge"):
        known |= {"form": what, "reference": shown["images"][0]["token"]}
        what = "compare"
    return client.post(f"/review/{what}", data={**known, "seconds": "4", **fields})


def pictures(client, tokens):
    reply = client.get("/review/thumbnails", params={"run": "uid", "tokens": " ".join(tokens)})
    found, content = [], reply.content
    while content:
        end = 4 + int.from_bytes(content[:4], "big")
        found.append(content[4:end])
        content = content[end:]
    return found


def test_the_page_begins_with_the_most_doubtful_identity(alice):
    text = alice.get("/review", headers={"accept": "text/html"}).text
    assert 'id="review"' in text
    content = sheet(alice)
    shown = content["sheet"]
    assert (shown["name"], shown["position"], shown["total"], shown["size"]) == ("3", 1, 3, 4)
    assert {each["name"] for each in shown["suggestions"]} == {"1", "2"}
    assert [len(each["tokens"]) for each in shown["suggestions"]] == [3, 3]
    assert len(content["ahead"]) == 4 + 2 * 3
    assert "png" not in json.dumps(content)  # no paths


def test_ticks_names_merges_and_undo_by_form(alice, sqlite_store):
    content = sheet(alice)
    done = post(alice, "tick", content, different=content["sheet"]["images"][1]["token"]).json()
    assert (done["answers"], done["sheet"]["name"]) == (1, "2")
    [answer] = sqlite_store.answers("uid")
    assert (answer.annotator, answer.verdict, answer.seconds, answer.image_b) == ("alice", "different", 4.0, 11)
    named = post(alice, "name", done, given="Anna", name="n" * 32).json()
    assert named["sheet"]["name"] == "Anna"
    other = sheet(alice, identity=0)
    taken = post(alice, "name", other, given="Anna", name="t" * 32)
    assert (taken.status_code, taken.json()["refused"], taken.json()["other"]["identity"]) == (409, "taken", 1)
    joined = post(alice, "merge", other, same=taken.json()["other"]["token"], name="m" * 32).json()
    assert (joined["sheet"]["size"], joined["sheet"]["total"], joined["sheet"]["name"]) == (8, 2, "Anna")
    back = alice.post("/review/undo", data={"run": "uid", "review": joined["undoable"]}).json()
    assert (back["undone"], back["sheet"]["total"]) == (1, 3)


def test_what_has_changed_and_what_contradicts_is_refused_with_the_reason(alice, reviewed, sqlite_store):
    content = sheet(alice)
    bob = reviewed.log_in("bob", accept="application/json")
    bob.headers["x-csrf"] = bob.csrf
    images = [each["token"] for each in content["sheet"]["images"][1:]]
    post(bob, "tick", content, same=" ".join(images), name="b" * 32)
    late = post(alice, "tick", content, different=images[0])
    assert (late.status_code, late.json()["refused"]) == (409, "changed")
    assert late.json()["notice"].startswith("bob has changed this identity")
    clash = post(alice, "tick", late.json(), different=images[0]).json()
    assert clash["refused"] == "contradictions"
    assert [each["who"] for each in clash["contradictions"][0]["answers"]] == ["bob"]
    assert len(sqlite_store.answers("uid")) == 3


def test_thumbnails_are_made_once_and_pictures_are_for_those_who_are_logged_in(alice, reviewed, project):
    tokens = [each["token"] for each in sheet(alice)["sheet"]["images"]]
    large = alice.get(f"/review/picture/{tokens[0]}", params={"run": "uid"})
    assert large.headers["content-type"] == "image/png"
    small = pictures(alice, [*tokens, "A" * 22])  # the last is no image of the run
    assert [Image.open(io.BytesIO(each)).size for each in small[:-1]] == [(40, 80)] * 4
    assert small[-1] == b""
    kept = {file.read_bytes() for file in (project / "data" / "05_thumbnails").rglob("*.jpg")}
    assert kept == set(small[:-1])
    shutil.rmtree(project / "images")
    assert pictures(alice, tokens) == small[:-1]
    assert alice.get(f"/review/picture/{tokens[0]}", params={"run": "uid"}).status_code == 410
    for path in (f"picture/{tokens[0]}?run=uid", f"thumbnails?run=uid&tokens={tokens[0]}"):
        assert reviewed.client().get(f"/review/{path}").status_code == 303
        assert alice.get(f"/review/{path.replace('uid', 'other')}").status_code == 404
    assert alice.get(f"/review/picture/{'A' * 22}", params={"run": "uid"}).status_code == 404


def test_forms_that_make_no_sense_change_nothing(alice, sqlite_store):
    content = sheet(alice)
    first, other = content["sheet"]["images"][1]["token"], content["sheet"]["suggestions"][0]["tokens"][0]
    assert post(alice, "tick", content, different=other).json()["refused"] == "unknown"
    assert post(alice, "tick", content, different="A" * 22).json()["refused"] == "unknown"
    assert post(alice, "tick", content, different=first, identity="77").json()["refused"] == "changed"
    for odd in (
        {"identity": "-1"},
        {"version": "x"},
        {"name": "short"},
        {"same": "<b>"},
        {"form": "name"},
        {"seconds": "NaN"},
    ):
        assert post(alice, "tick", content, **odd).status_code == 422, odd
    assert alice.post("/review/undo", data={"run": "uid", "review": "5"}).json()["refused"] == "kept"
    assert post(alice, "tick", {**content, "run": "other"}).status_code == 404
    alice.headers["x-csrf"] = "forged"
    assert post(alice, "tick", content, different=first).status_code == 403
    assert sqlite_store.answers("uid") == []


def test_without_a_table_the_page_says_what_to_do(alice, project, page_of, sqlite_store):
    (project / "data" / "runs" / "mine" / artefacts.IDENTITIES).unlink()
    assert "kedro identities" in alice.get("/review", headers={"accept": "text/html"}).text
    assert alice.get("/review/sheet", params={"run": "uid"}).status_code == 404
    without = page_of(sqlite_store).log_in("carol")
    assert "without the folder of the runs" in without.get("/review").text


def test_a_new_table_and_one_that_was_edited_are_read(alice, project):
    table = project / "data" / "runs" / "mine" / artefacts.IDENTITIES
    assert sheet(alice)["sheet"]["name"] == "3"
    table.write_text(table.read_text().replace(",3,", ",Levin,"))
    content = sheet(alice)
    assert (content["sheet"]["name"], content["sheet"]["suggestions"]) == ("Levin", [])  # no longer the same table


def test_names_from_the_page_are_written_into_the_table_once(alice, project, sqlite_store, made):
    post(alice, "name", sheet(alice), given="Anna")
    run = Run(project / "data" / "runs" / "mine")
    assert write_given_names(run, sqlite_store, made[1]) == {"3": "Anna"}
    assert read_identities(run.folder / artefacts.IDENTITIES)["08.png"] == "Anna"
    assert write_given_names(run, sqlite_store, made[1]) == {}
    assert sheet(alice)["sheet"]["name"] == "Anna"
