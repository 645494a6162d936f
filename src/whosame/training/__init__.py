"""Training of the network: losses on PK batches, augmentation, self-supervised warm-up, checkpoints."""

from whosame.training.checkpoint import Checkpoint
from whosame.training.config import AugmentConfig, TrainingConfig, WarmupConfig
from whosame.training.fit import TrainingReport, fit
from whosame.training.losses.purification import image_weights
from whosame.training.map_cache import cached_maps
from whosame.training.optimiser import learning_rate, make_optimiser
from whosame.training.warmup import warm_up

__all__ = [
    "AugmentConfig",
    "Checkpoint",
    "TrainingConfig",
    "TrainingReport",
    "WarmupConfig",
    "cached_maps",
    "fit",
    "image_weights",
    "learning_rate",
    "make_optimiser",
    "warm_up",
]
