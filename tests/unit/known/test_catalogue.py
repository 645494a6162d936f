"""A catalogue: partial, from any spreadsheet; all that is wrong with it is one error."""

import numpy as np
import pandas as pd
import pytest

from whosame.app.config.open_choices import annotator_of
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TrainSet, Truth
from whosame.errors import InputError, ParameterError
from whosame.known import IDENTITIES
from whosame.known.gather import gather_known
from whosame.tables import known_names, read_known

PATHS = ["a/1.jpg", "a/2.jpg", "b/é.jpg", "c.jpg", "d.jpg", "test.jpg"]
IDS = [0, 1, 2, 3, 4]


def manifest(encounters=(-1,) * 6, identities=(7, 7, None, -1, 0, 9), names=("",) * 6):
    table = pd.DataFrame(
        {
            "path": PATHS,
            "split": ["train"] * 5 + ["query"],
            "identity": pd.array(identities, "Int64"),
            "digest": ["x", "y", "z", "x", "v", "w"],
            "encounter": encounters,
            "name": names,
        }
    )
    return Manifest("root", "folder", table)


def gathered(tmp_path, text, **options):
    (tmp_path / "known.csv").write_text(text, "utf-8")
    return gather_known(manifest(**options), "known.csv", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "path,identity\na/1.jpg,Tom\nb/e\u0301.jpg,Ann\na/2.jpg,Tom\na/2.jpg,Tom\nd.jpg,\ntest.jpg,Eve\n",
        "\ufeffidentity;p;path\nTom;1;./a/1.jpg\nAnn;;b/\u00e9.jpg\n Tom ;;a/2.jpg\n",
    ],
)
def test_a_partial_table_from_any_spreadsheet_names_individuals(tmp_path, text):
    table = gathered(tmp_path, text)
    assert known_names(table) == {0: "Tom", 1: "Tom", 2: "Ann"}
    known = read_known(table, pd.Index(IDS).to_numpy())
    assert known.individuals[0] == known.individuals[1] != known.individuals[2]
    assert known.individuals[3:].tolist() == known.encounters[3:].tolist() == [-1, -1]


def test_everything_that_is_wrong_is_one_error(tmp_path):
    text = "path,identity\na/1.jpg,Tom\na/1.jpg,Ann\nno.jpg,Tom\nc.jpg,Ann\n,Eve\n"
    with pytest.raises(InputError) as raised:
        gathered(tmp_path, text)
    lines = str(raised.value).splitlines()
    assert lines[0] == "catalogue=known.csv has 4 problems"
    assert lines[1:-1] == [
        "  a/1.jpg: 'Tom' in line 2 and 'Ann' in line 3",
        "  line 6: 'Eve' has no path",
        "  no.jpg: no such image",
        "  a/1.jpg = c.jpg, the same file content: 'Tom' and 'Ann'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,name\na,b\n", "no column path and no column identity; there are file, name"),
        ("", "there are none"),
        ("path,identity\ntest.jpg,Eve\n", "no row gives a training image an identity"),
        ('path,identity\na/1.jpg,"Tom\n', "not CSV"),
        ("path,identity\na/1.jpg,To\x07m\n", "not printable"),
    ],
)
def test_a_table_of_no_use_says_so(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        gathered(tmp_path, text)
    with pytest.raises(InputError, match=r"catalogue=nowhere\.csv cannot be read"):
        gather_known(manifest(), "nowhere.csv", tmp_path.relative_to(tmp_path))


def test_the_layouts_identities_are_a_catalogue_of_persons(tmp_path):
    assert known_names(gather_known(manifest(), IDENTITIES, tmp_path)) == {0: "7", 1: "7"}
    named = manifest(names=("Tom", "Tom", "", "-1", "0000", "Eve"))
    assert known_names(gather_known(named, IDENTITIES, tmp_path)) == {0: "Tom", 1: "Tom"}
    with pytest.raises(InputError, match="reads no identity"):
        gather_known(manifest(identities=(None,) * 6), IDENTITIES, tmp_path)


def test_encounters_are_known_too_and_show_one_individual(tmp_path):
    table = gather_known(manifest(encounters=(4, 4, -1, 5, 5, 5)), None, tmp_path)
    assert table["image_id"].tolist() == [0, 1, 3, 4]
    assert known_names(table) == {}
    assert len(gather_known(manifest(), None, tmp_path)) == 0
    text = "path,identity\nb/é.jpg,Tom\nd.jpg,Ann\n"
    with pytest.raises(
        InputError, match=r"1 groups have images under two identities or more, as in\n  b/é.jpg and d.jpg"
    ):
        gathered(tmp_path, text, encounters=(-1, -1, 4, -1, 4, -1))


def test_with_all_identities_known_people_answer_or_it_is_an_error():
    open_ = {"catalogue": IDENTITIES, "layout": "folder", "images": "crops"}
    assert annotator_of(open_) == "human"
    assert annotator_of({**open_, "annotator": "oracle"}) == "oracle"
    rows = np.arange(40)
    train_set, truth = TrainSet(rows, rows % 2, ("",) * 40), Truth(rows % 5 + 1)
    configuration = Configuration(**open_, annotator="oracle")
    with pytest.raises(ParameterError, match="nothing is left to ask"):
        configuration.check_against(train_set, truth)
    configuration.replace(annotator="human").check_against(train_set, truth)
    configuration.replace(catalogue="known.csv").check_against(train_set, truth)
