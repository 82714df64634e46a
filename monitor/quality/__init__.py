"""Quality control: may this frame be measured, and how far has the view drifted?"""

from monitor.quality.check import check
from monitor.quality.state import QualityState

__all__ = ["QualityState", "check"]
