"""Recipes are checked before any data is read, and the error names the nearest key."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest

from headwater.config import Config, at_line, load_config
from headwater.errors import UserError
from headwater.models.families import FAMILIES
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe, resolved

RECIPE = """
model = "some/folder"
task = "squad"
[data]
train = ["train.json"]
[training]
epochs = 2.0
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_a_recipe_keeps_what_it_says_and_takes_the_family_defaults(recipe: Path) -> None:
    loaded = load_recipe(Recipe, recipe, {}, [])
    assert loaded.data.train == ["train.json"]
    assert loaded.training.epochs == 2.0
    assert resolved(loaded, FAMILIES["t5"]).training.optimizer == "adafactor"
    assert resolved(loaded, FAMILIES["bert"]).training.optimizer == "adamw"
    assert resolved(resolved(loaded, FAMILIES["t5"]), FAMILIES["t5"]) == resolved(
        loaded, FAMILIES["t5"]
    )


def test_overrides_win_over_options_and_options_over_the_file(recipe: Path) -> None:
    options = {"task": "squad_v2", "training": {"seed": 4}}
    loaded = load_recipe(Recipe, recipe, options, ["training.seed=5", "data.unanswerable=0.5"])
    assert (loaded.task, loaded.training.seed, loaded.data.unanswerable) == ("squad_v2", 5, 0.5)


def test_a_value_that_is_not_toml_is_a_text(recipe: Path) -> None:
    assert load_recipe(Recipe, recipe, {}, ["model=other/folder"]).model == "other/folder"


def test_one_file_needs_no_list(recipe: Path) -> None:
    loaded = load_recipe(Recipe, recipe, {}, ["data.train=a.json"])
    assert loaded.data is not None and loaded.data.train == ["a.json"]


def test_the_resolved_recipe_is_read_back_as_itself(recipe: Path, tmp_path: Path) -> None:
    loaded = resolved(
        load_recipe(Recipe, recipe, {}, ["training.batch={examples=4}"]), FAMILIES["bert"]
    )
    again = tmp_path / "again.toml"
    again.write_text(loaded.to_toml(), encoding="utf-8")
    assert load_recipe(Recipe, again, {}, []) == loaded
    assert tomllib.loads(loaded.to_toml())["training"]["optimizer"] == "adamw"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.learning_rat=1", "did you mean 'learning_rate'"),
        ("tsak='squad'", "did you mean 'task'"),
        ("data.trian=['a']", "did you mean 'train'"),
        ("training.epochs=1e9", "training.epochs = 1000000000.0: a number of at most 100000 was"),
        ("spans.max_lenght=1", "did you mean 'max_length'"),
        ("training.optimizer='sgd'", "expected adamw, adafactor"),
        ("training.steps=0", "training.steps = 0: a number from 1 on was expected"),
        ("training.steps=1.5", "training.steps = 1.5: a whole number was expected"),
        ("training.seed=-1", "training.seed = -1: a number from 0 on was expected"),
        ("training.adam_beta1=1", "training.adam_beta1 = 1: a number below 1 was expected"),
        ("training.tensorboard=1", "training.tensorboard = 1: true or false was expected"),
        ("training.steps=true", "training.steps = true: a whole number was expected"),
        ("training.warmup=1.5", "--set training.warmup=1.5: training: warmup is a share below 1.0"),
        ("training.acumulate=2", "did you mean 'gradient_accumulation_steps'?"),
        ("training.best_metrc=2", "did you mean 'metric_for_best_model'?"),
        ("method=lorra", "method = 'lorra': did you mean 'lora'?"),
        ("method=x", "method = 'x': expected all, head_only, features, adapters, gradual_unfree"),
        ("lora.targets=['foo']", "lora.targets[0] = 'foo': expected query, key, value, output"),
        ("data.train=[3]", "data.train[0] = 3: a text was expected"),
        ("loss.class_weights={a=-1}", "loss.class_weights.a = -1: a number from 0 on was expected"),
        ("loss.class_weights={a='x'}", "loss.class_weights.a = 'x': a number was expected"),
        ("loss.class_weights=fair", "class_weights = 'fair': 'balanced' or a table was expected"),
        ("training.group_rates=3", "training.group_rates = 3: a table was expected"),
        ("training.steps=10", "give steps or epochs"),
        ("training.warmup=-1", "--set training.warmup=-1: training.warmup"),
        ("training=3", "a table was expected"),
        ("lora.rank=0", "--set lora.rank=0"),
        ("features.lstm=1000000000", "features.lstm = 1000000000: a number of at most 65536 was"),
        ("training.batch={tokens=1, examples=1}", "exactly one"),
        ("training.learning_rate=inf", "finite"),
        ("spans.max_length=10", "leaves room"),
        ("data.train=[]", "data.train: a list of 1 or more was expected"),
        ("training", "KEY=VALUE"),
        ("task.name=1", "is a value, not a table"),
        ("network={preset='t5-small', vocabulary='x'}", "either model"),
        ("mixture={tasks=[{task='rte', data={train='a'}}]}", "whose tasks have their own"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_says_the_fix(
    recipe: Path, override: str, said: str
) -> None:
    with pytest.raises(UserError) as raised:
        load_recipe(Recipe, recipe, {}, [override])
    assert said.lower() in str(raised.value).lower()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_the_keys_of_a_small_table_are_named(recipe: Path) -> None:
    with pytest.raises(UserError, match="a table was expected; its keys: examples, tokens"):
        load_recipe(Recipe, recipe, {}, ["training.batch=4"])


def test_a_misspelt_key_is_named_before_the_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        'model = "a"\n[mixture]\n[[mixture.tasks]]\nunlabelled = { objectiv = "mlm" }\n'
    )
    with pytest.raises(
        UserError, match=r"line 4: .*'mixture\.tasks\[0\]\.unlabelled\.objectiv'; did"
    ):
        load_recipe(Recipe, path, {}, [])


def test_toml_that_is_nested_too_deeply_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(f"a = {'[' * 5000}")
    with pytest.raises(UserError, match="nested too deeply"):
        load_config(Config, path, [], {})


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("a = 1\nb = = 2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"broken\.toml.*line 2"):
        load_config(Config, path, [], {})


LINES = """\
# what is asked for
model = "a"
task = "squad"  # of Stanford

[data]
train = [
  "a.json",
]
trian = ["b.json"]

[mixture]

[[mixture.tasks]]
task = "rte"

[[mixture.tasks]]
"task" = "mrpc"
data = { train = "c.tsv", lable = "x" }
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("model", 2),
        ("task", 3),
        ("data.train", 6),
        ("data.train.0", 6),
        ("data.trian", 9),
        ("data.missing", 5),
        ("mixture.tasks.0.task", 14),
        ("mixture.tasks.1.task", 17),
        ("mixture.tasks.1.data.lable", 18),
        ("mixture.tasks.1.missing", 16),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_of_a_key_is_found(tmp_path: Path, key: str, line: int, end: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(LINES.replace("\n", end).encode())
    assert at_line(path, key.split(".")) == f"{path}, line {line}"


def test_a_key_that_is_nowhere_has_no_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(LINES, encoding="utf-8")
    assert at_line(path, ["method"]) == at_line(path, []) == str(path)
    path.write_text("#\n" * 100_000 + LINES, encoding="utf-8")
    assert at_line(path, ["model"]) == str(path)


def test_a_mistake_names_the_line_or_the_option_that_made_it(recipe: Path) -> None:
    with pytest.raises(UserError, match=r"^command line: data\.train"):
        load_recipe(Recipe, recipe, {"data": {"train": []}}, [])
    with recipe.open("a", encoding="utf-8") as file:
        file.write("\n[lora]\nrnak = 3\n")
    last = len(recipe.read_text(encoding="utf-8").splitlines())
    with pytest.raises(UserError, match=rf"recipe\.toml, line {last}: unknown key 'lora\.rnak'"):
        load_recipe(Recipe, recipe, {}, [])


def test_old_names_of_keys_are_taken_with_a_warning(
    recipe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with recipe.open("a", encoding="utf-8") as file:
        file.write("accumulate = 2\nsave_every = 7\n")
    loaded = load_recipe(Recipe, recipe, {}, ["training.clip=0.5", "training.save_steps=9"])
    training = loaded.training
    assert (training.gradient_accumulation_steps, training.save_steps) == (2, 9)
    assert training.max_grad_norm == 0.5
    assert [record.getMessage() for record in caplog.records] == [
        "--set training.clip=0.5: training.clip is now training.max_grad_norm; "
        "the old name goes with the next version",
        f"{recipe}: training.accumulate is now training.gradient_accumulation_steps, "
        "training.save_every is now training.save_steps; the old name goes with the next version",
    ]


def test_an_old_name_beside_the_new_one_is_refused(recipe: Path) -> None:
    with recipe.open("a", encoding="utf-8") as file:
        file.write("early_stop = 2\nearly_stopping_patience = 3\n")
    with pytest.raises(UserError, match=r"early_stop is the old name of .*early_stopping_patience"):
        load_recipe(Recipe, recipe, {}, [])


def test_an_old_name_beside_the_new_one_is_refused_in_overrides(recipe: Path) -> None:
    overrides = ["training.clip=1.0", "training.max_grad_norm=0.5"]
    with pytest.raises(UserError, match=r"^--set: training\.clip is the old name of .*norm alone$"):
        load_recipe(Recipe, recipe, {}, overrides)


def test_the_override_that_counts_is_the_one_that_is_blamed(recipe: Path) -> None:
    with pytest.raises(UserError, match=r"^--set training\.steps=abc: training\.steps = 'abc'"):
        load_recipe(Recipe, recipe, {}, ["training.steps=5", "training.steps=abc"])


def test_the_values_of_a_choice_are_named_whatever_they_are() -> None:
    class Choices(Config):
        texts: Literal["one", "two"] = "one"
        number: Literal[1] = 1
        truth: Literal[True, "max"] = True

    for key, given, said in (
        ("texts", "on", "did you mean 'one'?"),
        ("number", 2, "number = 2: 1 was expected"),
        ("truth", "first", "expected max"),
    ):
        with pytest.raises(UserError) as error:
            Choices.check({key: given}, "table")
        assert said in str(error.value), error.value


def test_a_key_of_several_types_is_named_without_its_types(recipe: Path) -> None:
    expected = r": training\.warmup = 'x': a number was expected$"
    with pytest.raises(UserError, match=expected):
        load_recipe(Recipe, recipe, {}, ["training.warmup=x"])


def test_a_line_about_a_table_names_where_its_key_stands(recipe: Path) -> None:
    with recipe.open("a", encoding="utf-8") as file:
        file.write("warmup = 1.5\n")
    last = len(recipe.read_text(encoding="utf-8").splitlines())
    with pytest.raises(UserError, match=rf"recipe\.toml, line {last}: training: warmup is a share"):
        load_recipe(Recipe, recipe, {}, [])
    with pytest.raises(
        UserError, match=r"^--set training\.steps=3: training: give steps or epochs"
    ):
        load_recipe(Recipe, recipe, {}, ["training.warmup=0", "training.steps=3"])


def test_the_last_of_equal_overrides_counts(recipe: Path) -> None:
    overrides = ["training.seed=1", "training.seed=2", "training.seed=1"]
    assert load_recipe(Recipe, recipe, {}, overrides).training.seed == 1


MIXTURE = """
model = "some/folder"
[[mixture.tasks]]
task = "rte"
data = { train = "rte.tsv" }
rate = 1.0
[[mixture.tasks]]
task = "cola"
data = { train = "cola.tsv" }
rate = 3.0
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.toml"
    path.write_text(MIXTURE, encoding="utf-8")
    return path


@pytest.mark.parametrize("key", ["mixture.tasks.1.rate", "mixture.tasks[1].rate"])
def test_an_item_of_a_list_is_counted_from_zero(mixed: Path, key: str) -> None:
    mixture = load_recipe(Recipe, mixed, {}, [f"{key}=5"]).mixture
    assert mixture is not None
    assert [each.rate for each in mixture.tasks] == [1.0, 5.0]
    assert [each.task for each in mixture.tasks] == ["rte", "cola"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "mixture.tasks.2.rate=5",
            "--set mixture.tasks.2.rate=5: mixture.tasks is a list of 2; give a number from 0 to 1 "
            "after it",
        ),
        (
            "mixture.tasks.rate=5",
            "--set mixture.tasks.rate=5: mixture.tasks is a list of 2; give a number from 0 to 1 "
            "after it",
        ),
        (
            "mixture.tasks.1.rate=-5",
            "--set mixture.tasks.1.rate=-5: mixture.tasks[1].rate = -5: a number above 0 was "
            "expected",
        ),
        ("mixture.tasks.1.rat=5", "unknown key 'mixture.tasks[1].rat'; did you mean 'rate'?"),
    ],
)
def test_an_item_that_is_not_there_is_one_line(mixed: Path, override: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        load_recipe(Recipe, mixed, {}, [override])
    assert message in str(caught.value)


def test_the_whole_rates_of_a_mixture_are_changed(mixed: Path) -> None:
    text = "\n".join(x for x in mixed.read_text().splitlines() if "rate" not in x)
    mixed.write_text(text)
    settings = ["mixture.rates=temperature", "mixture.temperature=4.0", "mixture.cap=100"]
    mixture = load_recipe(Recipe, mixed, {}, settings).mixture
    assert mixture is not None
    assert (mixture.rates, mixture.temperature, mixture.cap) == ("temperature", 4.0, 100)


@pytest.mark.parametrize(
    ("family", "given", "rate", "schedule"),
    [
        ("bert", {}, 1e-4, "linear"),
        ("electra", {}, 2e-4, "linear"),
        ("gpt", {}, 2.5e-4, "cosine"),
        ("t5", {}, 1e-2, "inverse_square_root"),
        ("t5", {"optimizer": "adamw"}, 1e-4, "constant"),
        ("elmo", {}, 1e-3, "linear"),
        ("cbow", {}, 3e-2, "linear"),
        ("bert", {"learning_rate": 3e-4}, 3e-4, "linear"),
    ],
)
def test_pretraining_has_a_learning_rate_of_its_own(
    family: str, given: dict[str, Any], rate: float, schedule: str
) -> None:
    values = {"network": {"preset": "any"}, "objective": "mlm", "training": given}
    recipe = PretrainRecipe.check({**values, "corpus": {"train": ["store"]}}, "recipe")
    training = resolved(recipe, FAMILIES[family]).training
    assert (training.learning_rate, training.schedule) == (rate, schedule)
