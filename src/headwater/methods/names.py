"""The methods by name."""

from headwater.methods.adapters import Adapters
from headwater.methods.config import MethodConfig
from headwater.methods.freezing import Features, GradualUnfreezing, HeadOnly
from headwater.methods.lora import Lora
from headwater.methods.method import Method


def build_method(config: MethodConfig) -> Method:
    """Return the method that a recipe names, with its settings."""
    match config.method:
        case "all":
            return Method()
        case "head_only":
            return HeadOnly()
        case "gradual_unfreezing":
            return GradualUnfreezing(config.gradual_unfreezing)
        case "adapters":
            return Adapters(config.adapters)
        case "lora":
            return Lora(config.lora)
        case "features":
            return Features()
