"""Pictures and tables of a run: what they show is really in them."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from whosame.errors import InputError
from whosame.questions import Answer, Question
from whosame.reporting.answers_text import answers_text
from whosame.reporting.contact_sheet import contact_sheet
from whosame.reporting.curves import curve, overview, selection_histogram
from whosame.reporting.pair_images import BORDER, COLOURS, GAP, HEADER, HEIGHT, STRIP, pair_images
from whosame.reporting.table import MISSING, metrics_table, rounds_table, runs_table
from whosame.runs import Run

WIDTH = 36  # of a crop of 64 x 32 in the picture


def answer(verdict, kind="within", source="oracle"):
    return Answer(Question(0, 1, kind), verdict, source)


def picture(answers, changed=None, **more):
    count = len(answers)
    left = np.full((count, 64, 32, 3), 40, np.uint8)
    right = np.full((count, 64, 32, 3), 200, np.uint8)
    drawn = pair_images(left, right, answers, np.zeros(count, bool) if changed is None else changed, **more)
    return np.asarray(Image.open(io.BytesIO(drawn), formats=["PNG"]))


def strip(pixels):
    """The label of the only pair."""
    return pixels[HEADER + BORDER + HEIGHT : HEADER + BORDER + HEIGHT + STRIP, : 2 * (BORDER + WIDTH) + GAP]


def test_the_two_crops_stand_side_by_side_in_a_frame():
    pixels = picture([answer("same")])
    middle = HEADER + BORDER + HEIGHT // 2
    assert (pixels[middle, BORDER : BORDER + WIDTH] == 40).all()
    assert (pixels[middle, BORDER + WIDTH + GAP : BORDER + 2 * WIDTH + GAP] == 200).all()
    assert (pixels[middle, :BORDER] == COLOURS["same"]).all()
    assert (pixels[HEADER, : 2 * (BORDER + WIDTH) + GAP] == COLOURS["same"]).all()


def test_verdict_kind_source_and_change_are_shown_without_colour():
    seen = set()
    for verdict in COLOURS:
        for kind in ("within", "between", "pool"):
            for source in ("oracle", "closure"):
                for changed in (False, True):
                    label = strip(picture([answer(verdict, kind, source)], np.array([changed])))
                    distance = np.abs(label.astype(int) - COLOURS[verdict]).sum(axis=2)
                    seen.add((distance > 200).tobytes())
    assert len(seen) == 3 * 3 * 2 * 2


@pytest.mark.parametrize("colour", COLOURS.values())
def test_white_text_reads_on_every_colour(colour):
    """WCAG 2 contrast of at least 4.5."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(colour) / 255]
    assert 1.05 / (np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05) >= 4.5


def test_every_pair_is_there():
    pixels = picture([answer("different")] * 7)
    framed = (pixels == COLOURS["different"]).all(axis=2)[HEADER:]
    cell = 2 * (BORDER + WIDTH) + GAP
    corners = framed[:: BORDER + HEIGHT + STRIP + 4, :: cell + 4]
    assert corners.sum() == 7


def test_the_header_counts_what_is_left_out():
    two = [answer("same"), answer("unsure")]
    assert not np.array_equal(picture(two)[:HEADER], picture(two, total=2000)[:HEADER, : picture(two).shape[1]])
    assert picture([]).shape[0] == HEADER


def test_a_hundred_pairs_are_drawn_in_little_memory_and_bytes():
    random = np.random.default_rng(0)
    crops = np.kron(random.integers(0, 255, (100, 8, 4, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    drawn = pair_images(crops, crops, [answer("same")] * 100, np.ones(100, bool))
    size = Image.open(io.BytesIO(drawn)).size
    assert size[0] * size[1] < 1_200_000
    assert len(drawn) < 3_000_000


def test_pairs_that_do_not_belong_together():
    crops = np.zeros((2, 8, 4, 3), np.uint8)
    for left, right, answers, changed in (
        (crops, crops[:1], 2, 2),
        (crops, crops, 1, 2),
        (crops, crops, 2, 1),
        (crops[..., 0], crops[..., 0], 2, 2),
    ):
        with pytest.raises(InputError, match="a picture of n pairs takes"):
            pair_images(left, right, [answer("same")] * answers, np.zeros(changed, bool))


def test_contact_sheet():
    crops = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 3, 3), np.uint8)
    sheet = contact_sheet(crops, 3)
    assert sheet.shape == (2 * 6 - 2, 3 * 5 - 2, 3)
    assert [sheet[y, x, 0] for y in (0, 6) for x in (0, 5, 10)] == [0, 1, 2, 3, 4, 255]
    assert sheet[4, 0, 0] == sheet[0, 3, 0] == 255
    for images, columns in ((crops[:0], 3), (crops, 0), (crops[0], 3)):
        with pytest.raises(InputError, match="a sheet takes"):
            contact_sheet(images, columns)


HISTORIES = [
    [{"retrieval/mAP": 0.2, "annotation/asked_total": 10}, {"retrieval/mAP": 0.4, "annotation/asked_total": 30}],
    [{"retrieval/mAP": 0.3, "annotation/asked_total": 20}, {"annotation/asked_total": 30}, {"retrieval/mAP": 0.9}],
]


def test_curves_are_read_from_metrics():
    found = curve("dcps", HISTORIES, "retrieval/mAP")
    np.testing.assert_array_equal(found.x, [1, 2])
    np.testing.assert_allclose(found.values, [[20, 40], [30, np.nan]])
    np.testing.assert_array_equal(
        curve("dcps", HISTORIES, "retrieval/mAP", against="annotation/asked_total").x, [15, 30]
    )
    for nothing in ([], [[], []]):
        with pytest.raises(InputError, match="no curve can be drawn for 'dcps'"):
            curve("dcps", nothing, "retrieval/mAP")


def test_learning_curves_show_mean_and_spread():
    found = curve("dcps", [history[:1] * 2 for history in HISTORIES], "retrieval/mAP")
    alone = curve("none", HISTORIES[:1], "retrieval/mAP")
    figure = overview(np.zeros((20, 90, 3), np.uint8), {"retrieval/mAP": [found, alone]})
    _, axes = figure.axes
    mean, single = axes.get_lines()
    np.testing.assert_allclose(mean.get_ydata(), [25, 25])
    np.testing.assert_allclose(single.get_ydata(), [20, 40])
    assert mean.get_linestyle() != single.get_linestyle()
    (band,) = axes.collections
    assert (band.get_datalim(axes.transData).y0, band.get_datalim(axes.transData).y1) == pytest.approx((20, 30))
    assert axes.get_ylabel() == "mAP (%)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dcps", "none"]


def test_overview_and_histogram_can_be_saved():
    figure = overview(np.zeros((20, 90, 3), np.uint8), {"retrieval/mAP": [curve("a", HISTORIES, "retrieval/mAP")]})
    shares = selection_histogram({"without": np.array([0.1, 0.7, 0.2]), "nothing asked": np.empty(0)})
    (bars,) = shares.axes[0].patches
    assert bars.get_data().values.tolist() == [0.7, 0.2, 0.1]
    assert shares.axes[0].get_lines()[0].get_ydata()[0] == pytest.approx(1 / 3)
    for drawn in (figure, shares):
        file = io.BytesIO()
        drawn.savefig(file, format="png", dpi=40)
        assert file.getbuffer().nbytes > 1000


METRICS = {
    "annotation/asked_total": 1250,
    "retrieval/mAP": 0.4364,
    "retrieval/rank1": 0.5,
    "clusters/ari": 0.63,
    "clusters/count": 117,
    "clusters/outliers": 9,
    "clusters/cameras_per_cluster": 3.66,
}


def test_the_table_of_rounds():
    first, second = metrics_table([{}, METRICS], [float("nan"), 1.8]).splitlines()[2:]
    assert first.split() == ["0", *[MISSING] * 8]
    assert second.split() == ["1", "1,250", "43.6", "50.0", "0.630", "117", "9", "3.7", "1.8"]
    assert len(first) == len(second)


def test_the_tables_of_a_run_on_disk(tmp_path):
    assert "no run yet" in runs_table([])
    run = Run(tmp_path / "demo")
    assert "no round is complete" in rounds_table(run)
    folder = run.round(0)
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "checkpoint.pt").write_bytes(bytes(3 * 2**20))
    assert rounds_table(run).splitlines()[0] == "run demo"
    assert "43.6" in rounds_table(run)
    run.round(1).mkdir()
    (run.round(1) / "metrics.json").write_text(json.dumps({**METRICS, "retrieval/mAP": 0.4}))
    assert rounds_table(run).splitlines()[-1] == "best round, chosen on the test set: round 0, mAP 43.6, rank-1 50.0"
    header, _, line = runs_table([run]).splitlines()
    assert "mAP (last round)  (best round)" in header
    assert line.split() == ["demo", MISSING, "2", "1,250", "40.0", "43.6", "0.630", "3.0", "MiB"]


def test_what_answers_show_of_a_network_and_what_they_cannot():
    found = {"same": 3, "different": 5, "share_same": 3 / 8, "images_moved": 4, "similarity_auc": 0.8}
    found |= {"similarity_auc_before": 0.7}
    sure, unsure, worse = (
        answers_text({f"annotation/{name}": value for name, value in (found | {"network_improved": p}).items()})
        for p in (0.95, 0.5, 0.01)
    )
    assert sure == (
        "answers: 3 of 8 same, 4 images moved; similarity before asking: AUC 0.80; "
        "network: better than 3 rounds before, AUC 0.70 to 0.80 on answers that neither has seen"
    )
    assert unsure == worse
    assert unsure.endswith("network: these answers do not show that it has improved")
    assert answers_text({"annotation/asked": 0.0}) == ""
