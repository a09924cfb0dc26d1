"""Application services for webhook deliveries: find one, retry one."""
