"""A GPT continues a text, compared with reading everything again for each token."""

from pathlib import Path

import pytest
import torch

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.inference.causal_generator import CausalGenerator
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import load
from headwater.models.gpt.network import GPT
from headwater.tasks.squad import SQUAD_V2
from headwater.text.vocabulary import Vocabulary


@pytest.fixture
def gpt(t5_words: Vocabulary) -> GPT:
    ends = {"bos_token_id": t5_words.eos_id, "eos_token_id": t5_words.eos_id}
    sizes = {"vocab_size": t5_words.size, "n_positions": 40, "n_embd": 24, "n_head": 3}
    network = tiny.gpt(seed=1, **sizes, **ends)
    assert isinstance(network, GPT)
    for weight in network.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, 0.0, 0.35)
    return network.eval()


def by_whole_rows(network: GPT, ids: list[int], count: int, end: int) -> list[int]:
    written: list[int] = []
    for _ in range(count):
        read = torch.tensor([[*ids, *written]])
        token = int(network({"input_ids": read})[0, -1].argmax())
        if token == end:
            break
        written.append(token)
    return written


def test_the_likeliest_tokens_follow(gpt: GPT, t5_words: Vocabulary) -> None:
    texts = ["bob was", "who won the red one? it", "eve", "", "the old bob left here and there"]
    continuer = CausalGenerator(gpt, t5_words)
    found = list(continuer.generate(texts, GenerationConfig(max_new_tokens=12)))
    end = t5_words.eos_id
    assert end is not None
    for text, several in zip(texts, found, strict=True):
        ids = t5_words.encode(text).ids.tolist() or [end]
        wanted = by_whole_rows(gpt, ids, 12, end)
        assert text + several[0].text == t5_words.decode([*ids, *wanted])
    assert len({several[0].text for several in found}) > 3


def test_prompts_of_one_token_alone_are_continued(gpt: GPT, t5_words: Vocabulary) -> None:
    [several] = CausalGenerator(gpt, t5_words).generate([""], GenerationConfig(max_new_tokens=6))
    end = t5_words.eos_id
    assert end is not None
    assert several[0].text == t5_words.decode([end, *by_whole_rows(gpt, [end], 6, end)])


def test_beams_give_different_texts(gpt: GPT, t5_words: Vocabulary) -> None:
    answers = CausalGenerator(gpt, t5_words).ask("bob was", None, 3)
    assert len({answer.text for answer in answers}) == 3
    assert [each.score for each in answers] == sorted((a.score for a in answers), reverse=True)


def test_a_long_text_leaves_little_room(gpt: GPT, t5_words: Vocabulary) -> None:
    continuer = CausalGenerator(gpt, t5_words)
    text = " ".join(["bob"] * 39)
    [answer] = continuer.ask(text)
    assert len(t5_words.encode(text + answer.text)) <= 41
    with pytest.raises(UserError, match=r"text 1: 39 tokens, and 20 to write, .* smaller max_new"):
        list(continuer.generate(["bob", text], GenerationConfig(max_new_tokens=20)))
    with pytest.raises(UserError, match="more than the 40"):
        continuer.ask(f"{text} {text}")
    with pytest.raises(UserError, match="empty"):
        continuer.ask(" ")


def test_a_gpt_folder_writes_and_says_what_it_cannot(
    gpt: GPT, t5_words: Vocabulary, tmp_path: Path
) -> None:
    save_model(tmp_path / "gpt", gpt, vocabulary=t5_words)
    model = load(tmp_path / "gpt", "cpu")
    [text] = model.generate(["bob was"], max_new_tokens=5)
    assert model.answer("bob was")[0].text.startswith(text[:3])
    for call in (
        lambda: model.answer("who?", "bob"),
        lambda: model.predictor(SQUAD_V2),
        lambda: model.answer_batch([("who?", "bob")]),
    ):
        with pytest.raises(UserError, match="train it"):
            call()
