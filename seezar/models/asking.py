"""One question to a model, for a caller to whom no answer is an answer."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from seezar.models.budget import Run, counted_to
from seezar.models.errors import ModelBudgetSpent
from seezar.models.router import ModelRouter
from seezar.telemetry.model_calls import model_call


class NoAnswer(Exception):
    """The model did not answer: refused, failed, was too slow or said nothing. The text says which, and no more."""


async def ask(
    router: ModelRouter,
    group: str,
    messages: Sequence[dict[str, Any]],
    *,
    timeout: float,
    run: Run | None = None,
    **options: Any,
) -> str:
    """The text of a completion.

    Args:
        timeout: seconds for the answer; LiteLLM's import (seconds, once a process) is not part of them.
        run: what the call is counted to; None counts it to the run that is under way, if there is one.
        options: further parameters of a LiteLLM completion.

    Raises:
        NoAnswer: whatever went wrong.
    """
    try:
        await asyncio.to_thread(router.warm_up)
        counted = nullcontext() if run is None else counted_to(run)
        with counted, model_call(group, messages) as call:
            response = await asyncio.wait_for(
                router.acompletion(group, list(messages), timeout=timeout, **options), timeout
            )
            text = response.choices[0].message.content
            call.answered(text)
    except TimeoutError:
        raise NoAnswer(f"no model answered within {timeout:.0f} s") from None
    except ModelBudgetSpent as error:
        raise NoAnswer(error.what.rstrip(".")) from None
    except Exception as error:  # noqa: BLE001 - providers fail in the ways of many libraries; none may end a sign-in
        # The message of the error may quote the request.
        raise NoAnswer(f"no model could be asked ({type(error).__name__})") from None
    if not isinstance(text, str) or not text.strip():
        raise NoAnswer("the model said nothing")
    return text
