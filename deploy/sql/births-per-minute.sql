-- Births per minute: crystals that were born (not: present at the start, entered or split), newest run.
SELECT CAST(FLOOR(first_seen_s / 60) AS INTEGER) AS minute, COUNT(*) AS births
FROM trail_summary
WHERE run_id = (SELECT MAX(run_id) FROM run_summary)
  AND birth_kind = 'born'
GROUP BY 1
ORDER BY 1;
