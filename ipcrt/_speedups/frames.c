/* encode for the usual message: not spilled, no epitaph.
 *
 * Its pure twin in ipcrt/wire/frames.py is called for everything else: so that alone decides what
 * is refused, and says why. */

#include "native.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define HEADER_BYTES 16
#define SPILLED 0x04
#define RESERVED_BITS 0x18
#define VERSION_BITS 0xE0
#define VERSION_1 0x20
#define USUAL_BITS (VERSION_BITS | RESERVED_BITS | SPILLED)

/* True where `number` is an int in 0..max; then it is in `*value`. Sets no exception. */
static bool in_range(PyObject *number, long long max, long long *value)
{
    int overflow;
    if (!PyLong_CheckExact(number)) {
        return false;
    }
    *value = PyLong_AsLongLongAndOverflow(number, &overflow); /* -1 on overflow */
    return 0 <= *value && *value <= max;
}

/* encode(txid, ordinal, flags, body, handle_count=0) */
static PyObject *encode(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    long long txid, ordinal, flags, handles = 0;
    if (names != NULL || nargs < 4 || nargs > 5 || !PyBytes_CheckExact(args[3])
        || PyBytes_GET_SIZE(args[3]) > MAX_PACKET_BYTES - HEADER_BYTES
        || !in_range(args[0], UINT32_MAX, &txid) || !in_range(args[1], INT64_MAX, &ordinal)
        || !in_range(args[2], UINT8_MAX, &flags) || ordinal == 0 || flags & USUAL_BITS
        || (nargs == 5 && !in_range(args[4], MAX_HANDLES, &handles))) {
        return PyObject_Vectorcall(PyTuple_GET_ITEM(self, 0), args, (size_t)nargs, names);
    }
    Py_ssize_t length = PyBytes_GET_SIZE(args[3]);
    PyObject *message = PyBytes_FromStringAndSize(NULL, HEADER_BYTES + length);
    if (message == NULL) {
        return NULL;
    }
    char *to = PyBytes_AS_STRING(message);
    uint32_t txid_le = htole32((uint32_t)txid);
    uint16_t length_le = htole16((uint16_t)length);
    uint64_t ordinal_le = htole64((uint64_t)ordinal);
    memcpy(to, &txid_le, 4);
    memcpy(to + 4, &length_le, 2);
    to[6] = (char)handles;
    to[7] = (char)(flags | VERSION_1);
    memcpy(to + 8, &ordinal_le, 8);
    memcpy(to + HEADER_BYTES, PyBytes_AS_STRING(args[3]), (size_t)length);
    return message;
}

PyMethodDef frame_functions[] = {
    {"encode", (PyCFunction)(void (*)(void))encode, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};
