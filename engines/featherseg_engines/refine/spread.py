"""From a guess at each pixel to an answer that follows the image's borders and obeys the marks."""

import numpy as np
import numpy.typing as npt

from featherseg_engines.refine.marks import IS, UNMARKED, Marks

Floats = npt.NDArray[np.float32]


def spread(guess: Floats, trust: Floats, colours: Floats, marks: Marks, contrast: float) -> Floats:
    """Probability (h, w): near ``guess`` where ``trust`` is large, alike across weak borders, fixed at marks.

    The random walker with priors: the least of the sum of ``trust * (x - guess)**2`` over pixels and of
    ``alike * (x - x')**2`` over neighbours, ``alike`` falling with their difference in colour; a sparse positive
    definite system, solved by conjugate gradients.

    Parameters
    ----------
    guess
        (h, w) 0..1.
    trust
        (h, w), above 0.
    colours
        (c, h, w).
    contrast
        How fast ``alike`` falls with the squared difference, in units of the image's mean one.

    Source: Grady, Multilabel Random Walker Image Segmentation Using Prior Models, CVPR 2005.
    """
    from scipy.sparse import csr_array, diags_array
    from scipy.sparse.linalg import cg

    down, across = alike(colours, contrast)
    free = marks == UNMARKED
    fixed = np.where(marks == IS, np.float32(1), np.float32(0))
    x0 = np.where(free, guess, fixed)
    degree = trust.copy()
    degree[:-1] += down
    degree[1:] += down
    degree[:, :-1] += across
    degree[:, 1:] += across
    h, w = guess.shape
    # marks are kept by cutting their ties: a marked pixel's row says x = fixed, its neighbours get it as a constant
    d = down * (free[:-1] & free[1:])
    a = across * (free[:, :-1] & free[:, 1:])
    right = trust * guess
    held = np.where(free, 0, fixed)
    right[:-1] += down * held[1:]
    right[1:] += down * held[:-1]
    right[:, :-1] += across * held[:, 1:]
    right[:, 1:] += across * held[:, :-1]
    right[~free] = fixed[~free]
    degree[~free] = 1
    side = np.zeros((h, w), np.float32)
    side[:, :-1] = a
    side = side.ravel()[:-1]
    below = d.ravel()
    matrix = csr_array(
        diags_array([degree.ravel(), -side, -side, -below, -below], offsets=[0, 1, -1, w, -w], format="csr")
    )
    scale = diags_array(1 / degree.ravel())
    found, _ = cg(matrix, right.ravel(), x0=x0.ravel(), rtol=1e-3, maxiter=60, M=scale)
    out = np.asarray(np.clip(found.reshape(h, w), 0, 1), np.float32)
    out[~free] = fixed[~free]
    return out


def alike(colours: Floats, contrast: float, least: float = 1e-3) -> tuple[Floats, Floats]:
    """How alike each pixel is to the one below (h - 1, w) and to its right (h, w - 1), 0..1."""
    steps = [np.square(np.diff(colours, axis=axis)).sum(axis=0) for axis in (1, 2)]
    mean = np.float32(sum(float(s.sum()) for s in steps) / max(1, sum(s.size for s in steps)))
    if not mean > 1e-12:
        return np.ones_like(steps[0]), np.ones_like(steps[1])
    down, across = (np.exp(-np.float32(contrast) * s / mean) + np.float32(least) for s in steps)
    return down, across
