"""Fine-tuning in the plain sense: every parameter trains (Devlin et al. 2019, section 4).

It is what the T5 paper finds best where there is data enough (Raffel et al. 2020, section 3.5.1).
"""

from dataclasses import dataclass
from typing import final

from headwater.methods.method import Method


@final
@dataclass(frozen=True, slots=True)
class EveryParameter(Method):
    """Method `all`."""
