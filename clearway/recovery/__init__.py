"""Going on with what has no running workflow, and finding what has no row: for the schedule, the CLI and the API."""
