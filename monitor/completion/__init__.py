"""How far a field has come: states, completion with the values that decided, and the forecast; pure."""

from monitor.completion.machine import CompletionInput, step
from monitor.completion.state import CompletionMachineState, initial_state

__all__ = ["CompletionInput", "CompletionMachineState", "initial_state", "step"]
