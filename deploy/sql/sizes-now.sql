-- Sizes now, in tenths of the crystals from small to large: last good frame, newest run. Also without calibration.
SELECT tenth, COUNT(*) AS crystals,
  MIN(equivalent_diameter_px) AS from_px, MAX(equivalent_diameter_px) AS to_px,
  MIN(equivalent_diameter_um) AS from_um, MAX(equivalent_diameter_um) AS to_um
FROM (
  SELECT NTILE(10) OVER (ORDER BY equivalent_diameter_px) AS tenth, equivalent_diameter_px, equivalent_diameter_um
  FROM growth_history
  WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
    AND field = 'main'
    AND NOT touches_border
    AND elapsed_s = (
      SELECT MAX(elapsed_s)
      FROM frame_log
      WHERE run_id = (SELECT MAX(run_id) FROM run_summary) AND field = 'main' AND status = 'ok'
    )
) AS sizes
GROUP BY tenth
ORDER BY tenth;
