"""What a person does in the browser, step by step."""

import time
from base64 import b32decode
from dataclasses import dataclass

from django_otp.oath import TOTP
from playwright.sync_api import Page

PASSWORD = "correct horse battery staple 7"


@dataclass
class Authenticator:
    """The app on the phone: one code every 30 seconds, none twice."""

    key: str
    last_step: int = 0

    def code(self) -> str:
        """The next code that was not used yet; waits for it if need be."""
        padded = self.key + "=" * (-len(self.key) % 8)
        while (step := int(time.time()) // 30) <= self.last_step:
            time.sleep(0.5)
        self.last_step = step
        return f"{TOTP(b32decode(padded)).token():06d}"


def set_up(page: Page, link: str, name: str) -> tuple[Authenticator, list[str]]:
    """Follow the set-up link to the overview; the authenticator and the recovery codes."""
    page.goto(link)
    page.get_by_label("Name").fill(name)
    page.locator("input[type=password]").nth(0).fill(PASSWORD)
    page.locator("input[type=password]").nth(1).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    key = page.locator(".enrol__key").inner_text().replace(" ", "").split("\n")[0]
    phone = Authenticator(key)
    page.locator("input[name=code]").fill(phone.code())
    page.get_by_role("button", name="Confirm the code").click()
    codes = page.locator(".recovery-codes").inner_text().split()
    page.locator("input[name=stored]").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(lambda url: not url.endswith("recovery-codes/stored"))
    return phone, codes


def sign_in(page: Page, url: str, name: str, code: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("Name").fill(name)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.locator("input[name=code]").fill(code)
    page.get_by_role("button", name="Sign in").click()
