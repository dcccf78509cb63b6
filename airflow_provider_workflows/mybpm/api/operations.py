"""
MyBPM's REST API as operations.

Sources: the vendor documentation, of which only the beginning of each page was readable, and the vendor's
sample code. What neither shows is marked as such, with what would show it wrong. No calls for deleting,
archiving or files are known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.mybpm.api.boi import Boi, Structure, read_boi, read_bois, read_structure
from airflow_provider_workflows.mybpm.api.call import Answer, Token, call, log_in, read_brackets
from airflow_provider_workflows.mybpm.api.pages import languages, page, paging
from airflow_provider_workflows.mybpm.api.references import read_references
from airflow_provider_workflows.mybpm.api.structures import KnownStructures
from airflow_provider_workflows.mybpm.api.upsert import Upsert, check_against, read_values
from airflow_provider_workflows.mybpm.api.values import check_code, check_id

#: Instances per page; the server's maximum is not documented.
PAGE = 100
#: Name of the operation that reads a structure, in errors.
STRUCTURE = "load structure"
#: Code of an object that need not exist, for testing a token.
_ANY_BO = "AIRFLOW_CONNECTION_TEST"

# The only path with another root (vendor documentation).
_LIST_PATH = "/api/v1/business-object-instance/v2/load-api-bracket-boi-table"


class MyBPMApi:
    """
    The API of one MyBPM server, as one user.

    :param token: the token that authenticates calls
    :param login: e-mail address of the user, for a session token
    :param timezone: time zone of the session, in the form ``GMT+0600`` (vendor's sample code)
    :param test_bo_code: code of the object whose structure :meth:`probe` reads
    :param structures: those that are known; of one connection in one process
    """

    def __init__(
        self,
        *,
        token: Token,
        login: str = "",
        password: str = "",
        timezone: str = "GMT+0000",
        test_bo_code: str | None = None,
        structures: KnownStructures | None = None,
    ) -> None:
        self.token = token
        self.login = login
        self._password = password
        self._timezone = timezone
        self.test_bo_code = test_bo_code
        self._structures = structures or KnownStructures()

    def session_token(self) -> Operation[str]:
        """
        Fetch a session token.

        :raises AuthenticationFailed: the server does not accept e-mail and password
        """
        return log_in(self.login, self._password, self._timezone)

    def probe(self) -> Operation[str]:
        """
        Log in, or read a structure with the API token; return the result as a sentence.

        An API token can be tested only on an object that is known to exist: MyBPM's answers to an invalid
        token and to an unknown object are not documented, so that, except for 401, they cannot be
        distinguished.

        :raises AuthenticationFailed: e-mail and password, or the token, were refused
        :raises NotFound: the test object does not exist
        """
        if self.token.value is None:
            # Always log in: a cached session token does not check the password.
            yield from self.session_token()
        if self.test_bo_code is not None:
            yield from self.load_structure(self.test_bo_code)
            who = f"the user {self.login}" if self.login else "the API token"
            return f"MyBPM accepted {who}, with read access to {self.test_bo_code}"
        if self.token.value is None:
            return f"Logged in to MyBPM as {self.login}"
        yield from self._reach()
        return (
            "MyBPM was reached, but the API token was not checked. To check it, enter the code of a "
            "business object that the token may read in the field 'test_bo_code'"
        )

    def _reach(self) -> Operation[None]:
        """Check that a server answers and does not refuse the token outright."""
        try:
            yield from self.load_structure(_ANY_BO)
        except (NotFound, Rejected):
            return
        except WorkflowError as error:
            # 502 to 504 come from a gateway, not from the server.
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
        Create or update an instance.

        After a lost answer, the call is repeated if it has a ``boi_id``, or a ``unique_field`` with a
        non-blank value that the object's structure does not declare as not unique; but not if it adds
        references. Otherwise a lost answer is :class:`OutcomeUnknown`.

        Assumption: adding a reference again may link it twice. Wrong if a second upsert with the
        same ``field_ref_add`` leaves one link.

        :param field_values: mapping of field code to value, see
            :func:`~airflow_provider_workflows.mybpm.api.values.to_text`
        :param boi_id: update this instance, and never create one
        :param unique_field: code of the field whose value identifies the instance to update
        :param field_ref_add: see :class:`~airflow_provider_workflows.mybpm.api.references.FieldReference`
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

    def send(self, wanted: Upsert, *, repeatable: bool, pooled: bool = False) -> Operation[Boi]:
        """Send a checked upsert; ``repeatable`` according to :meth:`why_once`, ``pooled`` as in requests."""
        how = {"repeatable": repeatable, "pooled": pooled}
        answer = yield from self._call("upsert", "/api/v1/boi/upsert", wanted.body(), **how)
        return answer.read(lambda raw: read_boi(raw, bo_code=wanted.bo_code))

    def why_once(self, wanted: Upsert, unique_field: str | None) -> Operation[str | None]:
        """
        Return why an upsert must not be repeated; None if it may be.

        Reads the structure if it can show that the field is not unique. If the user may not read it,
        ``unique_field`` is trusted.
        """
        reason = wanted.why_once(unique_field, None)
        if reason is not None or wanted.boi_id is not None:
            return reason
        return wanted.why_once(unique_field, (yield from self.readable_structure(wanted.bo_code)))

    def readable_structure(self, bo_code: str) -> Operation[Structure | None]:
        """Return an object's structure, read at most every few minutes; None if it may not be read."""
        if not self._structures.has(bo_code):
            try:
                yield from self.load_structure(bo_code)
            except (NotFound, PermissionDenied, Rejected):
                self._structures.keep(bo_code, None)
        return self._structures.known(bo_code)

    def validate(self, wanted: Upsert) -> Operation[None]:
        """
        Check an upsert against the structures of its objects; what is refused is checked on new ones.

        :raises InvalidInput: fields are invalid; the message names each
        """
        held = [one.bo_code for one in (*wanted.add, *wanted.remove) if one.bo_code is not None]
        codes = dict.fromkeys((wanted.bo_code, *held))
        known = {code: self._structures.known(code) for code in codes}
        structures = {code: structure for code, structure in known.items() if structure is not None}
        with contextlib.suppress(InvalidInput):
            if len(structures) == len(codes):
                return check_against(wanted, structures)
        # A structure that is known may have changed.
        for code in codes:
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
        Create an instance; sent only once, because the effect of a second call with the same values is not
        documented.

        :raises OutcomeUnknown: no usable answer
        """
        body: dict[str, Any] = {
            "boCode": check_code(bo_code, "bo_code"),
            "initialFieldValues": read_values(field_values),
            **languages(multi_language),
        }
        if references := read_references(field_ref_add, "field_ref_add"):
            body["fieldRefAdd"] = [one.body() for one in references]
        answer = yield from self._call("create", "/api/v1/boi/create", body, repeatable=False)
        return answer.read(lambda raw: read_boi(raw, bo_code=bo_code))

    # Reading.

    def load(self, bo_code: str, boi_id: str, *, multi_language: bool = False) -> Operation[Boi]:
        """
        Read an instance.

        Assumption: MyBPM answers with HTTP 404 or an empty answer if there is no such instance. Wrong
        if a sensor on an id that does not exist fails with another error than ``NotFound``.

        :param multi_language: also return multilingual values in all languages, as ``languages``
        :raises NotFound: it does not exist
        """
        body = {
            "boCode": check_code(bo_code, "bo_code"),
            "boiId": check_id(boi_id, "boi_id"),
            **languages(multi_language),
        }
        answer = yield from self._call("load", "/api/v1/boi/load", body)
        if not answer.read(lambda raw: raw):
            raise answer.request.failure(
                NotFound, f"MyBPM does not know {bo_code}/{boi_id}", reply=answer.reply
            )
        return answer.read(lambda raw: read_boi(raw, bo_code=bo_code))

    def load_many(
        self, bo_code: str, boi_ids: Sequence[str], *, multi_language: bool = False, lenient: bool = False
    ) -> Operation[list[Boi]]:
        """Read several instances. If ``lenient``, those that cannot be read are left out."""
        if isinstance(boi_ids, str):
            raise InvalidInput("boi_ids must be a list of ids")
        body = {
            "boCode": check_code(bo_code, "bo_code"),
            "boiIds": [check_id(one, "each of boi_ids") for one in boi_ids],
            **languages(multi_language),
        }
        answer = yield from self._call("load many", "/api/v1/boi/load-many", body)
        return answer.read(lambda raw: read_bois(raw, bo_code=bo_code, lenient=lenient))

    def list_bois(
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
        start: int = 0,
        size: int = PAGE,
        records_key: str = "records",
    ) -> Operation[Page[Boi]]:
        """
        Return a page of an object's instances.

        Only an empty page is the last one, because a server may return fewer instances than requested.

        Assumption: instances have the same form as in a nested list, under the same key. Wrong if
        :class:`UnreadableAnswer` says that there is no array of instances; then pass another key.

        :param columns: field codes; by default, those of the object's list view
        :param order_by: a field code
        :param search: text to search for
        :param state: filter by state; the effect of ``ALL`` here is not documented
        :param touched: the vendor's ``touchedFilter``, such as ``ALL``
        :param brackets: see :func:`~airflow_provider_workflows.mybpm.api.call.read_brackets`
        :param start: number of instances to skip; ``Page.next`` of the previous page
        :param records_key: key of the instances in the answer, if it is not an array
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
            "paging": paging(start, size),
            **{name: value for name, value in options.items() if value is not None},
        }
        answer = yield from self._call("list", _LIST_PATH, body)
        return page(answer.read(lambda raw: read_bois(raw, bo_code=bo_code, key=records_key)), start)

    def list_nested_bois(
        self,
        bo_code: str,
        boi_id: str,
        field_code: str,
        *,
        start: int = 0,
        size: int = PAGE,
        multi_language: bool = False,
    ) -> Operation[Page[Boi]]:
        """
        Return a page of the instances that a reference field of an instance links to.

        :param bo_code: code of the parent's object
        :param boi_id: id of the parent
        """
        body = {
            "parentBoCode": check_code(bo_code, "bo_code"),
            "parentBoiId": check_id(boi_id, "boi_id"),
            "parentFieldCode": check_code(field_code, "field_code"),
            "paging": paging(start, size),
            **languages(multi_language),
        }
        answer = yield from self._call("list nested", "/api/v1/boi/load-nested-with-sort", body)
        return page(answer.read(read_bois), start)

    def load_structure(self, bo_code: str) -> Operation[Structure]:
        """Read an object's field catalogue."""
        code = check_code(bo_code, "bo_code")
        answer = yield from self._call(STRUCTURE, "/api/v1/metadata/load-bo-structure", {"boCode": code})
        structure = replace(answer.read(read_structure), bo_code=code)
        self._structures.keep(code, structure)
        return structure

    def _call(self, operation: str, path: str, body: Mapping[str, Any], **how: bool) -> Operation[Answer]:
        return (yield from call(operation, path, body, token=self.token, **how))
