BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE artifacts (
	name VARCHAR(200) NOT NULL, 
	media_type VARCHAR(100) NOT NULL, 
	uri VARCHAR(1024) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	id VARCHAR(16) NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_artifacts PRIMARY KEY (id), 
	CONSTRAINT fk_artifacts_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_artifacts_job_id_name UNIQUE (job_id, name)
);
INSERT INTO "artifacts" VALUES('predictions_test.json','application/json','file:///artifacts/predictions_test.json','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',100,'qw46bxrsphd0w8mb','95mzdrz0f59e8dea',2,'2026-11-27 09:51:54.911731');
CREATE TABLE attempts (
	id VARCHAR(16) NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	worker_id VARCHAR(16), 
	token INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	host VARCHAR(200), 
	pid INTEGER, 
	process_started_at DOUBLE, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	lease_expires_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	exit_code INTEGER, 
	signal INTEGER, 
	reason_code VARCHAR(64), 
	reason TEXT, 
	resumed_from_step INTEGER, 
	environment JSON, 
	CONSTRAINT pk_attempts PRIMARY KEY (id), 
	CONSTRAINT fk_attempts_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_attempts_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id) ON DELETE SET NULL, 
	CONSTRAINT uq_attempts_job_id_token UNIQUE (job_id, token)
);
INSERT INTO "attempts" VALUES('d0pnkvc9zkwnt1ht','95mzdrz0f59e8dea','g1kzep372nawf3ax',1,'lost','gpu-1',18,1.5,'2026-11-27 09:51:54.481150','2026-11-27 09:51:54.643461','2026-11-27 09:51:53.481150','2026-11-27 09:51:54.662363',NULL,NULL,'lease_lost','its worker stopped reporting, and its lease ran out',NULL,'{"torch": "2.13.0", "threads": 2}');
INSERT INTO "attempts" VALUES('78xa8y3yvr9zw9p1','95mzdrz0f59e8dea','g1kzep372nawf3ax',2,'succeeded','gpu-1',18,1.5,'2026-11-27 09:51:54.700577','2026-11-27 09:51:55.070264','2026-11-27 09:52:54.700577','2026-11-27 09:51:55.070264',0,NULL,NULL,NULL,NULL,'{"torch": "2.13.0", "threads": 2}');
INSERT INTO "attempts" VALUES('k6tmyxry8gtn70pc','qedpn7d1zdmtfcct','g1kzep372nawf3ax',1,'running','gpu-1',18,1.5,'2026-11-27 09:51:55.158201','2026-11-27 09:51:55.253969','2026-11-27 09:51:54.158201',NULL,NULL,NULL,NULL,NULL,NULL,'{"torch": "2.13.0", "threads": 2}');
CREATE TABLE checkpoints (
	kind VARCHAR(16) NOT NULL, 
	step INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	uri VARCHAR(1024) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	details JSON NOT NULL, 
	id VARCHAR(16) NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_checkpoints PRIMARY KEY (id), 
	CONSTRAINT fk_checkpoints_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_checkpoints_job_id_kind_step UNIQUE (job_id, kind, step)
);
INSERT INTO "checkpoints" VALUES('state',10,2,'file:///artifacts/state','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','myyh6k2zqggx90z4','95mzdrz0f59e8dea',2,'2026-11-27 09:51:54.938473');
INSERT INTO "checkpoints" VALUES('best',10,2,'file:///artifacts/best','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','ymak3vkvzs6na5e8','95mzdrz0f59e8dea',2,'2026-11-27 09:51:55.024349');
INSERT INTO "checkpoints" VALUES('weights',10,2,'file:///artifacts/weights','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','ef025wnppah8zq8j','95mzdrz0f59e8dea',2,'2026-11-27 09:51:55.052858');
INSERT INTO "checkpoints" VALUES('export',10,2,'file:///artifacts/export','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','vf36xkfhd2n01bcg','95mzdrz0f59e8dea',2,'2026-11-27 09:51:55.058004');
CREATE TABLE cited_rows (
	experiment_id VARCHAR(16) NOT NULL, 
	label VARCHAR(200) NOT NULL, 
	metrics JSON NOT NULL, 
	source VARCHAR(500) NOT NULL, 
	url VARCHAR(2000), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_cited_rows PRIMARY KEY (experiment_id, label), 
	CONSTRAINT fk_cited_rows_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
CREATE TABLE evaluations (
	split VARCHAR(8) NOT NULL, 
	step INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	evaluator VARCHAR(100) NOT NULL, 
	dataset_hash VARCHAR(64) NOT NULL, 
	num_images INTEGER NOT NULL, 
	num_boxes INTEGER NOT NULL, 
	metrics JSON NOT NULL, 
	per_class JSON NOT NULL, 
	id VARCHAR(16) NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_evaluations PRIMARY KEY (id), 
	CONSTRAINT fk_evaluations_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_evaluations_job_id_split_step UNIQUE (job_id, split, step)
);
INSERT INTO "evaluations" VALUES('test',10,2,'faster-coco-eval 1.8.0','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,5,'{"ap": 0.123456789012345, "ap_s": null}','{"RBC": {"ap": 0.25}}','99ysqhwr7pbtjymy','95mzdrz0f59e8dea',2,'2026-11-27 09:51:54.876912');
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	experiment_id VARCHAR(16), 
	job_id VARCHAR(16), 
	kind VARCHAR(32) NOT NULL, 
	message TEXT NOT NULL, 
	data JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_events_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE, 
	CONSTRAINT fk_events_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "events" VALUES(1,'7br3sjeb4z1z9pak',NULL,'experiment.submitted','blood-cells was submitted','{}','2026-11-27 09:51:54.282172');
INSERT INTO "events" VALUES(2,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.state','teacher: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-27 09:51:54.282172');
INSERT INTO "events" VALUES(3,NULL,'0vnkf5zga30achhq','job.state','alone: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-27 09:51:54.415696');
INSERT INTO "events" VALUES(4,NULL,'0vnkf5zga30achhq','job.state','alone: queued to cancelled (on request)','{"from": "queued", "to": "cancelled", "reason_code": "cancelled"}','2026-11-27 09:51:54.440834');
INSERT INTO "events" VALUES(5,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.state','teacher: queued to running','{"from": "queued", "to": "running", "reason_code": null}','2026-11-27 09:51:54.481150');
INSERT INTO "events" VALUES(6,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.warning','two boxes are tiny','{"code": "tiny_boxes", "count": 2, "details": {}}','2026-11-27 09:51:54.632821');
INSERT INTO "events" VALUES(7,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.state','teacher: running to queued (its worker stopped reporting, and its lease ran out)','{"from": "running", "to": "queued", "reason_code": "lease_lost"}','2026-11-27 09:51:54.662363');
INSERT INTO "events" VALUES(8,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.state','teacher: queued to running','{"from": "queued", "to": "running", "reason_code": "lease_lost"}','2026-11-27 09:51:54.700577');
INSERT INTO "events" VALUES(9,'7br3sjeb4z1z9pak','95mzdrz0f59e8dea','job.state','teacher: running to succeeded','{"from": "running", "to": "succeeded", "reason_code": null}','2026-11-27 09:51:55.070264');
INSERT INTO "events" VALUES(10,'7br3sjeb4z1z9pak','0he5vxdgtt3rhdvb','job.state','frs seed 0: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-27 09:51:55.070264');
INSERT INTO "events" VALUES(11,'7br3sjeb4z1z9pak','qedpn7d1zdmtfcct','job.state','none seed 0: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-27 09:51:55.070264');
INSERT INTO "events" VALUES(12,'7br3sjeb4z1z9pak','qedpn7d1zdmtfcct','job.state','none seed 0: queued to running','{"from": "queued", "to": "running", "reason_code": null}','2026-11-27 09:51:55.158201');
INSERT INTO "events" VALUES(13,'7br3sjeb4z1z9pak','qedpn7d1zdmtfcct','job.warning','two boxes are tiny','{"code": "tiny_boxes", "count": 2, "details": {}}','2026-11-27 09:51:55.244340');
CREATE TABLE experiment_tags (
	experiment_id VARCHAR(16) NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_experiment_tags PRIMARY KEY (experiment_id, tag), 
	CONSTRAINT fk_experiment_tags_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
INSERT INTO "experiment_tags" VALUES('7br3sjeb4z1z9pak','blood');
CREATE TABLE experiments (
	id VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	spec JSON NOT NULL, 
	submitted_by VARCHAR(200), 
	dataset_report JSON, 
	created_at DATETIME NOT NULL, 
	archived_at DATETIME, 
	CONSTRAINT pk_experiments PRIMARY KEY (id)
);
INSERT INTO "experiments" VALUES('7br3sjeb4z1z9pak','blood-cells','{"schema_version": 1, "name": "blood-cells", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "train": {"epochs": 2}, "checkpoint": null, "init": "scratch", "seed": 0, "min_ap": null, "cache": null, "precision": "fp32", "reuse": true}, "student": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch"}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "methods": [{"name": "none", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": [], "search": null, "reuse": null}, {"name": "frs", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": [], "search": null, "reuse": null}], "seeds": [0], "search_seed": 1000, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "expected": {}, "tags": ["blood"], "submitted_by": "ann"}','ann','{"classes": ["RBC", "WBC", "Platelets"], "splits": {"train": {"images": 2, "boxes": 5, "per_class": {"RBC": 4, "WBC": 1, "Platelets": 0}}}, "dataset_hash": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "errors": [], "warnings": []}','2026-11-27 09:51:54.282172',NULL);
CREATE TABLE idempotency_keys (
	"key" VARCHAR(200) NOT NULL, 
	request_hash VARCHAR(64) NOT NULL, 
	resource_id VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY ("key")
);
INSERT INTO "idempotency_keys" VALUES('first','2aca924342f8980237ad2d3df9cf456a6f31f241b3cf015c2484d19b4a36aed0','7br3sjeb4z1z9pak','2026-11-27 09:51:54.274862');
CREATE TABLE job_dependencies (
	job_id VARCHAR(16) NOT NULL, 
	depends_on_id VARCHAR(16) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_job_dependencies PRIMARY KEY (job_id, depends_on_id), 
	CONSTRAINT fk_job_dependencies_depends_on_id FOREIGN KEY(depends_on_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_job_dependencies_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "job_dependencies" VALUES('qedpn7d1zdmtfcct','95mzdrz0f59e8dea','teacher');
INSERT INTO "job_dependencies" VALUES('0he5vxdgtt3rhdvb','95mzdrz0f59e8dea','teacher');
CREATE TABLE jobs (
	id VARCHAR(16) NOT NULL, 
	experiment_id VARCHAR(16), 
	position INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	label VARCHAR(200) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	method VARCHAR(64), 
	seed INTEGER NOT NULL, 
	spec JSON NOT NULL, 
	job_key VARCHAR(64) NOT NULL, 
	submitted_by VARCHAR(200), 
	state VARCHAR(16) NOT NULL, 
	desired_state VARCHAR(16) NOT NULL, 
	priority INTEGER NOT NULL, 
	rank DOUBLE NOT NULL, 
	gpus INTEGER NOT NULL, 
	not_before DATETIME, 
	created_at DATETIME NOT NULL, 
	queued_at DATETIME, 
	started_at DATETIME, 
	finished_at DATETIME, 
	token INTEGER NOT NULL, 
	num_attempts INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	phase VARCHAR(16), 
	step INTEGER NOT NULL, 
	total_steps INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	total_epochs INTEGER NOT NULL, 
	eta_seconds DOUBLE, 
	latest_loss DOUBLE, 
	latest_ap DOUBLE, 
	reason_code VARCHAR(64), 
	reason TEXT, 
	reason_field VARCHAR(200), cost JSON, compiled_operators BOOLEAN DEFAULT 0 NOT NULL, search JSON, reuse BOOLEAN DEFAULT 0 NOT NULL, reused_from VARCHAR(16), 
	CONSTRAINT pk_jobs PRIMARY KEY (id), 
	CONSTRAINT fk_jobs_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
INSERT INTO "jobs" VALUES('95mzdrz0f59e8dea','7br3sjeb4z1z9pak',0,'train','teacher','teacher','teacher',NULL,0,'{"schema_version": 1, "kind": "train", "name": "teacher", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": null, "method": null, "schedule": {"epochs": 2, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}','1eab6ed0a9627192a59b4b1fbb38bc656cddc23d053b98d177f6b1fe50da7ebc','ann','succeeded','run',0,1.79577311428217196468e+09,0,NULL,'2026-11-27 09:51:54.282172','2026-11-27 09:51:54.282172','2026-11-27 09:51:54.700577','2026-11-27 09:51:55.070264',2,2,3,'training',10,10,1,2,NULL,1.25,NULL,NULL,NULL,NULL,NULL,0,NULL,1,NULL);
INSERT INTO "jobs" VALUES('qedpn7d1zdmtfcct','7br3sjeb4z1z9pak',1,'distill','student','none','none seed 0','none',0,'{"schema_version": 1, "kind": "distill", "name": "none seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "cache": null, "precision": "fp32"}, "method": {"name": "none", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": []}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}','16752099f29b7a4abeff4a10b20c0276397beab604468b78e2012741b08c1027','ann','running','run',0,1.79577317507026410102e+09,0,NULL,'2026-11-27 09:51:54.282172','2026-11-27 09:51:55.070264','2026-11-27 09:51:55.158201',NULL,1,1,3,'training',1,10,1,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,1,NULL);
INSERT INTO "jobs" VALUES('0he5vxdgtt3rhdvb','7br3sjeb4z1z9pak',2,'distill','student','frs','frs seed 0','frs',0,'{"schema_version": 1, "kind": "distill", "name": "frs seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "cache": null, "precision": "fp32"}, "method": {"name": "frs", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": []}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}','055abba16bdd2b76703867c0f8d25587c5dec14264773680e476f09670370ad0','ann','queued','run',0,1.79577323507026410109e+09,0,NULL,'2026-11-27 09:51:54.282172','2026-11-27 09:51:55.070264',NULL,NULL,0,0,3,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,NULL);
INSERT INTO "jobs" VALUES('0vnkf5zga30achhq',NULL,0,'evaluate','detector','alone','alone',NULL,0,'{"schema_version": 1, "kind": "evaluate", "name": "alone", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": "/weights/teacher.pth", "init": "scratch", "teacher": null, "method": null, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}','2109d9b093e73c9de368551313c5872eda124a1520ce22a816a3783ddd8d599e',NULL,'cancelled','cancel',0,1.79577311441569590572e+09,0,NULL,'2026-11-27 09:51:54.415696','2026-11-27 09:51:54.415696',NULL,'2026-11-27 09:51:54.440834',0,0,3,NULL,0,0,0,0,NULL,NULL,NULL,'cancelled','on request',NULL,NULL,0,NULL,0,NULL);
CREATE TABLE log_chunks (
	job_id VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_log_chunks PRIMARY KEY (job_id, token, "offset"), 
	CONSTRAINT fk_log_chunks_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "log_chunks" VALUES('95mzdrz0f59e8dea',1,0,'step 5
');
INSERT INTO "log_chunks" VALUES('95mzdrz0f59e8dea',2,0,'step 10
');
INSERT INTO "log_chunks" VALUES('qedpn7d1zdmtfcct',1,0,'step 1
');
CREATE TABLE metric_buckets (
	series_id INTEGER NOT NULL, 
	bucket INTEGER NOT NULL, 
	low DOUBLE, 
	high DOUBLE, 
	last_step INTEGER NOT NULL, 
	num_nonfinite INTEGER NOT NULL, 
	CONSTRAINT pk_metric_buckets PRIMARY KEY (series_id, bucket), 
	CONSTRAINT fk_metric_buckets_series_id_metric_series FOREIGN KEY(series_id) REFERENCES metric_series (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "metric_buckets" VALUES(1,0,1.25,1.25,10,0);
INSERT INTO "metric_buckets" VALUES(2,0,0.001,0.001,10,0);
INSERT INTO "metric_buckets" VALUES(3,0,NULL,NULL,1,1);
INSERT INTO "metric_buckets" VALUES(4,0,0.001,0.001,1,0);
CREATE TABLE metric_points (
	series_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	value DOUBLE, 
	nonfinite VARCHAR(4), 
	time DOUBLE NOT NULL, 
	CONSTRAINT pk_metric_points PRIMARY KEY (series_id, step), 
	CONSTRAINT fk_metric_points_series_id FOREIGN KEY(series_id) REFERENCES metric_series (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "metric_points" VALUES(1,10,1.25,NULL,2.0);
INSERT INTO "metric_points" VALUES(2,10,0.001,NULL,2.0);
INSERT INTO "metric_points" VALUES(3,1,NULL,'nan',2.0);
INSERT INTO "metric_points" VALUES(4,1,0.001,NULL,2.0);
CREATE TABLE metric_series (
	id INTEGER NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_metric_series PRIMARY KEY (id), 
	CONSTRAINT fk_metric_series_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_metric_series_job_id_name UNIQUE (job_id, name)
);
INSERT INTO "metric_series" VALUES(1,'95mzdrz0f59e8dea','train/loss');
INSERT INTO "metric_series" VALUES(2,'95mzdrz0f59e8dea','train/lr');
INSERT INTO "metric_series" VALUES(3,'qedpn7d1zdmtfcct','train/loss');
INSERT INTO "metric_series" VALUES(4,'qedpn7d1zdmtfcct','train/lr');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	not_before DATETIME, 
	published_at DATETIME, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT fk_outbox_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "outbox" VALUES(1,'95mzdrz0f59e8dea','2026-11-27 09:51:54.414648',NULL,NULL);
INSERT INTO "outbox" VALUES(2,'0vnkf5zga30achhq','2026-11-27 09:51:54.427628',NULL,NULL);
INSERT INTO "outbox" VALUES(3,'95mzdrz0f59e8dea','2026-11-27 09:51:54.695541','2026-11-27 09:51:54.662363',NULL);
INSERT INTO "outbox" VALUES(4,'0he5vxdgtt3rhdvb','2026-11-27 09:51:55.124060',NULL,NULL);
INSERT INTO "outbox" VALUES(5,'qedpn7d1zdmtfcct','2026-11-27 09:51:55.132605',NULL,NULL);
CREATE TABLE resampled_ap (
	matches_sha256 VARCHAR(64) NOT NULL, 
	num_draws INTEGER NOT NULL, 
	"values" BLOB NOT NULL, 
	CONSTRAINT pk_resampled_ap PRIMARY KEY (matches_sha256)
);
CREATE TABLE standing_facets (
	experiment_id VARCHAR(16) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	value VARCHAR(255) NOT NULL, 
	archived BOOLEAN NOT NULL, 
	CONSTRAINT pk_standing_facets PRIMARY KEY (experiment_id, kind, value), 
	CONSTRAINT fk_standing_facets_experiment_id FOREIGN KEY(experiment_id) REFERENCES standings (experiment_id) ON DELETE CASCADE
);
CREATE TABLE standings (
	experiment_id VARCHAR(16) NOT NULL, 
	event_id BIGINT NOT NULL, 
	num_events INTEGER NOT NULL, 
	archived BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	name_folded VARCHAR(600) NOT NULL, 
	owner VARCHAR(200), 
	state VARCHAR(16) NOT NULL, 
	state_order INTEGER NOT NULL, 
	dataset VARCHAR(255) NOT NULL, 
	num_jobs INTEGER NOT NULL, 
	job_states JSON NOT NULL, 
	seeds_done INTEGER NOT NULL, 
	seeds_total INTEGER NOT NULL, 
	best_label VARCHAR(200), 
	best_ap DOUBLE, 
	best_delta DOUBLE, 
	best_n INTEGER NOT NULL, 
	is_clear BOOLEAN NOT NULL, 
	CONSTRAINT pk_standings PRIMARY KEY (experiment_id), 
	CONSTRAINT fk_standings_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
CREATE TABLE standings_watermark (
	id INTEGER NOT NULL, 
	event_id BIGINT NOT NULL, 
	CONSTRAINT pk_standings_watermark PRIMARY KEY (id)
);
CREATE TABLE workers (
	id VARCHAR(16) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	devices JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, desired_state VARCHAR(16) DEFAULT 'run' NOT NULL, usage JSON, 
	CONSTRAINT pk_workers PRIMARY KEY (id)
);
INSERT INTO "workers" VALUES('g1kzep372nawf3ax','gpu-1',17,'0.1.0','{"gpus": 1}','online','2026-11-27 09:51:54.127564','2026-11-27 09:51:54.127564','run',NULL);
CREATE INDEX ix_experiments_created_at_id ON experiments (created_at, id);
CREATE INDEX ix_experiments_submitted_by ON experiments (submitted_by);
CREATE INDEX ix_experiment_tags_tag ON experiment_tags (tag);
CREATE INDEX ix_jobs_created_at_id ON jobs (created_at, id);
CREATE INDEX ix_jobs_experiment_id ON jobs (experiment_id);
CREATE INDEX ix_jobs_job_key ON jobs (job_key);
CREATE INDEX ix_jobs_method ON jobs (method);
CREATE INDEX ix_jobs_queue ON jobs (rank, id) WHERE state = 'queued';
CREATE INDEX ix_attempts_lease ON attempts (lease_expires_at) WHERE state = 'running';
CREATE UNIQUE INDEX uq_attempts_one_running ON attempts (job_id) WHERE state = 'running';
CREATE INDEX ix_checkpoints_sha256 ON checkpoints (sha256);
CREATE INDEX ix_events_experiment_id ON events (experiment_id);
CREATE INDEX ix_events_job_id ON events (job_id);
CREATE INDEX ix_job_dependencies_depends_on_id ON job_dependencies (depends_on_id);
CREATE INDEX ix_outbox_job_id ON outbox (job_id);
CREATE INDEX ix_outbox_unpublished ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX ix_standings_created ON standings (archived, created_at, experiment_id);
CREATE INDEX ix_standings_name_folded ON standings (archived, name_folded, created_at, experiment_id);
CREATE INDEX ix_standings_best_ap ON standings (archived, best_ap, created_at, experiment_id);
CREATE INDEX ix_standings_best_delta ON standings (archived, best_delta, created_at, experiment_id);
CREATE INDEX ix_standings_state_order ON standings (archived, state_order, created_at, experiment_id);
CREATE INDEX ix_standings_owner ON standings (archived, owner, created_at, experiment_id);
CREATE INDEX ix_standing_facets_value ON standing_facets (archived, kind, value, experiment_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',13);
COMMIT;
