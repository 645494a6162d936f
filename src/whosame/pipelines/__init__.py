"""The Kedro pipelines: thin nodes that unpack parameters and call the core."""
