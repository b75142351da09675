"""The T5 paper's architectures: what each sees, its size and cost, its losses and its writing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.files import read_json
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.models.build import empty_model
from headwater.models.families import presets
from headwater.models.t5.config import ARCHITECTURES, T5Config
from headwater.models.t5.decoder_only import DecoderOnlyT5, padding_first
from headwater.models.t5.network import T5

SIZES: dict[str, Any] = {
    "vocab_size": 60, "d_kv": 5, "d_ff": 24, "num_heads": 3,
    "relative_attention_num_buckets": 8, "relative_attention_max_distance": 20,
}  # fmt: skip
NEW = ("shared", "language_model", "prefix_lm")
TOKENS = DecoderTokens(start_id=0, eos_ids=(1,))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def network(architecture: str, seed: int = 0, **sizes: Any) -> T5 | DecoderOnlyT5:
    """A small network in float64 whose scores are far apart."""
    model = tiny.t5(seed=seed, architecture=architecture, **SIZES | sizes)
    assert isinstance(model, T5 | DecoderOnlyT5)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0.0, 0.5)
    return model.double().eval()


def padded_batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(4)
    mask = torch.arange(14)[None] < torch.tensor([14, 6, 1])[:, None]
    labels = torch.randint(1, 60, (3, 9), generator=generator)
    labels[1, 5:] = -100
    labels[2, 2:] = -100
    ids = torch.randint(2, 60, (3, 14), generator=generator) * mask
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def parameters(config: T5Config) -> int:
    with torch.device("meta"):
        model = empty_model(config, None)
    return sum(parameter.numel() for parameter in model.parameters())


def base(architecture: str, layers: int = 12) -> T5Config:
    sizes = {name: getattr(presets()["t5-base"], name) for name in ("d_model", "d_ff", "num_heads")}
    return T5Config(
        architecture=architecture, num_layers=layers, num_decoder_layers=layers, **sizes
    )


# Table 2 of the T5 paper: parameters in units of P = the layers of a decoder-only model, cost in
# units of M = that of the encoder-decoder. The paper leaves out the embedding and the decoder's
# attention to the encoder (its footnote: "some extra parameters"), which is counted apart here.
TABLE = {
    ("encoder_decoder", 12): (2, 1.0),
    ("shared", 12): (1, 1.0),
    ("encoder_decoder", 6): (1, 0.5),
    ("language_model", 12): (1, 1.0),
    ("prefix_lm", 12): (1, 1.0),
}


@pytest.mark.parametrize(("architecture", "layers"), TABLE)
def test_sizes_are_those_of_table_2(architecture: str, layers: int) -> None:
    config = base(architecture, layers)
    embedding = config.vocab_size * config.d_model
    layer = 4 * 768 * 768 + 2 * 768 * 3072 + 2 * 768
    stacks = 1 if config.decoder_only else 2
    cross = 0 if config.decoder_only else layers * (4 * 768 * 768 + 768)
    ends = stacks * (768 + 32 * 12)  # the last norm and the positions of each stack
    in_p = TABLE[architecture, layers][0]
    assert parameters(config) == embedding + in_p * 12 * layer + cross + ends


@pytest.mark.parametrize(("architecture", "layers"), TABLE)
def test_costs_are_those_of_table_2(architecture: str, layers: int) -> None:
    """Counted by torch on 512 inputs and 114 targets, the output layer left out."""

    def cost(config: T5Config) -> int:
        with torch.device("meta"):
            model = empty_model(config, None).eval()
            batch = {name: torch.zeros(1, size, dtype=torch.long)
                     for name, size in (("input_ids", 512), ("labels", 114))}  # fmt: skip
        with FlopCounterMode(display=False) as counter:
            model(batch)
        return counter.get_total_flops() - 2 * 114 * config.d_model * config.vocab_size

    whole = cost(base("encoder_decoder"))
    assert cost(base(architecture, layers)) / whole == pytest.approx(
        TABLE[architecture, layers][1], rel=0.15
    )


@pytest.mark.parametrize("architecture", NEW)
def test_a_folder_gives_the_same_model_back(tmp_path: Path, architecture: str) -> None:
    model = network(architecture, tie_word_embeddings=False, scale_decoder_outputs=False)
    save_model(tmp_path / "m", model)
    content = read_json(tmp_path / "m" / "config.json")
    assert content["model_type"] == "headwater-t5"  # the published code refuses it
    loaded = load_model(tmp_path / "m", dtype=torch.float64)
    assert loaded.config == model.config
    assert loaded.new_parameters == loaded.ignored == ()
    before, after = model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(loaded.model(padded_batch()), model(padded_batch()))


def test_the_published_architecture_is_written_as_before(tmp_path: Path) -> None:
    save_model(tmp_path / "m", network("encoder_decoder"))
    content = read_json(tmp_path / "m" / "config.json")
    assert content["model_type"] == "t5"
    assert "architecture" not in content
    assert content["architectures"] == ["T5ForConditionalGeneration"]


def test_the_published_code_refuses_the_others(tmp_path: Path) -> None:
    import transformers

    save_model(tmp_path / "m", network("shared"))
    with pytest.raises(ValueError, match="headwater-t5"):
        transformers.AutoConfig.from_pretrained(tmp_path / "m")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_padding_and_company_change_nothing(architecture: str) -> None:
    model, batch = network(architecture), padded_batch()
    together = model(batch)
    for row in range(3):
        inputs = int(batch["attention_mask"][row].sum())
        targets = int((batch["labels"][row] != -100).sum())
        alone = {
            "input_ids": batch["input_ids"][row : row + 1, :inputs],
            "labels": batch["labels"][row : row + 1, :targets],
        }
        difference = (model(alone)[0] - together[row, :targets]).abs().max()
        assert difference < 1e-10, row


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_target_is_not_seen_before_its_turn(architecture: str) -> None:
    model, batch = network(architecture), padded_batch()
    changed = batch["labels"].clone()
    changed[0, 4] = 1 + changed[0, 4] % 58
    before, after = model(batch)[0], model(batch | {"labels": changed})[0]
    assert torch.equal(before[:5], after[:5])
    assert (before[5:] - after[5:]).abs().amax(-1).min() > 1e-6


def test_inputs_see_what_the_architecture_lets_them() -> None:
    """What the first input's keys and values become, when the last input is another token."""
    ids = torch.randint(2, 60, (1, 7), generator=torch.Generator().manual_seed(1))
    other = ids.clone()
    other[0, -1] = 1 + ids[0, -1] % 58
    for architecture, seen in (("language_model", False), ("prefix_lm", True)):
        model = network(architecture)
        caches = [model.init_cache(model.encode(each)) for each in (ids, other)]
        first, second = (cache.own[-1].stored.keys[:, :, 0] for cache in caches)
        assert torch.equal(first, second) is not seen, architecture


def bucket_of(back: int, architecture: str) -> int:
    """The bucket of a position so far back, out of 8."""
    if architecture == "language_model":  # 4 of them exact
        return back if back < 4 else 4 + (back >= 6)
    near = abs(back) if abs(back) < 2 else 2 + (abs(back) >= 7)  # 4 a side, 2 of them exact
    return near + (4 if back < 0 else 0)


def test_a_decoder_only_model_is_the_plain_algorithm() -> None:
    """Against the formulas of the paper, written out position by position without padding."""
    for architecture in ("language_model", "prefix_lm"):
        model = network(architecture, num_layers=1, num_decoder_layers=1)
        ids, labels = torch.tensor([[5, 9, 7, 1]]), torch.tensor([[8, 4, 1]])
        read = torch.tensor([5, 9, 7, 1, 0, 8, 4])
        weights = dict(model.named_parameters())

        def weight(name: str, weights: dict[str, Tensor] = weights) -> Tensor:
            return weights[f"decoder.{name}.weight"]

        def norm(hidden: Tensor, name: str) -> Tensor:
            return hidden / (hidden.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight(name)

        def project(hidden: Tensor, name: str) -> Tensor:
            return (hidden @ weight(f"layers.0.attention.layer.{name}").T).view(7, 3, 5)

        hidden = model.embedding.weight[read]
        states = norm(hidden, "layers.0.attention.norm")
        query, key, value = (project(states, name) for name in ("query", "key", "value"))
        mixed = torch.zeros(7, 3, 5, dtype=torch.float64)
        for position in range(7):
            inputs_seen = 4 if architecture == "prefix_lm" else 0
            seen = [other for other in range(7) if other <= position or other < inputs_seen]
            assert max(position - other for other in seen) < 7
            for head in range(3):
                table = weight("positions.table")[:, head]
                scores = []
                for other in seen:
                    bucket = bucket_of(position - other, architecture)
                    scores.append(query[position, head] @ key[other, head] + table[bucket])
                shares = torch.stack(scores).softmax(0)
                mixed[position, head] = shares @ value[seen, head]
        hidden = hidden + mixed.flatten(1) @ weight("layers.0.attention.layer.output").T
        states = norm(hidden, "layers.0.feedforward.norm")
        inner = (states @ weight("layers.0.feedforward.layer.inner").T).relu()
        hidden = hidden + inner @ weight("layers.0.feedforward.layer.outer").T
        logits = norm(hidden, "norm") @ model.embedding.weight.T * 16**-0.5
        difference = (model({"input_ids": ids, "labels": labels})[0] - logits[4:]).abs().max()
        assert difference < 1e-9, architecture


def test_a_shared_decoder_equals_one_with_copies() -> None:
    shared, apart = network("shared"), network("encoder_decoder")
    weights = shared.state_dict()
    for name in apart.state_dict():
        if name not in weights:
            weights[name] = weights[name.replace("decoder", "encoder")]
    apart.load_state_dict(weights)
    batch = padded_batch()
    assert torch.equal(shared(batch), apart(batch))
    for model in (shared, apart):
        model.loss_sums(batch)["tokens"].backward()
    name = "layers.1.feedforward.layer.inner.weight"
    gradients = [apart.get_parameter(f"{side}.{name}").grad for side in ("encoder", "decoder")]
    together = shared.get_parameter(f"encoder.{name}").grad
    assert (together - gradients[0] - gradients[1]).abs().max() < 1e-10 * together.abs().max()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_steps_with_the_cache_equal_reading_at_once(architecture: str) -> None:
    model, batch = network(architecture), padded_batch()
    mask = batch["attention_mask"]
    with torch.no_grad():
        whole = model(batch)
        cache = model.init_cache(model.encode(batch["input_ids"], mask), mask)
        read = torch.cat([torch.zeros(3, 1, dtype=torch.long), batch["labels"][:, :-1]], 1)
        read = read.masked_fill(read == -100, 0)
        steps = [model.step(read[:, i : i + 1], cache) for i in range(6)]
        assert (torch.stack(steps, 1) - whole[:, :6]).abs().max() < 1e-10
        rows = torch.tensor([2, 0, 2])
        cache.reorder(rows)
        later = model.step(read[rows, 6:7], cache)
    assert (later - whole[rows, 6]).abs().max() < 1e-10


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_greedy_writing_is_the_same_without_a_cache(architecture: str) -> None:
    model, batch = network(architecture, seed=2), padded_batch()
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        texts = [
            each[0].ids
            for each in generate_ids(model, given, TOKENS, GenerationConfig(max_new_tokens=8))
        ]
        for row, text in enumerate(texts):
            labels = torch.tensor([[*text, 1][:8]])
            single = {name: value[row : row + 1] for name, value in given.items()}
            assert model({**single, "labels": labels}).argmax(-1).tolist() == labels.tolist()
        beams = GenerationConfig(max_new_tokens=5, num_beams=3, num_return_sequences=3)
        best = generate_ids(model.float(), given, TOKENS, beams)
    assert len({tuple(text) for text in texts}) > 1
    assert all(len({tuple(text.ids) for text in each}) == 3 for each in best)


@pytest.mark.parametrize("architecture", ["language_model", "prefix_lm"])
def test_there_may_be_no_inputs(architecture: str) -> None:
    """Plain language modeling: all of the text is targets."""
    model, labels = network(architecture), padded_batch()["labels"]
    empty = torch.zeros(3, 0, dtype=torch.long)
    whole = model({"input_ids": empty, "attention_mask": empty.bool(), "labels": labels})
    cache = model.init_cache(model.encode(empty, empty.bool()), empty.bool())
    first = model.step(torch.zeros(3, 1, dtype=torch.long), cache)
    assert (first - whole[:, 0]).abs().max() < 1e-10
    assert whole.shape == (3, 9, 60)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_learns_a_batch_by_heart(architecture: str) -> None:
    model = tiny.t5(architecture=architecture, dropout=0.0, **SIZES)
    batch = padded_batch()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-2)
    for _ in range(120):
        loss = model.loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_padding_moves_to_the_left_and_nothing_else_moves() -> None:
    ids = torch.tensor([[5, 6, 0, 0], [7, 8, 9, 4], [0, 3, 0, 2]])
    mask = ids != 0
    assert padding_first(ids, mask).tolist() == [[0, 0, 5, 6], [7, 8, 9, 4], [0, 0, 3, 2]]
    assert padding_first(ids, None) is ids


def test_mistakes_name_the_fix() -> None:
    with pytest.raises(UserError, match="did you mean 'prefix_lm'"):
        T5Config(architecture="prefixlm")  # type: ignore[arg-type]
    for architecture in NEW:
        with pytest.raises(UserError, match="num_layers 2 and num_decoder_layers 3 must be"):
            tiny.t5_config(architecture=architecture, num_decoder_layers=3)
