"""How the vendor says no: a result code in the body of an answer with HTTP 200."""

from __future__ import annotations

#: The vendor's codes and, for want of its own texts, messages in its language.
MESSAGES = {
    0: "Operación realizada con éxito",
    1: "El token es inválido o ha expirado",
    2: "Usuario no autorizado",
    3: "El flujo no existe, está deshabilitado o es privado",
    4: "El número de caso no existe",
    5: "El caso está cerrado",
    6: "El formulario no existe o ya fue ejecutado",
    7: "La acción es inválida",
    8: "El formulario no puede ser ejecutado",
    9: "El siguiente formulario no existe",
    10: "El campo del formulario no existe",
    11: "El usuario no está registrado",
    100: "Petición mal formada",
    101: "Error inesperado",
    200: "Límite de transacciones excedido",
}


class Refusal(Exception):
    """
    A call refused.

    :param code: the result code.
    :param detail: added to the message.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.message = f"{MESSAGES[code]}: {detail}" if detail else MESSAGES[code]
