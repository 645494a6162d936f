"""Features of images: backbones, pooling, weights, extraction, centring."""

from whosame.features.centring import centre_by_camera
from whosame.features.extraction import ExtractionConfig, Features, extract
from whosame.features.network import NetworkConfig, ReIDNetwork, build_network

__all__ = [
    "ExtractionConfig",
    "Features",
    "NetworkConfig",
    "ReIDNetwork",
    "build_network",
    "centre_by_camera",
    "extract",
]
