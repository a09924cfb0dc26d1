"""Home: what its chart says can be read."""

from __future__ import annotations

from typing import Any, Final

import pytest
from playwright.async_api import Page, Route, expect

from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.stack.browser.waits import until

LISTEN: Final = """
window.drawn = [];
const draw = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
  const width = this.measureText(text).width;
  const before = {right: width, end: width, center: width / 2}[this.textAlign] ?? 0;
  drawn.push({text, from: x - before, to: x - before + width, room: this.canvas.width});
  return draw.call(this, text, x, y, ...more);
};
"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("most", [15, 125_000])
async def test_the_chart_cuts_no_label_and_counts_whole_payments(
    page: Page, stack: Stack, shop: Shop, most: int, width: int
):
    """Labels of both axes lie within the chart, on a phone too; payments are counted in whole numbers."""
    await page.set_viewport_size({"width": width, "height": 800})
    await paid(shop)

    async def with_figures(route: Route) -> None:
        answer = await (await route.fetch()).json()
        for line in answer["series"]:
            line["succeeded"] = [most, *([0] * (len(answer["buckets"]) - 1))]
            line["volume"] = [each * 1_234_567 for each in line["succeeded"]]
        await route.fulfill(json=answer)

    await page.route("**/api/v1/statistics/series?*", with_figures)
    await page.add_init_script(LISTEN)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    await expect(page.locator("canvas").first).to_be_visible()
    await until(page, "drawn.length > 10")
    labels: list[dict[str, Any]] = await page.evaluate("drawn")
    assert [each for each in labels if each["from"] < 0 or each["to"] > each["room"]] == []
    counted = [each["text"] for each in labels if each["text"].replace(".", "").isdigit()]
    assert counted or most > 1_000
    assert [each for each in counted if "." in each] == []
