"""What may be spent on models in a day, over all deployments and processes."""

from dataclasses import dataclass

from seezar.models.ledger import Known, Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a day (UTC); 0 sets none."""

    requests_per_day: int = 0
    tokens_per_day: int = 0
    usd_per_day: float = 0.0

    def spent(self, known: Known) -> str | None:
        """Which limit is reached, in words; None when none is."""
        today = sum(known.today.values(), Usage())
        for most, used, unit in (
            (self.requests_per_day, today.requests, "requests"),
            (self.tokens_per_day, today.tokens, "tokens"),
            (self.usd_per_day, today.cost_usd, "US dollars"),
        ):
            if most and used >= most:
                return f"{used:g} of {most:g} {unit}"
        return None
