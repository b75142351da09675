"""`headwater classify`, `tag`, `fill` and `generate`, for a person and for a script."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tiny
from headwater.inference.loaded import load

WORDS = ["the", "mill", "river", "good", "bad", "bob", "eve", "is", "it"]
SPACES = {"initializer_range": 0.4, "hidden_size": 32}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of random weights for each verb."""
    folder = tmp_path_factory.mktemp("models")
    words = tiny.wordpiece(folder / "words", WORDS, tiny.LETTERS + ".,")
    spaces = tiny.unigram(folder / "spaces", WORDS)
    return {
        "classify": tiny.model_folder(
            folder / "c", words, "sequence", labels=("dull", "exciting"), **SPACES
        ),
        "tag": tiny.model_folder(folder / "t", words, "token", labels=("B-a", "S-bb"), **SPACES),
        "fill": tiny.model_folder(folder / "f", words, "masked_lm", **SPACES),
        "t5": tiny.model_folder(folder / "t5", spaces, family="t5"),
        "gpt": tiny.model_folder(folder / "gpt", spaces, family="gpt", n_positions=99),
    }


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))


def test_a_line_that_is_no_text_is_named_once(
    headwater: Any, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"bob\nb\xff\n")))
    ran = headwater("tag", "-", "--model", made["tag"])
    assert (ran.code, ran.err.count("line")) == (2, 1)
    assert ran.err.startswith("headwater: standard input, line 2: ")


def test_rows_for_a_person_are_aligned(headwater: Any, made: dict[str, Path]) -> None:
    ran = headwater("classify", "the mill is good", "--model", made["classify"])
    labels = load(made["classify"], "cpu").classify("the mill is good")
    assert (ran.code, ran.out) == (
        0,
        "".join(f"{each.label:8}  {each.score:.3f}\n" for each in labels),
    )
    assert (
        headwater("classify", "it", "--model", made["classify"], "--top-k", 1).out.count("\n") == 1
    )
    ran = headwater("tag", "bob, Cafe\u0301 \x1b[31m", "--model", made["tag"])
    rows = [line.split() for line in ran.out.splitlines()]
    assert [row[0] for row in rows] == ["bob", ",", "Cafe\u0301", "\\u001b[31m"]
    assert [row[-1] for row in rows] == ["0:3", "3:4", "5:10", "11:16"]
    assert {row[1] for row in rows} <= {"a", "bb"}
    ran = headwater("fill", "the ___ is [MASK]", "--model", made["fill"], "--top-k", 2)
    assert [line[:5] for line in ran.out.splitlines()] == ["gap 1", "gap 1", "gap 2", "gap 2"]


def test_an_object_for_a_script(headwater: Any, made: dict[str, Path]) -> None:
    both = ("the mill", "--text-pair", "is good", "--model", made["classify"], "--json")
    found = json.loads(headwater("classify", *both).out)
    assert list(found) == ["text", "text_pair", "labels"]
    assert [list(each) for each in found["labels"]] == [["label", "score"]] * 2
    assert sum(each["score"] for each in found["labels"]) == pytest.approx(1)
    found = json.loads(headwater("tag", "bob is", "--model", made["tag"], "--json").out)
    assert list(found) == ["text", "entities"]
    assert list(found["entities"][0]) == ["label", "text", "score", "start", "end"]
    found = json.loads(headwater("fill", "[MASK] is", "--model", made["fill"], "--json").out)
    assert list(found) == ["text", "gaps"] and len(found["gaps"]) == 1
    assert [list(each) for each in found["gaps"][0]] == [["text", "score", "id"]] * 5
    options = ("--max-new-tokens", 3, "--json", "--model", made["t5"])
    found = json.loads(headwater("generate", "bob", *options).out)
    assert list(found) == ["text", "generated"] and len(found["generated"]) == 1


@pytest.mark.parametrize("verb", ["classify", "tag", "fill", "generate"])
def test_each_line_of_standard_input_is_a_text(
    headwater: Any, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr("headwater.commands.given.TOGETHER", 2)
    lines = ["the [MASK] mill", "bob ___ it", "eve\u2028is <mask>", "it is [MASK] good"]
    type_in(monkeypatch, "\r\n".join(lines))
    model = made.get(verb, made["t5"])
    ran = headwater(verb, "-", "--model", model, "--json")
    found = [json.loads(line) for line in ran.out.split("\n")[:-1]]
    assert [each["text"] for each in found] == lines
    [key] = [key for key in found[0] if key != "text"]
    for line, each in zip(lines, found, strict=True):
        alone = json.loads(headwater(verb, line, "--model", model, "--json").out)
        assert str(alone[key])[:30] == str(each[key])[:30]
    type_in(monkeypatch, "\n".join(lines))
    ran = headwater(verb, "-", "--model", model)
    if verb == "generate":
        assert ran.out.count("\n") == len(lines)
    else:
        assert [line for line in ran.out.split("\n") if line[:1].strip()] == [
            line.replace("\u2028", "\\u2028") for line in lines
        ]


def test_labels_can_be_named(headwater: Any, made: dict[str, Path]) -> None:
    given = ("classify", "the mill", "--model", made["classify"], "--json")
    before = json.loads(headwater(*given).out)["labels"]
    after = json.loads(headwater(*given, "--label-names", "no,yes").out)["labels"]
    names = {"dull": "no", "exciting": "yes"}
    assert after == [{**each, "label": names[each["label"]]} for each in before]
    ran = headwater("tag", "bob", "--model", made["tag"], "--label-names", "a,b,c")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_pairs_have_a_tab_between_them(
    headwater: Any, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "the mill\tis good\nbob\n")
    ran = headwater("classify", "-", "--model", made["classify"], "--json")
    first, second = map(json.loads, ran.out.splitlines())
    assert (first["text"], first["text_pair"], second["text"]) == ("the mill", "is good", "bob")
    assert "text_pair" not in second


@pytest.mark.parametrize(
    ("given", "arguments", "expected"),
    [
        (
            "bob\n\neve",
            ["tag", "-"],
            "standard input, line 2: empty; one text per line was expected",
        ),
        ("", ["tag", "-"], "standard input: empty; one text per line was expected"),
        ("[MASK] a\nbob", ["fill", "-"], "standard input, line 2: text 0 has no gap"),
        ("a\tb\tc", ["classify", "-"], "standard input: 2 tabs in 'a\\tb\\tc'; one tab separates"),
        ("a", ["classify", "-", "--text-pair", "b"], "a tab separates the two texts of a pair"),
        ("", ["classify", " "], "the text is empty"),
        ("", ["tag", ""], "headwater: text: the text is empty"),
        ("bob\n", ["tag", "-", "--task", "ner"], "headwater: {model} has no head for task ner"),
        ("", ["generate", "bob", "--set", "beams"], "--set beams: expected NAME=VALUE, as in num"),
        ("", ["generate", "bob", "--set", "num_beems=2"], "did you mean 'num_beams'?"),
        ("", ["generate", "bob", "--temperature", "2"], "add do_sample = true"),
    ],
)
def test_what_is_wrong_is_one_line(
    headwater: Any,
    made: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    arguments: list[str],
    expected: str,
) -> None:
    type_in(monkeypatch, given)
    ran = headwater(*arguments, "--model", made.get(arguments[0], made["t5"]))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert expected.format(model=made["tag"]) in ran.err


def test_options_of_generation_are_those_of_the_library(
    headwater: Any, made: dict[str, Path]
) -> None:
    for name in ("t5", "gpt"):
        options = {"max_new_tokens": 7, "num_beams": 2, "num_return_sequences": 2}
        flags = [
            part for key, value in options.items() for part in (f"--{key}".replace("_", "-"), value)
        ]
        ran = headwater(
            "generate", "bob is", *flags, "--set", "length_penalty=0.5", "--json",
            "--model", made[name],
        )  # fmt: skip
        expected = load(made[name], "cpu").generate("bob is", length_penalty=0.5, **options)
        assert json.loads(ran.out)["generated"] == expected
    drawn = [
        headwater("generate", "bob", "--do-sample", "--temperature", 2.0, "--top-k", 9,
                  "--set", f"seed={seed}", "--model", made["gpt"]).out
        for seed in (1, 1, 2)
    ]  # fmt: skip
    assert drawn[0] == drawn[1] != drawn[2]
