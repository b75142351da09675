"""Span corruption and its variants, exactly as in the paper."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UserError
from headwater.objectives.noise import spans_of
from headwater.objectives.span_corruption import (
    SpanCorruption,
    SpanCorruptionConfig,
    corrupt,
    lengths,
)
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

END = 1
SENTINELS = np.arange(999, 899, -1, dtype=np.int32)
VARIANTS = (
    "span_corruption",
    "replace_spans",
    "drop_tokens",
    "bert_style",
    "mass_style",
    "deshuffling",
)
MakeStore = Callable[..., Any]


def one(ids: list[int], mask: list[bool]) -> tuple[list[int], list[int]]:
    texts = np.array([ids], np.int32)
    inputs, targets = corrupt(texts, spans_of(np.array([mask])), SENTINELS, END)
    return inputs[0].tolist(), targets[0].tolist()


def test_the_papers_figure() -> None:
    words = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week", "."]
    mask = [word in ("for", "inviting", "last") for word in words]
    names = {END: "<end>", 999: "<X>", 998: "<Y>", 997: "<Z>"} | {
        10 + i: word for i, word in enumerate(words)
    }
    inputs, targets = one([10 + i for i in range(len(words))], mask)
    assert " ".join(names[i] for i in inputs) == "Thank you <X> me to your party <Y> week . <end>"
    assert " ".join(names[i] for i in targets) == "<X> for inviting <Y> last <Z> <end>"


def test_the_papers_figure_in_t5s_own_tokens(shared: Path) -> None:
    vocabulary = load_vocabulary(shared / "data/tokenizers/t5/spiece.model")
    text = "Thank you for inviting me to your party last week."
    encoding = vocabulary.encode(text)
    noisy = [text.index(word) for word in ("for", "inviting", "last")]
    ends = [text.index(word) + len(word) for word in ("for", "inviting", "last")]
    mask = np.array(
        [
            any(a <= start and end <= b for a, b in zip(noisy, ends, strict=True))
            for start, end in zip(encoding.starts, encoding.ends, strict=True)
        ]
    )
    sentinels = np.array([vocabulary.sentinel(n) for n in range(3)], np.int32)
    sides = corrupt(encoding.ids[None], spans_of(mask[None]), sentinels, vocabulary.eos_id or 0)
    said = [vocabulary.decode(side[0].tolist(), skip_special=False) for side in sides]
    plain = [text.replace("> ", ">").replace(" <", "<") for text in said]
    assert plain == [
        "Thank you<extra_id_0>me to your party<extra_id_1>week.</s>",
        "<extra_id_0>for inviting<extra_id_1>last<extra_id_2></s>",
    ]


def test_a_span_at_either_end() -> None:
    assert one([5, 6, 7], [True, False, True]) == ([999, 6, 998, END], [999, 5, 998, 7, END])
    assert one([5, 6, 7], [True] * 3) == ([999, END], [999, 5, 6, 7, END])
    assert one([5, 6, 7], [False] * 3) == ([5, 6, 7, END], [999, END])


def restored(inputs: list[int], targets: list[int]) -> list[int]:
    """Put what the targets say for each sentinel in its position in the inputs."""
    spans: dict[int, list[int]] = {}
    for id in targets[:-1]:
        if id > 899:
            spans[id] = []
        else:
            spans[list(spans)[-1]].append(id)
    return [id for each in inputs[:-1] for id in (spans[each] if each > 899 else [each])]


@given(st.lists(st.lists(st.booleans(), min_size=13, max_size=13), min_size=1, max_size=5))
def test_inputs_and_targets_hold_the_text_under_any_mask(sequences: list[list[bool]]) -> None:
    ids = np.arange(100, 100 + 13 * len(sequences), dtype=np.int32).reshape(-1, 13)
    mask = np.array(sequences)
    inputs, targets = corrupt(ids, spans_of(mask), SENTINELS, END)
    assert len(inputs) == len(targets) == len(sequences)
    for sequence in range(len(sequences)):
        source, target = inputs[sequence].tolist(), targets[sequence].tolist()
        assert source[-1] == target[-1] == END
        assert restored(source, target) == ids[sequence].tolist()
        names = [id for id in target if id > 899]
        assert names == SENTINELS[: len(names)].tolist()
        closing = not mask[sequence, -1]
        assert [id for id in source if id > 899] == names[: len(names) - closing]
        assert (target[-2] > 899) == closing
        # No two sentinels side by side: in the inputs each stands between tokens.
        assert not any(a > 899 and b > 899 for a, b in pairwise(source))


def published_lengths(inputs: int, density: float, mean: float) -> tuple[int, int]:
    """T5's random_spans_helper."""

    def both(tokens: int) -> tuple[int, int]:
        noise = round(tokens * density)
        spans = round(noise / mean)
        return tokens - noise + spans + 1, noise + spans + 1

    tokens = inputs - 1
    while both(tokens + 1)[0] <= inputs:
        tokens += 1
    targets = both(tokens)[1]
    return (tokens - 1 if density == 0.5 and targets > inputs else tokens), targets


def test_lengths_are_the_published_ones() -> None:
    assert lengths(512, 0.15, 3.0) == (568, 114)
    for inputs in (*range(60, 200, 7), 512, 1024):  # shorter ones round to no span at all
        for mean in (2.0, 3.0, 5.0):
            for density in (0.1, 0.15, 0.25, 0.4):
                expected = published_lengths(inputs, density, mean)
                assert lengths(inputs, density, mean) == expected, (inputs, density, mean)
            raw, targets = lengths(inputs, 0.5, mean)
            assert raw == published_lengths(inputs, 0.5, mean)[0]
            assert targets <= inputs


@pytest.fixture(scope="module")
def store(make_store: MakeStore) -> Any:
    random = np.random.default_rng(0)
    return make_store([[random.integers(3, 60, size)] for size in (900, 1, 3000, 250)])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("inputs", [3, 24, 64])
def test_sequences_keep_to_their_lengths(
    store: Any, t5: Vocabulary, variant: str, inputs: int
) -> None:
    config = SpanCorruptionConfig.check({"variant": variant, "inputs": inputs}, "test")
    objective = SpanCorruption(store, t5, config, seed=3)
    sequences = objective.features(np.arange(len(objective)), 0)
    sizes = np.array(
        [[len(sequence["input_ids"]), len(sequence["labels"])] for sequence in sequences]
    )
    assert all(sequence["input_ids"][-1] == sequence["labels"][-1] == END for sequence in sequences)
    assert all(side.dtype == np.int32 for sequence in sequences for side in sequence.values())
    if variant == "replace_spans":
        assert (sizes.sum(axis=1) <= objective.lengths).all()
        assert (sizes[:, 1] <= objective.target_lengths).all()
    else:
        assert (sizes[:, 0] == inputs).all()
        assert (sizes[:, 1] == objective.target_lengths).all()
        assert (sizes.sum(axis=1) == objective.lengths).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_do_what_the_paper_says(store: Any, t5: Vocabulary, variant: str) -> None:
    config = SpanCorruptionConfig.check({"variant": variant, "inputs": 64}, "test")
    objective = SpanCorruption(store, t5, config, seed=3)
    mask_id, top = t5.sentinel(0), t5.sentinel(99)
    words: Counter[str] = Counter()
    for sequence, features in enumerate(objective.features(np.arange(len(objective)), 0)):
        source, target = (features[name][:-1].tolist() for name in ("input_ids", "labels"))
        text = _text(store, t5, config.raw, sequence)
        if variant in ("span_corruption", "replace_spans"):
            spans: dict[int, list[int]] = {}
            for id in target:
                if id >= top:
                    spans[id] = []
                else:
                    spans[list(spans)[-1]].append(id)
            assert list(spans) == [t5.sentinel(n) for n in range(len(spans))]
            back = [id for each in source for id in spans.get(each, [each])]
            assert back == text
        elif variant == "drop_tokens":
            assert Counter(source) + Counter(target) == Counter(text)
            assert len(target) == round(0.15 * config.raw)
            assert _within(source, text) and _within(target, text)
        else:
            assert target == text
        if variant == "deshuffling":
            assert source != text and Counter(source) == Counter(text)
        elif variant in ("bert_style", "mass_style"):
            positions = zip(source, text, strict=True)
            words.update(
                "mask" if s == mask_id else "other" if s != t else "same" for s, t in positions
            )
            assert not any(id >= top and id != mask_id for id in source)
    if variant == "mass_style":
        assert words["other"] == 0
        assert words["mask"] == round(0.15 * 63) * len(objective)
    if variant == "bert_style":
        chosen = round(0.15 * 63) * len(objective)
        assert abs(words["mask"] - 0.9 * chosen) < 4 * np.sqrt(chosen * 0.09)
        assert words["other"] > 0.08 * chosen


def _within(part: list[int], whole: list[int]) -> bool:
    """Whether `part` stands in `whole` in its order."""
    rest = iter(whole)
    return all(id in rest for id in part)


def _text(store: Any, vocabulary: Vocabulary, length: int, sequence: int) -> list[int]:
    joined: list[int] = []
    for begin, end in pairwise(store.documents):
        joined += [*store.tokens[begin:end].tolist(), vocabulary.eos_id or 0]
    return joined[sequence * length : (sequence + 1) * length]


@pytest.mark.parametrize("variant", VARIANTS)
def test_sequences_can_be_made_again_alone(store: Any, t5: Vocabulary, variant: str) -> None:
    config = SpanCorruptionConfig.check({"variant": variant, "inputs": 40}, "test")
    objective = SpanCorruption(store, t5, config, seed=5)
    whole = objective.features(np.arange(20), 2)
    again = SpanCorruption(store, t5, config, seed=5).features(np.array([13, 4]), 2)
    for sequence, features in zip((13, 4), again, strict=True):
        for name, values in features.items():
            assert np.array_equal(values, whole[sequence][name])
    for other in (objective.features(np.arange(20), 3), _other_seed(store, t5, config)):
        same = [
            all(np.array_equal(one[name], two[name]) for name in one)
            for one, two in zip(whole, other, strict=True)
        ]
        assert sum(same) <= 1


def _other_seed(store: Any, t5: Vocabulary, config: SpanCorruptionConfig) -> Any:
    return SpanCorruption(store, t5, config, seed=6).features(np.arange(20), 2)


def test_fingerprints_differ_with_what_makes_a_feature(
    store: Any, t5: Vocabulary, make_store: MakeStore
) -> None:
    config = SpanCorruptionConfig(inputs=40)
    found = {
        SpanCorruption(store, t5, config, seed=0).fingerprint,
        SpanCorruption(store, t5, config, seed=1).fingerprint,
        SpanCorruption(store, t5, SpanCorruptionConfig(inputs=41), seed=0).fingerprint,
        SpanCorruption(make_store([[[5] * 99]], "b"), t5, config, seed=0).fingerprint,
    }
    assert len(found) == 4
    assert SpanCorruption(store, t5, config, seed=0).fingerprint in found


def test_vocabularies_that_lack_something(store: Any, t5: Vocabulary, bert: Vocabulary) -> None:
    with pytest.raises(UserError, match="no end-of-sequence token"):
        SpanCorruption(store, bert, SpanCorruptionConfig(), seed=0)
    many = SpanCorruptionConfig(inputs=2000)
    with pytest.raises(UserError, match=r"needs 111 sentinels .* has 100"):
        SpanCorruption(store, t5, many, seed=0)


@pytest.mark.parametrize("variant", ["bert_style", "mass_style", "replace_spans"])
def test_no_sentinels(store: Any, shared: Path, variant: str) -> None:
    gpt2 = load_vocabulary(shared / "data/tokenizers/gpt2")
    config = SpanCorruptionConfig.check({"variant": variant}, "test")
    with pytest.raises(UserError, match="has 0;"):
        SpanCorruption(store, gpt2, config, seed=0)


@pytest.mark.parametrize(
    "values",
    [
        {"inputs": 2},
        {"inputs": 10**6},
        {"noise_density": 0.0},
        {"noise_density": 1.0},
        {"mean_span": 0.5},
        {"inputs": 65000, "noise_density": 0.9},
        {"variant": "span"},
    ],
    ids=str,
)
def test_wrong_settings(values: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(values))):
        SpanCorruptionConfig.check(values, "recipe.toml")


def test_a_corpus_shorter_than_a_feature(make_store: MakeStore, t5: Vocabulary) -> None:
    with pytest.raises(UserError, match="holds 6 tokens, fewer than one sequence of 568"):
        SpanCorruption(make_store([[[5] * 5]]), t5, SpanCorruptionConfig(), seed=0)
