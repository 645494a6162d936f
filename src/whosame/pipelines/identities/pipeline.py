"""The pipeline ``identities``: last_training → final_features → identify → write_names. It changes no round."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.active_round import prepare
from whosame.pipelines.identities import nodes


def create_pipeline() -> Pipeline:
    """Return the nodes that come after ``prepare``. Only ``write_names`` receives the truth, to score the names."""
    return Pipeline(
        [
            stage_node("identities", nodes.last_training, "parameters manifest", "this_round"),
            stage_node(
                "identities",
                prepare.compute_maps,
                "this_round previous_checkpoint network_images train_set params:network params:training",
                "network_input",
            ),
            stage_node(
                "identities",
                nodes.final_features,
                "this_round previous_checkpoint next_features network_input train_set params:network params:extraction",
                "final_features",
            ),
            stage_node(
                "identities",
                nodes.collect_answers,
                "this_round train_set previous_memory previous_known next_memory next_known params:annotator_options",
                "all_answers all_known",
            ),
            stage_node(
                "identities",
                nodes.read_names_before,
                "this_round manifest train_set all_answers all_known",
                "names_before",
            ),
            stage_node(
                "identities",
                nodes.identify,
                "this_round final_features train_set previous_clustering_state all_answers names_before "
                "params:clustering params:strategies params:naming",
                "identified",
            ),
            stage_node(
                "identities",
                nodes.write_names,
                "this_round manifest identified final_features all_known all_answers names_before train_set truth "
                "params:clustering params:naming",
                "names",
            ),
        ],
    )
