"""The head that strokes fit: a logistic regression on features, whose prior is the network's own answer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
STEPS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What is known of n pixels: ``features`` (n, k), the ``prior`` logit, the ``target`` 0 or 1, the ``weight``."""

    features: Floats
    prior: Floats
    target: Floats
    weight: Floats


def fitted(rows: Rows, held: Doubles, start: Doubles) -> Doubles:
    """Weights (k + 1,), the offset last, that maximise the posterior.

    Minimises the weighted logistic loss of ``prior + features @ w + offset`` plus ``held / 2 * (w - start)**2``.

    Parameters
    ----------
    held
        (k + 1,) how strongly each weight is held at its ``start``, all above 0: the answer is unique.

    Source: Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3; solved by L-BFGS.
    """
    from scipy.optimize import minimize

    if not len(rows.target):
        return start.copy()
    x = rows.features.astype(np.float64)
    # the weights are sought in units of their own prior's deviation: L-BFGS then needs a third of the steps
    scale = 1 / np.sqrt(held)
    columns = x * scale[:-1]
    sign = 2.0 * rows.target - 1.0
    weight, prior = rows.weight.astype(np.float64), rows.prior + x @ start[:-1] + start[-1]

    def loss(u: Doubles) -> tuple[float, Doubles]:
        margin = sign * (prior + columns @ u[:-1] + u[-1] * scale[-1])
        wrong = np.exp(-np.logaddexp(0.0, margin))
        pull = -weight * sign * wrong
        slope = np.append(pull @ columns, pull.sum() * scale[-1]) + u
        return float(weight @ np.logaddexp(0.0, -margin) + 0.5 * u @ u), slope

    found = minimize(loss, np.zeros(len(start)), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(start + found.x * scale, np.float64)
