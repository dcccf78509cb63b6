"""A plain client of the sandbox's MyBPM, independent of the package's own."""

from __future__ import annotations

from typing import Any

import requests

LOGIN = {"email": "airflow@example.com", "password": "sesame", "timezone": "GMT+0600"}
PATHS = {
    "create": "boi/create",
    "load": "boi/load",
    "load_many": "boi/load-many",
    "list": "business-object-instance/v2/load-api-bracket-boi-table",
    "nested": "boi/load-nested-with-sort",
    "upsert": "boi/upsert",
    "structure": "metadata/load-bo-structure",
    "login": "json/auth/get-access-by-password",
}


class MyBPMClient:
    """Speaks to the MyBPM mount with an API token, or with whatever ``headers`` say."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers = {"API-TOKEN": "sandbox-api-token"}
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def call(self, endpoint: str, **body: Any) -> tuple[int, Any]:
        """Return status and decoded body."""
        url = f"{self.url}/api/v1/{PATHS[endpoint]}"
        answer = self._session.post(url, json=body, headers=self.headers, timeout=30)
        return answer.status_code, answer.json()

    def good(self, endpoint: str, **body: Any) -> Any:
        status, answer = self.call(endpoint, **body)
        assert status == 200, answer
        return answer

    def refused(self, endpoint: str, **body: Any) -> str:
        status, answer = self.call(endpoint, **body)
        assert status >= 400, answer
        return f"{status} {answer['message']}"

    def log_in(self, **changes: Any) -> tuple[int, Any]:
        """Log in and go on with the session token, if there is one."""
        status, answer = self.call("login", **{**LOGIN, **changes})
        self.headers = {"token": answer.get("token", "")}
        return status, answer

    def upsert(self, bo_code: str, values: Any, **more: Any) -> Any:
        return self.good("upsert", boCode=bo_code, fieldValues=values, **more)
