"""What a presenter may ask of a server. `core.client.client.Client` is the implementation; screens hold this type only.

Every method raises a `core.errors.SovriumError` rebuilt from the answer, or `ServerGone` when there is no answer.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.contract.access import ExplainRequest, Explanation, RoleList, TablePermissions, WhoAmI
from core.contract.activity import HistoryList, Reverted
from core.contract.comments import Comment, CommentList
from core.contract.console import (
    Blocks,
    CommitAnswer,
    CommitRequest,
    Completions,
    Event,
    ExportRequest,
    Found,
    Frequency,
    ImportPreview,
    Job,
    Jobs,
    LinkHits,
    People,
    Schema,
    SqlRequest,
    SqlRun,
    SqlWindow,
    View,
    ViewSpec,
    Window,
)
from core.contract.files import UploadedFile
from core.contract.formulas import FormulaFunctions, FormulaPreview, FormulaRequest
from core.contract.migrations import (
    MigrationDetail,
    MigrationPlan,
    Migrations,
    MigrationStatus,
    PlanRequest,
    RunRequest,
    SchemaEdit,
    SchemaEditRequest,
)
from core.contract.records import Computing, Pressed, Record
from core.contract.server import Hello
from core.contract.views import Preferences, PreferencesBody, UserView, UserViewBody
from core.errors import SovriumError
from core.sentence import Wording

if TYPE_CHECKING:
    from core.client.account import AccountPort
    from core.client.administration import AdminPort
    from core.client.analytics import AnalyticsPort


class ServerGone(SovriumError):
    """The connection failed or broke; the client tries again by itself where the request may be repeated."""

    code = "SERVER_GONE"
    status = 503


class Port(Protocol):
    """The console's way to the engine."""

    token: str | None
    """Secret of the session that everything is asked with; none for the local owner."""
    wording: Wording
    """From what is said against a call to the words in which it is raised."""
    is_acting: bool
    """The session is somebody else's, and counts on the owner's own socket, too."""
    read_only: bool
    """Whatever would write is refused and not sent (`core.client.reading`)."""

    @property
    def account(self) -> "AccountPort":
        """Signing in, and one's own account."""
        ...

    @property
    def admin(self) -> "AdminPort":
        """Administering people, what they may do, and what was done."""
        ...

    @property
    def analytics(self) -> "AnalyticsPort":
        """Visits of the app's pages."""
        ...

    async def hello(self) -> Hello: ...
    async def schema(self) -> Schema: ...
    def events(self) -> AsyncIterator[Event]:
        """Events until the stream breaks (ServerGone). Keeps the lease on a background server."""
        ...

    async def open_view(self, spec: ViewSpec) -> View: ...
    async def view(self, view: str) -> View: ...
    async def groups(self, view: str, aggregate: str = "") -> Blocks: ...
    async def user_views(self, table: str) -> list[UserView]: ...
    async def keep_view(self, table: str, body: UserViewBody, view: str | None = None) -> UserView:
        """Keep a view of one's own, a new one or in the place of one that is there."""
        ...

    async def delete_view(self, table: str, view: str) -> None: ...
    async def preferences(self, table: str) -> Preferences: ...
    async def prefer(self, table: str, body: PreferencesBody) -> None: ...
    async def window(self, view: str, start: int, limit: int, fields: Sequence[str]) -> Window: ...
    async def find(
        self, view: str, text: str, start: int, *, backward: bool = False, fields: Sequence[str] = ()
    ) -> Found: ...
    async def locate(self, view: str, key: str) -> Found: ...
    async def close_view(self, view: str) -> None: ...
    async def values(self, table: str, field: str, *, prefix: str = "", limit: int = 50) -> Frequency: ...
    async def links(self, table: str, field: str, q: str) -> LinkHits: ...
    async def people(self, q: str) -> People:
        """Accounts whose name or address holds the text."""
        ...

    async def upload_file(self, table: str, file: Path, field: str) -> UploadedFile: ...
    async def fetch_file(self, key: str, target: Path) -> int: ...
    async def press(self, table: str, key: str, field: str) -> Pressed:
        """Press a button of a record."""
        ...

    async def compute(self, table: str, key: str, fields: Sequence[str]) -> Computing:
        """Have a language model fill fields of a record anew."""
        ...

    async def record(self, table: str, key: str, *, include_deleted: bool = False) -> Record: ...
    async def commit(self, request: CommitRequest) -> CommitAnswer:
        """The answer, also when nothing was committed because of conflicts or invalid values (`committed` is false)."""
        ...

    async def run_sql(self, request: SqlRequest) -> SqlRun: ...
    async def sql(self, run: str, *, wait: float = 0) -> SqlRun: ...
    async def sql_window(self, run: str, index: int, start: int, limit: int, *, whole: bool = False) -> SqlWindow:
        """Rows of a result. whole: long texts are not cut, and at most 100 rows come."""
        ...

    async def cancel_sql(self, run: str) -> None: ...
    async def completions(self) -> Completions: ...
    async def preview_formula(self, request: FormulaRequest) -> FormulaPreview: ...
    async def formula_functions(self) -> FormulaFunctions: ...

    async def jobs(self) -> Jobs: ...
    async def job(self, job: str) -> Job: ...
    async def cancel_job(self, job: str) -> None: ...
    async def export(self, request: ExportRequest) -> Job: ...
    async def download(self, job: str, target: Path) -> int:
        """Save an export's file; bytes written. Writes beside and renames, so that a broken download leaves nothing."""
        ...

    async def preview_import(self, table: str, file: Path) -> ImportPreview: ...
    async def start_import(
        self,
        table: str,
        file: Path,
        *,
        mapping: dict[str, str] | None = None,
        skip_errors: bool = False,
        duplicates: str = "create",
        key: str | None = None,
    ) -> Job: ...
    async def permissions(self, table: str, record: str = "") -> TablePermissions: ...
    async def whoami(self) -> WhoAmI: ...
    async def roles(self) -> RoleList: ...
    async def explain(self, request: ExplainRequest) -> Explanation: ...

    async def migrations(self, *, limit: int = 50, offset: int = 0) -> Migrations: ...
    async def migration(self, version: int, *, against: int | None = None) -> MigrationDetail: ...
    async def migration_status(self) -> MigrationStatus: ...
    async def plan_migration(self, request: PlanRequest) -> MigrationPlan: ...
    async def migrate(self, request: RunRequest) -> Job: ...
    async def edit_schema(self, request: SchemaEditRequest) -> SchemaEdit: ...

    async def history(self, table: str, key: str, *, limit: int = 50, offset: int = 0) -> HistoryList: ...
    async def revert(self, table: str, key: str, entry: str) -> Reverted:
        """Take one change back by a normal update."""
        ...

    async def comments(self, table: str, key: str, *, limit: int = 50, offset: int = 0) -> CommentList: ...
    async def comment(
        self, table: str, key: str, content: str, *, parent: str | None = None, mentions: Sequence[str] = ()
    ) -> Comment: ...
    async def change_comment(
        self, table: str, key: str, comment: str, *, content: str | None = None, status: str | None = None
    ) -> Comment: ...
    async def remove_comment(self, table: str, key: str, comment: str) -> None: ...
    async def delete_for_good(self, table: str, keys: Sequence[str]) -> int:
        """Records gone for good, from the trash too (at most 100); how many. It cannot be taken back."""
        ...

    async def request(self, method: str, path: str, *, json: Any = None) -> Any:
        """Any other call of the API; the decoded JSON answer."""
        ...

    async def close(self) -> None: ...
