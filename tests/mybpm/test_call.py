"""How every call travels: token, renewal, statuses, unreadable answers."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Operation, Renew
from airflow_provider_workflows.core.protocol.retry import diagnose
from airflow_provider_workflows.mybpm.api.call import Token, call
from tests.mybpm.driving import Driven, answer

PATH = "/api/v1/boi/x"
SESSION = Token(header="TOKEN")
KEY = Token(header="API-TOKEN", value="planted-key")


def calling(token: Token = SESSION, *, repeatable: bool = False) -> Operation[Any]:
    return call("do something", PATH, {"a": 1}, token=token, repeatable=repeatable)


def refused(status: int = 401) -> Reply:
    return answer({"message": "no"}, status=status)


def test_everything_is_a_post_with_json() -> None:
    (request,) = Driven(calling(), [answer({})]).requests
    assert (request.vendor, request.method, request.path, request.json) == ("MyBPM", "POST", PATH, {"a": 1})
    assert request.expects_json


def test_session_token_goes_in_its_header() -> None:
    driven = Driven(calling(), [answer({})])
    assert driven.renewals == [Renew(None)]
    assert driven.requests[0].headers == {"TOKEN": "code-1"}
    assert driven.requests[0].secrets == ("code-1",)


def test_api_token_goes_in_its_header_and_is_never_fetched() -> None:
    driven = Driven(calling(KEY), [answer({})])
    assert driven.renewals == []
    assert driven.requests[0].headers == {"API-TOKEN": "planted-key"}
    assert driven.requests[0].secrets == ("planted-key",)


def test_session_token_is_renewed_once_on_401() -> None:
    driven = Driven(calling(), [refused(), answer(7)], codes=["code-1", "code-2"])
    assert [request.headers for request in driven.requests] == [{"TOKEN": "code-1"}, {"TOKEN": "code-2"}]
    assert driven.requests[1].secrets == ("code-2",)
    assert driven.renewals == [Renew(None), Renew("code-1")]
    assert driven.result.read(lambda raw: raw) == 7


def test_a_token_that_was_void_when_it_came_is_renewed_again() -> None:
    driven = Driven(calling(), [refused(), refused(), answer(7)], codes=["code-1", "code-2", "code-3"])
    assert driven.renewals == [Renew(None), Renew("code-1"), Renew("code-2")]
    assert driven.result.read(lambda raw: raw) == 7


def test_a_third_401_is_final() -> None:
    with pytest.raises(exceptions.AuthenticationFailed, match="session token, or a new one"):
        Driven(calling(), [refused()] * 3, codes=["code-1", "code-2", "code-3", "code-4"])


def test_nothing_is_sent_again_if_the_token_is_still_the_same() -> None:
    with pytest.raises(exceptions.AuthenticationFailed):
        Driven(calling(), [refused()])


def test_a_refused_api_token_is_final_and_never_quoted() -> None:
    parrot = answer({"message": "bad token planted-key"}, status=401)
    with pytest.raises(
        exceptions.AuthenticationFailed, match="did not accept the API token in the header API-TOKEN"
    ) as caught:
        Driven(calling(KEY), [parrot])
    assert "planted-key" not in f"{caught.value} {caught.value.to_json()}"
    assert "bad token ***" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, exceptions.Rejected),
        (403, exceptions.PermissionDenied),
        (404, exceptions.NotFound),
        (405, exceptions.Rejected),
        (409, exceptions.Rejected),
        (413, exceptions.Rejected),
        (422, exceptions.Rejected),
    ],
)
@pytest.mark.parametrize("repeatable", [True, False], ids=["repeatable", "once"])
def test_any_other_4xx_is_permanent(status: int, kind: type[Exception], repeatable: bool) -> None:
    with pytest.raises(exceptions.PermanentError) as caught:
        Driven(calling(repeatable=repeatable), [refused(status)])
    assert type(caught.value) is kind
    assert "answer: " in str(caught.value)


@pytest.mark.parametrize(
    ("status", "repeatable", "kind"),
    [
        (429, True, exceptions.Throttled),
        (429, False, exceptions.Throttled),
        (500, True, exceptions.ServiceUnavailable),
        (500, False, exceptions.OutcomeUnknown),
        (502, True, exceptions.ServiceUnavailable),
        (502, False, exceptions.OutcomeUnknown),
        (503, True, exceptions.ServiceUnavailable),
        (503, False, exceptions.OutcomeUnknown),
        (504, True, exceptions.ServiceUnavailable),
        (504, False, exceptions.OutcomeUnknown),
    ],
)
def test_other_statuses_depend_on_whether_the_call_is_repeatable(
    status: int, repeatable: bool, kind: type[Exception]
) -> None:
    (request,) = Driven(calling(KEY, repeatable=repeatable), [answer({})]).requests
    assert type(diagnose(request, refused(status))) is kind


@pytest.mark.parametrize(
    ("repeatable", "kind"), [(True, exceptions.UnreadableAnswer), (False, exceptions.OutcomeUnknown)]
)
def test_an_answer_of_another_shape(repeatable: bool, kind: type[Exception]) -> None:
    def reader(raw: Any) -> Any:
        raise ValueError("no boiId")

    got = Driven(calling(repeatable=repeatable), [answer({"odd": 1})]).result
    with pytest.raises(exceptions.WorkflowError, match="not in MyBPM's format: no boiId") as caught:
        got.read(reader)
    assert type(caught.value) is kind


def test_a_token_is_not_in_a_repr() -> None:
    assert "planted-key" not in repr(KEY)
