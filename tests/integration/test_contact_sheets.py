"""Contact sheets from the folder of a run that was really played."""

import pandas as pd
import pytest

from whosame.annotation.quality.cluster_preview import cluster_preview
from whosame.annotation.quality.contradictions import PairVerdict
from whosame.annotation.quality.round_files import NoPreviewError, RoundFiles
from whosame.runs import Run


def test_every_question_of_every_round_has_a_sheet(calm):
    run = Run(calm / "data" / "runs" / "calm")
    drawn = changed = 0
    for number in range(run.completed()):
        files = RoundFiles.read(run.folder.parent, run.about()["uid"], "calm", number)
        log = pd.read_parquet(run.round(number) / "memory.parquet")
        assert len(files.memory) == (log["round"] < number).sum()
        rows = log[log["round"] == number]
        said = [PairVerdict(0, a, b, verdict) for a, b, verdict, *_ in rows.itertuples(index=False)]
        for answer in said:
            sheet = cluster_preview(files, (answer.a, answer.b), said)
            together = any({answer.a, answer.b} <= set(group.images) for group in sheet.after)
            if answer.verdict != "unsure":
                assert together == (answer.verdict == "same")
            assert all((files.manifest.root / picture.path).exists() for picture in sheet.images.values())
            drawn += 1
            changed += sheet.changed
    assert drawn == 40  # the whole budget
    assert 0 < changed < drawn


def test_another_runs_folder_is_not_taken_for_it(calm):
    with pytest.raises(NoPreviewError, match="not on the machine"):
        RoundFiles.read(calm / "data" / "runs", "0123456789abcdef", "calm", 0)
