"""`clearway login` and `clearway users` against a running stack: how tokens are kept, refreshed and ended."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from clearway.dev.stack import Stack
from clearway.domain.ids import USER, new_id
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY, TEST_API_SECRET
from tests.stack.cli.command import Cli, Outcome

pytestmark = pytest.mark.stack

PAY = ("payments", "create", "--amount", "1200", "--vpa", "success@razorpay", "--json")


@dataclass(frozen=True)
class Person:
    """Somebody with a password, and the command line of their machine."""

    cli: Cli
    email: str
    password: str

    @property
    def file(self) -> Path:
        """Where their logins are kept."""
        return self.cli.folder / ".config" / "clearway" / "logins.json"

    def kept(self) -> dict[str, Any]:
        """Return their one login."""
        (login,) = json.loads(self.file.read_text("utf-8")).values()
        return dict(login)

    def keep(self, **changed: Any) -> None:
        """Change what is kept."""
        kept = json.loads(self.file.read_text("utf-8"))
        self.file.write_text(json.dumps({url: login | changed for url, login in kept.items()}), "utf-8")

    async def sign_in(self, *more: str) -> Outcome:
        """Sign in at the stack."""
        return await self.cli("login", self.email, "--password-stdin", "--json", *more, typed=f"{self.password}\n")


@pytest.fixture
def owner(at_stack: Cli) -> Person:
    """The seeded owner of the test merchant."""
    return Person(at_stack, OWNER_EMAIL, OWNER_PASSWORD)


@pytest.fixture
async def ada(owner: Person) -> Person:
    """Create a viewer of the test merchant's account."""
    email = f"{new_id(USER)}@example.test"
    account = (await owner.sign_in()).json["memberships"][0]["account_id"]
    await owner.cli("logout")
    made = await owner.cli("users", "create", email, "--account", account, "--role", "viewer", "--json")
    return Person(owner.cli, email, made.json["password"])


async def test_a_login_acts_as_the_person_and_is_closed_to_others(owner: Person, ada: Person) -> None:
    """Commands act with the person's role, for their test merchant; the file has mode 0600 and no password."""
    signed_in = await ada.sign_in()
    assert signed_in.json["email"] == ada.email
    assert signed_in.json["merchant_id"].startswith("mer_")
    assert stat.S_IMODE(ada.file.stat().st_mode) == 0o600
    assert ada.password not in ada.file.read_text("utf-8")

    assert (await ada.cli("payments", "list", "--json")).code == 0
    refused = await ada.cli("refunds", "create", "pay_01jd3xq2w8v5n7k4t6y9c1b0za", "--amount", "100")
    assert "Your role does not have the permission" in refused.problem


async def test_a_payment_by_a_person_is_audited_and_one_by_a_key_is_not(owner: Person) -> None:
    """One row, with the person, the amount and the address; payments of keys are in the request log instead."""
    key = ("--api-key", TEST_API_KEY, "--api-secret", TEST_API_SECRET)
    by_key = (await owner.cli(*PAY, *key)).json["id"]
    signed_in = (await owner.sign_in()).json
    by_person = (await owner.cli(*PAY, "--idempotency-key", "once-0001")).json["id"]
    again = await owner.cli(*PAY, "--idempotency-key", "once-0001")
    assert again.json["id"] == by_person

    (row,) = [
        line for line in (await owner.cli("audit", by_person, "--json")).json if line["action"] == "payment.create"
    ]
    assert (row["actor"], row["address"]) == (f"user:{signed_in['id']}", "127.0.0.1")
    assert (row["detail"]["amount"], row["detail"]["currency"]) == (1200, "INR")
    assert (await owner.cli("audit", by_key, "--json")).json == []

    for payment, actor in ((by_person, f"user:{signed_in['id']}"), (by_key, "merchant")):
        steps = (await owner.cli("payments", "show", payment, "--json")).json["history"]
        assert (steps[0]["type"], steps[0]["actor"]) == ("payment.created", actor)


async def test_switch_lists_where_one_can_go_and_goes_there(ada: Person) -> None:
    """Without an argument each merchant is listed, the present one is marked, and nothing changes; with one it does."""
    assert "You are not signed in" in (await ada.cli("switch")).problem
    signed_in = (await ada.sign_in()).json
    mine = [each for membership in signed_in["memberships"] for each in membership["merchants"]]
    present, other = (
        signed_in["merchant_id"],
        next(each["id"] for each in mine if each["id"] != signed_in["merchant_id"]),
    )

    async def marked() -> list[str]:
        lines = (await ada.cli("switch")).out.splitlines()
        assert all(any(each["id"] in line for line in lines) for each in mine), lines
        return [each["id"] for each in mine for line in lines if each["id"] in line and "→" in line]

    assert await marked() == [present]
    assert ada.kept()["merchant_id"] == present
    assert (await ada.cli("switch", other, "--json")).json["merchant_id"] == other
    assert await marked() == [other]
    assert (await ada.cli("switch", "--json")).json["merchant_id"] == other
    assert "You have no merchant" in (await ada.cli("switch", "mer_nobody")).problem
    assert await marked() == [other]


async def test_an_api_key_goes_before_a_login(ada: Person) -> None:
    """Whoever names a key acts with that key."""
    await ada.sign_in()
    refused = await ada.cli("payments", "list", CLEARWAY_API_KEY="key_wrong", CLEARWAY_API_SECRET="secret_wrong")
    assert "The API key is unknown" in refused.problem


async def test_commands_at_once_refresh_once(ada: Person) -> None:
    """An access token near its end is replaced by one command; the others use what it got, and the session lives."""
    await ada.sign_in()
    before = ada.kept()
    ada.keep(access_ends_at=time.time())
    outcomes = await asyncio.gather(*(ada.cli("payments", "list", "--json") for _ in range(3)))
    assert [outcome.code for outcome in outcomes] == [0, 0, 0]
    after = ada.kept()
    assert after["session_id"] == before["session_id"]
    assert after["refresh_token"] != before["refresh_token"]
    assert stat.S_IMODE(ada.file.stat().st_mode) == 0o600


async def test_signing_out_ends_the_session_at_the_api(ada: Person, stack: Stack) -> None:
    """The tokens are gone from the file, and a copy of them opens nothing."""
    await ada.sign_in()
    copied = ada.kept()
    assert (await ada.cli("logout", "--json")).json["ended"] is True
    assert json.loads(ada.file.read_text("utf-8")) == {}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/api/v1", trust_env=False) as http:
        body = {"refresh_token": copied["refresh_token"]}
        assert (await http.post("/auth/refresh", json=body)).status_code == 401
    assert "You are not signed in" in (await ada.cli("whoami")).problem


async def test_a_code_is_asked_for(ada: Person, stack: Stack) -> None:
    """With TOTP the password alone signs nobody in; the code beside it does."""
    await ada.sign_in()
    headers = {"Authorization": f"Bearer {ada.kept()['access_token']}"}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/api/v1", headers=headers, trust_env=False) as http:
        totp = pyotp.TOTP((await http.post("/users/me/totp")).json()["secret"])
        codes = (await http.post("/users/me/totp/confirm", json={"code": totp.now()})).json()["recovery_codes"]
    assert "authenticator app" in (await ada.sign_in()).problem
    assert (await ada.sign_in("--code", codes[0])).json["totp_enabled"] is True

    assert (await ada.cli("users", "reset-totp", ada.email, "--json")).json["changed"] is True
    assert "has ended" in (await ada.cli("whoami")).problem
    assert (await ada.sign_in()).json["totp_enabled"] is False


async def test_a_disabled_user_is_out_at_once(ada: Person) -> None:
    """The login ends, the sign-in answers as for a wrong password, and all of it is audited with the operator."""
    await ada.sign_in()
    assert (await ada.cli("users", "disable", ada.email, "--operator", "olga", "--json")).json["changed"] is True
    assert "Your login" in (await ada.cli("payments", "list")).problem
    refused = (await ada.sign_in()).problem
    assert (await Person(ada.cli, ada.email, "a wrong password").sign_in()).problem == refused

    shown = (await ada.cli("users", "show", ada.email, "--json")).json
    assert (shown["status"], len(shown["memberships"])) == ("disabled", 1)
    assert (await ada.cli("users", "enable", ada.email, "--operator", "olga", "--json")).json["changed"] is True
    assert (await ada.sign_in()).code == 0
    audited = (await ada.cli("audit", shown["id"], "--json")).json
    by_olga = [line["action"] for line in audited if line["actor"] == "operator:olga"]
    assert by_olga == ["user.end_sessions", "user.disable", "user.enable"]


async def test_sessions_of_a_person_are_listed_and_ended(ada: Person) -> None:
    """The operator sees device and address, and ends them all."""
    await ada.sign_in()
    (session,) = (await ada.cli("users", "sessions", ada.email, "--json")).json
    assert (session["kind"], session["address"]) == ("program", "127.0.0.1")
    assert (await ada.cli("users", "sessions", ada.email, "--end")).code == 0
    assert (await ada.cli("users", "sessions", ada.email, "--json")).json == []
    assert "has ended" in (await ada.cli("whoami")).problem


async def test_an_operator_is_made_and_unmade(ada: Person) -> None:
    """The flag is the installation's, and the list shows it."""
    for arguments, expected in ((("operator", ada.email), True), (("operator", ada.email, "--remove"), False)):
        assert (await ada.cli("users", *arguments, "--json")).json["changed"] is True
        (user,) = (await ada.cli("users", "list", "--search", ada.email, "--json")).json
        assert user["is_operator"] is expected


async def test_a_password_never_leaves_in_clear_text(cli: Cli) -> None:
    """Without https, only this machine gets it."""
    refused = await cli("login", "ada@example.test", "--password-stdin", "--api-url", "http://api.test", typed="x\n")
    assert "clear" in refused.problem
