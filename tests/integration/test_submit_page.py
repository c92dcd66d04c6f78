"""The page that submits: what it checks, what it refuses, and that it makes what the REST API makes."""

import html
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from fastapi.testclient import TestClient

from service.dashboard.spec_form.texts import to_yaml
from service.dashboard.spec_form.values import fill
from tests.fixtures.server import Body

Form = dict[str, list[str]]
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
EXPERIMENTS = "/api/v1/experiments"
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in pairwise("abcdefgh")
)
"""A few lines of YAML that stand for a hundred million values."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a page says does not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def form(experiment_body: Body) -> Form:
    """The form of an experiment that is accepted."""
    return {**fill(experiment_body), "_mode": ["form"], "_key": ["once"]}


def written(text: str) -> Form:
    return {"_mode": ["yaml"], "_yaml": [text], "_key": ["once"]}


def post(api: TestClient, form: Mapping[str, Any], path: str = "/submit", **headers: str) -> Any:
    body = urlencode(form, doseq=True)
    return api.post(path, content=body, headers={**HEADERS, **headers}, follow_redirects=False)


def text_of(answer: Any) -> str:
    return html.unescape(answer.text)


def faults_of(answer: Any) -> dict[str, str]:
    """What is said by the field's name."""
    found = re.findall(
        r'<li data-element="[^"]*" data-message="([^"]*)">.*?<code>([^<]*)</code>', answer.text
    )
    return {html.unescape(field): html.unescape(message) for message, field in found}


def num_experiments(api: TestClient) -> int:
    return len(api.get(EXPERIMENTS).json()["items"])


def test_a_valid_form_shows_its_yaml_its_command_and_its_jobs_and_writes_nothing(
    api: TestClient, form: Form
) -> None:
    form["name"] = ["blood & cells: <b>"]
    assert "&lt;b&gt;" in post(api, form, "/submit/check").text
    form["name"] = ["blood cells (2)"]
    form["seeds"] = ["0, 1"]
    answer = post(api, form, "/submit/check")
    assert answer.status_code == 200
    assert "<strong>5 jobs</strong>" in answer.text
    assert "1 teacher, 4 students" in answer.text
    assert "frs submit blood-cells-2.yaml" in answer.text
    preview = re.search(r'id="yaml-preview"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    assert preview
    plain = yaml.safe_load(html.unescape(preview[1]))
    assert plain["seeds"] == [0, 1]
    assert list(plain)[:3] == ["schema_version", "name", "dataset"]
    assert num_experiments(api) == 0


def test_steps_are_told_once_they_are_known(api: TestClient, form: Form) -> None:
    assert "steps in all" not in post(api, form, "/submit/check").text
    answer = text_of(post(api, form, "/submit/check?data=true"))
    assert "; 6 steps in all" in answer  # 3 jobs of 4 images in batches of 2
    assert "train 4 images" in answer
    form |= {"schedule.epochs": [""], "schedule.steps": ["1000"], "teacher.train.epochs": [""]}
    assert "; 3,000 steps in all" in post(api, form, "/submit/check").text


@pytest.mark.parametrize(
    ("name", "text", "field", "word"),
    [
        ("schedule.epochs", "0", "schedule.epochs", "greater than or equal to 1"),
        ("schedule.epochs", "many", "schedule.epochs", "integer"),
        ("schedule.epochs", "9" * 5000, "schedule.epochs", "integer"),
        ("schedule.optimizer.lr", "nan", "schedule.optimizer.lr", "finite"),
        ("schedule.precision", "fp16", "schedule.precision", "needs a GPU"),
        ("input_size.0", "10", "input_size", "width is 10"),
        ("input_size.1", "", "input_size.1", "integer"),
        ("teacher.detector.zoo", "retinanet/x", "teacher.detector.zoo", "did you mean"),
        ("name", "<script>alert(1)</script>", "name", "letters, digits"),
        ("name", "a\0b", "name", "letters, digits"),
        ("dataset.train", "a\0b", "dataset.train", "cannot be stored"),
        ("dataset.root", "data/bccd", "dataset.root", "absolute path"),
        ("dataset.options", "{a: 1}", "dataset.options.a", "unknown key"),
        ("dataset.options", "{a: 1", "dataset.options", "not valid YAML"),
        ("dataset.options", "[1]", "dataset.options", "dictionary"),
        ("methods.rows", "- nonesuch", "methods.2.name", "row 1, name: unknown method"),
        ("methods.rows", "- frs", "methods", "labelled 'frs'"),
        ("methods.rows", "- 7", "methods.2", "row 1"),
        ("methods.rows", "- {name: pkd, options: {wait: 1}}", "methods.2.options.wait", "row 1"),
        ("methods", "nonesuch", "methods.0.name", "unknown method"),
        ("seeds", "0, 0", "seeds", "named twice"),
        ("seeds", "0, x", "seeds.1", "1: Input should be a valid integer"),
        ("tags", "<b>", "tags.0", "letters, digits"),
        ("teacher.reuse", "maybe", "teacher.reuse", "boolean"),
        ("expected", "{nobody: 0.5}", "expected", "there is no row 'nobody'"),
        ("student.detector.backbone.type", "AlexNet", "student.detector.backbone.type", "give one of ResNet"),
        ("_mode", "sideways", None, ""),
    ],
)  # fmt: skip
def test_a_fault_stands_by_its_field_when_checked_and_when_submitted(
    api: TestClient, form: Form, name: str, text: str, field: str | None, word: str
) -> None:
    form[name] = [text]
    checked = post(api, form, "/submit/check")
    assert checked.status_code == 200
    if field is None:
        assert faults_of(checked) == {}
        return
    assert word in faults_of(checked)[field]
    assert "<script>alert" not in checked.text
    refused = post(api, form)
    assert refused.status_code == 422
    assert word in faults_of(refused)[field]
    assert "Nothing was submitted" in refused.text
    assert 'aria-invalid="true"' in refused.text or "methods" in field or field == "input_size"
    if "\0" not in text and name not in ("methods", "teacher.reuse"):
        assert html.escape(text, quote=True).replace("&#x27;", "&#39;") in refused.text
    assert num_experiments(api) == 0


def test_what_is_still_to_be_filled_in_is_no_fault_until_it_is_submitted(api: TestClient) -> None:
    empty = {**fill({}), "_mode": ["form"]}
    answer = post(api, empty, "/submit/check")
    assert faults_of(answer) == {}
    assert "6 still to fill in" in answer.text
    assert 'href="#field-teacher.detector.zoo"' in answer.text
    refused = post(api, empty)
    assert refused.status_code == 422
    assert "required, and absent; add it" in refused.text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- a\n- b", "top level must be keys"),
        ("just words", "top level must be keys"),
        ("name:\n\tfoo: 1", "cannot start any token"),
        ("name: a\nname: b", "given twice"),
        ("name: a\0b", "#x0000"),
        ("name: " + "[" * 5000, "nested too deeply"),
        (BOMB, "fewer aliases"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("x: " + "1" * 5000, "not valid YAML"),
        ("x: 0x" + "f" * 5000, "not valid YAML"),
        ("x: " + "y" * 200_000, "at most 50000"),
        ("name: '\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") + "'", "letters, digits"),
        ('"\\ud800": 1', "as a unicode string"),
    ],
)  # fmt: skip
def test_yaml_that_is_no_experiment_is_told_and_never_fails(api: TestClient, text: str, word: str) -> None:
    for path, status in (("/submit/check", 200), ("/submit", 422), ("/submit/edit?to=form", 200)):
        answer = post(api, written(text), path)
        assert answer.status_code == status
        assert any(word in message for message in faults_of(answer).values()), faults_of(answer)
    assert num_experiments(api) == 0


def test_a_megabyte_of_text_is_refused_with_a_problem(api: TestClient) -> None:
    answer = post(api, written("x" * 1_000_000), "/submit/check")
    assert answer.status_code == 413
    assert "larger than" in answer.json()["detail"]


def test_faults_of_yaml_have_their_lines(api: TestClient, experiment_body: Body) -> None:
    text = to_yaml({**experiment_body, "shedule": {}})
    line = next(number for number, each in enumerate(text.splitlines(), 1) if each.startswith("shedule"))
    answer = post(api, written(text), "/submit/check")
    assert "unknown key" in faults_of(answer)["shedule"]
    assert f"line {line}<" in answer.text


def test_yaml_and_form_are_made_of_each_other(api: TestClient, form: Form, experiment_body: Body) -> None:
    form["name"] = ["both ways"]
    answer = post(api, form, "/submit/edit?to=yaml")
    found = re.search(r'<textarea[^>]*name="_yaml"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert found
    text = html.unescape(found[1])
    assert yaml.safe_load(text)["name"] == "both ways"
    back = post(api, written(text), "/submit/edit?to=form")
    assert 'name="name" value="both ways"' in back.text
    assert 'name="schedule.batch_size" value="2"' in back.text
    assert num_experiments(api) == 0


def test_what_the_other_way_of_writing_cannot_show_stays_as_it_is(api: TestClient, form: Form) -> None:
    form["dataset.options"] = ["{a: 1"]
    kept = post(api, form, "/submit/edit?to=yaml")
    assert "Mend the faults first" in kept.text
    assert "{a: 1</textarea>" in kept.text
    kept = post(api, written("name: a\nshedule: 1\n"), "/submit/edit?to=form")
    assert "Mend the faults first" in kept.text
    assert "shedule: 1" in kept.text
    assert 'name="schedule.epochs"' in post(api, written(" "), "/submit/edit?to=form").text


def test_submitting_makes_what_the_rest_api_makes_and_leads_to_it(
    api: TestClient, form: Form, experiment_body: Body
) -> None:
    answer = post(api, form)
    assert answer.status_code == 303
    experiment_id = answer.headers["location"].removeprefix("/experiments/")
    made = api.get(f"{EXPERIMENTS}/{experiment_id}").json()
    other = api.post(EXPERIMENTS, json=experiment_body).json()
    assert made["spec"] == other["spec"]
    assert [job["name"] for job in made["jobs"]] == [job["name"] for job in other["jobs"]]
    assert made["dataset_report"] == other["dataset_report"]


def test_a_page_makes_one_experiment_however_often_it_posts_and_another_for_other_contents(
    api: TestClient, form: Form, experiment_body: Body
) -> None:
    first, second = post(api, form), post(api, form)
    assert first.headers["location"] == second.headers["location"]
    assert post(api, written(to_yaml(experiment_body))).headers["location"] == first.headers["location"]
    form["name"] = ["another"]
    assert post(api, form).headers["location"] != first.headers["location"]
    form["_key"] = ["again"]
    assert post(api, form).status_code == 303
    form["_key"] = ["no key, but \x01 noise"]
    assert post(api, form).status_code == 303
    assert num_experiments(api) == 4


def test_faulty_data_are_found_when_asked_for_and_when_submitted(
    api: TestClient, form: Form, voc_copy: Any
) -> None:
    form |= {"dataset.format": ["voc"], "dataset.root": [str(voc_copy / "absent")], "dataset.options": [""]}
    assert faults_of(post(api, form, "/submit/check")) == {}
    assert "dataset.root" in faults_of(post(api, form, "/submit/check?data=true"))
    refused = post(api, form)
    assert refused.status_code == 422
    assert "dataset.root" in faults_of(refused)
    form["student.checkpoint"] = ["0123456789abcdef"]
    form |= {"dataset.format": ["synthetic"], "dataset.root": [""]}
    form["dataset.options"] = ["{train_images: 4, val_images: 2, test_images: 2, width: 64, height: 64}"]
    assert "is not stored here" in faults_of(post(api, form))["student.checkpoint"]
    assert num_experiments(api) == 0


@pytest.mark.parametrize("path", ["/submit", "/submit/check", "/submit/edit?to=yaml"])
def test_another_site_cannot_post(api: TestClient, form: Form, path: str) -> None:
    answer = post(api, form, path, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "https://evil.example" in answer.json()["detail"]
    assert num_experiments(api) == 0


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Type": "application/json"}, 415), ({"Content-Type": ""}, 415)]
)
def test_only_forms_are_taken(api: TestClient, form: Form, headers: dict[str, str], status: int) -> None:
    assert post(api, form, **headers).status_code == status


def test_a_form_that_is_no_text_is_refused(api: TestClient) -> None:
    answer = api.post("/submit/check", content=b"name=%FF", headers=HEADERS)
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]


def test_the_page_starts_empty_from_an_example_or_from_an_experiment(
    api: TestClient, experiment_body: Body
) -> None:
    empty = api.get("/submit")
    assert 'name="name" value=""' in empty.text
    assert "Nothing was submitted" not in empty.text
    demo = api.get("/submit?example=demo")
    assert 'name="name" value="demo"' in demo.text
    assert "<strong>5 jobs</strong>" in demo.text
    made = api.post(EXPERIMENTS, json={**experiment_body, "name": "to be cloned"}).json()
    clone = api.get(f"/submit?clone={made['id'][:8]}")
    assert 'name="name" value="to be cloned"' in clone.text
    assert 'name="resources.processes" value=""' in clone.text
    keys = re.findall(r'name="_key" value="([^"]+)"', empty.text + demo.text)
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("example=nonesuch", 404, "no example 'nonesuch'"),
        ("example=../../etc/passwd", 404, "no example"),
        ("clone=0000000000000000", 404, "no experiment"),
        ("clone=%00", 422, "null character"),
        ("example=demo&clone=0000", 422, "either"),
    ],
)
def test_what_is_not_there_to_start_from_is_told(api: TestClient, query: str, status: int, word: str) -> None:
    answer = api.get(f"/submit?{query}")
    assert answer.status_code == status
    assert word in text_of(answer)
