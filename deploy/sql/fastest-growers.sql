-- Fastest growers: the ten crystals with the highest growth rate of the area-equivalent diameter, with its
-- 95 % interval, newest run. Without calibration the rate in pixels stands alone.
SELECT crystal_id, growth_rate_um_per_s, growth_rate_low_um_per_s, growth_rate_high_um_per_s,
  growth_rate_px_per_s, fit_points, fit_window_s, birth_kind, end_reason
FROM trail_summary
WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
  AND growth_rate_px_per_s IS NOT NULL
ORDER BY growth_rate_px_per_s DESC
LIMIT 10;
