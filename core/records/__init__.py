"""The one write path, and reading records: every door to the data goes through `core.records.service.Records`."""
