"""Settings of the simulated microscope: what crystallises, how, and how bright field shows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from monitor.settings.base import SettingsModel

Habit = Literal["prism", "plate", "needle", "rounded", "domain"]
Appearance = Literal["facets", "grains", "film", "plates"]


class GrowthPhysics(SettingsModel):
    """How crystals change size."""

    mode: Literal["growing", "static", "ripening", "dissolving"] = "growing"
    """What the run shows: growth from a solution that depletes, no change, coarsening, or dissolution."""
    rate_um_per_s: float = Field(default=0.02, ge=0)
    """Rate of the area-equivalent diameter of an average crystal at the initial supersaturation, µm/s.

    While `dissolving`, the rate at which the diameter shrinks.
    """
    order: float = Field(default=1.0, ge=0.5, le=4)
    """Exponent g of growth in the relative supersaturation, G = rate * s^g (no unit)."""
    dispersion: float = Field(default=0.12, ge=0, le=0.6)
    """Growth-rate dispersion: coefficient of variation of the rates among crystals (no unit)."""
    final_coverage: float = Field(default=0.3, gt=0, le=0.95)
    """Share of the field that is crystal when the supersaturation is used up (no unit)."""
    ripening_um3_per_s: float = Field(default=0.02, ge=0)
    """Coarsening constant K of d(r^3)/dt = 3 K (r/mean r - 1), µm³/s; used while `ripening`."""


class Nucleation(SettingsModel):
    """When and where crystals appear."""

    rate_per_mm2_s: float = Field(default=2.0, ge=0)
    """Births per free area and time at the initial supersaturation, 1/(mm² s)."""
    order: float = Field(default=3.0, ge=0, le=12)
    """Exponent b of nucleation in the relative supersaturation, J = rate * s^b (no unit)."""
    delay_s: float = Field(default=0.0, ge=0)
    """No birth before this time, s (the t_g of induction-time analysis)."""
    seeds: int = Field(default=0, ge=0, le=5000)
    """Crystals present at the start (count)."""
    seed_diameter_um: float = Field(default=15.0, gt=0)
    """Median area-equivalent diameter of the crystals present at the start, µm."""
    seed_spread: float = Field(default=0.25, ge=0, le=1)
    """Spread (log-normal sigma) of the diameters of the crystals present at the start (no unit)."""
    seed_spacing: float = Field(default=1.1, ge=0.3, le=4)
    """Least distance of seeds in sums of their equivalent radii (no unit); below about 1.2 some touch."""
    exclusion_um: float = Field(default=0.0, ge=0)
    """No birth nearer than about this to a crystal, µm: the solution around it is depleted."""
    most_crystals: int = Field(default=2000, ge=0)
    """No birth beyond this number of crystals (count)."""


class Merging(SettingsModel):
    """What becomes of crystals that touch."""

    probability: float = Field(default=0.0, ge=0, le=1)
    """Chance that the boundary of a touching pair fades away, so that the two become one (0..1)."""
    delay_s: float = Field(default=120.0, ge=0)
    """Time from first touch to merging, s."""


class Optics(SettingsModel):
    """How bright field and the camera show the field; levels are relative to full scale."""

    level: float = Field(default=0.62, gt=0, le=1)
    """Brightness of the background (0..1)."""
    gradient: float = Field(default=0.06, ge=0, le=0.5)
    """Unevenness of the light across the field (share of the level)."""
    vignette: float = Field(default=0.12, ge=0, le=0.8)
    """Darkening towards the corners (share of the level)."""
    blur_px: float = Field(default=0.8, ge=0, le=6)
    """Blur of the optics in focus, standard deviation, px."""
    focus_wander_px: float = Field(default=0.0, ge=0, le=6)
    """Extra blur at the worst moment of a slow wander of the focus, px."""
    read_noise: float = Field(default=0.008, ge=0, le=0.2)
    """Read noise, standard deviation (share of full scale)."""
    shot_noise: float = Field(default=0.01, ge=0, le=0.2)
    """Shot noise: its variance is shot_noise² times the level (share of full scale)."""
    flicker: float = Field(default=0.004, ge=0, le=0.3)
    """Frame-to-frame change of the lamp, standard deviation (share of the level)."""
    out_of_focus: float = Field(default=3.0, ge=0, le=100)
    """Expected number of bodies far out of focus in 256 x 256 px (count); never part of the truth."""
    dust: float = Field(default=2.0, ge=0, le=200)
    """Expected number of specks in 256 x 256 px (count)."""
    fibres: int = Field(default=0, ge=0, le=50)
    """Fibres and scratches in the field (count)."""
    bubbles: int = Field(default=0, ge=0, le=200)
    """Bubbles in the field (count); never part of the truth."""
    precipitate: float = Field(default=0.0, ge=0, le=1)
    """Strength of a granular cloud of precipitate (0..1)."""
    grid: float = Field(default=0.0, ge=0, le=0.2)
    """Strength of a fixed grid pattern (share of the level)."""
    drift_um_per_s: float = Field(default=0.0, ge=-1, le=1)
    """Drift of the stage along the diagonal, µm/s."""
    vibration_px: float = Field(default=0.0, ge=0, le=8)
    """Vibration from frame to frame, standard deviation in x and in y, px."""
    scale_bar_um: float = Field(default=0.0, ge=0)
    """Length of a burned-in scale bar, µm; 0 for none."""
    text: str = ""
    """Text burned in at the top left; `{elapsed_s}` in it becomes the seconds. Empty for none."""
    bit_depth: Literal[8, 16] = 8
    """Bits per pixel of the image."""


class SimulationSettings(SettingsModel):
    """One run of the simulated microscope; the same settings always give the same run."""

    seed: int = Field(default=1, ge=0)
    """Seed of everything random in the run."""
    width_px: int = Field(default=512, ge=32, le=4096)
    """Width of the frames, px."""
    height_px: int = Field(default=512, ge=32, le=4096)
    """Height of the frames, px."""
    um_per_px: float = Field(default=0.5, gt=0)
    """Calibration, µm/px."""
    duration_s: float = Field(default=3600.0, gt=0)
    """Length of the simulated experiment, s; later moments show its last state."""
    habits: tuple[Habit, ...] = ("prism", "plate")
    """Habits the crystals are drawn from, each as likely as it is listed."""
    appearance: Appearance = "facets"
    """How the crystals look: facets with dark rims, rounded grains, a film's flat domains, thin plates."""
    growth: GrowthPhysics = GrowthPhysics()
    """How crystals change size."""
    nucleation: Nucleation = Nucleation()
    """When and where crystals appear."""
    merging: Merging = Merging()
    """What becomes of crystals that touch."""
    optics: Optics = Optics()
    """How bright field and the camera show the field."""

    @model_validator(mode="after")
    def _check(self) -> SimulationSettings:
        if not self.habits:
            raise ValueError('habits is empty: name at least one, e.g. ["prism"]')
        drift_px = abs(self.optics.drift_um_per_s) * self.duration_s / self.um_per_px
        if drift_px > 0.5 * max(self.width_px, self.height_px):
            raise ValueError(
                f"drift_um_per_s moves the field by {drift_px:.0f} px within duration_s, more than half "
                "of it: lower drift_um_per_s or duration_s"
            )
        return self

    @property
    def growing(self) -> bool:
        """Whether crystals grow out of a solution that depletes."""
        return self.growth.mode == "growing"
