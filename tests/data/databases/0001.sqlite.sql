BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "artifacts" VALUES('predictions_test.json','application/json','file:///artifacts/predictions_test.json','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',100,'b43shfqbc7erpwe9','qc9sqbh186yddgs2',2,'2026-11-23 05:47:09.139692');
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
INSERT INTO "attempts" VALUES('b3rb15v58sb3nknc','qc9sqbh186yddgs2','canst5hg1mh7v33g',1,'lost','gpu-1',18,1.5,'2026-11-23 05:47:09.032344','2026-11-23 05:47:09.093928','2026-11-23 05:47:08.032344','2026-11-23 05:47:09.100695',NULL,NULL,'lease_lost','its worker stopped reporting',NULL,'{"torch": "2.13.0", "threads": 2}');
INSERT INTO "attempts" VALUES('x95rrhjwtr52a4xg','qc9sqbh186yddgs2','canst5hg1mh7v33g',2,'succeeded','gpu-1',18,1.5,'2026-11-23 05:47:09.108758','2026-11-23 05:47:09.162055','2026-11-23 05:48:09.108758','2026-11-23 05:47:09.162055',0,NULL,NULL,NULL,NULL,'{"torch": "2.13.0", "threads": 2}');
INSERT INTO "attempts" VALUES('d5s2dfgn8vkxc0mh','9pegpvw72ahybhqg','canst5hg1mh7v33g',1,'running','gpu-1',18,1.5,'2026-11-23 05:47:09.184730','2026-11-23 05:47:09.201540','2026-11-23 05:47:08.184730',NULL,NULL,NULL,NULL,NULL,NULL,'{"torch": "2.13.0", "threads": 2}');
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
INSERT INTO "checkpoints" VALUES('state',10,2,'file:///artifacts/state','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','yj93b8c3bb6wcxf6','qc9sqbh186yddgs2',2,'2026-11-23 05:47:09.142072');
INSERT INTO "checkpoints" VALUES('weights',10,2,'file:///artifacts/weights','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','tjjsgnqayjr2e17h','qc9sqbh186yddgs2',2,'2026-11-23 05:47:09.151188');
INSERT INTO "checkpoints" VALUES('export',10,2,'file:///artifacts/export','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,'{}','1mhqsvtnxt7wg5qz','qc9sqbh186yddgs2',2,'2026-11-23 05:47:09.157397');
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
INSERT INTO "evaluations" VALUES('test',10,2,'faster-coco-eval 1.8.0','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,5,'{"ap": 0.123456789012345, "ap_s": null}','{"RBC": {"ap": 0.25}}','xkrwwaq09fxe47f0','qc9sqbh186yddgs2',2,'2026-11-23 05:47:09.134753');
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
INSERT INTO "events" VALUES(1,'gx1skkpsrs808b2g',NULL,'experiment.submitted','blood-cells was submitted','{}','2026-11-23 05:47:08.984252');
INSERT INTO "events" VALUES(2,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.state','teacher: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-23 05:47:08.984252');
INSERT INTO "events" VALUES(3,NULL,'y3vxkcdxnbzn5m61','job.state','alone: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-23 05:47:09.010724');
INSERT INTO "events" VALUES(4,NULL,'y3vxkcdxnbzn5m61','job.state','alone: queued to cancelled (on request)','{"from": "queued", "to": "cancelled", "reason_code": "cancelled"}','2026-11-23 05:47:09.019110');
INSERT INTO "events" VALUES(5,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.state','teacher: queued to running','{"from": "queued", "to": "running", "reason_code": null}','2026-11-23 05:47:09.032344');
INSERT INTO "events" VALUES(6,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.warning','two boxes are tiny','{"code": "tiny_boxes", "count": 2, "details": {}}','2026-11-23 05:47:09.087165');
INSERT INTO "events" VALUES(7,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.state','teacher: running to queued (the worker stopped reporting)','{"from": "running", "to": "queued", "reason_code": "lease_lost"}','2026-11-23 05:47:09.100695');
INSERT INTO "events" VALUES(8,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.state','teacher: queued to running (the worker stopped reporting)','{"from": "queued", "to": "running", "reason_code": "lease_lost"}','2026-11-23 05:47:09.108758');
INSERT INTO "events" VALUES(9,'gx1skkpsrs808b2g','qc9sqbh186yddgs2','job.state','teacher: running to succeeded','{"from": "running", "to": "succeeded", "reason_code": null}','2026-11-23 05:47:09.162055');
INSERT INTO "events" VALUES(10,'gx1skkpsrs808b2g','9pegpvw72ahybhqg','job.state','none seed 0: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-23 05:47:09.162055');
INSERT INTO "events" VALUES(11,'gx1skkpsrs808b2g','c37pakafnss509bb','job.state','frs seed 0: waiting to queued','{"from": "waiting", "to": "queued", "reason_code": null}','2026-11-23 05:47:09.162055');
INSERT INTO "events" VALUES(12,'gx1skkpsrs808b2g','9pegpvw72ahybhqg','job.state','none seed 0: queued to running','{"from": "queued", "to": "running", "reason_code": null}','2026-11-23 05:47:09.184730');
INSERT INTO "events" VALUES(13,'gx1skkpsrs808b2g','9pegpvw72ahybhqg','job.warning','two boxes are tiny','{"code": "tiny_boxes", "count": 2, "details": {}}','2026-11-23 05:47:09.201031');
CREATE TABLE experiment_tags (
	experiment_id VARCHAR(16) NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_experiment_tags PRIMARY KEY (experiment_id, tag), 
	CONSTRAINT fk_experiment_tags_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
INSERT INTO "experiment_tags" VALUES('gx1skkpsrs808b2g','blood');
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
INSERT INTO "experiments" VALUES('gx1skkpsrs808b2g','blood-cells','{"schema_version": 1, "name": "blood-cells", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "train": {"epochs": 2, "batch_size": null, "optimizer": null}, "checkpoint": null, "seed": 0}, "student": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "methods": [{"name": "none", "label": null, "options": {}}, {"name": "frs", "label": null, "options": {}}], "seeds": [0], "resources": {"gpus": 0, "data_workers": 0}, "tags": ["blood"], "submitted_by": "ann"}','ann','{"classes": ["RBC", "WBC", "Platelets"], "splits": {"train": {"images": 2, "boxes": 5, "per_class": {"RBC": 4, "WBC": 1, "Platelets": 0}}}, "dataset_hash": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "errors": [], "warnings": []}','2026-11-23 05:47:08.984252',NULL);
CREATE TABLE idempotency_keys (
	"key" VARCHAR(200) NOT NULL, 
	request_hash VARCHAR(64) NOT NULL, 
	resource_id VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY ("key")
);
INSERT INTO "idempotency_keys" VALUES('first','2aca924342f8980237ad2d3df9cf456a6f31f241b3cf015c2484d19b4a36aed0','gx1skkpsrs808b2g','2026-11-23 05:47:08.982628');
CREATE TABLE job_dependencies (
	job_id VARCHAR(16) NOT NULL, 
	depends_on_id VARCHAR(16) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_job_dependencies PRIMARY KEY (job_id, depends_on_id), 
	CONSTRAINT fk_job_dependencies_depends_on_id FOREIGN KEY(depends_on_id) REFERENCES jobs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_job_dependencies_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "job_dependencies" VALUES('9pegpvw72ahybhqg','qc9sqbh186yddgs2','teacher');
INSERT INTO "job_dependencies" VALUES('c37pakafnss509bb','qc9sqbh186yddgs2','teacher');
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
	reason_field VARCHAR(200), 
	CONSTRAINT pk_jobs PRIMARY KEY (id), 
	CONSTRAINT fk_jobs_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
);
INSERT INTO "jobs" VALUES('qc9sqbh186yddgs2','gx1skkpsrs808b2g',0,'train','teacher','teacher','teacher',NULL,0,'{"schema_version": 1, "kind": "train", "name": "teacher", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": null, "method": null, "schedule": {"epochs": 2, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}','974840d962217971bca7ea79261f7acd44f85f705547113b480739f0a7a83582','ann','succeeded','run',0,1.79541282898425197606e+09,0,NULL,'2026-11-23 05:47:08.984252','2026-11-23 05:47:08.984252','2026-11-23 05:47:09.108758','2026-11-23 05:47:09.162055',2,2,3,'training',10,10,1,2,NULL,1.25,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('9pegpvw72ahybhqg','gx1skkpsrs808b2g',1,'distill','student','none','none seed 0','none',0,'{"schema_version": 1, "kind": "distill", "name": "none seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null}, "method": {"name": "none", "label": null, "options": {}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}','bf083661e91499b15e8e3a370401f9bccc3bf69f0d1cc89bbbfd357510977e9b','ann','running','run',0,1.79541288916205501557e+09,0,NULL,'2026-11-23 05:47:08.984252','2026-11-23 05:47:09.162055','2026-11-23 05:47:09.184730',NULL,1,1,3,'training',1,10,1,2,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('c37pakafnss509bb','gx1skkpsrs808b2g',2,'distill','student','frs','frs seed 0','frs',0,'{"schema_version": 1, "kind": "distill", "name": "frs seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null}, "method": {"name": "frs", "label": null, "options": {}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}','557425f177a8def3b10c52c98a1c3d9302c64e7daf94743430a14dc4456ff673','ann','queued','run',0,1.79541294916205501552e+09,0,NULL,'2026-11-23 05:47:08.984252','2026-11-23 05:47:09.162055',NULL,NULL,0,0,3,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('y3vxkcdxnbzn5m61',NULL,0,'evaluate','detector','alone','alone',NULL,0,'{"schema_version": 1, "kind": "evaluate", "name": "alone", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": "/weights/teacher.pth", "teacher": null, "method": null, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}','6ddb2ac5f631e785b4ebebf12dc59b436652e0259066e79fb61ddbb4cdb17b20',NULL,'cancelled','cancel',0,1.79541282901072406772e+09,0,NULL,'2026-11-23 05:47:09.010724','2026-11-23 05:47:09.010724',NULL,'2026-11-23 05:47:09.019110',0,0,3,NULL,0,0,0,0,NULL,NULL,NULL,'cancelled','on request',NULL);
CREATE TABLE log_chunks (
	job_id VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_log_chunks PRIMARY KEY (job_id, token, "offset"), 
	CONSTRAINT fk_log_chunks_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "log_chunks" VALUES('qc9sqbh186yddgs2',1,0,'step 5
');
INSERT INTO "log_chunks" VALUES('qc9sqbh186yddgs2',2,0,'step 10
');
INSERT INTO "log_chunks" VALUES('9pegpvw72ahybhqg',1,0,'step 1
');
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
INSERT INTO "metric_series" VALUES(1,'qc9sqbh186yddgs2','train/loss');
INSERT INTO "metric_series" VALUES(2,'qc9sqbh186yddgs2','train/lr');
INSERT INTO "metric_series" VALUES(3,'9pegpvw72ahybhqg','train/loss');
INSERT INTO "metric_series" VALUES(4,'9pegpvw72ahybhqg','train/lr');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	not_before DATETIME, 
	published_at DATETIME, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT fk_outbox_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "outbox" VALUES(1,'qc9sqbh186yddgs2','2026-11-23 05:47:09.010267',NULL,NULL);
INSERT INTO "outbox" VALUES(2,'y3vxkcdxnbzn5m61','2026-11-23 05:47:09.012326',NULL,NULL);
INSERT INTO "outbox" VALUES(3,'qc9sqbh186yddgs2','2026-11-23 05:47:09.103631','2026-11-23 05:47:09.100695',NULL);
INSERT INTO "outbox" VALUES(4,'9pegpvw72ahybhqg','2026-11-23 05:47:09.180506',NULL,NULL);
INSERT INTO "outbox" VALUES(5,'c37pakafnss509bb','2026-11-23 05:47:09.180511',NULL,NULL);
CREATE TABLE workers (
	id VARCHAR(16) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	devices JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	CONSTRAINT pk_workers PRIMARY KEY (id)
);
INSERT INTO "workers" VALUES('canst5hg1mh7v33g','gpu-1',17,'0.1.0','{"gpus": 1}','online','2026-11-23 05:47:08.946107','2026-11-23 05:47:08.946107');
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',13);
COMMIT;
