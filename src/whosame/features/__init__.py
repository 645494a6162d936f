"""Features of images: backbones, pooling, weights, extraction, centring."""

from whosame.features.centring import centre_by_camera
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.extraction import Features, extract
from whosame.features.network import ReIDNetwork, build_network

__all__ = [
    "ExtractionConfig",
    "Features",
    "NetworkConfig",
    "ReIDNetwork",
    "build_network",
    "centre_by_camera",
    "extract",
]
