"""The picture of a run's curves."""

from pathlib import Path
from typing import Any

from matplotlib.image import imread

from headwater.pictures.curves import draw_curves


def training_line(step: int, loss: float | None) -> dict[str, Any]:
    return {"step": step, "loss": loss, "learning_rate": 1e-3 / step, "gradient_norm": 0.5}


def test_curves_change_with_the_log(tmp_path: Path) -> None:
    lines = [training_line(step, 1 / step) for step in range(1, 20)]
    draw_curves(lines, tmp_path / "a.png")
    before = (tmp_path / "a.png").stat().st_ino
    draw_curves(lines, tmp_path / "a.png")
    # Replaced in one go, never written over.
    assert (tmp_path / "a.png").stat().st_ino != before
    lines.append({"step": 19, "evaluation": {"f1": 80.0, "exact_match": 70.0}})
    draw_curves(lines, tmp_path / "b.png")
    first, second = imread(tmp_path / "a.png"), imread(tmp_path / "b.png")
    assert first.shape == second.shape == (600, 1000, 4)
    # The fourth panel, for evaluations, is empty in one and drawn in the other.
    assert first[320:, 520:, :3].min() == 1.0
    assert second[320:, 520:, :3].min() < 0.5


def test_a_held_out_loss_is_not_flattened_by_its_perplexity(tmp_path: Path) -> None:
    scores = [{"loss": 6.8}, {"loss": 6.5}]
    for name, more in (("alone", [{}, {}]), ("both", [{"perplexity": 898}, {"perplexity": 665}])):
        pairs = zip(scores, more, strict=True)
        lines = [{"step": 100, "evaluation": loss | one} for loss, one in pairs]
        draw_curves(lines, tmp_path / f"{name}.png")
    alone, both = (imread(tmp_path / f"{name}.png") for name in ("alone", "both"))
    assert (alone == both).all()


def test_logs_with_gaps_or_nothing_are_drawn(tmp_path: Path) -> None:
    lines = [training_line(1, None), training_line(2, 0.5), {"step": 2, "epoch": 1, "padding": 0.1}]
    lines.append({"step": 2, "evaluation": {"f1": None}})
    for name, content in (("gaps", lines), ("nothing", [])):
        draw_curves(content, tmp_path / f"{name}.png")
        assert imread(tmp_path / f"{name}.png").shape[1] == 1000
