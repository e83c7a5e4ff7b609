"""Who comes, and what is known of them, as the operator sees it."""

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.heavy import Dimension
from pontlevis.brain.detection.window import SIXTY
from pontlevis.controller.library import Library
from pontlevis.controller.measure_notes import MeasureNotes
from pontlevis.web.ports import FileView, HeavyView, NetworkView, SourcesView

MOST = 10
"""Of each list."""


def sources_view(library: Library, detection: Detection, notes: MeasureNotes) -> SourcesView:
    """Of this moment; a few milliseconds of work."""
    heavy = {}
    for dimension in Dimension:
        whole = detection.heavies.over(dimension, SIXTY)
        heavy[dimension.value] = [
            HeavyView(each.key, each.weight, each.least, each.most) for each in whole.heaviest(MOST)
        ]
    return SourcesView(
        files=[
            FileView(each.path, each.sort, each.ranges, each.bad, each.error, each.read_at, each.sentence)
            for each in library.files
        ],
        ranges=library.ranges,
        networks=[NetworkView(*each) for each in detection.networks(MOST)],
        heavy=heavy,
        days_learned=detection.baseline.days,
        hourly=detection.baseline.hourly,
        measures=notes.count,
    )
