-- Fastest growers: the ten crystals that grow fastest now, by the rate of the area-equivalent diameter with its 95 %
-- interval, newest run. Rates of one time are compared: only fits that end within the last 5 % of the run count, for a
-- crystal that was last free earlier has the rate of then. Without calibration the rate in pixels stands alone.
SELECT crystal_id, growth_rate_um_per_s, growth_rate_low_um_per_s, growth_rate_high_um_per_s,
  growth_rate_px_per_s, fit_ended_s, fit_points, fit_window_s, birth_kind, end_reason
FROM trail_summary
WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
  AND growth_rate_px_per_s IS NOT NULL
  AND fit_ended_s >= (SELECT MAX(elapsed_s) - 0.05 * (MAX(elapsed_s) - MIN(elapsed_s)) FROM frame_log
    WHERE run_id = (SELECT MAX(run_id) FROM run_summary) AND status = 'ok')
ORDER BY growth_rate_px_per_s DESC
LIMIT 10;
