"""What an answer costs: by the pool file where that says prices, else by LiteLLM."""

from seezar.models import litellm_import
from seezar.models.pool import Deployment

_PRICES = ("input_cost_per_token", "output_cost_per_token")


def cost_of(deployment: Deployment, input_tokens: int, output_tokens: int, *, told: float | None = None) -> float:
    """US dollars, by the prices of the pool file or of LiteLLM's table; 0 for a model that neither knows.

    Args:
        told: what LiteLLM says that this answer costs; None where it does not, as at the end of a stream.
    """
    said = deployment.entry["model_info"]
    if any(price in said for price in _PRICES):
        each = tuple(float(said.get(price) or 0.0) for price in _PRICES)
        return each[0] * input_tokens + each[1] * output_tokens
    if told is not None:
        return float(told)
    try:
        cost = litellm_import.load().cost_per_token(
            model=deployment.model, prompt_tokens=input_tokens, completion_tokens=output_tokens
        )
    except Exception:  # noqa: BLE001 - it raises whatever it meets in looking for the price
        return 0.0
    return float(sum(cost))
