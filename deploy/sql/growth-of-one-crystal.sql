-- Growth of one crystal: its size over time, newest run, crystal 1.
SELECT elapsed_s, area_px, area_um2, equivalent_diameter_um, feret_max_um, in_contact, touches_border
FROM growth_history
WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
  AND field = 'main'
  AND crystal_id = 1
ORDER BY elapsed_s;
