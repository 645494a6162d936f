"""The search on the page: photographs and images of the gallery, who may ask, what is refused, nothing that is kept."""

import io
import json

import pytest
from PIL import Image

from whosame import artefacts

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def site(page_of, sqlite_store, searchable):
    return page_of(sqlite_store, runs=searchable / "runs")


@pytest.fixture
def alice(site):
    client = site.log_in("alice", accept="application/json")
    client.headers.update({"x-csrf": client.csrf, "content-type": "application/octet-stream"})
    return client


def test_a_photograph_finds_its_individual_once_and_is_not_kept(alice, searchable, photograph):
    before = {file for file in searchable.parent.rglob("*") if "labels.db" not in file.name}
    found = alice.post("/search/photograph", content=photograph((245, 15, 10))).json()
    assert [(hit["identity"], hit["images"], hit["confirmed"]) for hit in found["hits"]] == [
        ("Anna", 4, 3),
        ("2", 1, 0),
        ("", 1, 0),
    ]
    assert not found["nobody_near"]
    assert found["hits"][0]["score"] > 0.99
    assert [hit["camera"] for hit in found["hits"]] == [0, 0, 1]
    assert "of queries whose individual is in the gallery are missed" in found["calibration"]
    assert alice.post("/search/photograph", content=photograph((90, 90, 90))).json()["nobody_near"]
    assert {file for file in searchable.parent.rglob("*") if "labels.db" not in file.name} == before
    assert "png" not in json.dumps(found)  # no paths


def test_an_image_of_the_gallery_finds_others(alice, photograph):
    text = alice.get("/search", headers={"accept": "text/html"}).text
    assert 'id="file"' in text
    hits = alice.post("/search/photograph", content=photograph("red")).json()["hits"]
    others = alice.get(f"/search/like/{hits[0]['token']}").json()["hits"]
    assert others[0]["identity"] == "Anna"
    assert others[0]["token"] != hits[0]["token"]
    small = alice.get("/search/thumbnails", params={"tokens": f"{hits[0]['token']} {'A' * 22}"}).content
    length = int.from_bytes(small[:4], "big")
    assert Image.open(io.BytesIO(small[4 : 4 + length])).size == (40, 80)
    assert small[4 + length :] == bytes(4)
    assert alice.get(f"/search/like/{'A' * 22}").status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (b"", 422, "no image"),
        (b"GIF89a\x00 no", 422, "no image"),
        (lambda draw: draw("red", "JPEG")[:200], 422, "no image"),
        (lambda draw: draw("red", size=(9000, 9000)), 422, "no image"),  # a small file of many pixels
        (bytes(8 * 1024 * 1024 + 1), 413, "too large"),
    ],
)
def test_what_is_no_photograph_is_refused(alice, photograph, content, status, why):
    reply = alice.post("/search/photograph", content=content(photograph) if callable(content) else content)
    assert (reply.status_code, why in reply.json()["detail"]) == (status, True)


def test_it_is_for_those_who_are_logged_in_and_for_its_own_page(alice, site, photograph):
    token = alice.post("/search/photograph", content=photograph("red")).json()["hits"][0]["token"]
    for path in ("", f"/like/{token}", f"/thumbnails?tokens={token}"):
        assert site.client().get(f"/search{path}").status_code == 303
    odd = alice.post("/search/photograph", data={"csrf": alice.csrf}, headers={"x-csrf": "", "content-type": FORM})
    assert odd.status_code == 403
    odd = alice.post("/search/photograph", content=b"a=b", headers={"content-type": FORM})
    assert odd.status_code == 422
    alice.headers["x-csrf"] = "forged"
    assert alice.post("/search/photograph", content=photograph("red")).status_code == 403


def test_without_an_export_it_says_what_to_do(alice, searchable, page_of, sqlite_store, photograph):
    folder = searchable / "runs" / "mine" / artefacts.EXPORT / "model"
    (folder / "network.onnx").unlink()
    text = alice.get("/search", headers={"accept": "text/html"}).text
    assert 'id="file"' not in text
    assert "kedro run --pipelines=export --params=run=mine" in text
    reply = alice.post("/search/photograph", content=photograph("red"))
    assert (reply.status_code, "after an export" in reply.json()["detail"]) == (404, True)
    (folder / "gallery.json").write_text("{")
    assert "cannot be read" in alice.get("/search", headers={"accept": "text/html"}).text
    (folder / "gallery.json").unlink()
    assert "there is no gallery yet" in alice.get("/search", headers={"accept": "text/html"}).text
    without = page_of(sqlite_store).log_in("carol")
    assert "without the folder of the runs" in without.get("/search").text
