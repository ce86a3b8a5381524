"""Addresses of people, tokens, the audit trail and the administration site."""

from django.urls import URLPattern, URLResolver, path

from dashboard.accounts.admin_site import site
from dashboard.accounts.views import account, audit_trail, first_steps, sign_in, tokens, users

urlpatterns: list[URLPattern | URLResolver] = [
    path("login", sign_in.login, name="login"),
    path("login/factor", sign_in.factor, name="login-factor"),
    path("logout", sign_in.logout, name="logout"),
    path("setup/<str:secret>", first_steps.setup, name="setup"),
    path("invite/<str:secret>", first_steps.invitation, name="invitation"),
    path("account", account.account, name="account"),
    path("account/enrol", first_steps.enrol, name="enrol"),
    path("account/confirm", sign_in.confirm, name="confirm"),
    path("account/password", account.password, name="password"),
    path("account/recovery-codes", first_steps.recovery_codes, name="recovery-codes"),
    path("account/recovery-codes/stored", first_steps.recovery_codes_stored, name="recovery-codes-stored"),
    path("account/sessions/end-others", account.end_other_sessions, name="end-other-sessions"),
    path("account/sessions/<int:session_id>/end", account.end_one_session, name="end-session"),
    path("settings/tokens", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke", tokens.revoke, name="token-revoke"),
    path("settings/users", users.users, name="users"),
    path("settings/users/<int:user_id>/invite", users.invite, name="user-invite"),
    path("settings/users/<int:user_id>/role", users.role, name="user-role"),
    path("settings/users/<int:user_id>/activity", users.activity, name="user-activity"),
    path("settings/users/<int:user_id>/reset-factors", users.reset, name="user-reset-factors"),
    path("settings/audit-trail", audit_trail.audit_trail, name="audit-trail"),
    path("settings/audit-trail.csv", audit_trail.audit_csv, name="audit-csv"),
    path("settings/audit-trail/verify", audit_trail.verify, name="audit-verify"),
    path("admin/", site.urls),
]
