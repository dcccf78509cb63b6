"""How far apart the server's commits are: a reader sees an order between them."""

from __future__ import annotations

import math
import random


class Commits:
    """
    Draws how long the server takes from one commit to the next, in seconds.

    The delays have the median and the 95th percentile that were recorded on a loaded server, in a log-normal
    distribution, which is our choice.

    :param factor: by which all delays are longer; 0 for none
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._random = random.Random(1)

    def branch(self) -> float:
        """Return the delay between the rows of two branches of a fork."""
        return self._draw(median=0.006, percentile_95=0.043)

    def arrival(self) -> float:
        """Return the delay between the history row of an arrival and the row that goes on."""
        return self._draw(median=0.0012, percentile_95=0.019)

    def _draw(self, *, median: float, percentile_95: float) -> float:
        spread = math.log(percentile_95 / median) / 1.645
        # No delay is much longer than those that were seen.
        return self._factor * min(self._random.lognormvariate(math.log(median), spread), 5 * percentile_95)
