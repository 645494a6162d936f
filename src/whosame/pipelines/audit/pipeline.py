"""The pipeline ``audit``: audited_run → trained_features → earlier_answers → audit_names. It changes no round."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.active_round import prepare
from whosame.pipelines.audit import nodes
from whosame.pipelines.identities import nodes as identities


def create_pipeline() -> Pipeline:
    """Return the nodes that come after ``prepare``. Only ``audit_names`` receives the truth, for the oracle."""
    return Pipeline(
        [
            stage_node("audit", identities.last_training, "parameters manifest", "this_round"),
            stage_node(
                "audit",
                prepare.compute_maps,
                "this_round previous_checkpoint network_images train_set params:network params:training",
                "network_input",
            ),
            stage_node(
                "audit",
                identities.final_features,
                "this_round previous_checkpoint next_features network_input train_set params:network params:extraction",
                "final_features",
            ),
            stage_node(
                "audit",
                identities.collect_answers,
                "this_round train_set previous_memory previous_known next_memory next_known params:annotator_options",
                "all_answers all_known",
            ),
            stage_node(
                "audit",
                nodes.audit_names,
                "this_round manifest final_features train_set truth all_answers parameters",
                "audit_report",
            ),
        ],
    )
