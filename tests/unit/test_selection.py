"""Parts of a pipeline: unknown names are one error with near ones, and so is a part that cannot be run alone."""

import pytest
from kedro.io import MemoryDataset

from whosame.app.selection import check_inputs, check_selection
from whosame.errors import ParameterError
from whosame.pipeline_registry import register_pipelines

LISTED = ("pipelines", "node_names", "from_nodes", "to_nodes", "from_inputs", "to_outputs", "tags", "namespaces")
NOTHING = {"pipeline": None, **{option: [] for option in LISTED}}


@pytest.fixture(scope="module")
def pipelines():
    return register_pipelines()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"pipeline": "active_rond"}, "unknown pipeline 'active_rond': did you mean 'active_round'"),
        ({"pipelines": ["prepar"]}, "unknown pipeline 'prepar': did you mean 'prepare'"),
        ({"from_nodes": ["trian"]}, "unknown node in --from-nodes 'trian': did you mean 'train'"),
        ({"node_names": ["train"], "pipeline": "prepare"}, "unknown node of pipeline prepare in --nodes 'train'"),
        ({"to_nodes": ["evaluat"]}, "unknown node in --to-nodes 'evaluat': did you mean 'evaluate'"),
        ({"tags": ["modle"]}, "unknown tag in --tags 'modle': did you mean 'model'"),
        ({"namespaces": ["labl"]}, "unknown namespace in --namespaces 'labl': did you mean 'label'"),
        ({"from_inputs": ["labls"]}, "unknown dataset in --from-inputs 'labls': did you mean 'labels'"),
        ({"to_outputs": ["metrcs"]}, "unknown dataset in --to-outputs 'metrcs': did you mean 'metrics'"),
        ({"from_nodes": ["train"], "to_nodes": ["cluster"]}, "--from-nodes=train --to-nodes=cluster leave no node"),
    ],
)
def test_what_cannot_be_selected_is_one_error(pipelines, typed, message):
    with pytest.raises(ParameterError, match=message):
        check_selection({**NOTHING, **typed}, pipelines)


def test_all_unknown_names_are_told_at_once(pipelines):
    with pytest.raises(ParameterError) as refused:
        check_selection({**NOTHING, "tags": ["x"], "to_nodes": ["y", "z"]}, pipelines)
    assert len(str(refused.value).splitlines()) == 3


def test_short_and_whole_names_of_nodes_are_taken(pipelines):
    typed = {**NOTHING, "to_nodes": ["train", "label.annotate"]}
    assert check_selection(typed, pipelines) == {
        "node_names": [],
        "from_nodes": [],
        "to_nodes": ["model.train", "label.annotate"],
    }


def test_a_part_without_what_it_needs_says_what_to_type(pipelines):
    options = {"from_nodes": ["model.train"]}
    part = pipelines["active_round"].filter(**options)
    files = dict.fromkeys(pipelines["active_round"].datasets(), "a file")
    catalog = files | dict.fromkeys(("pixels", "state", "train_set", "this_round"), MemoryDataset()) | {"start": None}
    with pytest.raises(
        ParameterError, match=r"--from-nodes=model.train cannot be run alone: it needs start, .*kedro rounds"
    ):
        check_inputs(part, catalog, options)
    check_inputs(pipelines["active_round"], catalog, {})
