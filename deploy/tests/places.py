"""Where things are."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
NGINX = DEPLOY / "nginx"
WORK = REPOSITORY / "target" / "deployment"
