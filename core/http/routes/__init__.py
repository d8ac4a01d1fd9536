"""The API's addresses, one module per family."""

from collections.abc import Iterator

from core.http.route import Route


def all_routes() -> Iterator[Route]:
    """Every route that is served."""
    from core.http.routes import (
        access,
        admin_audit,
        admin_groups,
        admin_sessions,
        admin_users,
        analytics,
        api_keys,
        auth_account,
        auth_email,
        auth_factor,
        auth_master_key,
        auth_password,
        auth_passwordless,
        auth_session,
        auth_settings,
        backups,
        bootstrap,
        comments,
        console_commit,
        console_sql,
        console_views,
        events,
        files,
        forms,
        formulas,
        health,
        hello,
        history,
        impersonation,
        indexes,
        invitations,
        jobs,
        logs,
        migrations,
        openapi,
        outbox,
        reload,
        webhooks,
    )
    from core.http.routes import records as record_routes
    from core.http.routes import tables as table_routes
    from core.http.routes import transfer as transfer_routes
    from core.http.routes import views as view_routes

    families = (
        health,
        openapi,
        hello,
        table_routes,
        record_routes,
        console_views,
        console_commit,
        console_sql,
        formulas,
    )
    of_records = (history, files)
    of_accounts = (
        auth_session,
        auth_email,
        auth_password,
        auth_account,
        auth_factor,
        auth_passwordless,
        auth_master_key,
    )
    of_administration = (
        admin_users,
        admin_sessions,
        admin_groups,
        invitations,
        impersonation,
        bootstrap,
        admin_audit,
        outbox,
        auth_settings,
    )
    for module in (
        *families,
        *of_accounts,
        api_keys,
        *of_administration,
        *of_records,
        view_routes,
        transfer_routes,
        jobs,
        events,
        access,
        reload,
        migrations,
        indexes,
        logs,
        backups,
    ):
        yield from module.routes.routes
    yield from transfer_routes.console.routes
    yield from table_routes.console.routes
    yield from forms.routes.routes
    yield from comments.routes.routes
    yield from webhooks.routes.routes
    yield from analytics.routes.routes
