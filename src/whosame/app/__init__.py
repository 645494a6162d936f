"""The application: the only code beside ``pipelines/`` that knows Kedro and MLflow."""
