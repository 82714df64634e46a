"""Runs that are ready to use, by name."""

from __future__ import annotations

from monitor.settings.simulation import GrowthPhysics, Merging, Nucleation, Optics, SimulationSettings


def _demo() -> SimulationSettings:
    """Cooling crystallisation of prisms and plates in one hour, complete well before its end."""
    return SimulationSettings(
        habits=("prism", "prism", "plate"),
        growth=GrowthPhysics(rate_um_per_s=0.05, dispersion=0.12, final_coverage=0.17),
        nucleation=Nucleation(rate_per_mm2_s=1.6, order=4, delay_s=240, exclusion_um=15),
        optics=Optics(text=""),
    )


def _static() -> SimulationSettings:
    """A field in which nothing changes but noise and vibration."""
    return SimulationSettings(
        habits=("prism", "plate"),
        growth=GrowthPhysics(mode="static"),
        nucleation=Nucleation(rate_per_mm2_s=0, seeds=30, seed_diameter_um=18),
        optics=Optics(vibration_px=0.3),
    )


def _ripening() -> SimulationSettings:
    """Ice-like coarsening: small grains vanish, large ones grow, the total area falls."""
    return SimulationSettings(
        habits=("rounded",),
        appearance="grains",
        growth=GrowthPhysics(mode="ripening", ripening_um3_per_s=0.2),
        nucleation=Nucleation(
            rate_per_mm2_s=0, seeds=140, seed_diameter_um=14, seed_spread=0.3, seed_spacing=1.0
        ),
        optics=Optics(out_of_focus=0, vignette=0.2, scale_bar_um=20),
    )


def _dissolving() -> SimulationSettings:
    """Crystals in an undersaturated solution."""
    return SimulationSettings(
        habits=("prism", "plate"),
        growth=GrowthPhysics(mode="dissolving", rate_um_per_s=0.008),
        nucleation=Nucleation(rate_per_mm2_s=0, seeds=35, seed_diameter_um=22, seed_spread=0.3),
    )


def _needles() -> SimulationSettings:
    """Needles that stop where they run into one another."""
    return SimulationSettings(
        habits=("needle",),
        growth=GrowthPhysics(rate_um_per_s=0.035, final_coverage=0.1),
        nucleation=Nucleation(rate_per_mm2_s=1.2, order=3, delay_s=120),
        optics=Optics(scale_bar_um=50, text="{elapsed_s} s"),
    )


def _dense() -> SimulationSettings:
    """Three hundred crystals in 1024 x 1024 px, many in contact."""
    return SimulationSettings(
        width_px=1024,
        height_px=1024,
        habits=("prism", "plate", "rounded"),
        growth=GrowthPhysics(rate_um_per_s=0.03, final_coverage=0.4),
        nucleation=Nucleation(rate_per_mm2_s=2.6, order=4, delay_s=60),
    )


def _film() -> SimulationSettings:
    """Domains of a film that fill the field, at low contrast."""
    return SimulationSettings(
        habits=("domain",),
        appearance="film",
        growth=GrowthPhysics(rate_um_per_s=0.09, final_coverage=0.85),
        nucleation=Nucleation(rate_per_mm2_s=0.1, order=2, seeds=2, seed_diameter_um=20),
        optics=Optics(level=0.3, out_of_focus=0, grid=0.015, text="{elapsed_s}s", scale_bar_um=60),
    )


def _merging() -> SimulationSettings:
    """As the demo with more crystals; half of the touching pairs become one."""
    return SimulationSettings(
        habits=("rounded", "prism"),
        growth=GrowthPhysics(rate_um_per_s=0.05, final_coverage=0.45),
        nucleation=Nucleation(rate_per_mm2_s=2.0, order=4, delay_s=60),
        merging=Merging(probability=0.5, delay_s=200),
    )


def _empty() -> SimulationSettings:
    """Clutter only: bubbles, dust, a fibre; nothing ever nucleates."""
    return SimulationSettings(
        nucleation=Nucleation(rate_per_mm2_s=0),
        optics=Optics(bubbles=3, dust=6, fibres=1, out_of_focus=6, vibration_px=0.2),
    )


PRESETS: dict[str, SimulationSettings] = {
    "demo": _demo(),
    "static": _static(),
    "ripening": _ripening(),
    "dissolving": _dissolving(),
    "needles": _needles(),
    "dense": _dense(),
    "film": _film(),
    "merging": _merging(),
    "empty": _empty(),
}
