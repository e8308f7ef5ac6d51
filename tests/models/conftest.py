"""The Hub of the tests of publishing, for those of loading."""

from tests.publish.conftest import client, lfs_hub  # noqa: F401 - fixtures
