"""AAS, active label cleaning by over- and under-segmentation."""
