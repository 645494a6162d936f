"""Names in any script and form: one name has one form, and only what has no place in a line is refused."""

import unicodedata
from pathlib import Path

import pytest

from whosame.names import composed, existing, is_printable

PRINTABLE = [
    "",
    "a b",
    "Screenshot 9.41\u202fAM",
    "a\u00a0b",
    "全角\u3000名",
    "हिन्दी",
    "👨\u200d👩",
    "می\u200cخواهم",
    "e\u0301",
]


@pytest.mark.parametrize("text", PRINTABLE, ids=ascii)
def test_every_script_and_kind_of_space_is_printable(text):
    assert is_printable(text)


@pytest.mark.parametrize("text", ["a\nb", "a\0", "\udcff", "\x1b[31m", "\u2028", "\x85"], ids=ascii)
def test_control_characters_and_broken_text_are_not(text):
    assert not is_printable(text)


def test_forms_of_one_name_are_one():
    assert composed(unicodedata.normalize("NFD", "Zoë")) == composed("Zoë") == "Zoë"


@pytest.mark.parametrize(("there", "typed"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFC", "NFC")])
def test_a_folder_is_found_by_either_form_of_its_name(there, typed, tmp_path, monkeypatch):
    folder = tmp_path / unicodedata.normalize(there, "Zoë") / unicodedata.normalize(there, "é")
    folder.mkdir(parents=True)
    assert existing(tmp_path / unicodedata.normalize(typed, "Zoë/é")) == folder
    monkeypatch.chdir(tmp_path)
    assert existing(Path(unicodedata.normalize(typed, "Zoë/é"))) == folder.relative_to(tmp_path)
    assert existing(tmp_path / "other" / "é") == tmp_path / "other" / "é"
