"""`generation_config.json` is followed as `transformers` follows it, and written when we save."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.inference.generation_file import read_generation
from headwater.inference.loaded import load
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.text.loading import load_vocabulary

_WORDS = "who won what is the it was bob eve zed left here and there in of old red"
WORDS = _WORDS.split()
TEXTS = ["bob won the red one", "who was it", "eve left here and zed won there", "old"]
FILE = "generation_config.json"
PLAIN = {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
SETTINGS: list[dict[str, Any]] = [
    {"max_new_tokens": 20},
    {"max_length": 9, "min_length": 6},
    {"max_new_tokens": 12, "max_length": 5, "min_new_tokens": 4},
    {"eos_token_id": [1, 5, 6, 7, 8], "max_new_tokens": 30},
    {"decoder_start_token_id": 9, "max_new_tokens": 8},
    {"forced_bos_token_id": 11, "forced_eos_token_id": 1, "max_length": 7},
    {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True, "no_repeat_ngram_size": 2,
     "max_length": 16, "num_return_sequences": 2},
    {"num_beams": 3, "eos_token_id": [1, 7, 12], "min_length": 5, "max_new_tokens": 14},
    {"repetition_penalty": 1.6, "bad_words_ids": [[4], [9, 10]], "suppress_tokens": [12, 13],
     "begin_suppress_tokens": [5, 8], "max_new_tokens": 10},
    {"do_sample": False, "temperature": 0.0, "top_k": 0, "top_p": 0.5, "max_new_tokens": 6},
]  # fmt: skip


def wide(network: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(6)
    for name, weight in sorted(network.named_parameters()):
        if weight.ndim == 2:
            table = "shared" in name or "relative" in name or "wte" in name
            deviation = 1.0 if table else 0.1 if "lm_head" in name else 0.4
            weight.data = torch.randn(weight.shape, generator=generator) * deviation


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("t5")
    size = tiny.unigram(folder, WORDS).size
    theirs = T5ForConditionalGeneration(
        T5Config(
            vocab_size=size, d_model=32, d_kv=8, d_ff=64, num_heads=4, num_layers=2,
            decoder_start_token_id=0, tie_word_embeddings=False,
        )
    ).eval()  # fmt: skip
    wide(theirs)
    theirs.save_pretrained(folder)
    return folder, theirs


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("gpt2")
    size = tiny.unigram(folder, WORDS).size
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=size, n_positions=64, n_embd=32, n_layer=2, n_head=4,
            bos_token_id=1, eos_token_id=1,
        )
    ).eval()  # fmt: skip
    wide(theirs)
    theirs.save_pretrained(folder)
    return folder, theirs


def written(folder: Path, theirs: Any, settings: dict[str, Any], causal: bool) -> list[str]:
    """What `transformers` writes for each text by the file alone, without the special tokens."""
    from transformers import GenerationConfig

    theirs.generation_config = GenerationConfig.from_pretrained(folder)
    vocabulary, texts = load_vocabulary(folder), []
    ends = settings.get("eos_token_id", 1)
    ends = ends if isinstance(ends, list) else [ends]
    for text in TEXTS:
        ids = vocabulary.encode(text).ids.tolist() + ([] if causal else [1])
        given = torch.tensor([ids])
        for row in theirs.generate(given, attention_mask=torch.ones_like(given)).tolist():
            row = row[len(ids) if causal else 1 :]
            stop = next((n for n, id in enumerate(row) if id in ends), len(row))
            if causal:
                before, whole = vocabulary.decode(ids), vocabulary.decode([*ids, *row[:stop]])
                texts.append(whole[len(before) :])
            else:
                texts.append(vocabulary.decode(row[:stop]).strip())
    return texts


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_t5_writes_as_transformers_does(t5: tuple[Path, Any], settings: dict[str, Any]) -> None:
    folder, theirs = t5
    (folder / FILE).write_text(json.dumps(PLAIN | settings))
    want = written(folder, theirs, settings, causal=False)
    assert load(folder, "cpu").generate(TEXTS) == want
    (folder / FILE).unlink()
    plain = load(folder, "cpu").generate(TEXTS, max_new_tokens=20)
    assert (want == plain) == (settings == SETTINGS[0])


@pytest.mark.parametrize("settings", [each for each in SETTINGS if "max_new_tokens" in each])
def test_a_gpt2_writes_as_transformers_does(
    gpt2: tuple[Path, Any], settings: dict[str, Any]
) -> None:
    folder, theirs = gpt2
    given = {k: v for k, v in settings.items() if k not in ("max_length", "min_length")}
    (folder / FILE).write_text(json.dumps({"eos_token_id": 1, "pad_token_id": 0} | given))
    want = written(folder, theirs, settings, causal=True)
    assert load(folder, "cpu").generate(TEXTS) == want


def test_old_folders_have_the_same_keys_in_config_json(t5: tuple[Path, Any]) -> None:
    folder, _ = t5
    old = (folder / "config.json").read_text()
    settings = SETTINGS[6]
    try:
        (folder / FILE).write_text(json.dumps(PLAIN | settings))
        want = load(folder, "cpu").generate(TEXTS)
        (folder / FILE).unlink()
        (folder / "config.json").write_text(json.dumps(json.loads(old) | settings))
        assert load(folder, "cpu").generate(TEXTS) == want
    finally:
        (folder / "config.json").write_text(old)


def test_what_is_given_wins_over_the_file(t5: tuple[Path, Any]) -> None:
    folder, _ = t5
    greedy = load(folder, "cpu").generate(TEXTS, max_new_tokens=10)
    beams = {"num_beams": 4, "num_return_sequences": 3, "min_new_tokens": 9, "max_new_tokens": 12}
    (folder / FILE).write_text(json.dumps(PLAIN | beams | {"repetition_penalty": 1.5}))
    found = load(folder, "cpu")
    plain = {"num_beams": 1, "repetition_penalty": 1.0, "min_new_tokens": 0}
    assert found.generate(TEXTS, max_new_tokens=10, **plain) == greedy
    assert len(found.generate(TEXTS)) == 3 * len(TEXTS)
    assert len(found.generate(TEXTS, num_beams=2)) == 2 * len(TEXTS)
    short = found.generate(TEXTS, num_beams=1, max_new_tokens=4)  # and at least as many
    vocabulary = load_vocabulary(folder)
    assert {len(vocabulary.encode(text)) for text in short} <= {3, 4, 5}


def test_sampling_is_followed_with_the_published_top_k(t5: tuple[Path, Any]) -> None:
    folder, _ = t5
    (folder / FILE).write_text(json.dumps({"do_sample": True, "temperature": 0.7}))
    found = load(folder, "cpu")
    options = {"do_sample": True, "temperature": 0.7, "top_k": 50, "seed": 3}
    by_file = found.generate(TEXTS, seed=3)
    assert found.generation == {"do_sample": True, "temperature": 0.7, "top_k": 50}
    (folder / FILE).unlink()
    assert by_file == load(folder, "cpu").generate(TEXTS, **options)
    assert by_file != load(folder, "cpu").generate(TEXTS)


def test_what_is_not_supported_is_named_once(
    t5: tuple[Path, Any], messages: Callable[[], str]
) -> None:
    folder, _ = t5
    unknown = {"typical_p": 0.9, "penalty_alpha": 0.6, "do_sample": True, "num_beams": 2}
    neutral = {"guidance_scale": None, "encoder_no_repeat_ngram_size": 0, "use_cache": True}
    (folder / FILE).write_text(json.dumps(PLAIN | unknown | neutral))
    found = load(folder, "cpu")
    found.generate(TEXTS[:1])
    found.generate(TEXTS[:1])
    [line] = messages().splitlines()
    assert line == (
        f"{folder / FILE}: not supported, and not followed: typical_p = 0.9, penalty_alpha = 0.6, "
        "do_sample = True"
    )
    assert found.generation["num_beams"] == 2
    (folder / FILE).write_text(json.dumps(PLAIN | neutral))
    load(folder, "cpu")
    assert not messages()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "an object was expected"),
        ('{"num_beams": "four"}', "num_beams"),
        ('{"forced_bos_token_id": 250004}', r"forced_bos_token_id = 250004; tokens are 0 to"),
        ('{"bad_words_ids": [[3, -1]]}', "bad_words_ids"),
        ('{"bad_words_ids": [[3], [4, 999]]}', r"bad_words_ids = \[\[3\], \[4, 999\]\]; tokens"),
        ('{"max_new_tokens": 0}', "max_new_tokens"),
        ('{"max_length": "20"}', "max_new_tokens"),
        ('{"max_length": 1000000000000000000}', "max_new_tokens"),
        ('{"min_length": [2]}', "min_new_tokens"),
        ('{"num_beams": 1000000000000000000}', "num_beams"),
        ('{"eos_token_id": "1"}', "eos_token_id"),
        ('{"eos_token_id": [1, 2.0]}', "eos_token_id"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(t5: tuple[Path, Any], content: str, said: str) -> None:
    folder, _ = t5
    (folder / FILE).write_text(content)
    try:
        with pytest.raises(UserError, match=f"generation_config.json: .*{said}") as line:
            load(folder, "cpu")
        assert "\n" not in str(line.value)
    finally:
        (folder / FILE).unlink()


def test_a_token_that_is_none_is_refused(t5: tuple[Path, Any]) -> None:
    folder, _ = t5
    with pytest.raises(
        UserError, match=r"generate: suppress_tokens = \[3, 4000\]; tokens are 0 to"
    ):
        load(folder, "cpu").generate(TEXTS, suppress_tokens=[3, 4000])


def test_sampling_with_beams_is_refused_with_the_fix(t5: tuple[Path, Any]) -> None:
    folder, _ = t5
    with pytest.raises(UserError, match=r"num_beams = 3: beam sampling .*give num_beams = 1"):
        load(folder, "cpu").generate(TEXTS, do_sample=True, num_beams=3)


def test_it_is_written_and_the_published_code_writes_the_same(
    t5: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = t5
    (folder / FILE).write_text(json.dumps(PLAIN | SETTINGS[7]))
    found = load(folder, "cpu")
    (folder / FILE).unlink()
    save_model(
        tmp_path / "saved",
        found.network,
        vocabulary=found.vocabulary,
        generation=found.generation,
    )
    theirs = T5ForConditionalGeneration.from_pretrained(tmp_path / "saved").eval()
    want = written(tmp_path / "saved", theirs, SETTINGS[7], causal=False)
    assert load(tmp_path / "saved", "cpu").generate(TEXTS) == want


def test_a_run_keeps_how_its_model_writes_but_for_the_lengths(
    t5: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = t5
    settings = {"num_beams": 2, "max_length": 5, "min_length": 3, "no_repeat_ngram_size": 2}
    (folder / FILE).write_text(json.dumps(PLAIN | settings))
    try:
        recipe = Recipe.check(
            {
                "model": str(folder),
                "task": "sst2",
                "data": {"train": [str(tiny.sst2(tmp_path / "train.tsv", 8))]},
                "text": {"max_targets": 7},
                "training": {"steps": 1, "batch": {"examples": 4}, "device": "cpu"},
            },
            "test",
        )
        finetune(recipe, tmp_path / "run")
    finally:
        (folder / FILE).unlink()
    model = tmp_path / "run" / "model"
    content = json.loads((model / FILE).read_text())
    assert content == PLAIN | {"num_beams": 2, "no_repeat_ngram_size": 2, "max_new_tokens": 7}
    assert FILE not in json.loads((model / "manifest.json").read_text())
    assert load(model, "cpu").generation["max_new_tokens"] == 7


def test_models_that_write_nothing_have_no_such_file(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "v", ["old"])
    folder = tiny.model_folder(tmp_path / "bert", vocabulary, "sequence")
    assert not (folder / FILE).exists()
    (folder / FILE).write_text("{")
    assert read_generation(folder, load(folder, "cpu").config) == {}
