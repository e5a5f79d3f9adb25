"""Code in HTML pages."""

import pytest

from graphrag.loaders import load_bytes
from tests.graphrag.loaded import PROSE


@pytest.mark.parametrize(
    "code",
    [
        "<pre>ctl freeze &lt;id&gt;\n  --wait\nctl thaw</pre>",
        "<div class='highlight'><pre><span>ctl</span> freeze &lt;id&gt;<br>  --wait\n<b>ctl</b> thaw</pre></div>",
        "<pre><code><span>ctl freeze &lt;id&gt;</span>\n  --wait\n<em>ctl</em> thaw</code></pre>",
        "<pre><pre>ctl freeze &lt;id&gt;\n</pre>  --wait\n<pre>ctl thaw</pre></pre>",
    ],
)
def test_code_keeps_its_lines(code: str) -> None:
    prose = f"<p>{PROSE[0]}</p><p>{PROSE[1]}</p>"
    page = f"<html><body><main><h1>Pumps</h1>{prose}{code}{prose}</main></body></html>"

    (document,) = load_bytes(page.encode(), "a.html")

    assert "\n\nctl freeze <id>\n  --wait\nctl thaw\n\n" in document.text
