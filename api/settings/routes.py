"""`/settings`: read and change what a merchant has set."""

from __future__ import annotations

from typing import Annotated

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import check_step_up
from api.http.problems import TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.settings.schemas import SettingsPatch, SettingsResource, settings_resource
from clearway.accounts import merchant_settings
from clearway.accounts.merchant_settings import OF_ACCOUNT, OF_SECURITY, check_account
from clearway.domain.permissions import Permission

router = Router(prefix="/settings", tags=["settings"])

Reader = Annotated[Principal, requires(Permission.SETTINGS_READ)]
Editor = Annotated[Principal, requires(Permission.SETTINGS_WRITE)]


@router.get("", responses=declare(*TO_MERCHANTS), summary="Read the settings")
async def get_settings(principal: Reader, services: ServicesDep) -> SettingsResource:
    """Read the settings of your merchant, with the limits of this installation."""
    async with services.reader.connect() as connection:
        found = await merchant_settings.read(connection, principal.merchant_id)
    return settings_resource(found, services.settings)


@router.patch(
    "",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "settings_invalid", "step_up_required", "live_key_needed"),
    summary="Change the settings",
)
async def update_settings(body: SettingsPatch, principal: Editor, services: ServicesDep) -> SettingsResource:
    """Change only the fields that you send. The live and the test merchant have settings of their own.

    A member needs a step-up for `security`. `account_name` and `totp_required` apply to both merchants, so a test key
    cannot change them.
    """
    asked = body.asked()
    if asked.keys() & OF_SECURITY:
        check_step_up(principal)
    if asked.keys() & OF_ACCOUNT:
        check_account(principal.mode, is_key=principal.user is None)
    changed = await merchant_settings.change(services.engine, principal.actor, asked)
    return settings_resource(changed, services.settings)
