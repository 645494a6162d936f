"""The pipeline ``active_round``: extract_features → cluster → select_pairs → annotate → reassign → train → evaluate."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.active_round import label, model, prepare, select


def create_pipeline() -> Pipeline:
    """Return one round. Only ``open_round``, ``annotate``, ``reassign`` and ``evaluate`` receive the truth."""
    return Pipeline(
        [
            stage_node("prepare", prepare.open_round, "parameters manifest train_set truth", "this_round gathered"),
            stage_node(
                "prepare",
                prepare.start_network,
                "this_round previous_checkpoint manifest network_images train_set params:network params:warmup "
                "params:training",
                "start",
            ),
            stage_node(
                "prepare",
                prepare.compute_maps,
                "this_round start network_images train_set params:network params:training",
                "network_input",
            ),
            stage_node(
                "select",
                select.extract_features,
                "this_round start network_input train_set params:network params:extraction",
                "features",
            ),
            stage_node(
                "select",
                select.recall,
                "this_round features gathered train_set previous_memory params:annotator params:annotator_options",
                "known found",
            ),
            stage_node("select", select.remember, "this_round previous_memory found", "start_memory"),
            stage_node(
                "select",
                select.cluster,
                "features train_set known start_memory previous_clustering_state params:clustering",
                "clusters graph nearest clustering_state",
            ),
            stage_node(
                "select",
                select.describe_round,
                "this_round features clusters graph nearest train_set known start_memory previous_strategy_state "
                "params:clustering",
                "state",
            ),
            stage_node("select", select.select_pairs, "state train_set params:strategy params:strategies", "questions"),
            stage_node(
                "label",
                label.annotate,
                "this_round state questions manifest train_set truth start_memory params:strategy params:strategies "
                "params:annotator params:annotator_options params:layout",
                "answers memory strategy_state",
            ),
            stage_node(
                "label",
                label.reassign,
                "state answers memory known train_set truth params:strategy params:strategies params:clustering",
                "labels",
            ),
            stage_node(
                "label", label.draw_pairs, "answers clusters pixels train_set params:evaluation", "pairs_picture"
            ),
            stage_node(
                "model",
                model.train,
                "this_round start features network_input train_set labels graph memory known clustering_state "
                "params:network params:training params:clustering params:strategy params:strategies",
                "checkpoint training_report",
            ),
            stage_node(
                "model",
                model.evaluate,
                "this_round checkpoint network_input train_set test_set truth state earlier_features clusters labels "
                "found answers memory known training_report clustering_state previous_metrics params:network "
                "params:extraction params:evaluation params:clustering",
                "selection_shares retrieval_curves metrics",
            ),
        ],
    )
