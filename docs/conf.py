"""Configuration of Sphinx."""

import warnings
from pathlib import Path

import click

from torch_radon import __version__, cli

project = "torch_radon"
author = "The torch_radon authors"
copyright = "2026, The torch_radon authors"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_generated"]
# A name in single backticks is Python: our own become links, others stay code.
default_role = "py:obj"

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_title = f"torch_radon {version}"
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"demo",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 30,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
}
# The figures are drawn off screen, which matplotlib says on every plt.show().
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def help_pages(command: click.Command, parent: click.Context | None = None) -> str:
    """Return what ``--help`` prints, of a command and of those below it."""
    context = click.Context(command, parent, info_name=command.name, terminal_width=90)
    pages = [command.get_help(context)]
    if isinstance(command, click.Group):
        pages += [help_pages(below, context) for below in command.commands.values()]
    return "\n\n\n".join(pages)


generated = Path(__file__).parent / "_generated"
generated.mkdir(exist_ok=True)
cli.main.name = "torch-radon"
(generated / "cli.txt").write_text(help_pages(cli.main) + "\n")
