"""How strongly strokes, the network and the image's borders speak: chosen on the train parts, with the robot of
``python3 dev.py bench strokes``, own models and the skin model on tasks it does not know alike.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """Weights and reaches; lengths are in pixels of the work grid.

    Parameters
    ----------
    stroke_weight
        What the pixels of one stroke as large as a disc of radius 6 weigh together; larger ones weigh more by the
        square root of their area, as neighbouring pixels say the same.
    stroke_points, sure_points
        Pixels that are looked at of each kind of stroke, and of what the network is sure of, at most.
    central
        Pixels in the middle of a stroke weigh more, by their depth in it to this power: edges spill over.
    sure_weight
        What the pixels that the network is sure of weigh together, for the label and against it alike: so that
        a small thing is held as well as a large ground.
    sure_at
        From which probability it is sure.
    sure_away
        So far from any stroke.
    doubt, usual_doubt
        Mean surprise of the network at the strokes (0..1) from which its sure pixels lose their weight, and what
        is expected before the first stroke.
    doubt_in_all
        The same for the sum of all surprises.
    answer_weight
        What the pixels of the answer weigh together, inside and outside alike, for the head that is carried on.
    hold_logit, hold_features, hold_position, hold_local, hold_offset
        How strongly each kind of weight is held where it was; of features together.
    reach, likeness
        How far a stroke speaks for its surroundings, and how unlike those may look (in standard deviations).
    trust
        What the fitted answer weighs against the agreement of neighbours.
    rim_trust
        The same for the outer half of a stroke, which its neighbours need not follow.
    contrast
        How fast neighbours stop to agree as their colours differ.
    """

    stroke_weight: float = 12.0
    stroke_points: int = 600
    sure_points: int = 300
    central: float = 6.0
    sure_weight: float = 40.0
    sure_at: float = 0.8
    sure_away: float = 8.0
    doubt: float = 0.3
    usual_doubt: float = 0.2
    doubt_in_all: float = 1.5
    answer_weight: float = 300.0
    hold_logit: float = 4.0
    hold_features: float = 1.9
    hold_position: float = 4.0
    hold_local: float = 1.0
    hold_offset: float = 1.0
    reach: float = 45.0
    likeness: float = 1.0
    trust: float = 0.05
    rim_trust: float = 0.1
    contrast: float = 1.0


MEASURED = Tuning()
