"""``python -m connector_cli`` is ``connector``."""

from connector_cli.main import main

main()
