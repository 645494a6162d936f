"""The verdict: what is wrong with a folder is said, with what to do; what stops a run comes first; the next command."""

import dataclasses

import numpy as np
import pytest

from whosame.configuration import Configuration
from whosame.data.readers.base import ImageFile
from whosame.inspection.candidates import CandidateEstimate
from whosame.inspection.disk import DiskUse
from whosame.inspection.findings import Findings, NetworkFindings, RunReading
from whosame.inspection.folder_scan import FolderScan
from whosame.inspection.headers import Copies, Headers
from whosame.inspection.next_command import next_command
from whosame.inspection.path_pattern import PatternReader
from whosame.inspection.report_text import report_text
from whosame.inspection.speed import Duration, Speed
from whosame.inspection.verdict import judge

COUNT = 40


def candidates(stable=0.8, matched=0.7, questions=20):
    flat, none = np.zeros(COUNT, np.float32), np.zeros(questions, np.float32)
    pairs = np.zeros((questions, 2), np.int64)
    return CandidateEstimate(
        stable, matched, flat, flat, flat, flat, np.arange(COUNT)[::-1].copy(), "gain", pairs, none
    )


def findings(tmp_path, paths=(), *, network=None, config=None, **changes):
    paths = list(paths) or [f"{number}.jpg" for number in range(COUNT)]
    config = config or Configuration(images=str(tmp_path), layout="folder", pixels={"fit": "letterbox"})
    reader = PatternReader(config.folder.pattern, seed=0)
    for path in paths:
        reader.read(path)
    files = [ImageFile(path, 100, 0) for path in paths]
    sides = np.full(len(files), 64)
    seen = NetworkFindings(
        (64, 64),
        Speed(*[0.001] * 7, "cpu"),
        Duration(60, 1, 1, 10, 1, 10),
        DiskUse(1, 1, 1, 10, 2**40),
        candidates(),
        paths,
    )
    made = Findings(
        config,
        FolderScan(tmp_path / "my crops", len(files), 100 * len(files), files, reader.result()),
        Headers(files, sides, sides, {}),
        Copies([], len(files), len(files)),
        RunReading({"train": len(files)}),
        {},
        [],
        dataclasses.replace(seen, **(network or {})),
        1.0,
    )
    return dataclasses.replace(made, **changes)


def texts(verdict):
    return " | ".join(reason.text for reason in verdict.reasons)


def test_a_folder_without_a_fault_is_worth_asking(tmp_path):
    found = findings(tmp_path)
    verdict = judge(found)
    assert verdict.kind == "worth asking"
    command = next_command(found, verdict, None, {"images": "my crops", "look": {"sample": 50}})
    assert command == "kedro rounds '--params=run=my-crops,images=my crops'"
    assert next_command(found, verdict, "people", {"run": "x"}) == "kedro rounds --env=people --params=run=x"
    printed = report_text(found, verdict, command, "page.html")
    assert max(len(line) for line in printed.splitlines() if "kedro" not in line) <= 120


CASES = {
    "the run needs 2048.0 GiB": {"network": {"disk": DiskUse(2**41, 0, 0, 1, 2**30)}},
    "the run computes for 28 hours": {"network": {"duration": Duration(0, 1, 0, 1e4, 0, 10)}},
    "few candidates": {"network": {"candidates": candidates(matched=0.45)}},
    "there is little to ask: gain has 3 questions": {"network": {"candidates": candidates(questions=3)}},
    "files are copies": {"copies": Copies([["a", "b", "c", "d"]], COUNT, COUNT)},
    "1 file cannot be used": {"damaged": {"a.jpg": "empty file"}},
    "1 image of more than max_megapixels=20": {"oversized": ["a.jpg"]},
    "an identity is known of 3 of 40 images": {"reading": RunReading({"train": COUNT}, with_identity=3)},
    "kedro rounds stops: 2 names": {"reading": RunReading(error="2 names are there twice")},
}


@pytest.mark.parametrize("text", CASES)
def test_a_fault_is_named_and_the_rest_is_not(text, tmp_path):
    changes = CASES[text]
    if "reading" in changes and changes["reading"].with_identity:
        config = Configuration(images=str(tmp_path), layout="folder", pixels={"fit": "letterbox"}, annotator="auto")
        changes = {**changes, "config": config}
    verdict = judge(findings(tmp_path, **changes))
    assert verdict.kind == "worth asking, but"
    assert text in texts(verdict)
    assert len(verdict.reasons) == 1


def test_what_stops_a_run_comes_first_and_its_parameters_are_in_the_next_command(tmp_path):
    found = findings(
        tmp_path, network={"candidates": candidates(matched=0.45)}, damaged={"a.jpg": "empty"}, oversized=["b.jpg"]
    )
    verdict = judge(found)
    assert [reason.stops for reason in verdict.reasons] == [True, True, False]
    command = next_command(found, verdict, None, {"images": "x"})
    assert command.startswith("kedro rounds ")
    assert "unreadable=skip,max_megapixels=1" in command


def test_features_that_find_nothing_are_not_worth_asking_whatever_else_there_is(tmp_path):
    for estimate in (candidates(stable=0.2), candidates(matched=0.3)):
        found = findings(tmp_path, network={"candidates": estimate}, damaged={"a.jpg": "empty"})
        verdict = judge(found)
        assert verdict.kind == "not worth asking"
        assert "no candidates" in verdict.reasons[0].text
        assert len(verdict.reasons) == 2
        assert "network.weights=FILE" in next_command(found, verdict, None, {"images": "x"})


def test_a_camera_that_sees_one_individual_is_named(tmp_path):
    paths = [f"{1 + number % 7:04}_c1_{number}.jpg" for number in range(30)] + ["0009_c2_1.jpg", "0009_c2_2.jpg"]
    verdict = judge(findings(tmp_path, paths))
    assert "1 camera sees one individual only (2)" in texts(verdict)
    assert "use_cameras=false" in verdict.reasons[0].advice
    alone = [f"0001_c1_{number}.jpg" for number in range(30)]
    assert "individual only" not in texts(judge(findings(tmp_path, alone)))  # of one camera features are not centred


def test_a_pattern_for_three_of_two_thousand_paths_is_changed_and_one_for_most_leaves_out_the_rest(tmp_path):
    config = Configuration(
        images=str(tmp_path), layout="folder", pixels={"fit": "letterbox"}, folder={"pattern": r"^a(?P<identity>\d+)"}
    )
    few = [f"a{number}.jpg" for number in range(3)] + [f"b{number}.jpg" for number in range(1997)]
    found = findings(tmp_path, few, config=config)
    verdict = judge(found)
    assert "folder.pattern matches 3 of 2,000 paths: it is hardly the rule of this folder" in texts(verdict)
    assert next_command(found, verdict, None, {"images": "x"}) == "kedro look --params=images=x"
    found = findings(tmp_path, [f"a{number}.jpg" for number in range(100)] + ["b.jpg"], config=config)
    assert "folder.unmatched=skip" in next_command(found, judge(found), None, {"images": "x"})


def test_stretched_images_are_told_the_fit_that_keeps_their_shape(tmp_path):
    config = Configuration(images=str(tmp_path), layout="folder")
    verdict = judge(findings(tmp_path, config=config, network={"size": (64, 32)}))
    assert "images of 1.00 (height / width) are stretched to 64 × 32" in texts(verdict)
    assert verdict.reasons[0].parameters == {"pixels": {"fit": "letterbox", "height": None, "width": None}}
