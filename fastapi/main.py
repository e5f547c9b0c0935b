"""The application for `uvicorn main:app --app-dir fastapi`."""

from rookery.serving.app import create_app
from rookery.settings import get_settings

app = create_app(get_settings())
