"""The simulated microscope: a run of crystallisation seen through bright field, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation.body import Body
from monitor.simulation.crystallisation import crystallise
from monitor.simulation.history import GrowthHistory
from monitor.simulation.looks import look_maker
from monitor.simulation.scenery import Scenery, bubbles, build_scenery
from monitor.simulation.sensor import burn_in, expose, to_digits
from monitor.simulation.specimen import ImpingingSpecimen, RipeningSpecimen
from monitor.simulation.truth import Birth, CrystalTruth, FrameTruth, RunTruth

if TYPE_CHECKING:
    import numpy.typing as npt

    from monitor.settings.simulation import SimulationSettings
    from monitor.simulation.specimen import Moment, Specimen

    Image = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_FOCUS_PERIOD_S = 900.0
_CANVAS_SPARE_PX = 3


@dataclass(frozen=True)
class Shot:
    """One frame and what is true of it.

    Attributes:
        image_HW: uint8, or uint16 where the settings say so.
        labels_HW: int32; number of the crystal at each pixel centre, 0 = background.
        truth: exact figures.
    """

    image_HW: Image
    labels_HW: npt.NDArray[np.int32]
    truth: FrameTruth


@dataclass(frozen=True)
class _Shift:
    """Displacement of the field: frame pixel (x, y) shows canvas pixel (x, y) + margin - shift."""

    x_px: float
    y_px: float


class SimulatedMicroscope:
    """A run that can be looked at, at any moment and in any order; the same moment gives the same bytes."""

    def __init__(self, settings: SimulationSettings) -> None:
        """Work out the whole run (a fraction of a second for 40 crystals)."""
        self.settings = settings
        optics = settings.optics
        self._size = (settings.height_px, settings.width_px)
        self._um_per_px = settings.um_per_px
        self._drift_px_per_s = optics.drift_um_per_s / np.sqrt(2) / settings.um_per_px
        reach = abs(self._drift_px_per_s) * settings.duration_s + 3 * optics.vibration_px
        self._margin = int(np.ceil(reach)) + _CANVAS_SPARE_PX if reach > 0 else 0
        canvas = (self._size[0] + 2 * self._margin, self._size[1] + 2 * self._margin)
        rng = np.random.default_rng([settings.seed, 2])
        self._light, _ = build_scenery(rng, _scenery(settings), *self._size)
        still = bubbles(rng, *canvas, optics.bubbles)
        germs, self._history = crystallise(
            settings, *canvas, [(body.x_px, body.y_px, body.radius_px) for body in still]
        )
        self._habits = [germ.habit for germ in germs]
        largest = np.maximum(self._history.radii_px(settings.duration_s), self._history.radii_px(0.0))
        make_look = look_maker(settings.appearance, rng)
        bodies = [
            Body(
                identity,
                germ.x_px,
                germ.y_px,
                germ.shape,
                float(radius),
                germ.birth_px,
                germ.factor,
                make_look(rng),
                int(rng.integers(2**31)),
            )
            for identity, (germ, radius) in enumerate(zip(germs, largest, strict=True), start=1)
        ]
        self._bodies = [*bodies, *still]
        self._specimen: Specimen = (
            RipeningSpecimen(self._bodies, self._history, canvas, settings.seed)
            if settings.growth.mode == "ripening"
            else ImpingingSpecimen(self._bodies, self._history, canvas, settings.merging, settings.seed)
        )
        self._births_s = self._history.births_s()

    def render_only(self, elapsed_s: float) -> Image:
        """The frame at a moment without truth, faster; the same bytes as `at(elapsed_s).image_HW`."""
        random, shift = self._random(elapsed_s)
        return self._expose(self._specimen.transmission(elapsed_s), elapsed_s, random, shift)

    def at(self, elapsed_s: float) -> Shot:
        """The frame at a moment with labels and truth; `elapsed_s` may come in any order."""
        random, shift = self._random(elapsed_s)
        moment = self._specimen.moment(elapsed_s)
        image = self._expose(moment.transmission_HW, elapsed_s, random, shift)
        labels, truth = self._measure(moment, elapsed_s, shift)
        return Shot(image, labels, truth)

    def truth_run(self) -> RunTruth:
        """What is true of the whole run."""
        return self._truth_run

    def _random(self, elapsed_s: float) -> tuple[np.random.Generator, _Shift]:
        random = np.random.default_rng([self.settings.seed, 4, round(max(elapsed_s, 0) * 1e6)])
        shake = np.clip(random.standard_normal(2), -3, 3) * self.settings.optics.vibration_px
        drift = self._drift_px_per_s * min(max(elapsed_s, 0.0), self.settings.duration_s)
        return random, _Shift(float(drift + shake[0]), float(drift + shake[1]))

    def _expose(
        self,
        transmission_HW: npt.NDArray[np.float32],
        elapsed_s: float,
        random: np.random.Generator,
        shift: _Shift,
    ) -> Image:
        optics = self.settings.optics
        height, width = self._size
        if self._margin:
            offset = np.array(
                [[1, 0, shift.x_px - self._margin], [0, 1, shift.y_px - self._margin]], np.float64
            )
            transmission_HW = np.asarray(
                cv2.warpAffine(transmission_HW, offset, (width, height), flags=cv2.INTER_LINEAR), np.float32
            )
        lamp = np.float32(1 + optics.flicker * random.standard_normal())
        wander = optics.focus_wander_px * (0.5 - 0.5 * np.cos(2 * np.pi * elapsed_s / _FOCUS_PERIOD_S))
        level = expose(
            self._light * transmission_HW * lamp,
            random,
            blur_px=float(np.hypot(optics.blur_px, wander)),
            shot_noise=optics.shot_noise,
            read_noise=optics.read_noise,
        )
        text = optics.text.replace("{elapsed_s}", f"{elapsed_s:.0f}")
        burn_in(level, text, optics.scale_bar_um / self._um_per_px)
        if optics.bit_depth == 16:
            return np.asarray(level * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
        return to_digits(level)

    def _measure(
        self, moment: Moment, elapsed_s: float, shift: _Shift
    ) -> tuple[npt.NDArray[np.int32], FrameTruth]:
        height, width = self._size
        top, left = self._margin - round(shift.y_px), self._margin - round(shift.x_px)
        window = (slice(top, top + height), slice(left, left + width))
        depth, owner = moment.depth_HW[window], moment.owner_HW[window]
        seen = np.where(depth > 0, owner, 0)
        labels = moment.identities[seen]
        pixels = np.bincount(seen.ravel(), minlength=len(moment.identities))
        coverage = np.clip(depth + np.float32(0.5), 0, 1)
        covered = np.bincount(owner.ravel(), coverage.ravel(), minlength=len(moment.identities))
        edge = np.unique(np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]))
        cut = np.isin(np.arange(len(moment.identities)), edge)
        radii = self._history.radii_px(elapsed_s)
        rates = self._history.rates_px_per_s(elapsed_s)
        parts: dict[int, list[int]] = {}
        for index in np.flatnonzero(pixels).tolist():
            if moment.identities[index] > 0:
                parts.setdefault(int(moment.identities[index]), []).append(index)
        crystals = []
        for identity, bodies in sorted(parts.items()):
            area = 0.0
            for body in bodies:
                whole = not cut[body] and not moment.in_contact[body]
                area += np.pi * radii[body - 1] ** 2 if whole else covered[body]
            eldest = self._bodies[identity - 1]
            born = float(self._births_s[identity - 1])
            crystals.append(
                CrystalTruth(
                    id=identity,
                    birth_s=max(born, 0.0),
                    present_at_start=not np.isfinite(born),
                    x_px=eldest.x_px - self._margin + shift.x_px,
                    y_px=eldest.y_px - self._margin + shift.y_px,
                    area_px=float(area),
                    area_um2=float(area) * self._um_per_px**2,
                    equivalent_diameter_um=2 * float(np.sqrt(area / np.pi)) * self._um_per_px,
                    growth_rate_um_per_s=2 * float(rates[identity - 1]) * self._um_per_px,
                    habit=self._habits[identity - 1],
                    touches_border=bool(cut[bodies].any()),
                    in_contact=bool(moment.in_contact[bodies].any()) or len(bodies) > 1,
                )
            )
        total = sum(crystal.area_px for crystal in crystals)
        truth = FrameTruth(
            elapsed_s=elapsed_s,
            crystals=tuple(crystals),
            total_area_px=total,
            total_area_um2=total * self._um_per_px**2,
            fraction=total / (height * width),
            supersaturation=self._history.supersaturation(elapsed_s),
            nucleated=int((self._births_s <= elapsed_s).sum()),
            shift_x_px=shift.x_px,
            shift_y_px=shift.y_px,
        )
        return labels, truth

    @cached_property
    def _truth_run(self) -> RunTruth:
        end = self.settings.duration_s
        births = tuple(
            Birth(identity, max(float(born), 0.0), not np.isfinite(born))
            for identity, born in enumerate(self._births_s, start=1)
        )
        born_later = self._births_s[np.isfinite(self._births_s)]
        seeded = len(born_later) < len(self._births_s)
        _, shift = self._random(end)
        _, last = self._measure(self._specimen.moment(end), end, shift)
        completion, t99, stopped = self._completion()
        return RunTruth(
            births=births,
            merges=self._specimen.merges,
            contacts=self._specimen.contacts,
            expected_births=self._history.expected_births,
            induction_s=float(born_later.min()) if len(born_later) and not seeded else None,
            completion_s=completion,
            t99_s=t99,
            stopped_s=stopped,
            final_area_um2=last.total_area_um2,
        )

    def _completion(self) -> tuple[float | None, float | None, float | None]:
        history, specimen = self._history, self._specimen
        if not isinstance(history, GrowthHistory) or not isinstance(specimen, ImpingingSpecimen):
            return None, None, None
        inner = slice(self._margin, -self._margin or None)
        arrival = np.sort(specimen.arrival_px()[inner, inner], axis=None)
        area = np.searchsorted(arrival, history.lengths_px)
        if not len(self._bodies) or area[-1] == 0 or area[-1] == area[0]:
            return None, None, None
        reached = [float(history.times_s[int(np.argmax(area >= share * area[-1]))]) for share in (0.95, 0.99)]
        fast = np.flatnonzero(history.speeds_px_per_s >= 0.01 * history.speeds_px_per_s.max())
        last = int(fast[-1])
        stopped = float(history.times_s[last + 1]) if last + 1 < len(history.times_s) else None
        return reached[0], reached[1], stopped


def _scenery(settings: SimulationSettings) -> Scenery:
    optics = settings.optics
    return Scenery(
        level=optics.level,
        gradient=optics.gradient,
        vignette=optics.vignette,
        blurred=optics.out_of_focus,
        dust=optics.dust,
        fibres=optics.fibres,
        precipitate=optics.precipitate,
        grid=optics.grid,
        grain=0.0,
    )
