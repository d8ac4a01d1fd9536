"""A server that other machines can reach: what the app file must not say then, at the start and later."""

from pathlib import Path

import pytest

from core.assembly import open_engine
from core.errors import BadRequest
from core.http.app import build_app
from core.http.server import Server

GOOD = "name: desk\nauth: {strategies: [{type: emailAndPassword}]}\n"
CONSOLE = "name: desk\nauth: {strategies: [{type: emailAndPassword}, {type: phone}]}\n"
NO_LIMITS = "name: desk\nauth: {strategies: [{type: emailAndPassword}], rateLimit: {enabled: false}}\n"
OPEN = "name: desk\n"


async def test_what_other_machines_must_not_reach(tmp_path: Path) -> None:
    """auth §2.2, P-015: codes on the screen and passwords without limits are for loopback; a reload is no way around it."""
    file = tmp_path / "app.yaml"
    file.write_text(CONSOLE)
    engine = open_engine(file, tmp_path / "data")
    app = build_app(engine, version="1")
    public = Server(app, host="0.0.0.0", port=0, allow_open=False)
    try:
        with pytest.raises(BadRequest, match=r"auth\.strategies\[1\]\.smsProvider: 'console' shows codes"):
            await public.start()
        loopback = Server(app, host="127.0.0.1", port=0)
        await loopback.start()
        file.write_text(GOOD)
        assert (await app.reloading.run())["changed"]
        await loopback.stop(0)

        await public.start()
        for text, told in ((CONSOLE, "smsProvider"), (NO_LIMITS, "rateLimit"), (OPEN, "no sign-in")):
            file.write_text(text)
            with pytest.raises(BadRequest, match=told):
                await app.reloading.run()
            assert app.engine is not None
            assert app.engine.app.auth is not None
            assert app.engine.app.auth.unfit_for_public() == []
    finally:
        await public.stop(0)
        assert app.engine is not None
        app.engine.close()
