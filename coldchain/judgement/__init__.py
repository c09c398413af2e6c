"""The judgement: from the set of a sensor's readings to the intervals that somebody must answer for.

Plain functions of plain values, standard library only: the platform's judge, the agent at the fridge (its own
limits with no network) and the command line (files) all carry this same code. Order, lateness and repeats are
settled before: the fold sees each reading once, in time order, equal instants in value order.
"""

from coldchain.judgement.fold import AT_REST, Memory, fold, judge
from coldchain.judgement.interval import Interval
from coldchain.judgement.run import Run
from coldchain.judgement.tally import Tally
from coldchain.judgement.timeline import ALWAYS, Stretch, Timeline, always, difference

__all__ = [
    "ALWAYS",
    "AT_REST",
    "Interval",
    "Memory",
    "Run",
    "Stretch",
    "Tally",
    "Timeline",
    "always",
    "difference",
    "fold",
    "judge",
]
