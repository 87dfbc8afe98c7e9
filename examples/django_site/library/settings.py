"""Django's settings; those of telemetry are in pyproject.toml."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "for development only")
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "library.urls"
WSGI_APPLICATION = "library.wsgi.application"
INSTALLED_APPS = ["library"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "library.db")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "logging.Formatter",
            "fmt": "%(levelname)s %(name)s: %(message)s trace=%(trace_id)s",
            "defaults": {"trace_id": ""},  # of commands without telemetry
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"library": {"handlers": ["console"], "level": "INFO"}},
}
