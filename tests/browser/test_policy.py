"""The Content-Security-Policy and Trusted Types of the page."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

ATTEMPTS = {
    "markup as text": "document.body.innerHTML = '<p>'",
    "a script from text": "Object.assign(document.createElement('script'), { text: '1' })",
    "another worker": "new Worker(document.querySelector('[type=module]').src.replace('main', 'server/feed/feed'))",
    "another policy": "trustedTypes.createPolicy('mine', {})",
    "a policy once more": "trustedTypes.createPolicy('stockstream-worker', {})",
}


def test_the_page_never_treats_text_as_code_or_markup(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("TrustedHTML|TrustedScript|trusted-types|Trusted Type|Content Security Policy")
    dashboard.open()
    attempt = "() => {{ try {{ {code}; return null }} catch (error) {{ return error.name }} }}"
    for name, code in ATTEMPTS.items():
        assert dashboard.page.evaluate(attempt.format(code=code)) == "TypeError", name
    refused = "() => fetch('https://example.com/').then(() => 'sent', () => 'refused')"
    assert dashboard.page.evaluate(refused) == "refused"


def test_the_page_and_its_worker_have_a_policy(dashboard: Dashboard) -> None:
    stack = dashboard.stack
    with urllib.request.urlopen(stack.api_url) as page:
        policy = page.headers["Content-Security-Policy"]
        (scripts,) = re.findall(r'"(/static/[^"]+)/main.js"', page.read().decode())
    with urllib.request.urlopen(f"{stack.api_url}{scripts}/server/feed/worker.js") as worker:
        own = worker.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", f"connect-src 'self' {stack.stream_url}"):
        assert rule in policy.split("; ")
    assert "worker-src 'self'" in policy
    assert "unsafe" not in policy + own
    assert f"connect-src 'self' {stack.stream_url}" in own
