"""The page of the images, in a browser."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.availability import unavailable
from tests.fixtures.images import MAPPED_IMAGE, DrawnImages

if TYPE_CHECKING:
    from playwright.sync_api import Page

READY = "#panels:not([aria-busy]) [data-panel=method] .boxes rect"
WHOLE = "[data-panel=truth] svg[viewBox='0 0 96 64']"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def images(drawn_images: DrawnImages, server_url: str) -> str:
    """The address of the page of an experiment's images."""
    return f"{server_url}/experiments/{drawn_images()}/images"


def order(page: "Page") -> list[str]:
    found: list[str] = page.locator("#strip a[data-image]").evaluate_all(
        "all => all.map(a => a.dataset.image)"
    )
    return found


def count(page: "Page", panel: str) -> str:
    return page.inner_text(f"[data-panel={panel}] .count")


def marks(page: "Page", panel: str, kind: str) -> int:
    return page.locator(f"[data-panel={panel}] rect.mark-{kind}").count()


def views(page: "Page") -> list[str]:
    found: list[str] = page.locator(".stage svg").evaluate_all(
        "all => all.map(s => s.getAttribute('viewBox'))"
    )
    return found


def wait_for_another_view(page: "Page", view: str) -> None:
    page.wait_for_selector(f"[data-panel=truth] svg:not([viewBox='{view}'])")


def wait_for_image(page: "Page", image: int) -> None:
    page.wait_for_selector(f"#strip a[data-image='{image}'][aria-current]")
    page.wait_for_selector("#panels:not([aria-busy])")


def test_the_image_that_the_method_fixed_most_is_shown_first_with_every_panel(
    page: "Page", images: str
) -> None:
    page.goto(images)
    wait_for_image(page, 2)
    assert order(page) == ["2", "3", "4", "1"]
    assert page.inner_text("#strip a[data-image='2'] .counts") == "none 4, frs 0"
    assert page.inner_text("#strip a[data-image='2'] .change") == "−4"
    assert page.inner_text("#strip a[data-image='1'] .change") == "+2"
    titles = page.locator("#panels figcaption strong").all_inner_texts()
    assert titles == ["ground truth", "teacher", "none", "frs"]
    assert count(page, "baseline") == "4 errors: 1 missed, 3 false"
    assert count(page, "method") == "0 errors: 0 missed, 0 false"
    assert [marks(page, "baseline", kind) for kind in ("false", "missed")] == [3, 1]
    width = page.locator(".thumb").first.evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert width == 96
    assert page.get_attribute("[data-panel=teacher] image", "href")
    assert "4 errors" in page.inner_text("#said")


def test_the_threshold_changes_the_boxes_at_once_and_the_list_when_it_is_set(
    page: "Page", images: str
) -> None:
    page.goto(f"{images}?image=2")
    wait_for_image(page, 2)
    page.locator("#threshold").evaluate("all => {all.value = 0.7; all.dispatchEvent(new Event('input'))}")
    assert (marks(page, "baseline", "false"), count(page, "baseline")) == (0, "1 error: 1 missed, 0 false")
    assert page.inner_text("#strip a[data-image='2'] .counts") == "none 4, frs 0"
    page.locator("#threshold").evaluate("all => all.dispatchEvent(new Event('change'))")
    page.wait_for_selector("#strip a[aria-current] .counts:text-is('none 1, frs 0')")
    assert "threshold=0.7" in page.url
    page.reload()
    wait_for_image(page, 2)
    assert marks(page, "baseline", "false") == 0
    assert page.inner_text("#threshold-said") == "0.70"


def test_all_panels_show_the_same_part_of_the_image(page: "Page", images: str) -> None:
    page.goto(images)
    page.wait_for_selector(READY)
    page.wait_for_selector(WHOLE)
    whole = views(page)
    assert set(whole) == {"0 0 96 64"}
    page.click("[data-do=in]")
    wait_for_another_view(page, "0 0 96 64")
    assert len(set(views(page))) == 1
    box: Any = page.locator("[data-panel=truth] .stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = views(page)
    page.mouse.wheel(0, -300)
    wait_for_another_view(page, before[0])
    zoomed = views(page)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 60, box["y"] + box["height"] / 2)
    page.mouse.up()
    wait_for_another_view(page, zoomed[0])
    assert len(set(views(page))) == 1
    page.keyboard.press("0")
    page.wait_for_selector(WHOLE)


def test_order_row_and_split_are_chosen_by_selects_and_kept_in_the_address(page: "Page", images: str) -> None:
    page.goto(images)
    wait_for_image(page, 2)
    page.select_option("select[name=sort]", "broken")
    wait_for_image(page, 1)
    assert order(page) == ["1", "3", "4", "2"]
    assert "sort=broken" in page.url
    page.select_option("select[name=sort]", "teacher")
    page.wait_for_url("**sort=teacher**")
    wait_for_image(page, 1)
    assert order(page) == ["1", "3", "2", "4"]
    page.select_option("select[name=row]", "none")
    page.wait_for_url("**row=none**")
    wait_for_image(page, 1)
    assert page.locator("#panels figcaption strong").all_inner_texts() == ["ground truth", "teacher", "none"]


def test_the_keyboard_walks_zooms_and_sets_the_threshold(page: "Page", images: str) -> None:
    page.goto(images)
    wait_for_image(page, 2)
    page.keyboard.press("j")
    wait_for_image(page, 3)
    page.keyboard.press("ArrowRight")
    wait_for_image(page, 4)
    page.keyboard.press("k")
    wait_for_image(page, 3)
    assert "image=3" in page.url
    page.keyboard.press("+")
    wait_for_another_view(page, "0 0 96 64")
    page.keyboard.press("0")
    page.wait_for_selector(WHOLE)
    page.keyboard.press("]")
    page.wait_for_url("**threshold=0.35**")
    assert page.inner_text("#threshold-said") == "0.35"
    page.click("#image-keys summary")
    assert "Lower or raise the threshold" in page.inner_text("#image-keys")


def test_maps_of_s_are_shown_on_val_and_pointed_to_on_test(page: "Page", images: str) -> None:
    page.goto(images)
    wait_for_image(page, 2)
    assert page.is_hidden("#richness")
    page.click("text=val-000001")
    wait_for_image(page, MAPPED_IMAGE)
    page.wait_for_selector("#richness .panel")
    assert page.locator("#richness strong").all_inner_texts() == ["S at P3", "S at P4"]
    page.click("[data-do=in]")
    wait_for_another_view(page, "0 0 96 64")
    assert len(set(views(page))) == 1


def test_errors_alone_and_no_words_are_shown_where_that_is_asked_for(page: "Page", images: str) -> None:
    page.goto(images)
    wait_for_image(page, 2)
    assert page.locator("[data-panel=baseline] .words").count() > 0
    page.uncheck("#words")
    assert page.locator(".words").count() == 0
    page.check("#only-errors")
    assert marks(page, "teacher", "correct") == 0
    assert [marks(page, "baseline", kind) for kind in ("correct", "false", "missed")] == [0, 3, 1]


def test_an_image_that_cannot_be_had_is_said_to_be_so(page: "Page", images: str) -> None:
    page.route("**/test/3?**", lambda route: route.fulfill(status=404, json={"detail": "it is broken"}))
    page.goto(images)
    wait_for_image(page, 2)
    page.keyboard.press("j")
    page.wait_for_selector("#why:has-text('it is broken')")
    page.unroute_all()


def test_without_photographs_the_boxes_are_on_a_blank_and_the_reason_is_told(
    page: "Page", images: str
) -> None:
    def hide(route: Any) -> None:
        answer = route.fetch().json()
        answer["photograph"] = {"url": None, "reason": "It is elsewhere."}
        route.fulfill(json=answer)

    page.route("**/api/v1/experiments/*/images/test/*", hide)
    page.goto(images)
    page.wait_for_selector(READY)
    assert page.inner_text("#why") == "No photograph. It is elsewhere."
    assert page.get_attribute("[data-panel=method] image", "visibility") == "hidden"
    page.unroute_all(behavior="wait")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_panels_are_below_each_other_nothing_is_cut_off_and_axe_is_content(
    page: "Page", images: str, scheme: Any
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(images)
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    lefts = page.locator("#panels .panel").evaluate_all("all => all.map(p => p.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        unavailable("no axe: pip install axe-playwright-python")
    found = Axe().run(page).response["violations"]
    assert not [
        (each["id"], each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
