"""AAS: questions by over- and under-segmentation (Sani, Khurana and Anand)."""
