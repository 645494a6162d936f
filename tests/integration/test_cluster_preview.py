"""Cluster previews from the folder of a run that was really played."""

import pandas as pd

from whosame.annotation.quality.cluster_preview import cluster_preview
from whosame.annotation.quality.contradictions import PairVerdict
from whosame.annotation.quality.round_files import RoundFiles
from whosame.runs import Run


def test_every_question_of_every_round_has_a_preview(calm):
    run = Run(calm / "data" / "runs" / "calm")
    drawn = changed = 0
    for number in range(run.completed()):
        files = RoundFiles.read(run.folder.parent, run.about()["uid"], "calm", number)
        log = pd.read_parquet(run.round(number) / "memory.parquet")
        assert len(files.memory) == (log["round"] < number).sum()
        rows = log[log["round"] == number]
        verdicts = [PairVerdict(0, a, b, verdict) for a, b, verdict, *_ in rows.itertuples(index=False)]
        for given in verdicts:
            preview = cluster_preview(files, (given.a, given.b), verdicts)
            together = any({given.a, given.b} <= set(cluster.images) for cluster in preview.after)
            if given.verdict != "unsure":
                assert together == (given.verdict == "same")
            assert all((files.manifest.root / image.path).exists() for image in preview.images.values())
            drawn += 1
            changed += preview.changed
    assert drawn == 40  # the whole budget
    assert 0 < changed < drawn
