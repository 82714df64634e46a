"""The parity gate: no back end serves before it has shown that it computes what the fp32 reference computes."""

from engine.parity.agreement import ParityFigures, compare
from engine.parity.frames import ParityFrames
from engine.parity.gate import ParityGate
from engine.parity_limits import ParityLimits

__all__ = ["ParityFigures", "ParityFrames", "ParityGate", "ParityLimits", "compare"]
