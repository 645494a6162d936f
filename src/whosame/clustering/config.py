"""Parameters of clustering."""

from typing import Literal

from pydantic import PositiveInt, ValidationInfo, field_validator

from whosame.clustering.approximate_neighbours import Search, SearchKind
from whosame.parameters import Parameters, parameter


class ClusteringConfig(Parameters):
    """How training images are grouped at the start of a round (docs/methods.md, Clusters)."""

    distance: Literal["jaccard", "camera-jaccard", "auto"] = parameter(
        "auto", source="jaccard: Zhong et al. 2017; camera-jaccard: Chen et al., CVPR 2024"
    )
    """jaccard, camera-jaccard (neighbours within and across cameras found apart), or auto: camera-jaccard where two or
    more cameras are known."""
    k1: PositiveInt = parameter(20, unit="images", source="own choice; papers: 30, Zhong et al. 2017")
    """Distance jaccard: nearest neighbours that count as near, the image itself included."""
    k2: PositiveInt = parameter(6, unit="images", source="Zhong et al. 2017")
    """Distance jaccard: nearest neighbours whose encodings are averaged, the image itself included; 1 averages
    nothing."""
    k1_intra: PositiveInt = parameter(5, unit="images", source="Chen et al., CVPR 2024")
    """Distance camera-jaccard: nearest images of the same camera that count as near, beside the image itself."""
    k1_inter: PositiveInt = parameter(20, unit="images", source="Chen et al., CVPR 2024")
    """Distance camera-jaccard: nearest images of other cameras that count as near, and one more, as published."""
    k2_intra: PositiveInt = parameter(2, unit="images", source="Chen et al., CVPR 2024")
    """Distance camera-jaccard: nearest images of the same camera whose encodings are averaged, itself included."""
    k2_inter: PositiveInt = parameter(4, unit="images", source="Chen et al., CVPR 2024")
    """Distance camera-jaccard: nearest images of other cameras whose encodings are averaged."""
    search: SearchKind = parameter("auto")
    """How nearest images are found: exact; approximate, which takes far less time for millions of images and says what
    share of them it found; or auto: exact up to exact_up_to images."""
    exact_up_to: PositiveInt = parameter(150_000, unit="images", source="own choice; docs/scale.md")
    """Search auto: the most images whose nearest images are all searched exactly."""
    recall: float = parameter(0.97, gt=0, le=1)
    """Search approximate: share of the nearest images to find; it is measured on 500 images each round."""
    reduced_dimensions: PositiveInt = parameter(256, unit="dimensions")
    """Search approximate: principal components that candidates are found by, where features have more dimensions and
    the loss of recall stays below 0.005; distances are of the whole features."""
    eps: float = parameter(0.5, gt=0, lt=1, source="own choice; papers: 0.6, Cluster Contrast since 2021-11")
    """Largest Jaccard distance between neighbours of a cluster."""
    base: Literal["dbscan", "spcl"] = parameter("dbscan", source="Cluster Contrast; UCAL: spcl")
    """dbscan, or spcl: without what DBSCAN at eps ± eps_gap shows to be unreliable."""
    eps_gap: float = parameter(0.02, gt=0, validate_default=True, source="SpCL")
    """Base spcl: how far the tighter and the looser eps are away; smaller than eps and 1 - eps."""
    min_samples: PositiveInt = parameter(4, unit="images", source="Cluster Contrast")
    """Neighbours within eps, the image itself included, that make an image a core."""
    centre_cameras: bool = True
    """Subtract each camera's mean feature first, where two or more cameras are known."""
    reuse: bool = parameter(True, source="methods.md A.4 #14, B.2 #9")
    """Apply all earlier answers to the fresh clusters; false is an ablation."""

    @field_validator("eps_gap")
    @classmethod
    def _fits_eps(cls, gap: float, info: ValidationInfo) -> float:
        eps = info.data.get("eps", 0.5)
        if info.data.get("base") == "spcl" and not gap < min(eps, 1 - eps):
            raise ValueError(f"with base spcl and eps {eps} takes a number above 0 and below {min(eps, 1 - eps):g}")
        return gap

    @property
    def searched(self) -> Search:
        """How neighbours are searched."""
        return Search(self.search, self.exact_up_to, self.recall, self.reduced_dimensions)
