"""Uids of audits in the label store: their answers are kept apart from those of runs."""

AUDIT = "audit-"


def audit_uid(run_uid: str, names_digest: str, seed: int) -> str:
    """Return the uid under which the answers of an audit are kept.

    The same run, names and seed have the same one: an audit that was interrupted, or is typed again with more
    questions, continues with its answers.

    Parameters
    ----------
    run_uid : str
        Of the run; empty for a fork that has not started.
    names_digest : str
        Digest of the names that are audited.
    seed : int
        Of the audit.
    """
    return f"{audits_of(run_uid)}{names_digest[:16]}-{seed}"


def audits_of(run_uid: str) -> str:
    """Return the beginning of the uids of a run's audits."""
    return f"{AUDIT}{run_uid[:16]}-"


def is_audit(run_uid: str) -> bool:
    """Return whether answers of this uid were given in an audit."""
    return run_uid.startswith(AUDIT)
