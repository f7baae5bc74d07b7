"""The questions: what the three users ask, and every kind of parameter, sort, page and count.

A shape makes a question for a draw, with the answer that the clinic's numbers demand. What draws change are values, never the form.
"""

from benchmarks.search.shapes import apps, auditors, parameters, records, results
from benchmarks.search.shapes.shape import Shape

ALL: tuple[Shape, ...] = (*records.SHAPES, *apps.SHAPES, *auditors.SHAPES, *parameters.SHAPES, *results.SHAPES)
