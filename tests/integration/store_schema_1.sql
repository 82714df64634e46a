PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE migration (
	name TEXT NOT NULL, 
	detail TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO migration VALUES('m0001_tables','');
INSERT INTO migration VALUES('views','7737a317ac763bd6eee1091b08633da86e7cb39f6b731e14785f166bd22303b6');
CREATE TABLE run (
	run_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	started_utc_ns INTEGER NOT NULL, 
	started_boottime_ns INTEGER, 
	started_boot_id TEXT NOT NULL, 
	ended_at TEXT, 
	epoch_utc_ns INTEGER NOT NULL, 
	epoch_boottime_ns INTEGER, 
	epoch_boot_id TEXT NOT NULL, 
	zero_s REAL NOT NULL, 
	version TEXT NOT NULL, 
	model TEXT, 
	weights_sha256 TEXT, 
	model_card TEXT NOT NULL, 
	backend TEXT, 
	settings TEXT NOT NULL, 
	camera TEXT NOT NULL, 
	um_per_px REAL, 
	detection_limit_px REAL, 
	told_event_id INTEGER NOT NULL
)
 STRICT

;
INSERT INTO run VALUES(1,'first release','2026-09-21T14:13:20.123456Z',1790000000123456000,5000000000,'9d6a3c1e-boot',NULL,1790000000123456000,5000000000,'9d6a3c1e-boot',0.0,'0.1','seed-16','c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0','{"width": 16}','openvino bf16','{"analysis": {"interval_s": 1}}','SimCam 7',0.5,6.0,0);
CREATE TABLE field (
	field_id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	next_crystal_id INTEGER NOT NULL, 
	last_frame_id INTEGER, 
	last_ok_frame_id INTEGER, 
	state TEXT, 
	explanation TEXT, 
	decided_by TEXT, 
	completed_at TEXT, 
	completed_elapsed_s REAL, 
	PRIMARY KEY (field_id), 
	UNIQUE (run_id, name), 
	FOREIGN KEY(run_id) REFERENCES run (run_id)
)
 STRICT

;
INSERT INTO field VALUES(1,1,'main',3,4,4,'growing','it is so','{}',NULL,NULL);
CREATE TABLE grabber_session (
	session_id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	session TEXT NOT NULL, 
	boot_id TEXT NOT NULL, 
	first_seen_at TEXT NOT NULL, 
	first_index INTEGER NOT NULL, 
	next_index INTEGER NOT NULL, 
	ended TEXT, 
	ended_at TEXT, 
	tail_at_most INTEGER, 
	PRIMARY KEY (session_id), 
	UNIQUE (run_id, session), 
	FOREIGN KEY(run_id) REFERENCES run (run_id)
)
 STRICT

;
INSERT INTO grabber_session VALUES(1,1,'abababababababababababababababab','9d6a3c1e-boot','2026-09-21T14:13:20.123456Z',0,4,NULL,NULL,NULL);
CREATE TABLE frame_loss (
	loss_id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	session TEXT NOT NULL, 
	first_index INTEGER NOT NULL, 
	last_index INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (loss_id), 
	FOREIGN KEY(run_id) REFERENCES run (run_id)
)
 STRICT

;
CREATE TABLE event (
	event_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id INTEGER NOT NULL, 
	field TEXT, 
	at TEXT NOT NULL, 
	elapsed_s REAL NOT NULL, 
	kind TEXT NOT NULL, 
	crystal_id INTEGER, 
	message TEXT NOT NULL, 
	value REAL, 
	acknowledged_at TEXT, 
	rule TEXT, 
	alert_kind TEXT, 
	limit_value REAL, 
	details TEXT, 
	FOREIGN KEY(run_id) REFERENCES run (run_id)
)
 STRICT

;
INSERT INTO event VALUES(1,1,NULL,'2026-09-21T14:13:20.123456Z',0.0,'run_started',NULL,'run ''first release'' started',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(2,1,'main','2026-09-21T14:13:22.123456Z',2.0,'nucleation',1,'first nucleation: crystal 1',1.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(3,1,'main','2026-09-21T14:13:22.123456Z',2.0,'birth',1,'crystal 1 was born, first seen at 1 s',1.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(4,1,'main','2026-09-21T14:13:22.123456Z',2.0,'birth',2,'crystal 2 was born, first seen at 1 s',1.0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE field_state (
	field_id INTEGER NOT NULL, 
	tracker_json TEXT NOT NULL, 
	completion_json TEXT NOT NULL, 
	alerts_json TEXT NOT NULL, 
	labels BLOB NOT NULL, 
	PRIMARY KEY (field_id), 
	FOREIGN KEY(field_id) REFERENCES field (field_id)
)
 STRICT

;
INSERT INTO field_state VALUES(1,'{"mark": "after 3"}','{}','{}',X'61667465722033');
CREATE TABLE frame (
	frame_id INTEGER NOT NULL, 
	field_id INTEGER NOT NULL, 
	session_id INTEGER NOT NULL, 
	frame_index INTEGER NOT NULL, 
	captured_at TEXT NOT NULL, 
	captured_boottime_ns INTEGER, 
	time_source TEXT NOT NULL, 
	elapsed_s REAL NOT NULL, 
	age_s REAL, 
	width_px INTEGER, 
	height_px INTEGER, 
	um_per_px REAL, 
	source_name TEXT, 
	status TEXT NOT NULL, 
	reason TEXT, 
	detail TEXT, 
	backend TEXT, 
	focus REAL, 
	light REAL, 
	shift_x_px REAL, 
	shift_y_px REAL, 
	crystal_count INTEGER, 
	total_area_px REAL, 
	total_area_um2 REAL, 
	fraction REAL, 
	state TEXT, 
	hold_coverage REAL, 
	t90_elapsed_s REAL, 
	t90_low_s REAL, 
	t90_high_s REAL, 
	t95_elapsed_s REAL, 
	t95_low_s REAL, 
	t95_high_s REAL, 
	forecast_reason TEXT, 
	archived TEXT, 
	PRIMARY KEY (frame_id), 
	UNIQUE (session_id, frame_index, field_id), 
	FOREIGN KEY(field_id) REFERENCES field (field_id), 
	FOREIGN KEY(session_id) REFERENCES grabber_session (session_id)
)
 STRICT

;
INSERT INTO frame VALUES(1,1,1,0,'2026-09-21T14:13:20.123456Z',5000000000,'camera',0.0,0.050000000000000002775,100,50,0.5,NULL,'ok',NULL,NULL,'openvino bf16',0.5,0.4000000000000000222,0.10000000000000000555,-0.2000000000000000111,0,0.0,0.0,0.25,'growing',1.0,NULL,NULL,NULL,NULL,NULL,NULL,'not identifiable yet',NULL);
INSERT INTO frame VALUES(2,1,1,1,'2026-09-21T14:13:21.123456Z',6000000000,'camera',1.0,0.050000000000000002775,100,50,0.5,NULL,'ok',NULL,NULL,'openvino bf16',0.5,0.4000000000000000222,0.10000000000000000555,-0.2000000000000000111,0,0.0,0.0,0.25,'growing',1.0,NULL,NULL,NULL,NULL,NULL,NULL,'not identifiable yet',NULL);
INSERT INTO frame VALUES(3,1,1,2,'2026-09-21T14:13:22.123456Z',7000000000,'camera',2.0,0.050000000000000002775,100,50,0.5,NULL,'ok',NULL,NULL,'openvino bf16',0.5,0.4000000000000000222,0.10000000000000000555,-0.2000000000000000111,2,243.0,60.749999999999999998,0.25,'growing',1.0,NULL,NULL,NULL,NULL,NULL,NULL,'not identifiable yet',NULL);
INSERT INTO frame VALUES(4,1,1,3,'2026-09-21T14:13:23.123456Z',8000000000,'camera',3.0,0.050000000000000002775,100,50,0.5,NULL,'ok',NULL,NULL,'openvino bf16',0.5,0.4000000000000000222,0.10000000000000000555,-0.2000000000000000111,2,263.0,65.749999999999999998,0.25,'growing',1.0,NULL,NULL,NULL,NULL,NULL,NULL,'not identifiable yet',NULL);
CREATE TABLE trail (
	field_id INTEGER NOT NULL, 
	crystal_id INTEGER NOT NULL, 
	confirmed INTEGER NOT NULL, 
	birth_kind TEXT, 
	split_from INTEGER, 
	first_seen_s REAL, 
	last_seen_s REAL, 
	last_clear_s REAL, 
	birth_s REAL, 
	birth_low_s REAL, 
	birth_high_s REAL, 
	ended_s REAL, 
	end_reason TEXT, 
	merged_into INTEGER, 
	points INTEGER NOT NULL, 
	first_area_px REAL, 
	last_area_px REAL, 
	max_area_px REAL, 
	first_area_um2 REAL, 
	last_area_um2 REAL, 
	max_area_um2 REAL, 
	rate_px_per_s REAL, 
	low_px_per_s REAL, 
	high_px_per_s REAL, 
	rate_um_per_s REAL, 
	low_um_per_s REAL, 
	high_um_per_s REAL, 
	detection_floor_um_per_s REAL, 
	front_speed_px_per_s REAL, 
	fit_points INTEGER, 
	fit_window_s REAL, 
	fit_coverage REAL, 
	fit_ended_s REAL, 
	PRIMARY KEY (field_id, crystal_id), 
	FOREIGN KEY(field_id) REFERENCES field (field_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO trail VALUES(1,1,1,'born',NULL,1.0,3.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,3,111.0,131.0,131.0,27.75,32.75,32.75,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO trail VALUES(1,2,1,'born',NULL,1.0,3.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,3,112.0,132.0,132.0,28.0,33.0,33.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE point (
	frame_id INTEGER NOT NULL, 
	crystal_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	superseded INTEGER NOT NULL, 
	field_id INTEGER NOT NULL, 
	label INTEGER NOT NULL, 
	area_px REAL, 
	equivalent_diameter_px REAL, 
	feret_max_px REAL, 
	feret_min_px REAL, 
	length_px REAL, 
	width_px REAL, 
	orientation_deg REAL, 
	perimeter_px REAL, 
	aspect_ratio REAL, 
	solidity REAL, 
	circularity REAL, 
	centroid_x_px REAL, 
	centroid_y_px REAL, 
	score REAL, 
	area_um2 REAL, 
	equivalent_diameter_um REAL, 
	feret_max_um REAL, 
	feret_min_um REAL, 
	length_um REAL, 
	width_um REAL, 
	perimeter_um REAL, 
	bbox_x_px INTEGER NOT NULL, 
	bbox_y_px INTEGER NOT NULL, 
	bbox_width_px INTEGER NOT NULL, 
	bbox_height_px INTEGER NOT NULL, 
	contacts TEXT, 
	touches_border INTEGER NOT NULL, 
	carried INTEGER NOT NULL, 
	fit_for_growth INTEGER NOT NULL, 
	habit TEXT NOT NULL, 
	rate_um_per_s REAL, 
	low_um_per_s REAL, 
	high_um_per_s REAL, 
	fit_window_s REAL, 
	detection_floor_um_per_s REAL, 
	PRIMARY KEY (frame_id, crystal_id, revision), 
	FOREIGN KEY(field_id, crystal_id) REFERENCES trail (field_id, crystal_id), 
	FOREIGN KEY(frame_id) REFERENCES frame (frame_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO point VALUES(2,1,0,0,1,1,111.0,11.884217433217887816,14.749915253993831854,10.535653752852738307,13.696349878708559799,11.589219128138013914,7.5,42.142615011410953229,0.75,0.96999999999999997335,0.8000000000000000444,11.25,20.499999999999999999,0.93000000000000004884,27.75,5.9421087166089439079,7.374957626996915927,5.2678268764263691537,6.8481749393542798998,5.7946095640690069572,21.071307505705476614,6,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
INSERT INTO point VALUES(2,2,0,0,1,2,112.0,11.937629915523432444,14.8162073419617073,10.583005244258362864,13.757906817535872079,11.641305768684199861,15.0,42.332020977033451457,0.75,0.96999999999999997335,0.8000000000000000444,12.25,20.499999999999999999,0.93000000000000004884,28.0,5.9688149577617162222,7.40810367098085365,5.2915026221291814323,6.8789534087679360396,5.8206528843420999308,21.166010488516725728,7,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
INSERT INTO point VALUES(3,1,0,0,1,1,121.0,12.407999999999999474,15.399999999999998579,11.0,14.30000000000000071,12.10000000000000142,7.5,44.0,0.75,0.96999999999999997335,0.8000000000000000444,11.25,20.499999999999999999,0.93000000000000004884,30.25,6.203999999999999737,7.6999999999999992894,5.5,7.1500000000000003552,6.0500000000000007105,22.0,6,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
INSERT INTO point VALUES(3,2,0,0,1,2,122.0,12.459167227387229814,15.46350542406216455,11.045361017187261154,14.358969322343439145,12.149897118905988336,15.0,44.181444068749044619,0.75,0.96999999999999997335,0.8000000000000000444,12.25,20.499999999999999999,0.93000000000000004884,30.499999999999999999,6.2295836136936149074,7.7317527120310822752,5.5226805085936305772,7.1794846611717195727,6.0749485594529941678,22.090722034374522309,7,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
INSERT INTO point VALUES(4,1,0,0,1,1,131.0,12.910550104468825338,16.023732399163435502,11.445523142259597549,14.879180084937477345,12.590075456485557481,7.5,45.782092569038390196,0.75,0.96999999999999997335,0.8000000000000000444,11.25,20.499999999999999999,0.93000000000000004884,32.75,6.4552750522344126693,8.0118661995817177512,5.7227615711297987743,7.4395900424687386731,6.2950377282427787406,22.891046284519195098,6,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
INSERT INTO point VALUES(4,2,0,0,1,2,132.0,12.959733330589791932,16.084775410306480836,11.489125293076057233,14.935862880998874047,12.638037822383664021,15.0,45.956501172304228932,0.75,0.96999999999999997335,0.8000000000000000444,12.25,20.499999999999999999,0.93000000000000004884,33.0,6.4798666652948959665,8.042387705153240418,5.7445626465380286163,7.4679314404994370235,6.3190189111918320108,22.978250586152114466,7,15,11,12,NULL,0,0,1,'prism',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE size_distribution (
	frame_id INTEGER NOT NULL, 
	weighting TEXT NOT NULL, 
	border_rule TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	d10_um REAL, 
	d50_um REAL, 
	d90_um REAL, 
	mean_um REAL, 
	cv REAL, 
	span REAL, 
	PRIMARY KEY (frame_id, weighting, border_rule), 
	FOREIGN KEY(frame_id) REFERENCES frame (frame_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO size_distribution VALUES(1,'number','excluded',2,1.0,2.0,3.0,2.1000000000000000888,0.4000000000000000222,1.0);
INSERT INTO size_distribution VALUES(2,'number','excluded',2,1.0,2.0,3.0,2.1000000000000000888,0.4000000000000000222,1.0);
INSERT INTO size_distribution VALUES(3,'number','excluded',2,1.0,2.0,3.0,2.1000000000000000888,0.4000000000000000222,1.0);
INSERT INTO size_distribution VALUES(4,'number','excluded',2,1.0,2.0,3.0,2.1000000000000000888,0.4000000000000000222,1.0);
ANALYZE sqlite_schema;
CREATE INDEX grabber_session_by_session ON grabber_session (session);
CREATE INDEX frame_loss_by_session ON frame_loss (run_id, session, first_index);
CREATE INDEX event_by_run ON event (run_id, kind);
CREATE INDEX frame_by_field_status ON frame (field_id, status);
CREATE INDEX frame_by_field_time ON frame (field_id, elapsed_s);
CREATE INDEX frame_by_archived ON frame (archived) WHERE archived IS NOT NULL;
CREATE VIEW run_summary AS 
SELECT r.run_id, r.name, r.started_at, r.ended_at, NULLIF(r.camera, '') AS camera, r.um_per_px,
  (SELECT COUNT(*) FROM field f JOIN frame fr ON fr.field_id = f.field_id
    WHERE f.run_id = r.run_id AND fr.status = 'ok') AS frames_ok,
  (SELECT COUNT(*) FROM field f JOIN frame fr ON fr.field_id = f.field_id
    WHERE f.run_id = r.run_id AND fr.status = 'failed') AS frames_failed,
  (SELECT COUNT(*) FROM field f JOIN frame fr ON fr.field_id = f.field_id
    WHERE f.run_id = r.run_id AND fr.status = 'rejected') AS frames_rejected,
  (SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = r.run_id AND l.reason <> 'superseded') AS frames_lost,
  (SELECT COUNT(*) FROM field f JOIN trail t ON t.field_id = f.field_id
    WHERE f.run_id = r.run_id AND t.confirmed) AS crystals,
  (SELECT SUM(fr.total_area_px) FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS total_area_px,
  (SELECT CASE WHEN COUNT(fr.total_area_um2) = COUNT(*) THEN SUM(fr.total_area_um2) END FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id)
    AS total_area_um2,
  (SELECT SUM(fr.total_area_px) / SUM(fr.width_px * fr.height_px * 1.0) FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS coverage,
  COALESCE((SELECT f.state FROM field f WHERE f.run_id = r.run_id AND f.state IS NOT NULL
    ORDER BY CASE f.state WHEN 'blind' THEN 0 WHEN 'waiting' THEN 1 WHEN 'nucleated' THEN 2
        WHEN 'growing' THEN 3 WHEN 'slowing' THEN 4 WHEN 'dissolving' THEN 5 WHEN 'ripening' THEN 6 ELSE 7 END
    LIMIT 1), 'waiting') AS state,
  (SELECT t.first_seen_s - r.zero_s FROM trail t JOIN field f ON f.field_id = t.field_id
    WHERE f.run_id = r.run_id AND t.confirmed AND t.birth_kind = 'born' AND t.first_seen_s >= r.zero_s
    ORDER BY t.first_seen_s, t.crystal_id LIMIT 1) AS induction_s,
  (SELECT COALESCE(t.birth_low_s, t.last_clear_s) - r.zero_s FROM trail t JOIN field f ON f.field_id = t.field_id
    WHERE f.run_id = r.run_id AND t.confirmed AND t.birth_kind = 'born' AND t.first_seen_s >= r.zero_s
    ORDER BY t.first_seen_s, t.crystal_id LIMIT 1) AS induction_low_s,
  (SELECT t.first_seen_s - r.zero_s FROM trail t JOIN field f ON f.field_id = t.field_id
    WHERE f.run_id = r.run_id AND t.confirmed AND t.birth_kind = 'born' AND t.first_seen_s >= r.zero_s
    ORDER BY t.first_seen_s, t.crystal_id LIMIT 1) AS induction_high_s,
  r.detection_limit_px * r.um_per_px AS detection_limit_um,
  (SELECT CASE WHEN COUNT(f.completed_at) = COUNT(*) THEN MAX(f.completed_at) END
    FROM field f WHERE f.run_id = r.run_id) AS completed_at,
  (SELECT CASE WHEN COUNT(f.completed_elapsed_s) = COUNT(*) THEN MAX(f.completed_elapsed_s) END - r.zero_s
    FROM field f WHERE f.run_id = r.run_id) AS completed_elapsed_s,
  (SELECT CASE WHEN COUNT(fr.t95_elapsed_s) = COUNT(*) THEN MAX(fr.t95_elapsed_s) END - r.zero_s FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS t95_elapsed_s,
  (SELECT CASE WHEN COUNT(fr.t95_low_s) = COUNT(*) THEN MAX(fr.t95_low_s) END - r.zero_s FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS t95_low_s,
  (SELECT CASE WHEN COUNT(fr.t95_high_s) = COUNT(*) THEN MAX(fr.t95_high_s) END - r.zero_s FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS t95_high_s,
  r.backend, r.model,
  (SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = r.run_id AND l.reason = 'superseded') AS frames_superseded,
  (SELECT CAST(COALESCE(SUM(fr.crystal_count), 0) AS BIGINT) FROM field f JOIN frame fr ON fr.frame_id = f.last_ok_frame_id WHERE f.run_id = r.run_id) AS crystals_in_view,
  r.zero_s, r.version, r.weights_sha256, r.detection_limit_px
FROM run r;
CREATE VIEW frame_log AS 
SELECT r.run_id, f.name AS field, fr.frame_index, fr.captured_at, fr.elapsed_s - r.zero_s AS elapsed_s,
  fr.status, fr.reason, fr.backend, fr.age_s, fr.focus, fr.light, fr.shift_x_px, fr.shift_y_px,
  fr.crystal_count AS count, fr.total_area_px, fr.total_area_um2, fr.fraction, fr.state,
  fr.t95_elapsed_s - r.zero_s AS t95_elapsed_s, fr.archived,
  r.name, s.session, fr.source_name, fr.time_source, fr.detail, fr.um_per_px, fr.width_px, fr.height_px,
  fr.hold_coverage, fr.t95_low_s - r.zero_s AS t95_low_s, fr.t95_high_s - r.zero_s AS t95_high_s,
  fr.t90_elapsed_s - r.zero_s AS t90_elapsed_s, fr.t90_low_s - r.zero_s AS t90_low_s,
  fr.t90_high_s - r.zero_s AS t90_high_s, fr.forecast_reason
FROM frame fr
  JOIN field f ON f.field_id = fr.field_id
  JOIN run r ON r.run_id = f.run_id
  JOIN grabber_session s ON s.session_id = fr.session_id;
CREATE VIEW growth_history AS 
SELECT r.run_id, f.name AS field, p.crystal_id, fr.frame_index, fr.captured_at,
  fr.elapsed_s - r.zero_s AS elapsed_s,
  p.area_px, p.area_um2, p.equivalent_diameter_px, p.equivalent_diameter_um, p.feret_max_um, p.feret_min_um,
  p.length_um, p.width_um, p.orientation_deg, p.perimeter_um, p.aspect_ratio, p.solidity, p.circularity,
  p.centroid_x_px, p.centroid_y_px, p.touches_border, (p.contacts IS NOT NULL) AS in_contact, p.carried,
  p.score, p.habit, fr.backend,
  r.name, p.feret_max_px, p.feret_min_px, p.length_px, p.width_px, p.perimeter_px, p.fit_for_growth,
  p.revision, p.rate_um_per_s AS growth_rate_um_per_s, p.low_um_per_s AS growth_rate_low_um_per_s,
  p.high_um_per_s AS growth_rate_high_um_per_s, p.fit_window_s, p.detection_floor_um_per_s
FROM point p
  JOIN trail t ON t.field_id = p.field_id AND t.crystal_id = p.crystal_id
  JOIN frame fr ON fr.frame_id = p.frame_id AND fr.field_id = p.field_id
  JOIN field f ON f.field_id = p.field_id
  JOIN run r ON r.run_id = f.run_id
WHERE t.confirmed AND NOT p.superseded;
CREATE VIEW trail_summary AS 
SELECT r.run_id, f.name AS field, t.crystal_id, t.birth_kind, t.first_seen_s - r.zero_s AS first_seen_s,
  t.birth_s - r.zero_s AS birth_s,
  CASE WHEN t.birth_kind = 'born' THEN COALESCE(t.birth_low_s, t.last_clear_s) END - r.zero_s AS birth_low_s,
  CASE WHEN t.birth_kind = 'born' THEN COALESCE(t.birth_high_s, t.first_seen_s) END - r.zero_s AS
  birth_high_s, t.ended_s - r.zero_s AS ended_s, t.end_reason, t.merged_into, t.points, t.fit_points,
  t.fit_window_s, t.first_area_px, t.last_area_px, t.first_area_um2, t.last_area_um2, t.max_area_um2,
  t.rate_px_per_s AS growth_rate_px_per_s, t.rate_um_per_s AS growth_rate_um_per_s,
  t.low_um_per_s AS growth_rate_low_um_per_s, t.high_um_per_s AS growth_rate_high_um_per_s,
  t.detection_floor_um_per_s,
  r.name, t.last_seen_s - r.zero_s AS last_seen_s, t.max_area_px, t.low_px_per_s AS growth_rate_low_px_per_s,
  t.high_px_per_s AS growth_rate_high_px_per_s, t.front_speed_px_per_s, t.fit_coverage, t.split_from,
  t.fit_ended_s - r.zero_s AS fit_ended_s
FROM trail t
  JOIN field f ON f.field_id = t.field_id
  JOIN run r ON r.run_id = f.run_id
WHERE t.confirmed;
CREATE VIEW csd AS 
SELECT r.run_id, f.name AS field, fr.frame_index, fr.elapsed_s - r.zero_s AS elapsed_s, d.weighting,
  d.border_rule, d.count, d.d10_um, d.d50_um, d.d90_um, d.mean_um, d.cv, d.span, r.name, fr.captured_at
FROM size_distribution d
  JOIN frame fr ON fr.frame_id = d.frame_id
  JOIN field f ON f.field_id = fr.field_id
  JOIN run r ON r.run_id = f.run_id;
CREATE VIEW event_log AS 
SELECT r.run_id, e.event_id, e.field, e.at, e.elapsed_s - r.zero_s AS elapsed_s, e.kind, e.crystal_id,
  e.message, e.value, e.acknowledged_at, r.name, e.rule, e.alert_kind, e.limit_value, e.details
FROM event e
  JOIN run r ON r.run_id = e.run_id;
CREATE VIEW session_log AS 
SELECT s.run_id, s.session, s.first_seen_at, s.first_index, s.next_index - 1 AS last_index,
  s.next_index - s.first_index AS sent,
  (SELECT COUNT(*) FROM frame fr WHERE fr.session_id = s.session_id) AS considered,
  (SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = s.run_id AND l.session = s.session AND l.reason <> 'superseded') AS lost,
  (SELECT CAST(COALESCE(SUM(l.count), 0) AS BIGINT) FROM frame_loss l
    WHERE l.run_id = s.run_id AND l.session = s.session AND l.reason = 'superseded') AS superseded,
  s.ended, s.ended_at, s.tail_at_most
FROM grabber_session s;
COMMIT;
