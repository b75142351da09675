"""How sure a reader's logits are: what they are divided by before they become probabilities.

A network that was trained to the end says 0.9 where it is right seven times of ten. Divided by a
temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2) its logits
give scores that can be believed, and the order of spans stays. The choice among spans and the
decision that there is an answer are sure to different degrees, so each has a temperature.
"""

from pydantic import Field

from headwater.config import Config


class Temperatures(Config):
    """spans: of the scores of spans. no_answer: of how far "no answer" is ahead of the best."""

    spans: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    no_answer: float = Field(default=1.0, gt=0, allow_inf_nan=False)


PLAIN = Temperatures()
