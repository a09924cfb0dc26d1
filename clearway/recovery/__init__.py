"""Recovery: restart lost workflows and restore lost rows, for the schedule, the CLI and the API."""
