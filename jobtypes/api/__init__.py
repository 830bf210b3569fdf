"""The API of job types: Scale's."""
