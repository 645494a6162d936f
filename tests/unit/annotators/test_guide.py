"""The guide of a run: its question by layout or in the user's words, and examples from a file, all problems at once."""

from pathlib import Path

import pandas as pd
import pytest

from whosame.annotation.queue.guide import Example, ShownGuide
from whosame.annotators.guide import make_guide
from whosame.annotators.registry import AnnotatorConfig
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest
from whosame.errors import InputError, ParameterError
from whosame.parameters import parse


@pytest.fixture
def manifest():
    columns = {
        "path": [f"herd/{k}.jpg" for k in range(6)],
        "split": ["train"] * 5 + ["query"],
        "digest": [f"d{k}" for k in range(6)],
    }
    return Manifest(Path("/images"), "herd", pd.DataFrame(columns))


def options(**values):
    return parse(AnnotatorConfig, values, "annotator_options")


@pytest.mark.parametrize(
    ("layout", "question"),
    [
        ("folder", "Same individual?"),
        ("omniglot", "Same character?"),
        ("market1501", "Same person?"),
        ("synthetic", "Same person?"),
    ],
)
def test_the_question_is_the_users_or_the_layouts(manifest, tmp_path, layout, question):
    assert make_guide(options(), layout, manifest, tmp_path).question == question
    assert make_guide(options(question=" Same zebra? "), layout, manifest, tmp_path).question == "Same zebra?"


@pytest.mark.parametrize(
    "wrong", [{"question": ""}, {"question": "x" * 201}, {"question": 5}, {"instruction": "x" * 4001}]
)
def test_a_question_has_1_to_200_characters_and_an_instruction_at_most_4000(wrong):
    with pytest.raises(ParameterError, match=f"annotator_options.{next(iter(wrong))}' is .* takes text of"):
        options(**wrong)


def test_no_result_depends_on_what_people_are_told():
    told = Configuration(annotator="human", annotator_options=options(question="Same zebra?", instruction="Look."))
    assert told.result_parameters() == Configuration(annotator="human").result_parameters()


def test_examples_are_pairs_of_a_file_of_answers(manifest, tmp_path):
    (tmp_path / "examples.csv").write_text(
        "path_a,path_b,verdict\nherd/3.jpg,herd/1.jpg,same\n./herd/0.jpg,herd/4.jpg,different\n"
    )
    guide = make_guide(options(instruction="The stripes.\n", examples="examples.csv"), "folder", manifest, tmp_path)
    assert guide.examples == (Example(1, 3, "same"), Example(0, 4, "different"))
    assert guide.instruction == "The stripes."
    shown = ShownGuide.from_json(guide.as_json({k: f"t{k}" for k in range(5)}))
    assert shown == ShownGuide("Same individual?", "The stripes.", (("t1", "t3", "same"), ("t0", "t4", "different")))


def test_all_problems_of_the_examples_are_one_error(manifest, tmp_path):
    lines = [
        "path_a,path_b,verdict",
        "herd/0.jpg,herd/9.jpg,same",
        "herd/0.jpg,herd/1.jpg,twins",
        "herd/2.jpg,herd/2.jpg,same",
    ]
    lines += ["herd/0.jpg,herd/5.jpg,same", *["herd/0.jpg,herd/1.jpg,same"] * 10]
    (tmp_path / "examples.csv").write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        make_guide(options(examples="examples.csv"), "folder", manifest, tmp_path)
    for said in (
        "line 2: herd/9.jpg",
        "line 3: verdict is 'twins'",
        "line 4: both images",
        "line 5: herd/5.jpg",
        "13 pairs",
    ):
        assert said in str(error.value)
    assert "path_a, path_b and verdict" in str(error.value)
    with pytest.raises(InputError, match=r"no\.csv cannot be read: No such file"):
        make_guide(options(examples="no.csv"), "folder", manifest, tmp_path)
