"""One sentence for people: why a field is in its state and what is missing for `complete`."""

from __future__ import annotations

from monitor.completion.conditions import Verdict
from monitor.completion.state import CompletionMachineState
from monitor.records import RunState

_WHY = {
    RunState.WAITING: "No crystal has been seen yet",
    RunState.NUCLEATED: "Crystals have appeared, growth is not yet established",
    RunState.GROWING: "The total crystal area is growing",
    RunState.SLOWING: "Growth has fallen below half of its highest rate",
    RunState.RIPENING: "Crystals become fewer and larger while the total area does not grow",
    RunState.DISSOLVING: "The total crystal area and the sizes are falling",
}


def explain(
    state: CompletionMachineState,
    verdict: Verdict | None,
    now_s: float,
    hold_s: float,
    *,
    carried: bool = False,
) -> str:
    """The sentence; `verdict` is None where this frame gave nothing to judge, `carried` where it did not change."""
    if state.state is RunState.BLIND:
        seen = "at all" if state.last_good_s is None else f"for {now_s - state.last_good_s:.0f} s"
        return f"No good frame {seen}: nothing is known of the crystals; before that: {state.seeing.value}."
    if state.state is RunState.COMPLETE:
        if state.peak_rate_px_per_s <= 0:
            return f"Nothing has changed for {hold_s:.0f} s; no growth was seen since the first crystal."
        return f"Complete: growth has ended, nothing has changed for {hold_s:.0f} s."
    why = _WHY[state.state]
    if verdict is None:
        reason = "nothing was inferred anew in this frame" if carried else "this frame could not be measured"
        return f"{why}; {reason}."
    if state.state is RunState.WAITING or not verdict.missing:
        return f"{why}."
    return f"{why}; not complete: {'; '.join(verdict.missing)}."
