"""What the tests of the SDK do again and again: open the modal, speak for the page in it, read what the shop heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from playwright.async_api import Frame, Page, expect

from tests.stack.browser.sdk.site import Site
from tests.stack.browser.waits import until

PAID = {"type": "success", "payment_id": "pay_1", "order_id": "order_plain", "status": "success", "return_url": None}


@dataclass
class Shop:
    """A shop's page in a browser."""

    page: Page
    site: Site

    @classmethod
    async def visit(cls, page: Page, site: Site, path: str = "/") -> Self:
        """Open the shop."""
        await page.goto(site.shop + path)
        return cls(page, site)

    async def buy(self, **options: Any) -> None:
        """Click the button that opens the modal."""
        await self.page.evaluate("options => { window.options = options }", options)
        await self.page.click("#buy")

    async def open(self, **options: Any) -> Frame:
        """Open the modal and wait until the page in it is usable."""
        await self.buy(**options)
        await expect(self.modal).to_have_attribute("aria-busy", "false")
        return self.frame

    @property
    def modal(self) -> Any:
        """The dialog."""
        return self.page.get_by_test_id("payment-modal")

    @property
    def frame(self) -> Frame:
        """The checkout page in the modal."""
        return next(frame for frame in self.page.frames if "/checkout/" in frame.url)

    async def say(self, **message: Any) -> None:
        """Say something to the shop as the checkout page does, and a little later: the frame may end by it."""
        await self.frame.evaluate("message => { setTimeout(() => say(message)); }", message)

    async def heard(self) -> list[str]:
        """Return the names of the events so far."""
        names: list[str] = await self.page.evaluate("heard.map(([type]) => type)")
        return names

    async def detail(self, name: str) -> Any:
        """Return the detail of the last event of that name, once there is one."""
        await until(self.page, "name => heard.some(([type]) => type === name)", arg=name)
        return await self.page.evaluate("name => heard.findLast(([type]) => type === name)[1]", name)

    async def expect_closed(self) -> None:
        """Wait until the modal is gone and the page as it was."""
        await expect(self.modal).to_have_count(0)
        await until(self.page, "heard.some(([type]) => type === 'close')")
        assert await self.page.evaluate("document.documentElement.style.overflow") == ""
        assert await self.page.evaluate("history.state?.clearway ?? null") is None
