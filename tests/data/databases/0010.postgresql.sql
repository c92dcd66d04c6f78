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
-- Name: cited_rows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cited_rows (
    experiment_id character varying(16) NOT NULL,
    label character varying(200) NOT NULL,
    metrics json NOT NULL,
    source character varying(500) NOT NULL,
    url character varying(2000),
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
    reason_field character varying(200),
    cost json,
    compiled_operators boolean DEFAULT false NOT NULL,
    search json,
    reuse boolean DEFAULT false NOT NULL,
    reused_from character varying(16)
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
-- Name: metric_buckets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.metric_buckets (
    series_id bigint NOT NULL,
    bucket bigint NOT NULL,
    low double precision,
    high double precision,
    last_step bigint NOT NULL,
    num_nonfinite integer NOT NULL
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
-- Name: resampled_ap; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resampled_ap (
    matches_sha256 character varying(64) NOT NULL,
    num_draws integer NOT NULL,
    "values" bytea NOT NULL
);


--
-- Name: standing_facets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.standing_facets (
    experiment_id character varying(16) NOT NULL,
    kind character varying(8) NOT NULL,
    value character varying(255) NOT NULL,
    archived boolean NOT NULL
);


--
-- Name: standings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.standings (
    experiment_id character varying(16) NOT NULL,
    event_id bigint NOT NULL,
    num_events integer NOT NULL,
    archived boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    name_folded character varying(600) NOT NULL,
    owner character varying(200),
    state character varying(16) NOT NULL,
    state_order integer NOT NULL,
    dataset character varying(255) NOT NULL,
    num_jobs integer NOT NULL,
    job_states json NOT NULL,
    seeds_done integer NOT NULL,
    seeds_total integer NOT NULL,
    best_label character varying(200),
    best_ap double precision,
    best_delta double precision,
    best_n integer NOT NULL,
    is_clear boolean NOT NULL
);


--
-- Name: standings_watermark; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.standings_watermark (
    id integer NOT NULL,
    event_id bigint NOT NULL
);


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
    heartbeat_at timestamp with time zone NOT NULL,
    desired_state character varying(16) DEFAULT 'run'::character varying NOT NULL,
    usage json
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

INSERT INTO public.alembic_version VALUES ('0010');


--
-- Data for Name: artifacts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.artifacts VALUES ('predictions_test.json', 'application/json', 'file:///artifacts/predictions_test.json', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 100, '1n3ce4n2pt2bgd59', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.680905+00');


--
-- Data for Name: attempts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.attempts VALUES ('9tfg420a52v40xwq', '39epbx8xfarbebv7', '70sfhngq9wqj8ns4', 1, 'lost', 'gpu-1', 18, 1.5, '2026-11-27 09:51:57.121973+00', '2026-11-27 09:51:57.368663+00', '2026-11-27 09:51:56.121973+00', '2026-11-27 09:51:57.391116+00', NULL, NULL, 'lease_lost', 'its worker stopped reporting, and its lease ran out', NULL, '{"torch": "2.13.0", "threads": 2}');
INSERT INTO public.attempts VALUES ('kfe0k1yhzwxpwd68', '39epbx8xfarbebv7', '70sfhngq9wqj8ns4', 2, 'succeeded', 'gpu-1', 18, 1.5, '2026-11-27 09:51:57.43445+00', '2026-11-27 09:51:57.917637+00', '2026-11-27 09:52:57.43445+00', '2026-11-27 09:51:57.917637+00', 0, NULL, NULL, NULL, NULL, '{"torch": "2.13.0", "threads": 2}');
INSERT INTO public.attempts VALUES ('mjw2sxfj6r1dfz47', '1dpgqg7st7bw6a5r', '70sfhngq9wqj8ns4', 1, 'running', 'gpu-1', 18, 1.5, '2026-11-27 09:51:58.066841+00', '2026-11-27 09:51:58.225002+00', '2026-11-27 09:51:57.066841+00', NULL, NULL, NULL, NULL, NULL, NULL, '{"torch": "2.13.0", "threads": 2}');


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.checkpoints VALUES ('state', 10, 2, 'file:///artifacts/state', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', '72ga3ft4377w2tec', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.725386+00');
INSERT INTO public.checkpoints VALUES ('best', 10, 2, 'file:///artifacts/best', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', 'myzcsrm2g5kab643', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.788399+00');
INSERT INTO public.checkpoints VALUES ('weights', 10, 2, 'file:///artifacts/weights', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', '9x6cxh9msc2v8fht', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.82528+00');
INSERT INTO public.checkpoints VALUES ('export', 10, 2, 'file:///artifacts/export', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 1000, '{}', 'paxrwhzj9vc61n17', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.870658+00');


--
-- Data for Name: cited_rows; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: evaluations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.evaluations VALUES ('test', 10, 2, 'faster-coco-eval 1.8.0', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 2, 5, '{"ap": 0.123456789012345, "ap_s": null}', '{"RBC": {"ap": 0.25}}', 'evstzz4k8bdc0ctr', '39epbx8xfarbebv7', 2, '2026-11-27 09:51:57.660999+00');


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, 'pds0zv4vsxz62wr2', NULL, 'experiment.submitted', 'blood-cells was submitted', '{}', '2026-11-27 09:51:56.901667+00');
INSERT INTO public.events VALUES (2, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.state', 'teacher: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-27 09:51:56.901667+00');
INSERT INTO public.events VALUES (3, NULL, '00n12g7yc99v9c0k', 'job.state', 'alone: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-27 09:51:57.017194+00');
INSERT INTO public.events VALUES (4, NULL, '00n12g7yc99v9c0k', 'job.state', 'alone: queued to cancelled (on request)', '{"from": "queued", "to": "cancelled", "reason_code": "cancelled"}', '2026-11-27 09:51:57.078175+00');
INSERT INTO public.events VALUES (5, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.state', 'teacher: queued to running', '{"from": "queued", "to": "running", "reason_code": null}', '2026-11-27 09:51:57.121973+00');
INSERT INTO public.events VALUES (6, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.warning', 'two boxes are tiny', '{"code": "tiny_boxes", "count": 2, "details": {}}', '2026-11-27 09:51:57.353172+00');
INSERT INTO public.events VALUES (7, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.state', 'teacher: running to queued (its worker stopped reporting, and its lease ran out)', '{"from": "running", "to": "queued", "reason_code": "lease_lost"}', '2026-11-27 09:51:57.391116+00');
INSERT INTO public.events VALUES (8, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.state', 'teacher: queued to running', '{"from": "queued", "to": "running", "reason_code": "lease_lost"}', '2026-11-27 09:51:57.43445+00');
INSERT INTO public.events VALUES (9, 'pds0zv4vsxz62wr2', '39epbx8xfarbebv7', 'job.state', 'teacher: running to succeeded', '{"from": "running", "to": "succeeded", "reason_code": null}', '2026-11-27 09:51:57.917637+00');
INSERT INTO public.events VALUES (10, 'pds0zv4vsxz62wr2', '1dpgqg7st7bw6a5r', 'job.state', 'none seed 0: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-27 09:51:57.917637+00');
INSERT INTO public.events VALUES (11, 'pds0zv4vsxz62wr2', 'ynpkqcbfa4dy3d9k', 'job.state', 'frs seed 0: waiting to queued', '{"from": "waiting", "to": "queued", "reason_code": null}', '2026-11-27 09:51:57.917637+00');
INSERT INTO public.events VALUES (12, 'pds0zv4vsxz62wr2', '1dpgqg7st7bw6a5r', 'job.state', 'none seed 0: queued to running', '{"from": "queued", "to": "running", "reason_code": null}', '2026-11-27 09:51:58.066841+00');
INSERT INTO public.events VALUES (13, 'pds0zv4vsxz62wr2', '1dpgqg7st7bw6a5r', 'job.warning', 'two boxes are tiny', '{"code": "tiny_boxes", "count": 2, "details": {}}', '2026-11-27 09:51:58.206826+00');


--
-- Data for Name: experiment_tags; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.experiment_tags VALUES ('pds0zv4vsxz62wr2', 'blood');


--
-- Data for Name: experiments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.experiments VALUES ('pds0zv4vsxz62wr2', 'blood-cells', '{"schema_version": 1, "name": "blood-cells", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "train": {"epochs": 2}, "checkpoint": null, "init": "scratch", "seed": 0, "min_ap": null, "cache": null, "precision": "fp32", "reuse": true}, "student": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch"}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "methods": [{"name": "none", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": [], "search": null, "reuse": null}, {"name": "frs", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": [], "search": null, "reuse": null}], "seeds": [0], "search_seed": 1000, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "expected": {}, "tags": ["blood"], "submitted_by": "ann"}', 'ann', '{"classes": ["RBC", "WBC", "Platelets"], "splits": {"train": {"images": 2, "boxes": 5, "per_class": {"RBC": 4, "WBC": 1, "Platelets": 0}}}, "dataset_hash": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "errors": [], "warnings": []}', '2026-11-27 09:51:56.901667+00', NULL);


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_keys VALUES ('first', '2aca924342f8980237ad2d3df9cf456a6f31f241b3cf015c2484d19b4a36aed0', 'pds0zv4vsxz62wr2', '2026-11-27 09:51:56.887708+00');


--
-- Data for Name: job_dependencies; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.job_dependencies VALUES ('1dpgqg7st7bw6a5r', '39epbx8xfarbebv7', 'teacher');
INSERT INTO public.job_dependencies VALUES ('ynpkqcbfa4dy3d9k', '39epbx8xfarbebv7', 'teacher');


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.jobs VALUES ('ynpkqcbfa4dy3d9k', 'pds0zv4vsxz62wr2', 2, 'distill', 'student', 'frs', 'frs seed 0', 'frs', 0, '{"schema_version": 1, "kind": "distill", "name": "frs seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "cache": null, "precision": "fp32"}, "method": {"name": "frs", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": []}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}', '055abba16bdd2b76703867c0f8d25587c5dec14264773680e476f09670370ad0', 'ann', 'queued', 'run', 0, 1795773237.917637, 0, NULL, '2026-11-27 09:51:56.901667+00', '2026-11-27 09:51:57.917637+00', NULL, NULL, 0, 0, 3, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, false, NULL);
INSERT INTO public.jobs VALUES ('1dpgqg7st7bw6a5r', 'pds0zv4vsxz62wr2', 1, 'distill', 'student', 'none', 'none seed 0', 'none', 0, '{"schema_version": 1, "kind": "distill", "name": "none seed 0", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": {"detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "cache": null, "precision": "fp32"}, "method": {"name": "none", "label": null, "init": "scratch", "weight": 1.0, "options": {}, "combine": []}, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}', '16752099f29b7a4abeff4a10b20c0276397beab604468b78e2012741b08c1027', 'ann', 'running', 'run', 0, 1795773177.917637, 0, NULL, '2026-11-27 09:51:56.901667+00', '2026-11-27 09:51:57.917637+00', '2026-11-27 09:51:58.066841+00', NULL, 1, 1, 3, 'training', 1, 10, 1, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, true, NULL);
INSERT INTO public.jobs VALUES ('00n12g7yc99v9c0k', NULL, 0, 'evaluate', 'detector', 'alone', 'alone', NULL, 0, '{"schema_version": 1, "kind": "evaluate", "name": "alone", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": "/weights/teacher.pth", "init": "scratch", "teacher": null, "method": null, "schedule": {"epochs": 12, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}', '2109d9b093e73c9de368551313c5872eda124a1520ce22a816a3783ddd8d599e', NULL, 'cancelled', 'cancel', 0, 1795773117.017194, 0, NULL, '2026-11-27 09:51:57.017194+00', '2026-11-27 09:51:57.017194+00', NULL, '2026-11-27 09:51:57.078175+00', 0, 0, 3, NULL, 0, 0, 0, 0, NULL, NULL, NULL, 'cancelled', 'on request', NULL, NULL, false, NULL, false, NULL);
INSERT INTO public.jobs VALUES ('39epbx8xfarbebv7', 'pds0zv4vsxz62wr2', 0, 'train', 'teacher', 'teacher', 'teacher', NULL, 0, '{"schema_version": 1, "kind": "train", "name": "teacher", "dataset": {"format": "voc", "root": "/data/bccd", "train": "train", "val": "val", "test": "test", "options": {}}, "input_size": [320, 240], "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": null, "backbone_depth": 18, "base_channels": null, "fpn_channels": 32, "head_channels": null, "stacked_convs": null, "roi_channels": null, "preprocessor": "zoo"}, "checkpoint": null, "init": "scratch", "teacher": null, "method": null, "schedule": {"epochs": 2, "steps": null, "batch_size": 8, "accumulate": 1, "optimizer": {"name": "adamw", "lr": 0.001, "weight_decay": 0.0001, "momentum": 0.9, "bias_lr_mult": 1.0, "bias_decay_mult": 1.0, "norm_decay_mult": 1.0}, "reference_batch": null, "warmup": "linear", "warmup_steps": 50, "warmup_start_factor": 0.001, "decay": "step", "milestones": null, "gamma": 0.1, "clip_grad_norm": 10.0, "precision": "fp32", "ema": null, "frozen_stages": -1, "norm_eval": false, "norm_frozen": false, "flip_probability": 0.5, "multi_scale": null, "checkpoint_every_epochs": 1, "checkpoint_every_steps": null, "keep_states": null, "evaluate_every_epochs": 1}, "seed": 0, "min_ap": null, "expected_ap": null, "resources": {"gpus": 0, "processes": 1, "data_workers": 0}, "tags": [], "submitted_by": null}', '1eab6ed0a9627192a59b4b1fbb38bc656cddc23d053b98d177f6b1fe50da7ebc', 'ann', 'succeeded', 'run', 0, 1795773116.901667, 0, NULL, '2026-11-27 09:51:56.901667+00', '2026-11-27 09:51:56.901667+00', '2026-11-27 09:51:57.43445+00', '2026-11-27 09:51:57.917637+00', 2, 2, 3, 'training', 10, 10, 1, 2, NULL, 1.25, NULL, NULL, NULL, NULL, NULL, false, NULL, true, NULL);


--
-- Data for Name: log_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.log_chunks VALUES ('39epbx8xfarbebv7', 1, 0, 'step 5
');
INSERT INTO public.log_chunks VALUES ('39epbx8xfarbebv7', 2, 0, 'step 10
');
INSERT INTO public.log_chunks VALUES ('1dpgqg7st7bw6a5r', 1, 0, 'step 1
');


--
-- Data for Name: metric_buckets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.metric_buckets VALUES (1, 0, 1.25, 1.25, 10, 0);
INSERT INTO public.metric_buckets VALUES (2, 0, 0.001, 0.001, 10, 0);
INSERT INTO public.metric_buckets VALUES (5, 0, NULL, NULL, 1, 1);
INSERT INTO public.metric_buckets VALUES (6, 0, 0.001, 0.001, 1, 0);


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

INSERT INTO public.metric_series VALUES (1, '39epbx8xfarbebv7', 'train/loss');
INSERT INTO public.metric_series VALUES (2, '39epbx8xfarbebv7', 'train/lr');
INSERT INTO public.metric_series VALUES (5, '1dpgqg7st7bw6a5r', 'train/loss');
INSERT INTO public.metric_series VALUES (6, '1dpgqg7st7bw6a5r', 'train/lr');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox VALUES (1, '39epbx8xfarbebv7', '2026-11-27 09:51:57.007902+00', NULL, NULL);
INSERT INTO public.outbox VALUES (2, '00n12g7yc99v9c0k', '2026-11-27 09:51:57.041967+00', NULL, NULL);
INSERT INTO public.outbox VALUES (3, '39epbx8xfarbebv7', '2026-11-27 09:51:57.425359+00', '2026-11-27 09:51:57.391116+00', NULL);
INSERT INTO public.outbox VALUES (4, '1dpgqg7st7bw6a5r', '2026-11-27 09:51:58.030646+00', NULL, NULL);
INSERT INTO public.outbox VALUES (5, 'ynpkqcbfa4dy3d9k', '2026-11-27 09:51:58.032842+00', NULL, NULL);


--
-- Data for Name: resampled_ap; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: standing_facets; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: standings; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: standings_watermark; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: workers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workers VALUES ('70sfhngq9wqj8ns4', 'gpu-1', 17, '0.1.0', '{"gpus": 1}', 'online', '2026-11-27 09:51:56.873737+00', '2026-11-27 09:51:56.873737+00', 'run', NULL);


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
-- Name: cited_rows pk_cited_rows; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cited_rows
    ADD CONSTRAINT pk_cited_rows PRIMARY KEY (experiment_id, label);


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
-- Name: metric_buckets pk_metric_buckets; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_buckets
    ADD CONSTRAINT pk_metric_buckets PRIMARY KEY (series_id, bucket);


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
-- Name: resampled_ap pk_resampled_ap; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resampled_ap
    ADD CONSTRAINT pk_resampled_ap PRIMARY KEY (matches_sha256);


--
-- Name: standing_facets pk_standing_facets; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.standing_facets
    ADD CONSTRAINT pk_standing_facets PRIMARY KEY (experiment_id, kind, value);


--
-- Name: standings pk_standings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.standings
    ADD CONSTRAINT pk_standings PRIMARY KEY (experiment_id);


--
-- Name: standings_watermark pk_standings_watermark; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.standings_watermark
    ADD CONSTRAINT pk_standings_watermark PRIMARY KEY (id);


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
-- Name: ix_standing_facets_value; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standing_facets_value ON public.standing_facets USING btree (archived, kind, value, experiment_id);


--
-- Name: ix_standings_best_ap; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_best_ap ON public.standings USING btree (archived, best_ap, created_at, experiment_id);


--
-- Name: ix_standings_best_delta; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_best_delta ON public.standings USING btree (archived, best_delta, created_at, experiment_id);


--
-- Name: ix_standings_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_created ON public.standings USING btree (archived, created_at, experiment_id);


--
-- Name: ix_standings_name_folded; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_name_folded ON public.standings USING btree (archived, name_folded, created_at, experiment_id);


--
-- Name: ix_standings_owner; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_owner ON public.standings USING btree (archived, owner, created_at, experiment_id);


--
-- Name: ix_standings_state_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_standings_state_order ON public.standings USING btree (archived, state_order, created_at, experiment_id);


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
-- Name: cited_rows fk_cited_rows_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cited_rows
    ADD CONSTRAINT fk_cited_rows_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;


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
-- Name: metric_buckets fk_metric_buckets_series_id_metric_series; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.metric_buckets
    ADD CONSTRAINT fk_metric_buckets_series_id_metric_series FOREIGN KEY (series_id) REFERENCES public.metric_series(id) ON DELETE CASCADE;


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
-- Name: standing_facets fk_standing_facets_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.standing_facets
    ADD CONSTRAINT fk_standing_facets_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.standings(experiment_id) ON DELETE CASCADE;


--
-- Name: standings fk_standings_experiment_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.standings
    ADD CONSTRAINT fk_standings_experiment_id FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


