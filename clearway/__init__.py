"""Clearway, a self-hosted payment orchestrator: everything that is not an API route, a workflow or an activity."""
