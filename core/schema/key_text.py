"""What the keys of an app file are for, a sentence each: an editor shows it while one writes."""

from collections.abc import Mapping

ROOT: Mapping[str, str] = {
    "name": "Name of the app, as in npm: small letters, digits, `-`, `.`, `_`",
    "version": "Version of the app, such as 1.0.0",
    "description": "What the app is for, in one line",
    "tables": "The tables of the database",
    "env": "Variables that the app needs from its environment",
    "auth": "Who may sign in, and how; without it the app has no accounts",
    "migrations": "Whether data may be dropped, and how long copies of it are kept",
    "languages": "`default` is the language of mails and durations",
    "analytics": "Visits of the app's pages are counted: true, or settings",
    "history": "How long the history of records is kept",
    "rateLimit": "How many requests a caller may send; false: any number",
    "webhooks": "Which hosts of one's own network webhooks may call",
    "server": "Where the server listens, and the names that it answers to",
}

TABLE: Mapping[str, str] = {
    "id": "Stays when the table is renamed, so that its data stays too",
    "name": "For people; the database has it in small letters, `Spare Parts` as `spare_parts`",
    "fields": "The columns, and what is computed from them",
    "primaryKey": "What tells records apart; else `id`, counting up",
    "unique": "Fields of which no two records have the same combination",
    "indexes": "Indexes over one or more fields",
    "constraints": "Formulas that no record may make false",
    "foreignKeys": "References to another table over several fields",
    "views": "Filters, orders, groups, boards, calendars and galleries",
    "permissions": "Who may read, create, update and delete, by role",
    "rowLevelPermissions": "Which rows a caller may see and change, by the values in them",
    "rls": "Which rows a role may see and change, by policies in SQL",
    "rateLimit": "How many requests a caller may send to this table",
    "comments": "Who may comment on records, and who approves it",
    "webhooks": "Other servers that are told of changes",
    "disabled": "true: the table answers to nobody, its data stay",
    "allowDestructive": "true: fields that left the file may be dropped with their data",
    "allowForceDelete": "true: a record that `restrict` links lead to can be deleted for good",
    "allowUnvalidated": "true: new rules hold for new rows alone",
    "uniqueIgnoresDeleted": "true: unique keys do not count records in the trash",
    "physicalChecks": "true: bounds, options and constraints stand in the database as well",
    "aiAccess": "Accepted, not run yet",
}

FIELD: Mapping[str, str] = {
    "id": "Stays when the field is renamed, so that its data stays too",
    "name": "A small letter, then small letters, digits and `_`",
    "type": "What the field holds",
    "required": "true: no record without a value",
    "unique": "true: no two records with the same value",
    "indexed": "true: an index for looking up by this field",
    "default": "The value of a new record that names none",
    "label": "What people read in place of the name",
    "description": "What the field is for",
    "searchWeight": "Accepted, not run yet",
    "storage": "Accepted, not run yet",
    "allowTruncate": "true: a change of the type may cut values that do not fit",
    "split": "What stands between the parts of a text that becomes a list",
    "renameOptions": "Options that have another name now: {old: new}",
}
