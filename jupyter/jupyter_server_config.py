"""JupyterLab in the stack; the token comes from JUPYTER_TOKEN, which Jupyter reads itself."""

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821  Jupyter puts it there

c.ServerApp.ip = "0.0.0.0"  # noqa: S104  inside the container; compose binds the host's port
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/project"
c.LabApp.default_url = "/lab/tree/notebooks/01_ingest.ipynb"
# another port than 8888 would leave the host's published one behind in silence
c.ServerApp.port_retries = 0
c.ServerApp.log_level = "WARN"
# a page of another site may not reach it through a name that resolves to this machine
c.ServerApp.local_hostnames = ["localhost", "jupyter"]
c.ServerApp.allow_remote_access = os.environ.get("BIND_ADDRESS", "127.0.0.1") not in (
    "127.0.0.1",
    "localhost",
)
