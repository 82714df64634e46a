-- When was it complete: state, time of completion, and the forecast of 95 % where it is not, newest run.
SELECT name, state, completed_at, completed_elapsed_s, t95_elapsed_s, t95_low_s, t95_high_s
FROM run_summary
WHERE run_id = (SELECT MAX(run_id) FROM run_summary);
