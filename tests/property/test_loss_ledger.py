"""The ledger of losses is exact, whatever comes, goes missing or ends when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.frame import FrameLoss
from monitor.source.ledger import LossReason, SessionLedger

SESSION = "a" * 32


def covered(losses: list[FrameLoss]) -> list[int]:
    return [index for loss in losses for index in range(loss.first_index, loss.last_index + 1)]


@given(
    arrivals=st.sets(st.integers(0, 60)),
    sent=st.lists(st.integers(-1, 70), min_size=61, max_size=61),
    last=st.integers(-1, 70),
    resumed=st.integers(-1, 40),
)
def test_every_number_is_given_or_lost_exactly_once(
    arrivals: set[int], sent: list[int], last: int, resumed: int
) -> None:
    ledger = SessionLedger(SESSION, resumed, resumed)
    given_, losses = [], []
    for index in sorted(arrivals):
        if not ledger.is_new(index):
            continue
        losses += ledger.arrive(index, LossReason.SUPERSEDED, sent[index], LossReason.DECODE)
        given_.append(index)
    losses += ledger.end(last, LossReason.UNKNOWN)
    end = max([resumed, last, *given_])
    assert sorted(given_ + covered(losses)) == list(range(resumed + 1, end + 1))
    assert all(loss.count > 0 for loss in losses)
    assert ledger.end(last, LossReason.UNKNOWN) == (), "an end that is told twice loses nothing twice"


def test_reasons() -> None:
    ledger = SessionLedger(SESSION)
    assert ledger.arrive(0, LossReason.SUPERSEDED) == ()
    losses = ledger.arrive(5, LossReason.SUPERSEDED, sent_before=3, sent_reason=LossReason.DECODE)
    assert [(loss.first_index, loss.last_index, loss.reason) for loss in losses] == [
        (1, 2, "superseded"),
        (3, 3, "decode"),
        (4, 4, "superseded"),
    ]
    (tail,) = ledger.end(9, LossReason.UNKNOWN)
    assert (tail.first_index, tail.last_index, tail.reason) == (6, 9, "unknown")
