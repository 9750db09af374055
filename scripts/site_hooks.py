"""What MkDocs asks while it builds the site: pages that are made, their order, links, llms.txt."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(TOP / "scripts")]

from site_commands import command_pages  # noqa: E402
from site_examples import BUILT, EXAMPLES, examples_page, name_in_site  # noqa: E402
from site_layers import layer_pages  # noqa: E402
from site_notebook import notebook_page  # noqa: E402

OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages of the site that lie outside of docs/."""
LINK = re.compile(r"(\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\])\(([^)#\s:]+)(#[^)\s]*)?\)")
_FOR_PROGRAMS = """\
All keys of a config are in [dl.schema.json](dl.schema.json), a JSON Schema. Before a training,
`dl validate CONFIG --json` lists every mistake with its line and what to write, and
`dl lint CONFIG --json` gives advice. All pages but those of the project in one file:
[llms-full.txt](llms-full.txt)."""
_titles: dict[str, str] = {}
_written: dict[str, tuple[str, str]] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what is made, and puts the pages into their order."""
    docs = {file.src_uri: file.content_string for file in files if _is_page(file.src_uri)}
    notebook = {"notebook.md": notebook_page(TOP / "docs" / "notebook.ipynb")}
    for path, text in {**made_pages(docs), **layer_pages(), **notebook}.items():
        files.append(File.generated(config, path, content=text))
    for shown in EXAMPLES:
        if (BUILT / shown.file).is_file():
            page = (BUILT / shown.file).read_text(encoding="utf-8")
            files.append(File.generated(config, name_in_site(shown), content=page))
    _titles.update((file.src_uri, _title(file)) for file in files)
    config.nav = navigation([file.src_uri for file in files], config.extra["sections"])
    return files


def made_pages(docs: dict[str, str]) -> dict[str, str]:
    """Returns the pages that are made of other files, and of click, by their paths in the site.

    Args:
        docs: The text of the pages of docs/, by path.
    """
    pages = {new: (TOP / old).read_text(encoding="utf-8") for old, new in OUTSIDE.items()}
    design = sorted(path for path in docs if path.startswith("design/"))
    titles = [docs[path].split("\n", 1)[0].lstrip("# ") for path in design]
    listed = "\n".join(f"- [{t}]({Path(p).name})" for p, t in zip(design, titles, strict=True))
    pages["design/index.md"] = (
        f"# Decisions\n\nWhy `dl` is as it is, one page for each decision.\n\n{listed}\n"
    )
    configs = sorted((TOP / "configs").rglob("*.yaml"))
    for path in configs:
        text = path.read_text(encoding="utf-8")
        site = _config_page(path)
        pages[site] = f"# {path.stem}\n\n```yaml\n{text}```\n"
    listed = "\n".join(f"- [{path.stem}]({_config_page(path)[8:]})" for path in configs)
    pages["configs/index.md"] = (
        "# The shipped configs\n\nEach as `dl init --example NAME` prints it. By the question that "
        f"they answer: [The gallery](../gallery.md).\n\n{listed}\n"
    )
    pages["examples.md"] = examples_page()
    return {**pages, **command_pages({**docs, "index.md": pages["index.md"]})}


def navigation(paths: list[str], sections: dict[str, list[str]]) -> list[dict[str, object]]:
    """Returns the order of the pages: each stands once, below More if no section names it."""
    left = {path for path in paths if _is_page(path)}
    found: list[dict[str, object]] = []
    for title, names in sections.items():
        entries: list[object] = []
        for name in names:
            folder = sorted(p for p in left if p.startswith(f"{name}/"))
            folder.sort(key=lambda path: posixpath.basename(path) not in ("index.md", "README.md"))
            if folder and name.capitalize() == title:
                entries += folder
            elif folder:
                entries.append({name.capitalize(): folder})
            elif f"{name}.md" in left:
                entries.append(f"{name}.md")
            left -= {*folder, f"{name}.md"}
        found.append({title: entries})
    return [*found, {"More": sorted(left)}] if left else found


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links to where their pages are in the site; returns the Markdown."""
    path = page.file.src_uri
    text = relinked(markdown, path, _titles)
    text = re.sub(
        r"^```console\n(?!\$)", "```sh\n", text, flags=re.MULTILINE
    )  # no prompt, no output
    if path.startswith(("design/", "configs/", "changelog")):  # found behind what is for users
        page.meta["search"] = {"boost": 0.3}
    page.meta.setdefault("description", _description(text))
    _written[path] = (page.title or path, text)
    return text


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Names the dialog of the search for screen readers, which the theme does not."""
    dialog = 'data-md-component="search" role="dialog"'
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def relinked(markdown: str, path: str, titles: Mapping[str, str]) -> str:
    """Returns the text with its links to files of the repository as links in the site.

    Args:
        markdown: The text of a page.
        path: The path of the page in the site.
        titles: The titles of all files of the site, by path; a link that is named after its file
            gets that of the file.
    """
    source = next((old for old, new in OUTSIDE.items() if new == path), f"docs/{path}")

    def lead(match: re.Match[str]) -> str:
        text, target, anchor = match.groups()
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if not (TOP / file).exists():
            return match[0]
        site = _in_site(file)
        if site not in titles:
            return text[1:-1]
        if text[1:-1].endswith((".md", ".ipynb")):
            text = f"[{titles[site]}]"
        return f"{text}({posixpath.relpath(site, posixpath.dirname(path) or '.')}{anchor or ''})"

    return LINK.sub(lead, markdown)


def _in_site(file: str) -> str:
    """Returns where a file of the repository is in the site, if it is there."""
    if file.startswith("configs/") and file.endswith(".yaml"):
        return _config_page(TOP / file)
    path = OUTSIDE.get(file, file.removeprefix("docs/"))
    if path.endswith(".ipynb"):
        return path.removesuffix(".ipynb") + ".md"
    return f"{path}/index.md" if (TOP / file).is_dir() else path


def _config_page(path: Path) -> str:
    return path.relative_to(TOP).with_suffix(".md").as_posix()


def _title(file: File) -> str:
    """Returns the heading of a page, or the name of another file."""
    if not _is_page(file.src_uri):
        return str(posixpath.basename(file.src_uri))
    head = re.search(r"^# (.+)", file.content_string, re.MULTILINE)
    return head[1] if head else str(file.name)


def _description(markdown: str) -> str:
    """Returns the first sentence of a page, as plain text of one line."""
    for paragraph in re.split(r"\n\s*\n", markdown):
        if re.match(r"[\w*\[]|`[^`]", paragraph):
            plain = re.sub(r"\]\([^)]*\)|[\[\]`*]", "", " ".join(paragraph.split()))
            return re.split(r"(?<=[.:]) (?=[A-Z])", plain)[0]
    return ""


def on_post_build(config: MkDocsConfig) -> None:
    """Writes what programs read: llms.txt, all pages in one file, and each as Markdown."""
    site = Path(config.site_dir)
    lines = [f"# {config.site_name}", "", f"> {config.site_description}.", "", _FOR_PROGRAMS]
    whole = []
    for section in config.nav or []:
        for title, entries in section.items():
            lines += ["", f"## {title}", ""]
            for path in flat(entries):
                name, text = _written[path]
                text = re.sub(r"!\[[^\]]*\]\(data:[^)]*\)", "", text)
                lines.append(f"- [{name}]({path}): {_description(text)}")
                (site / path).write_text(text, encoding="utf-8")
                if title != "Project" and path != "notebook.md":
                    whole.append(text.strip())
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (site / "llms-full.txt").write_text("\n\n\n".join(whole) + "\n", encoding="utf-8")


def flat(entries: object) -> list[str]:
    """Returns the pages of a navigation, or of a part of it, in their order."""
    if isinstance(entries, str):
        return [entries]
    inner = entries.values() if isinstance(entries, dict) else list(entries)  # type: ignore[call-overload]
    return [path for each in inner for path in flat(each)]


def _is_page(path: str) -> bool:
    return path.endswith(".md")
