"""Avrami (JMAK) course A = A_inf·(1 − exp(−((t − t0)/τ)^n)) fitted to a field's total area, and what it
foretells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import stdtrit

Floats = NDArray[np.float64]

_MIN_SAMPLES = 10
_MAX_EVALUATIONS = 60
_PARAMETERS = 4
_MIN_PROGRESS = 0.6
_LATE_FROM = 0.35
_MAX_LOG_ERROR = 0.25
_RHO_MAX = 0.9
_EXPONENT_MIN = 0.5
_EXPONENT_MAX = 5.0
NOT_SLOWING = "not identifiable yet: growth is not slowing"
TOO_FEW = "not identifiable yet: too few good frames"
UNCERTAIN = "not identifiable yet: the plateau is uncertain by more than a quarter"
NO_FIT = "not identifiable: the course is not of the Avrami form"


@dataclass(frozen=True, slots=True)
class JmakFit:
    """A fitted course; times in elapsed seconds, areas in px²."""

    log_plateau: float
    """Natural logarithm of A_inf / px²."""
    log_tau: float
    """Natural logarithm of τ / s."""
    log_exponent: float
    """Natural logarithm of n."""
    onset_s: float
    """t0, elapsed seconds."""
    log_plateau_error: float
    """Standard error of `log_plateau`, correlated noise allowed for."""
    t90_log_error: float
    """Standard error of ln(t90 − t0')."""
    t95_log_error: float
    """Standard error of ln(t95 − t0')."""
    quantile: float
    """Student's t for 95 % at the fit's effective freedom."""
    reason: str
    """Why nothing is foretold; empty where something is."""

    @property
    def plateau_px(self) -> float:
        """A_inf, px²."""
        return float(np.exp(self.log_plateau))

    def time_to(self, fraction: float) -> float:
        """t_p = t0 + τ·(−ln(1 − p))^(1/n), elapsed seconds."""
        return self.onset_s + float(
            np.exp(self.log_tau) * (-np.log1p(-fraction)) ** np.exp(-self.log_exponent)
        )

    def log_reach(self, fraction: float, first_s: float) -> float:
        """ln of the seconds from `first_s` to the time foretold."""
        return float(np.log(max(self.time_to(fraction) - first_s, 1e-9)))


def fit_jmak(time_S: Floats, area_S: Floats, first_s: float, warm: JmakFit | None) -> JmakFit | None:
    """Least-squares course through the total area of a field; None where there are too few samples to try.

    time_S: elapsed s; area_S: px²; first_s: the first crystal's time, t0's upper bound; warm: an earlier fit.
    """
    if time_S.size < _MIN_SAMPLES or area_S.max() <= 0:
        return None
    span = float(time_S[-1] - first_s)
    if span <= 0:
        return None
    # The late course decides what is foretold: early on, nucleation and crystals that do not share one law bend it.
    late = max(min(int(np.argmax(area_S >= _LATE_FROM * area_S.max())), time_S.size - _MIN_SAMPLES), 0)
    time_S, area_S = time_S[late:], area_S[late:]
    scale = float(area_S.max())
    # Scaled: time by the span since the first crystal, area by the largest, so that all parameters are near
    # one.
    t_S, a_S = (time_S - first_s) / span, area_S / scale
    lower = np.array([np.log(0.3), np.log(0.02), np.log(_EXPONENT_MIN), -2.0])
    upper = np.array([np.log(50.0), np.log(50.0), np.log(_EXPONENT_MAX), 0.0])
    start = np.array([np.log(1.2), np.log(0.7), np.log(2.0), -0.05])
    if warm is not None:
        start = np.array(
            [
                warm.log_plateau - np.log(scale),
                warm.log_tau - np.log(span),
                warm.log_exponent,
                (warm.onset_s - first_s) / span,
            ]
        )
    start = np.clip(start, lower + 1e-6, upper - 1e-6)
    solution = least_squares(
        lambda p: _course(p, t_S) - a_S,
        start,
        jac=lambda p: _jacobian(p, t_S),
        bounds=(lower, upper),
        max_nfev=_MAX_EVALUATIONS,
        x_scale="jac",
    )
    return _judged(solution.x, solution.jac, solution.fun, scale, (first_s, span))


def _course(p_4: Floats, t_S: Floats) -> Floats:
    x_S = np.maximum(t_S - p_4[3], 1e-12) / np.exp(p_4[1])
    course: Floats = np.exp(p_4[0]) * -np.expm1(-(x_S ** np.exp(p_4[2])))
    return course


def _jacobian(p_4: Floats, t_S: Floats) -> Floats:
    tau, n, plateau = np.exp(p_4[1]), np.exp(p_4[2]), np.exp(p_4[0])
    since_S = np.maximum(t_S - p_4[3], 1e-12)
    z_S = (since_S / tau) ** n
    fall_S = plateau * np.exp(-z_S) * z_S
    jacobian: Floats = np.stack(
        [
            plateau * -np.expm1(-z_S),
            -n * fall_S,
            n * np.log(since_S / tau) * fall_S,
            -n * fall_S / since_S,
        ],
        axis=1,
    )
    return jacobian


def _judged(
    p_4: Floats, jacobian_S4: Floats, residual_S: Floats, scale: float, frame: tuple[float, float]
) -> JmakFit:
    first_s, span = frame
    samples = residual_S.size
    total = float(residual_S @ residual_S)
    rho = float(residual_S[1:] @ residual_S[:-1]) / total if total > 0 else 0.0
    rho = float(np.clip((rho + _PARAMETERS / samples) / (1 - _PARAMETERS / samples), 0.0, _RHO_MAX))
    inflation = (1 + rho) / (1 - rho)
    effective = samples / inflation
    freedom = max(effective - _PARAMETERS, 1.5)
    variance = total / max(samples - _PARAMETERS * inflation, 1.0)
    normal = jacobian_S4.T @ jacobian_S4
    covariance = (
        np.linalg.pinv(normal + 1e-12 * np.trace(normal) * np.eye(_PARAMETERS)) * variance * inflation
    )
    errors = [_log_time_error(p_4, covariance, fraction) for fraction in (0.9, 0.95)]
    plateau_error = float(np.sqrt(covariance[0, 0]))
    progress = float(_course(p_4, np.array([1.0]))[0] / np.exp(p_4[0]))
    reason = ""
    if progress < _MIN_PROGRESS:
        reason = NOT_SLOWING
    elif not plateau_error < _MAX_LOG_ERROR:
        reason = UNCERTAIN
    elif np.sqrt(total / samples) > 0.1:
        reason = NO_FIT
    return JmakFit(
        log_plateau=float(p_4[0] + np.log(scale)),
        log_tau=float(p_4[1] + np.log(span)),
        log_exponent=float(p_4[2]),
        onset_s=float(first_s + p_4[3] * span),
        log_plateau_error=plateau_error,
        t90_log_error=errors[0],
        t95_log_error=errors[1],
        quantile=float(stdtrit(freedom, 0.975)),
        reason=reason,
    )


def _log_time_error(p_4: Floats, covariance_44: Floats, fraction: float) -> float:
    """Standard error of ln t_p, t counted from the first crystal, by propagation of the parameters'
    covariance."""
    tau, inverse_n = np.exp(p_4[1]), np.exp(-p_4[2])
    log_q = np.log(-np.log1p(-fraction))
    reach = tau * np.exp(log_q * inverse_n)
    gradient = np.array([0.0, reach, -reach * log_q * inverse_n, 1.0]) / max(reach + p_4[3], 1e-6)
    return float(np.sqrt(max(gradient @ covariance_44 @ gradient, 0.0)))
