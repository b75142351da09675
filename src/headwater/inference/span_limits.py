"""What a user asks of a model that finds spans, in place of what travelled with it."""

import math
from collections.abc import Mapping
from typing import Any

from headwater.errors import UserError
from headwater.models.build import Model
from headwater.models.multi_task import MultiTask


def with_limits(
    extra: Mapping[str, Any],
    network: Model,
    name: str,
    no_answer_threshold: float | None,
    max_answer_length: int | None,
) -> dict[str, Any]:
    """Return what travels with a model (headwater.json), with other limits of its answers.

    Args:
        no_answer_threshold: it abstains when "no answer" is better than the best span by more.
        max_answer_length: the longest answer that is chosen, in tokens.
    """
    given = {"no_answer_threshold": no_answer_threshold, "max_answer_length": max_answer_length}
    stated = {key: value for key, value in given.items() if value is not None}
    if not stated:
        return dict(extra)
    heads: list[Model] = [network]
    if isinstance(network, MultiTask):
        heads = [network.for_task(each) for each in network.names]
    if all(each.head_name != "span" for each in heads):
        raise UserError(f"{name}: {next(iter(stated))} is for models that find spans of a text")
    found = dict(extra)
    if no_answer_threshold is not None:
        if not math.isfinite(no_answer_threshold):
            raise UserError(
                f"no_answer_threshold {no_answer_threshold}: a finite number was expected"
            )
        found["no_answer_threshold"] = float(no_answer_threshold)
    if max_answer_length is not None:
        if max_answer_length < 1:
            raise UserError(f"max_answer_length {max_answer_length}: at least 1 was expected")
        saved = extra.get("spans")
        spans = saved if isinstance(saved, dict) else {}
        found["spans"] = {**spans, "max_answer_length": max_answer_length}
    return found
