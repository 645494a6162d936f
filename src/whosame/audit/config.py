"""Parameters of an audit."""

from pydantic import NonNegativeInt, PositiveInt

from whosame.parameters import Parameters, parameter


class AuditConfig(Parameters):
    """How many pairs an audit of the names asks about, and which."""

    questions: PositiveInt = parameter(200, unit="questions")
    """Questions that may be asked; what earlier answers imply is not asked."""
    seed: NonNegativeInt = 0
    """Which pairs are drawn: the same seed draws the same pairs, and an audit with more questions begins with them."""
    confidence: float = parameter(0.95, ge=0.5, le=0.999)
    """Share of the audits whose intervals cover the truth."""
