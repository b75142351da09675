"""Three-sentence spans that occur more than once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.corpus.cleaning.spans import LENGTH, SpanList, repeats, split, without_repeats

Sets = list[list[list[str]]]  # shards of pages of sentences

WORDS = ["Alpha ran.", "Beta sat.", "Gamma hid.", "Delta won."]
PAGES = st.lists(st.lists(st.sampled_from(WORDS), max_size=9), max_size=4)


def texts_of(shards: Sets) -> list[list[str]]:
    return [[" ".join(page) for page in shard] for shard in shards]


def found_in(shards: Sets, buckets: int = 1) -> list[tuple[int, int, int]]:
    lists = []
    for shard in texts_of(shards):
        spans = SpanList()
        for number, text in enumerate(shard):
            spans.add(number, text)
        lists.append(spans.by_hash())
    parts = [repeats(lists, bucket, buckets) for bucket in range(buckets)]
    return sorted(tuple(index) for part in parts for index in part.tolist())


@given(st.lists(PAGES, max_size=3), st.integers(1, 5))
def test_all_but_the_first_of_each_span(shards: Sets, buckets: int) -> None:
    seen, expected = set(), []
    for shard, pages in enumerate(shards):
        for page, all_sentences in enumerate(pages):
            for index in range(len(all_sentences) - LENGTH + 1):
                span = tuple(all_sentences[index : index + LENGTH])
                if span in seen:
                    expected.append((shard, page, index))
                seen.add(span)
    assert found_in(shards, buckets) == expected


@given(st.lists(PAGES, min_size=1, max_size=3))
def test_what_stays_is_what_no_later_span_covers(shards: Sets) -> None:
    found = found_in(shards)
    for shard, pages in enumerate(shards):
        for page, all_sentences in enumerate(pages):
            starts = [index for s, p, index in found if (s, p) == (shard, page)]
            gone = {start + offset for start in starts for offset in range(LENGTH)}
            text, removed, count = without_repeats(" ".join(all_sentences), starts)
            kept = [each for index, each in enumerate(all_sentences) if index not in gone]
            assert text == " ".join(kept)
            assert count == len(gone) == len(all_sentences) - len(kept)
            assert bool(removed) == bool(gone)


def test_lines_stay_lines_and_case_and_space_do_not_matter() -> None:
    spans = SpanList()
    spans.add(0, "Alpha ran.\nBeta sat. Gamma hid.")
    spans.add(1, "Delta won. ALPHA ran.\nBeta  sat. Gamma hid. Delta lost.\nDelta won.")
    found = repeats([spans.by_hash()])
    assert found.tolist() == [(0, 1, 1)]
    text, removed, count = without_repeats(
        "Delta won. ALPHA ran.\nBeta  sat. Gamma hid. Delta lost.\nDelta won.", [1]
    )
    assert text == "Delta won.\nDelta lost.\nDelta won."
    assert [each.text for each in removed] == ["ALPHA ran.", "Beta  sat. Gamma hid."]
    assert count == 3


def test_ends_alone_are_no_span() -> None:
    spans = SpanList()
    spans.add(0, "!\n?\n!\n!\n?\n!")
    assert len(spans.by_hash()) == 0


def test_the_hashes_do_not_change_from_run_to_run() -> None:
    spans = SpanList()
    spans.add(0, "Alpha ran. Beta sat. Gamma hid.")
    assert spans.by_hash()["hash"].tolist() == [15786376452536687852]


@pytest.mark.parametrize("buckets", [1, 3, 7])
def test_buckets_part_the_hashes(buckets: int) -> None:
    from headwater.corpus.cleaning.spans import SPAN

    records = np.zeros(6, SPAN)
    records["hash"] = [0, 0, 5, 5, 2**64 - 1, 2**64 - 1]
    records["sentence"] = range(6)
    found = [repeats([records], bucket, buckets) for bucket in range(buckets)]
    assert sorted(np.concatenate(found)["sentence"].tolist()) == [1, 3, 5]


def test_sentences_of_a_line() -> None:
    assert split("One ran. Two sat.\n\nThree") == [["One ran.", "Two sat."], [], ["Three"]]
