"""Pictures of the pipeline for docs/architecture.md, as kedro-viz draws it: collapsed to its stages, and all nodes.

    kedro viz build
    python benchmarks/pipeline_pictures.py build docs/pictures

It takes the folder that ``kedro viz build`` has made, and an installed Chromium.
"""

import argparse
import functools
import http.server
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PICTURES = {  # name: whether all stages are open, and the size of the window in pixels
    "pipeline-collapsed": ("false", {"width": 1500, "height": 1200}),
    "pipeline": ("true", {"width": 1500, "height": 2600}),
}
PLAIN = """
.pipeline-primary-toolbar, .pipeline-global-toolbar, .pipeline-sidebar, .pipeline-nodelist-container, .pipeline-minimap,
.pipeline-minimap-container, .update-reminder, .feature-hints, .shareable-url-modal, .pipeline-warning,
.kedro-pipeline > aside, .pipeline-wrapper__loading, .flowchart-controls, .pipeline-metadata
{ display: none !important }
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


def draw(address, out):
    """Take the pictures from a served build."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (opened, size) in PICTURES.items():
            page = browser.new_page(viewport=size, device_scale_factor=1)
            page.add_init_script("localStorage.setItem('KedroViz', JSON.stringify({theme: 'light'}))")
            page.goto(f"{address}/?pid=__default__&expandAllPipelines={opened}")
            page.wait_for_selector(".pipeline-node", timeout=60_000)
            page.add_style_tag(content=PLAIN)
            page.wait_for_timeout(2000)  # nodes move to their places
            boxes = page.locator(".pipeline-node, .pipeline-layer-name").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(at => [at.left, at.top, at.right, at.bottom])"
            )
            left, top = (min(box[side] for box in boxes) for side in (0, 1))
            right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
            clip = {"x": max(left - 20, 0), "y": max(top - 20, 0)}
            clip |= {"width": right + 20 - clip["x"], "height": bottom + 20 - clip["y"]}
            page.screenshot(path=out / f"{name}.png", clip=clip)
            print(out / f"{name}.png")


def main():
    """Serve the build, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    handler = functools.partial(_Quiet, directory=str(chosen.build))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        draw(f"http://127.0.0.1:{server.server_address[1]}", chosen.out)
        server.shutdown()


if __name__ == "__main__":
    main()
