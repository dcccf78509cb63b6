"""
MyBPM's REST API as operations.

Sources: the vendor documentation, of which only the beginning of each page was readable, and the vendor's
sample code. What neither shows is marked as an assumption. No call for deleting, archiving or files is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.mybpm.boi import Boi, Structure, read_boi, read_bois, read_structure
from airflow_provider_workflows.mybpm.brackets import read_brackets
from airflow_provider_workflows.mybpm.call import Answer, Token, call
from airflow_provider_workflows.mybpm.login import log_in
from airflow_provider_workflows.mybpm.references import read_references
from airflow_provider_workflows.mybpm.upserting import Upsert, check_against, read_values
from airflow_provider_workflows.mybpm.values import check_code, check_id
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Operation, Page

#: Instances asked for at a time; how many a server gives at the most is not documented.
PAGE = 100
#: What errors call the reading of a structure.
STRUCTURE = "load structure"
#: Code of an object that need not be there, for trying a token.
_ANY_BO = "AIRFLOW_CONNECTION_TEST"

# The one path below another root (vendor documentation).
_LIST_PATH = "/api/v1/business-object-instance/v2/load-api-bracket-boi-table"


class MyBPMApi:
    """
    The calls of one MyBPM server, as one user.

    :param token: how the server knows the caller
    :param login: e-mail, for a session token
    :param timezone: zone of the session, in the form ``GMT+0600`` (vendor's sample code)
    :param test_bo_code: object whose structure :meth:`probe` reads
    """

    def __init__(
        self,
        *,
        token: Token,
        login: str = "",
        password: str = "",
        timezone: str = "GMT+0000",
        test_bo_code: str | None = None,
    ) -> None:
        self.token = token
        self.login = login
        self._password = password
        self._timezone = timezone
        self.test_bo_code = test_bo_code

    def session_token(self) -> Operation[str]:
        """
        Fetch a session token.

        :raises AuthenticationFailed: the server does not accept e-mail and password
        """
        return log_in(self.login, self._password, self._timezone)

    def probe(self) -> Operation[str]:
        """
        Log in, or read a structure with the API token; return what was found out.

        An API token can be tried only on an object that is known to be there: what MyBPM answers to a token
        that is wrong, and what to an object that is missing, is not documented, so that but for 401 neither
        can be told from the other.

        :raises AuthenticationFailed: e-mail and password, or the token, are refused
        :raises NotFound: the object named for the test is not there
        """
        if self.token.value is None:
            # Anew: a session token that is at hand says nothing of the password.
            yield from self.session_token()
        if self.test_bo_code is not None:
            yield from self.load_structure(self.test_bo_code)
            who = f"the user {self.login}" if self.login else "the API token"
            return f"MyBPM accepts {who}, who may read {self.test_bo_code}"
        if self.token.value is None:
            return f"Logged in to MyBPM as {self.login}"
        yield from self._reach()
        return (
            "MyBPM reached; credentials cannot be checked: for that, name a business object that the API "
            "token may read in the field 'test_bo_code'"
        )

    def _reach(self) -> Operation[None]:
        """Find out that a server is there and does not refuse the token outright."""
        try:
            yield from self.load_structure(_ANY_BO)
        except (NotFound, Rejected):
            return
        except WorkflowError as error:
            # A gateway answers 502 to 504 in the server's place.
            if error.status != 500:
                raise

    # Writing.

    def upsert(
        self,
        bo_code: str,
        field_values: Any = None,
        *,
        boi_id: str | None = None,
        unique_field: str | None = None,
        field_ref_add: Any = (),
        field_ref_remove: Any = (),
        remove_after: bool = False,
    ) -> Operation[Boi]:
        """
        Create an instance or update it.

        With ``boi_id``, or with a ``unique_field`` that is among the values, not blank, and not denied by the
        object's structure, the call is repeated when its answer is lost, unless it adds references, since
        adding one again may link it twice (assumption). Otherwise a lost answer is :class:`OutcomeUnknown`.

        :param field_values: mapping field code -> value, see
            :func:`~airflow_provider_workflows.mybpm.values.to_text`
        :param boi_id: update this instance and create none
        :param unique_field: code of the field by whose value an instance is updated rather than created
        :param field_ref_add: see :class:`~airflow_provider_workflows.mybpm.references.FieldReference`
        :param remove_after: remove references after adding others; by default before
        """
        wanted = Upsert.read(
            bo_code,
            field_values,
            boi_id=boi_id,
            field_ref_add=field_ref_add,
            field_ref_remove=field_ref_remove,
            remove_after=remove_after,
        )
        once = yield from self.why_once(wanted, unique_field)
        return (yield from self.send(wanted, repeatable=once is None and not wanted.add))

    def send(self, wanted: Upsert, *, repeatable: bool) -> Operation[Boi]:
        """Send an upsert that has been checked; ``repeatable`` as :meth:`why_once` found."""
        answer = yield from self._call("upsert", "/api/v1/boi/upsert", wanted.body(), repeatable=repeatable)
        return answer.read(lambda raw: read_boi(raw, bo_code=wanted.bo_code))

    def why_once(self, wanted: Upsert, unique_field: str | None) -> Operation[str | None]:
        """
        Return why an upsert must not be sent twice; None if it may.

        Asks for the structure where that could deny the field's uniqueness. A caller who may not read the
        structure is taken at the word of ``unique_field``.
        """
        reason = wanted.why_once(unique_field, None)
        if reason is not None or wanted.boi_id is not None:
            return reason
        try:
            structure = yield from self.load_structure(wanted.bo_code)
        except (NotFound, PermissionDenied, Rejected):
            return None
        return wanted.why_once(unique_field, structure)

    def validate(self, wanted: Upsert) -> Operation[None]:
        """
        Check an upsert against the structures of the objects that it names.

        :raises InvalidInput: names each field that is wrong
        """
        held = [one.bo_code for one in (*wanted.add, *wanted.remove) if one.bo_code is not None]
        structures = {}
        for code in dict.fromkeys((wanted.bo_code, *held)):
            structures[code] = yield from self.load_structure(code)
        check_against(wanted, structures)

    def create(
        self,
        bo_code: str,
        field_values: Any,
        *,
        field_ref_add: Any = (),
        multi_language: bool = False,
    ) -> Operation[Boi]:
        """
        Create an instance; once only, since what a second call of the same values does is not documented.

        :raises OutcomeUnknown: the answer is lost
        """
        body: dict[str, Any] = {
            "boCode": check_code(bo_code, "bo_code"),
            "initialFieldValues": read_values(field_values),
            **_languages(multi_language),
        }
        if references := read_references(field_ref_add, "field_ref_add"):
            body["fieldRefAdd"] = [one.body() for one in references]
        answer = yield from self._call("create", "/api/v1/boi/create", body, repeatable=False)
        return answer.read(lambda raw: read_boi(raw, bo_code=bo_code))

    # Reading.

    def load(self, bo_code: str, boi_id: str, *, multi_language: bool = False) -> Operation[Boi]:
        """
        Read an instance.

        :param multi_language: return multilingual values in all languages too, as ``languages``
        :raises NotFound: there is none (assumption: HTTP 404, or an empty answer)
        """
        body = {
            "boCode": check_code(bo_code, "bo_code"),
            "boiId": check_id(boi_id, "boi_id"),
            **_languages(multi_language),
        }
        answer = yield from self._call("load", "/api/v1/boi/load", body)
        if not answer.read(lambda raw: raw):
            raise answer.request.failure(NotFound, f"MyBPM has no {bo_code}/{boi_id}", reply=answer.reply)
        return answer.read(lambda raw: read_boi(raw, bo_code=bo_code))

    def load_many(
        self, bo_code: str, boi_ids: Sequence[str], *, multi_language: bool = False
    ) -> Operation[list[Boi]]:
        """Read several instances; an object in place of the promised array is taken for an array of one."""
        if isinstance(boi_ids, str):
            raise InvalidInput("boi_ids must be a list of ids")
        body = {
            "boCode": check_code(bo_code, "bo_code"),
            "boiIds": [check_id(one, "each of boi_ids") for one in boi_ids],
            **_languages(multi_language),
        }
        answer = yield from self._call("load many", "/api/v1/boi/load-many", body)
        return answer.read(lambda raw: read_bois(raw, bo_code=bo_code))

    def list_page(
        self,
        bo_code: str,
        *,
        columns: Sequence[str] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        search: str | None = None,
        state: str | None = None,
        touched: str | None = None,
        brackets: Any = None,
        offset: int = 0,
        limit: int = PAGE,
        records_key: str = "records",
    ) -> Operation[Page[Boi]]:
        """
        Return a page of an object's instances.

        Only an empty page is the last one, since a server may give fewer than asked for.

        :param columns: field codes; the object's list view by default
        :param order_by: a field code
        :param search: text to look for
        :param state: filter by state; what ``ALL`` does here is not documented
        :param touched: the vendor's ``touchedFilter``, such as ``ALL``
        :param brackets: see :func:`~airflow_provider_workflows.mybpm.brackets.read_brackets`
        :param offset: how many instances to leave out; ``Page.next`` of the page before
        :param records_key: under which the answer has its instances, if it is not an array; as in a nested
            list (assumption: the answer's shape is not documented)
        """
        options = {
            "headCodes": None if columns is None else list(columns),
            "orderingFieldCode": order_by,
            "orderState": None if order_by is None else "DESC" if descending else "ASC",
            "search": search,
            "state": state,
            "touchedFilter": touched,
            "brackets": read_brackets(brackets) or None,
        }
        body = {
            "boCode": check_code(bo_code, "bo_code"),
            "paging": _paging(offset, limit),
            **{name: value for name, value in options.items() if value is not None},
        }
        answer = yield from self._call("list", _LIST_PATH, body)
        return _page(answer.read(lambda raw: read_bois(raw, bo_code=bo_code, key=records_key)), offset)

    def nested_page(
        self,
        bo_code: str,
        boi_id: str,
        field_code: str,
        *,
        offset: int = 0,
        limit: int = PAGE,
        multi_language: bool = False,
    ) -> Operation[Page[Boi]]:
        """
        Return a page of the instances that a reference field of an instance links to.

        :param bo_code: the parent's object
        :param boi_id: the parent
        """
        body = {
            "parentBoCode": check_code(bo_code, "bo_code"),
            "parentBoiId": check_id(boi_id, "boi_id"),
            "parentFieldCode": check_code(field_code, "field_code"),
            "paging": _paging(offset, limit),
            **_languages(multi_language),
        }
        answer = yield from self._call("list nested", "/api/v1/boi/load-nested-with-sort", body)
        return _page(answer.read(read_bois), offset)

    def load_structure(self, bo_code: str) -> Operation[Structure]:
        """Read an object's field catalogue."""
        body = {"boCode": check_code(bo_code, "bo_code")}
        answer = yield from self._call(STRUCTURE, "/api/v1/metadata/load-bo-structure", body)
        return replace(answer.read(read_structure), bo_code=body["boCode"])

    def _call(
        self, operation: str, path: str, body: Mapping[str, Any], *, repeatable: bool = True
    ) -> Operation[Answer]:
        return (yield from call(operation, path, body, token=self.token, repeatable=repeatable))


def _page(items: Sequence[Boi], offset: int) -> Page[Boi]:
    return Page(tuple(items), offset + len(items) if items else None)


def _paging(offset: int, limit: int) -> dict[str, int]:
    if offset < 0 or limit < 1:
        raise InvalidInput(f"offset must be 0 or more and limit 1 or more, got {offset} and {limit}")
    return {"offset": offset, "limit": limit}


def _languages(wanted: bool) -> dict[str, bool]:
    """Return what a body says of languages; not to say so is the vendor's default."""
    return {"multiLanguage": True} if wanted else {}
