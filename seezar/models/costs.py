"""What an answer costs where LiteLLM does not say it: at the end of a stream."""

from seezar.models import litellm_import
from seezar.models.pool import Deployment

_PRICES = ("input_cost_per_token", "output_cost_per_token")


def cost_of(deployment: Deployment, input_tokens: int, output_tokens: int) -> float:
    """US dollars, by the prices of the pool file or of LiteLLM's table; 0 for a model that neither knows."""
    said = deployment.entry["model_info"]
    if any(price in said for price in _PRICES):
        each = tuple(float(said.get(price) or 0.0) for price in _PRICES)
        return each[0] * input_tokens + each[1] * output_tokens
    try:
        cost = litellm_import.load().cost_per_token(
            model=deployment.model, prompt_tokens=input_tokens, completion_tokens=output_tokens
        )
    except Exception:  # noqa: BLE001 - it raises whatever it meets in looking for the price
        return 0.0
    return float(sum(cost))
