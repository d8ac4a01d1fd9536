"""The functions by which PostgreSQL answers what rules and policies ask of a caller (`connected`), and how what an
export has made is taken away again."""

from collections.abc import Iterable, Mapping

from core.schema.name import fitted
from core.storage.ddl import literal, quote

PREFIX = "sovrium "
"""Of the names of policies, by which they are found again."""


def functions(
    schema: str, tables: str, roles: Mapping[str, str], groups: Mapping[str, str], above: Iterable[str]
) -> str:
    """`schema` is to hold them, `tables` is the schema of the app's tables. `roles` (the highest first) and `groups` go by
    the name that the app knows them by to that of PostgreSQL; `above` are the roles that no row rule holds.

    Who is connected is told by the login alone: its name is the address of the account. SET can change nothing about it."""
    own, path = quote(schema), f"SET search_path = {quote(tables)}, pg_temp"
    head = f"LANGUAGE sql STABLE SECURITY DEFINER {path} AS"
    listed = ", ".join(map(literal, above))
    return f"""\
CREATE SCHEMA IF NOT EXISTS {own};
CREATE OR REPLACE FUNCTION {own}.uid() RETURNS text {head} $$
  SELECT id FROM auth_user
  WHERE email = session_user::text AND deleted_at IS NULL AND (NOT banned OR ban_expires <= now())
$$;
CREATE OR REPLACE FUNCTION {own}.email() RETURNS text {head} $$
  SELECT email FROM auth_user WHERE id = {own}.uid()
$$;
CREATE OR REPLACE FUNCTION {own}.role() RETURNS text {head} $$
  SELECT CASE WHEN {own}.uid() IS NULL THEN 'anon' ELSE 'authenticated' END
$$;
CREATE OR REPLACE FUNCTION {own}.roles() RETURNS text[] {head} $$
  {_held(roles)}
$$;
CREATE OR REPLACE FUNCTION {own}.groups() RETURNS text[] {head} $$
  {_held(groups)}
$$;
CREATE OR REPLACE FUNCTION {own}.app_role() RETURNS text {head} $$
  SELECT ({own}.roles())[1]
$$;
CREATE OR REPLACE FUNCTION {own}.is_above() RETURNS boolean {head} $$
  SELECT {own}.roles() && ARRAY[{listed}]::text[]
$$;
CREATE OR REPLACE FUNCTION {own}.assignments(scope text) RETURNS text[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER {path} AS $$
BEGIN
  IF to_regclass('auth_user_access') IS NULL THEN RETURN '{{}}'; END IF;
  RETURN ARRAY(
    SELECT DISTINCT record FROM auth_user_access, jsonb_array_elements_text(record_ids::jsonb) AS record
    WHERE user_id = {own}.uid() AND table_slug = scope
  );
END $$;
CREATE OR REPLACE FUNCTION {own}.jwt() RETURNS jsonb {head} $$
  SELECT jsonb_build_object(
    'sub', {own}.uid(), 'email', {own}.email(), 'role', {own}.role(), 'aal', 'aal1', 'session_id', NULL,
    'app_metadata', jsonb_build_object(
      'role', {own}.app_role(), 'roles', to_jsonb({own}.roles()), 'groups', to_jsonb({own}.groups())))
$$;"""


def _held(names: Mapping[str, str]) -> str:
    """Those of the names whose role the login is a member of, in their order."""
    if not names:
        return "SELECT ARRAY[]::text[]"
    rows = ", ".join(f"({place}, {literal(name)}, {literal(role)})" for place, (name, role) in enumerate(names.items()))
    return f"""SELECT ARRAY(
    SELECT known.name FROM (VALUES {rows}) AS known(place, name, role) JOIN pg_catalog.pg_roles ON rolname = known.role
    WHERE pg_has_role(session_user, pg_roles.oid, 'USAGE') ORDER BY known.place
  )"""


def create_roles(names: Iterable[str]) -> Iterable[str]:
    """Roles belong to the whole server, and may be there."""
    for name in names:
        yield f"""\
DO $$ BEGIN
  IF to_regrole({literal(quote(name))}) IS NULL THEN CREATE ROLE {quote(name)} NOLOGIN; END IF;
END $$;"""


def forget(tables: str, names: Mapping[str, str]) -> str:
    """Takes the policies of earlier exports away. `names`: of roles as the app knows them and as PostgreSQL does."""
    owned = " OR ".join(f"starts_with(policyname, {literal(policy_name(role, ''))})" for role in names)
    return f"""\
DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT * FROM pg_policies WHERE schemaname = {literal(tables)} AND ({owned}) LOOP
    EXECUTE format('DROP POLICY %I ON %I.%I', found.policyname, found.schemaname, found.tablename);
  END LOOP;
END $$;"""


def policy_name(role: str, what: str) -> str:
    return f"{fitted(PREFIX + role, 50)}: {what}"
