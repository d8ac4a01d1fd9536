"""All that the audit log tells of, with the severity of each (auth §12.1). What is not here cannot be written."""

from typing import Literal

Severity = Literal["debug", "info", "warning", "error", "critical"]
Result = Literal["success", "failure"]

_INFO = (
    "user.signed_up user.repeated_signup user.verified user.updated session.created session.ended session.revoked "
    "session.refreshed password.changed password.reset_requested password.reset email.change_requested email.changed "
    "email.change_undone phone.changed mfa.enrolled mfa.verified identity.linked identity.unlinked sso.signin audit.queried "
    "account.exported device.trusted device.forgotten"
)
_WARNING = (
    "session.reuse_detected session.binding_mismatch signin.failed signin.locked rate_limit.hit mfa.failed mfa.removed "
    "mfa.reset_by_admin mfa.backup_code_used mfa.backup_codes_renewed sso.rejected sso.provider.created "
    "sso.provider.updated sso.provider.removed "
    "admin.user.created admin.user.updated admin.user.role_set admin.user.password_set admin.user.banned "
    "admin.user.unbanned admin.user.removed admin.user.unlocked admin.user.verified admin.session.revoked "
    "admin.impersonation.started admin.impersonation.stopped admin.group.joined admin.group.left admin.message.retried "
    "admin.message.forgotten invitation.sent "
    "invitation.accepted policy.created "
    "policy.updated policy.dropped rls.enabled role.created role.updated role.removed auth.config.changed apikey.created "
    "apikey.revoked backup.started account.deletion.scheduled account.deletion.cancelled account.deletion.purged"
)
_CRITICAL = "rls.disabled key.rotated bootstrap.created bootstrap.token_issued bootstrap.claimed audit.trimmed"

ACTIONS: dict[str, Severity] = {
    **dict.fromkeys(_INFO.split(), "info"),
    **dict.fromkeys(_WARNING.split(), "warning"),
    **dict.fromkeys(_CRITICAL.split(), "critical"),
}
