--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: artifacts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.artifacts (
    name character varying(200) NOT NULL,
    media_type character varying(100) NOT NULL,
    uri character varying(1024) NOT NULL,
    sha256 character varying(64) NOT NULL,
    size_bytes bigint NOT NULL,
    id character varying(16) NOT NULL,
    job_id character varying(16) NOT NULL,
    token integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: attempts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempts (
    id character varying(16) NOT NULL,
    job_id character varying(16) NOT NULL,
    worker_id character varying(16),
    token integer NOT NULL,
    state character varying(16) NOT NULL,
    host character varying(200),
    pid integer,
    process_started_at double precision,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    lease_expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    exit_code integer,
    signal integer,
    reason_code character varying(64),
    reason text,
    resumed_from_step integer,
    environment json
);


--
-- Name: checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.checkpoints (
    kind character varying(16) NOT NULL,
    step integer NOT NULL,
    epoch integer NOT NULL,
    uri character varying(1024) NOT NULL,
    sha256 character varying(64) NOT NULL,
    size_bytes bigint NOT NULL,
    details json NOT NULL,
    id character varying(16) NOT NULL,
    job_id character varying(16) NOT NULL,
    token integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: evaluations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.evaluations (
    split character varying(8) NOT NULL,
    step integer NOT NULL,
    epoch integer NOT NULL,
    evaluator character varying(100) NOT NULL,
    dataset_hash character varying(64) NOT NULL,
    num_images integer NOT NULL,
    num_boxes integer NOT NULL,
    metrics json NOT NULL,
    per_class json NOT NULL,
    id character varying(16) NOT NULL,
    job_id character varying(16) NOT NULL,
    token integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    experiment_id character varying(16),
    job_id character varying(16),
    kind character varying(32) NOT NULL,
    message text NOT NULL,
    data json NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;


--
-- Name: experiment_tags; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.experiment_tags (
    experiment_id character varying(16) NOT NULL,
    tag character varying(64) NOT NULL
);


--
-- Name: experiments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.experiments (
    id character varying(16) NOT NULL,
    name character varying(200) NOT NULL,
    spec json NOT NULL,
    submitted_by character varying(200),
    dataset_report json,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    key character varying(200) NOT NULL,
    request_hash character varying(64) NOT NULL,
    resource_id character varying(16) NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: job_dependencies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_dependencies (
    job_id character varying(16) NOT NULL,
    depends_on_id character varying(16) NOT NULL,
    role character varying(16) NOT NULL
);


--
-- Name: jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.jobs (
    id character varying(16) NOT NULL,
    experiment_id character varying(16),
    "position" integer NOT NULL,
    kind character varying(16) NOT NULL,
    role character varying(16) NOT NULL,
    label character varying(200) NOT NULL,
    name character varying(200) NOT NULL,
    method character varying(64),
    seed integer NOT NULL,
    spec json NOT NULL,
    job_key character varying(64) NOT NULL,
    submitted_by character varying(200),
    state character varying(16) NOT NULL,
    desired_state character varying(16) NOT NULL,
    priority integer NOT NULL,
    rank double precision NOT NULL,
    gpus integer NOT NULL,
    not_before timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    queued_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    token integer NOT NULL,
    num_attempts integer NOT NULL,
    max_attempts integer NOT NULL,
    phase character varying(16),
    step integer NOT NULL,
    total_steps integer NOT NULL,
    epoch integer NOT NULL,
    total_epochs integer NOT NULL,
    eta_seconds double precision,
    latest_loss double precision,
    latest_ap double precision,
    reason_code character varying(64),
    reason text,
    reason_field character varying(200)
);


--
-- Name: log_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.log_chunks (
    job_id character varying(16) NOT NULL,
    token integer NOT NULL,
    "offset" bigint NOT NULL,
    text text NOT NULL
);


--
-- Name: metric_points; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.metric_points (
    series_id bigint NOT NULL,
    step bigint NOT NULL,
    value double precision,
    nonfinite character varying(4),
    "time" double precision NOT NULL
);


--
-- Name: metric_series; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.metric_series (
    id bigint NOT NULL,
    job_id character varying(16) NOT NULL,
    name character varying(200) NOT NULL
);


--
-- Name: metric_series_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.metric_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: metric_series_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.metric_series_id_seq OWNED BY public.metric_series.id;


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    job_id character varying(16) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    not_before timestamp with time zone,
    published_at timestamp with time zone
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: outbox_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;


--
-- Name: workers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workers (
    id character varying(16) NOT NULL,
    host character varying(200) NOT NULL,
    pid integer NOT NULL,
    version character varying(64) NOT NULL,
    devices json NOT NULL,
    state character varying(16) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL
);


--
-- Name: events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);


--
-- Name: metric_series id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_series ALTER COLUMN id SET DEFAULT nextval('public.metric_series_id_seq'::regclass);


--
-- Name: outbox id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.alembic_version VALUES ('0001');


--
-- Data for Name: artifacts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.artifacts VALUES ('predictions_test.json', 'application/json', 'file:///artifacts/predictions_test.json', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 100, '3ztd8zpvyc83jht9', '8g527k12jve1dh73', 2, '2026-11-23 05:47:10.011325+00');


--
-- Data for Name: attempts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.attempts VALUES ('v28vwba7qyf79z1n', '8g527k12jve1dh73', 'f2c725rn5g7dpj0m', 1, 'lost', 'gpu-1', 18, 1.5, '2026-11-23 05:47:09.757667+00', '2026-11-23 05:47:09.860496+00', '2026-11-23 05:47:08.757667+00', '2026-11-23 05:47:09.886914+00', NULL, NULL, 'lease_lost', 'its worker stopped reporting', NULL, '{"torch": "2.13.0", "threads": 2}');
INSERT INTO public.attempts VALUES ('gmeh058zpqt29vx6', '8g527k12jve1dh73', 'f2c725rn5g7dpj0m', 2, 'succeeded', 'gpu-1', 18, 1.5, '2026-11-23 05:47:09.924888+00', '2026-11-23 05:47:10.077468+00', '2026-11-23 05:48:09.924888+00', '2026-11-23 05:47:10.077468+00', 0, NULL, NULL, NULL, NULL, '{"torch": "2.13.0", "threads": 2}');
INSERT INTO public.attempts VALUES ('wempxhrz5n9j5xr8', 'nvq9g4rsghwv5tsf', 'f2c725rn5g7dpj0m', 1, 'running', 'gpu-1', 18, 1.5, '2026-11-23 05:47:10.127959+00', '2026-11-23 05:47:10.184131+00', '2026-11-23 05:47:09.127959+00', NULL, NULL, NULL, NULL, NULL, NULL, '{"torch": "2.13.0", "threads": 2}');


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.checkpoints VALUES ('state', 10, 2, 'file:///artifacts/state', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', 'pwe4g8nht65px5t6', '8g527k12jve1dh73', 2, '2026-11-23 05:47:10.025831+00');
INSERT INTO public.checkpoints VALUES ('weights', 10, 2, 'file:///artifacts/weights', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', '28c4sa77hrwcv08a', '8g527k12jve1dh73', 2, '2026-11-23 05:47:10.05012+00');
INSERT INTO public.checkpoints VALUES ('export', 10, 2, 'file:///artifacts/export', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', 'wkhe55cevfydvvvz', '8g527k12jve1dh73', 2, '2026-11-23 05:47:10.059476+00');


--
-- Data for Name: evaluations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.evaluations VALUES ('test', 10, 2, 'faster-coco-eval 1.8.0', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 2, 5, '{"ap": 0.123456789012345, "ap_s": null}', '{"RBC": {"ap": 0.25}}', '3xpk12g55nqc63pk', '8g527k12jve1dh73', 2, '2026-11-23 05:47:10.005263+00');


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, 'nfby72wfe0evas2x', NULL, 'experiment.submitted', 'blood-cells was submitted', '{}', '2026-11-23 05:47:09.663652+00');
INSERT INTO public.events VALUES (2, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.state', 'teacher: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-23 05:47:09.663652+00');
INSERT INTO public.events VALUES (3, NULL, '55fgb4csrbzhgcp9', 'job.state', 'alone: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-23 05:47:09.710896+00');
INSERT INTO public.events VALUES (4, NULL, '55fgb4csrbzhgcp9', 'job.state', 'alone: queued to cancelled (on request)', '{"from": "queued", "to": "cancelled", "reason_code": "cancelled"}', '2026-11-23 05:47:09.730865+00');
INSERT INTO public.events VALUES (5, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.state', 'teacher: queued to running', '{"from": "queued", "to": "running", "reason_code": null}', '2026-11-23 05:47:09.757667+00');
INSERT INTO public.events VALUES (6, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.warning', 'two boxes are tiny', '{"code": "tiny_boxes", "count": 2, "details": {}}', '2026-11-23 05:47:09.851036+00');
INSERT INTO public.events VALUES (7, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.state', 'teacher: running to queued (the worker stopped reporting)', '{"from": "running", "to": "queued", "reason_code": "lease_lost"}', '2026-11-23 05:47:09.886914+00');
INSERT INTO public.events VALUES (8, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.state', 'teacher: queued to running (the worker stopped reporting)', '{"from": "queued", "to": "running", "reason_code": "lease_lost"}', '2026-11-23 05:47:09.924888+00');
INSERT INTO public.events VALUES (9, 'nfby72wfe0evas2x', '8g527k12jve1dh73', 'job.state', 'teacher: running to succeeded', '{"from": "running", "to": "succeeded", "reason_code": null}', '2026-11-23 05:47:10.077468+00');
INSERT INTO public.events VALUES (10, 'nfby72wfe0evas2x', 'n7gx7crks7drz36k', 'job.state', 'frs seed 0: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-23 05:47:10.077468+00');
INSERT INTO public.events VALUES (11, 'nfby72wfe0evas2x', 'nvq9g4rsghwv5tsf', 'job.state', 'none seed 0: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-23 05:47:10.077468+00');
INSERT INTO public.events VALUES (12, 'nfby72wfe0evas2x', 'nvq9g4rsghwv5tsf', 'job.state', 'none seed 0: queued to running', '{"from": "queued", "to": "running", "reason_code": null}', '2026-11-23 05:47:10.127959+00');
INSERT INTO public.events VALUES (13, 'nfby72wfe0evas2x', 'nvq9g4rsghwv5tsf', 'job.warning', 'two boxes are tiny', '{"code": "tiny_boxes", "count": 2, "details": {}}', '2026-11-23 05:47:10.17831+00');


--
-- Data for Name: experiment_tags; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.experiment_tags VALUES ('nfby72wfe0evas2x', 'blood');


--
-- Data for Name: experiments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.experiments VALUES ('nfby72wfe0evas2x', 'blood-cells', '{"schema_version": 1, "name": "blood-cells", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "train": {"epochs": 2, "batch_size": null, "optimizer": null}, "checkpoint": null, "seed": 0}, "student": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "methods": [{"name": "none", "label": null, "options": {}}, {"name": "frs", "label": null, "options": {}}], "seeds": [0], "resources": {"gpus": 0, "data_workers": 0}, "tags": ["blood"], "submitted_by": "ann"}', 'ann', '{"classes": ["RBC", "WBC", "Platelets"], "splits": {"train": {"images": 2, "boxes": 5, "per_class": {"RBC": 4, "WBC": 1, "Platelets": 0}}}, "dataset_hash": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "errors": [], "warnings": []}', '2026-11-23 05:47:09.663652+00', NULL);


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_keys VALUES ('first', '2aca924342f8980237ad2d3df9cf456a6f31f241b3cf015c2484d19b4a36aed0', 'nfby72wfe0evas2x', '2026-11-23 05:47:09.65341+00');


--
-- Data for Name: job_dependencies; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.job_dependencies VALUES ('nvq9g4rsghwv5tsf', '8g527k12jve1dh73', 'teacher');
INSERT INTO public.job_dependencies VALUES ('n7gx7crks7drz36k', '8g527k12jve1dh73', 'teacher');


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.jobs VALUES ('nvq9g4rsghwv5tsf', 'nfby72wfe0evas2x', 1, 'distill', 'student', 'none', 'none seed 0', 'none', 0, '{"schema_version": 1, "kind": "distill", "name": "none seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null}, "method": {"name": "none", "label": null, "options": {}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}', 'bf083661e91499b15e8e3a370401f9bccc3bf69f0d1cc89bbbfd357510977e9b', 'ann', 'running', 'run', 0, 1795412890.077468, 0, NULL, '2026-11-23 05:47:09.663652+00', '2026-11-23 05:47:10.077468+00', '2026-11-23 05:47:10.127959+00', NULL, 1, 1, 3, 'training', 1, 10, 1, 2, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.jobs VALUES ('8g527k12jve1dh73', 'nfby72wfe0evas2x', 0, 'train', 'teacher', 'teacher', 'teacher', NULL, 0, '{"schema_version": 1, "kind": "train", "name": "teacher", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": null, "method": null, "schedule": {"epochs": 2, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}', '974840d962217971bca7ea79261f7acd44f85f705547113b480739f0a7a83582', 'ann', 'succeeded', 'run', 0, 1795412829.663652, 0, NULL, '2026-11-23 05:47:09.663652+00', '2026-11-23 05:47:09.663652+00', '2026-11-23 05:47:09.924888+00', '2026-11-23 05:47:10.077468+00', 2, 2, 3, 'training', 10, 10, 1, 2, NULL, 1.25, NULL, NULL, NULL, NULL);
INSERT INTO public.jobs VALUES ('55fgb4csrbzhgcp9', NULL, 0, 'evaluate', 'detector', 'alone', 'alone', NULL, 0, '{"schema_version": 1, "kind": "evaluate", "name": "alone", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": "/weights/teacher.pth", "teacher": null, "method": null, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}', '6ddb2ac5f631e785b4ebebf12dc59b436652e0259066e79fb61ddbb4cdb17b20', NULL, 'cancelled', 'cancel', 0, 1795412829.710896, 0, NULL, '2026-11-23 05:47:09.710896+00', '2026-11-23 05:47:09.710896+00', NULL, '2026-11-23 05:47:09.730865+00', 0, 0, 3, NULL, 0, 0, 0, 0, NULL, NULL, NULL, 'cancelled', 'on request', NULL);
INSERT INTO public.jobs VALUES ('n7gx7crks7drz36k', 'nfby72wfe0evas2x', 2, 'distill', 'student', 'frs', 'frs seed 0', 'frs', 0, '{"schema_version": 1, "kind": "distill", "name": "frs seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null, "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null}, "checkpoint": null}, "method": {"name": "frs", "label": null, "options": {}}, "schedule": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9}, "warmup_steps": 50, "decay": "step", "clip_grad_norm": 10.0, "flip_probability": 0.5, "checkpoint_every_epochs": 1, "evaluate_every_epochs": 1}, "seed": 0, "resources": {"gpus": 0, "data_workers": 0}, "tags": [], "submitted_by": null}', '557425f177a8def3b10c52c98a1c3d9302c64e7daf94743430a14dc4456ff673', 'ann', 'queued', 'run', 0, 1795412950.077468, 0, NULL, '2026-11-23 05:47:09.663652+00', '2026-11-23 05:47:10.077468+00', NULL, NULL, 0, 0, 3, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: log_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.log_chunks VALUES ('8g527k12jve1dh73', 1, 0, 'step 5
');
INSERT INTO public.log_chunks VALUES ('8g527k12jve1dh73', 2, 0, 'step 10
');
INSERT INTO public.log_chunks VALUES ('nvq9g4rsghwv5tsf', 1, 0, 'step 1
');


--
-- Data for Name: metric_points; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.metric_points VALUES (1, 10, 1.25, NULL, 2);
INSERT INTO public.metric_points VALUES (2, 10, 0.001, NULL, 2);
INSERT INTO public.metric_points VALUES (5, 1, NULL, 'nan', 2);
INSERT INTO public.metric_points VALUES (6, 1, 0.001, NULL, 2);


--
-- Data for Name: metric_series; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.metric_series VALUES (1, '8g527k12jve1dh73', 'train/loss');
INSERT INTO public.metric_series VALUES (2, '8g527k12jve1dh73', 'train/lr');
INSERT INTO public.metric_series VALUES (5, 'nvq9g4rsghwv5tsf', 'train/loss');
INSERT INTO public.metric_series VALUES (6, 'nvq9g4rsghwv5tsf', 'train/lr');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox VALUES (1, '8g527k12jve1dh73', '2026-11-23 05:47:09.707741+00', NULL, NULL);
INSERT INTO public.outbox VALUES (2, '55fgb4csrbzhgcp9', '2026-11-23 05:47:09.721338+00', NULL, NULL);
INSERT INTO public.outbox VALUES (3, '8g527k12jve1dh73', '2026-11-23 05:47:09.915383+00', '2026-11-23 05:47:09.886914+00', NULL);
INSERT INTO public.outbox VALUES (4, 'n7gx7crks7drz36k', '2026-11-23 05:47:10.114477+00', NULL, NULL);
INSERT INTO public.outbox VALUES (5, 'nvq9g4rsghwv5tsf', '2026-11-23 05:47:10.114482+00', NULL, NULL);


--
-- Data for Name: workers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workers VALUES ('f2c725rn5g7dpj0m', 'gpu-1', 17, '0.1.0', '{"gpus": 1}', 'online', '2026-11-23 05:47:09.647934+00', '2026-11-23 05:47:09.647934+00');


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 13, true);


--
-- Name: metric_series_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.metric_series_id_seq', 6, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 5, true);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: artifacts pk_artifacts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT pk_artifacts PRIMARY KEY (id);


--
-- Name: attempts pk_attempts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (id);


--
-- Name: checkpoints pk_checkpoints; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT pk_checkpoints PRIMARY KEY (id);


--
-- Name: evaluations pk_evaluations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT pk_evaluations PRIMARY KEY (id);


--
-- Name: events pk_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (id);


--
-- Name: experiment_tags pk_experiment_tags; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.experiment_tags
    ADD CONSTRAINT pk_experiment_tags PRIMARY KEY (experiment_id, tag);


--
-- Name: experiments pk_experiments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.experiments
    ADD CONSTRAINT pk_experiments PRIMARY KEY (id);


--
-- Name: idempotency_keys pk_idempotency_keys; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (key);


--
-- Name: job_dependencies pk_job_dependencies; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_dependencies
    ADD CONSTRAINT pk_job_dependencies PRIMARY KEY (job_id, depends_on_id);


--
-- Name: jobs pk_jobs; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);


--
-- Name: log_chunks pk_log_chunks; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.log_chunks
    ADD CONSTRAINT pk_log_chunks PRIMARY KEY (job_id, token, "offset");


--
-- Name: metric_points pk_metric_points; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_points
    ADD CONSTRAINT pk_metric_points PRIMARY KEY (series_id, step);


--
-- Name: metric_series pk_metric_series; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_series
    ADD CONSTRAINT pk_metric_series PRIMARY KEY (id);


--
-- Name: outbox pk_outbox; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);


--
-- Name: workers pk_workers; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT pk_workers PRIMARY KEY (id);


--
-- Name: artifacts uq_artifacts_job_id_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT uq_artifacts_job_id_name UNIQUE (job_id, name);


--
-- Name: attempts uq_attempts_job_id_token; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT uq_attempts_job_id_token UNIQUE (job_id, token);


--
-- Name: checkpoints uq_checkpoints_job_id_kind_step; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT uq_checkpoints_job_id_kind_step UNIQUE (job_id, kind, step);


--
-- Name: evaluations uq_evaluations_job_id_split_step; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT uq_evaluations_job_id_split_step UNIQUE (job_id, split, step);


--
-- Name: metric_series uq_metric_series_job_id_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_series
    ADD CONSTRAINT uq_metric_series_job_id_name UNIQUE (job_id, name);


--
-- Name: ix_attempts_lease; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_attempts_lease ON public.attempts USING btree (lease_expires_at) WHERE ((state)::text = 'running'::text);


--
-- Name: ix_checkpoints_sha256; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_checkpoints_sha256 ON public.checkpoints USING btree (sha256);


--
-- Name: ix_events_experiment_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_events_experiment_id ON public.events USING btree (experiment_id);


--
-- Name: ix_events_job_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_events_job_id ON public.events USING btree (job_id);


--
-- Name: ix_experiment_tags_tag; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_experiment_tags_tag ON public.experiment_tags USING btree (tag);


--
-- Name: ix_experiments_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_experiments_created_at_id ON public.experiments USING btree (created_at, id);


--
-- Name: ix_experiments_submitted_by; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_experiments_submitted_by ON public.experiments USING btree (submitted_by);


--
-- Name: ix_job_dependencies_depends_on_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_job_dependencies_depends_on_id ON public.job_dependencies USING btree (depends_on_id);


--
-- Name: ix_jobs_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_jobs_created_at_id ON public.jobs USING btree (created_at, id);


--
-- Name: ix_jobs_experiment_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_jobs_experiment_id ON public.jobs USING btree (experiment_id);


--
-- Name: ix_jobs_job_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_jobs_job_key ON public.jobs USING btree (job_key);


--
-- Name: ix_jobs_method; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_jobs_method ON public.jobs USING btree (method);


--
-- Name: ix_jobs_queue; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_jobs_queue ON public.jobs USING btree (rank, id) WHERE ((state)::text = 'queued'::text);


--
-- Name: ix_outbox_job_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_job_id ON public.outbox USING btree (job_id);


--
-- Name: ix_outbox_unpublished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_unpublished ON public.outbox USING btree (id) WHERE (published_at IS NULL);


--
-- Name: uq_attempts_one_running; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_attempts_one_running ON public.attempts USING btree (job_id) WHERE ((state)::text = 'running'::text);


--
-- Name: artifacts fk_artifacts_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT fk_artifacts_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: attempts fk_attempts_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: attempts fk_attempts_worker_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_worker_id FOREIGN KEY (worker_id) REFERENCES public.workers(id) ON DELETE SET NULL;


--
-- Name: checkpoints fk_checkpoints_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT fk_checkpoints_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: evaluations fk_evaluations_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: events fk_events_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT fk_events_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;


--
-- Name: events fk_events_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT fk_events_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: experiment_tags fk_experiment_tags_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.experiment_tags
    ADD CONSTRAINT fk_experiment_tags_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;


--
-- Name: job_dependencies fk_job_dependencies_depends_on_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_dependencies
    ADD CONSTRAINT fk_job_dependencies_depends_on_id FOREIGN KEY (depends_on_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: job_dependencies fk_job_dependencies_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_dependencies
    ADD CONSTRAINT fk_job_dependencies_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: jobs fk_jobs_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;


--
-- Name: log_chunks fk_log_chunks_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.log_chunks
    ADD CONSTRAINT fk_log_chunks_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: metric_points fk_metric_points_series_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_points
    ADD CONSTRAINT fk_metric_points_series_id FOREIGN KEY (series_id) REFERENCES public.metric_series(id) ON DELETE CASCADE;


--
-- Name: metric_series fk_metric_series_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_series
    ADD CONSTRAINT fk_metric_series_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- Name: outbox fk_outbox_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT fk_outbox_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


