"""Names that are audited, read from the table of identities."""

import pytest

from whosame.errors import InputError
from whosame.naming.audited_names import read_names

HEAD = "path,identity,known,p,camera,before\n"


def test_names_are_read_in_the_order_of_the_images(tmp_path):
    table = tmp_path / "identities.csv"
    table.write_text(HEAD + "b.png,ann,clustered,0.75,1,\na.png,,outlier,0.5,,\nc.png,ann,answered,1.0,,\n")
    names = read_names(table, ["a.png", "b.png", "c.png"], "mine")
    assert names.labels.tolist() == [-1, 0, 0]
    assert names.p.tolist() == [0.5, 0.75, 1.0]
    table.write_text(table.read_text().replace("c.png,ann", "c.png,bob"))
    assert read_names(table, ["a.png", "b.png", "c.png"], "mine").digest != names.digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing: kedro identities mine"),
        ("path,identity\na.png,1\n", "written by another version"),
        (HEAD + "a.png,1,clustered,often,,\n", "it was changed"),
        (HEAD + "a.png,1,clustered,1.5,,\n", "a.png: p is 1.5"),
        (HEAD + "b.png,1,clustered,0.5,,\n", "a.png: not in the table"),
    ],
)
def test_a_table_of_something_else_is_an_error(tmp_path, text, words):
    table = tmp_path / "identities.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(InputError, match=words):
        read_names(table, ["a.png"], "mine")
