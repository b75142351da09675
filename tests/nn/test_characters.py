"""Words as character ids, and the convolution over them."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from headwater.nn.characters import MAX_CHARACTERS, CharacterCNN, character_ids

BEGIN, END, PAD = 259, 260, 261


def test_the_worked_example() -> None:
    ids = character_ids(["Zoë", "<S>", "</S>", ""], 9)
    assert ids.tolist() == [
        [BEGIN, 91, 112, 196, 172, END, PAD, PAD, PAD],
        [BEGIN, 257, END, PAD, PAD, PAD, PAD, PAD, PAD],
        [BEGIN, 258, END, PAD, PAD, PAD, PAD, PAD, PAD],
        [BEGIN, END, PAD, PAD, PAD, PAD, PAD, PAD, PAD],
    ]


@given(st.lists(st.text(max_size=70), max_size=5))
def test_the_bytes_come_back(words: list[str]) -> None:
    for word, row in zip(words, character_ids(words).tolist(), strict=True):
        assert len(row) == MAX_CHARACTERS
        end = row.index(END)
        assert row[0] == BEGIN and set(row[end + 1 :]) <= {PAD}
        written = word.encode("utf-8", "ignore")[: MAX_CHARACTERS - 2]
        if word not in ("<S>", "</S>"):
            assert bytes(id - 1 for id in row[1:end]) == written


def test_a_word_does_not_depend_on_the_longest_beside_it() -> None:
    torch.manual_seed(0)
    cnn = CharacterCNN([(1, 4), (3, 5), (7, 6)], 8, "tanh").double()
    torch.nn.init.normal_(cnn.embedding.weight)
    words = ["a", "spring", "x" * 30, "y" * 80]
    together = cnn(torch.from_numpy(character_ids(words)).long())
    for word, vector in zip(words, together, strict=True):
        alone = cnn(torch.from_numpy(character_ids([word])).long())
        assert (alone[0] - vector).abs().max() < 1e-12, word
    # and as if nothing had been left out of the 50 positions
    whole = cnn.embedding(torch.from_numpy(character_ids(words)).long()).transpose(1, 2)
    expected = torch.cat([layer(whole).amax(2) for layer in cnn.convolutions], 1).tanh()
    assert (together - expected).abs().max() < 1e-12
