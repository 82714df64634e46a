-- Size distribution now: percentiles of the area-equivalent diameter in the last good frame, newest run.
SELECT field, elapsed_s, weighting, border_rule, count, d10_um, d50_um, d90_um, mean_um, cv, span
FROM csd
WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
  AND field = 'main'
  AND elapsed_s = (
    SELECT MAX(elapsed_s)
    FROM frame_log
    WHERE run_id = (SELECT MAX(run_id) FROM run_summary) AND field = 'main' AND status = 'ok'
  )
ORDER BY weighting, border_rule;
