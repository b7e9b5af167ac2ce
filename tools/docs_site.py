"""What `make docs` needs beside MkDocs itself: the project's own folders as the site's pages.

The project keeps a page beside what it explains (sandbox/README.md, docs/runbook.md), and its links
work where the sources are read. The site has the same folders, so that the same links work there:
every Markdown page that git knows, and each file that a page links to. MkDocs calls the functions
named on_… (https://www.mkdocs.org/dev-guide/plugins/#events).
"""

import re
import subprocess
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PROJECT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")
BADGES = re.compile(r"^\[!\[.*\]\(\.\./\.\./actions.*$", re.MULTILINE)  # a link of the code's host
PARTS = {PROJECT / "docs" / "openapi.yaml", PROJECT / "docs" / "assets" / "diagrams.js"}
API = "docs/api.md"
API_BROWSER = """\
# API browser

The [channel API](channel-api.md) to click through.

<swagger-ui src="openapi.yaml"/>
"""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Replace the files of docs/ by every page and what pages link to; keep the theme's."""
    pages = _tracked("*.md")
    sources = sorted(pages | PARTS | {target for page in pages for target in _linked(page)})
    theme = [file for file in files if file.src_dir != config.docs_dir]
    return Files(
        [
            *theme,
            File.generated(config, API, content=API_BROWSER),
            *(_file(path, config) for path in sources),
        ]
    )


def on_page_markdown(markdown: str, **_: object) -> str:
    """Leave out the badges, which only the code's host can show."""
    return BADGES.sub("", markdown)


def _tracked(pattern: str) -> set[Path]:
    listed = subprocess.run(
        ["git", "ls-files", pattern], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return {PROJECT / line for line in listed.stdout.splitlines()}


def _linked(page: Path) -> set[Path]:
    targets = {(page.parent / target).resolve() for target in LINK.findall(page.read_text())}
    return {target for target in targets if target.is_file()}


def _file(path: Path, config: MkDocsConfig) -> File:
    return File(
        str(path.relative_to(PROJECT)), str(PROJECT), config.site_dir, config.use_directory_urls
    )
