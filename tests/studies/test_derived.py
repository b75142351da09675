"""What studies make themselves: shorter stores, times to a score, an average."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.studies import quick
from headwater.studies.methods import glue_average
from headwater.studies.pretraining import truncate
from headwater.studies.study import Result, StudyContext
from headwater.studies.transfer import PRETRAINED, RANDOM, SECONDS, STEPS, TRANSFER, time_to_score


def test_a_store_is_cut_to_its_first_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "DOCUMENTS", 5)
    monkeypatch.setattr(quick, "EXAMPLES", {"train": 1})
    quick.prepare(StudyContext(tmp_path, "quick"))
    whole = TokenStore.open(tmp_path / "data" / "tokens-store")
    for tokens, documents in (
        (1, 1),
        (int(whole.documents[2]), 2),
        (int(whole.documents[2]) + 3, 3),
    ):
        truncate(whole, tokens, tmp_path / f"cut-{tokens}")
        cut = TokenStore.open(tmp_path / f"cut-{tokens}")
        cut.verify()
        assert len(cut) == documents
        np.testing.assert_array_equal(cut.tokens, whole.tokens[:tokens])
        inside = whole.sentences[whole.sentences < tokens]
        np.testing.assert_array_equal(cut.sentences, [*inside, tokens])
        assert cut.vocabulary_fingerprint == whole.vocabulary_fingerprint
    truncate(whole, 10**9, tmp_path / "all")
    np.testing.assert_array_equal(TokenStore.open(tmp_path / "all").tokens, whole.tokens)


def test_the_time_to_a_score_is_that_of_the_first_evaluation_that_reaches_it(
    tmp_path: Path,
) -> None:
    context = StudyContext(tmp_path, "quick", seeds=(0, 1, 2))
    scores = {
        (PRETRAINED, 0): [50.0, 71.0, 90.0],
        (PRETRAINED, 1): [80.0, 60.0, 90.0],
        (PRETRAINED, 2): [50.0, 51.0, 52.0],  # never gets there: all 200 steps of the recipe
        (RANDOM, 0): [10.0, 60.0, 59.0],
        (RANDOM, 1): [10.0, 20.0, 80.0],
        (RANDOM, 2): [10.0, 53.0, 53.0],
    }
    results = [
        _write(
            context, trial.run.name, scores[trial.setting, trial.seed], trial.setting, trial.seed
        )
        for trial in TRANSFER.trials(context)
        if trial.column == "800"
    ]
    found = list(time_to_score(context, results))
    steps = {(each.setting, each.seed): each.value for each in found if each.column == STEPS}
    assert {seed: steps[PRETRAINED, seed] for seed in context.seeds} == {0: 20, 1: 10, 2: 200}
    assert {seed: steps[RANDOM, seed] for seed in context.seeds} == {0: 20, 1: 30, 2: 20}
    seconds = {(each.setting, each.seed): each.value for each in found if each.column == SECONDS}
    assert seconds == {key: value / 10 for key, value in steps.items()}
    last = Path(context.run(TRANSFER.trials(context)[-1].run.name)) / "log.jsonl"
    last.write_text(last.read_text(encoding="utf-8").replace("processor_seconds", "unknown"))
    older = list(time_to_score(context, results))  # the log of an older version has the clock alone
    assert {each.column for each in older} == {STEPS}
    last.unlink()
    with pytest.raises(UserError, match=r"log\.jsonl: holds no evaluation"):
        list(time_to_score(context, results))


def _write(
    context: StudyContext, run: str, scores: Sequence[float], setting: str, seed: int
) -> Result:
    log = Path(context.run(run)) / "log.jsonl"
    log.parent.mkdir(parents=True)
    lines = [
        {
            "step": step,
            "evaluation": {"accuracy": score},
            "seconds": 99.0,
            "processor_seconds": step / 10,
        }
        for step, score in zip((10, 20, 30), scores, strict=True)
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return Result(setting, "800", seed, scores[-1], 3.0, 30, 1, 2)


def test_the_glue_average_is_by_setting_and_seed() -> None:
    rows = [("x", 0, "rte", 60.0), ("x", 0, "cola", 20.0), ("x", 0, "squad", 99.0),
            ("x", 1, "rte", 50.0), ("x", 1, "cola", 30.0), ("y", 0, "rte", 1.0)]  # fmt: skip
    results = [Result(s, column, seed, value, 1.0, 2, 3, 4) for s, seed, column, value in rows]
    found = [
        (each.setting, each.seed, each.value)
        for each in glue_average(StudyContext(Path(), "full"), results)
    ]
    assert found == [("x", 0, 40.0), ("x", 1, 40.0)]  # of one task there is no average
