/* Checked: a flat struct, checked and written in one go.
 *
 * The pure twin is in ipcrt/bindings/checked.py: `encode`, then `decode`. The bytes are those that
 * msgspec writes, which tests/_speedups compares.
 *
 * W. What is not usual is left to the two of them: another type, a member that is not exactly of its
 *    own, a number out of bounds, text that is no Unicode, more than LONGEST_FLAT. */

#include "native.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define MOST_MEMBERS 15
#define LONGEST_NUMBER 9  /* with its head */
#define LONGEST_FLAT 1024 /* all that is written in one go */

typedef struct {
    Py_ssize_t at; /* in the struct */
    PyTypeObject *type; /* a static one */
    long long least;
    unsigned long long greatest;
} Member;

typedef struct {
    PyObject_HEAD
    PyObject *type;
    PyObject *encode;
    PyObject *decode;
    int count; /* zero: it is not flat */
    Member members[MOST_MEMBERS];
} CheckedEncoder;

#define MEMBERS(each) each(type) each(encode) each(decode)

_Static_assert(LONGEST_FLAT <= UINT16_MAX, "longer text has another head");

/* Where the next byte is written; `left` says how many more there may be. */
typedef struct {
    unsigned char *to;
    Py_ssize_t left;
} Out;

static bool put(Out *out, const void *from, Py_ssize_t size)
{
    if (size > out->left) {
        return false;
    }
    memcpy(out->to, from, (size_t)size);
    out->to += size;
    out->left -= size;
    return true;
}

/* Write a head, and a number of 1, 2, 4 or 8 bytes behind it, the highest first. */
static bool put_number(Out *out, unsigned char head, uint64_t number, int size)
{
    unsigned char bytes[LONGEST_NUMBER];
    uint64_t be = htobe64(number);
    bytes[0] = head;
    memcpy(bytes + 1, (unsigned char *)&be + (8 - size), (size_t)size);
    return put(out, bytes, 1 + size);
}

static bool put_unsigned(Out *out, uint64_t number)
{
    if (number < 0x80) {
        unsigned char byte = (unsigned char)number;
        return put(out, &byte, 1);
    }
    return number <= UINT8_MAX    ? put_number(out, 0xCC, number, 1)
        : number <= UINT16_MAX ? put_number(out, 0xCD, number, 2)
        : number <= UINT32_MAX ? put_number(out, 0xCE, number, 4)
                               : put_number(out, 0xCF, number, 8);
}

static bool put_negative(Out *out, int64_t number)
{
    if (number >= -32) {
        signed char byte = (signed char)number;
        return put(out, &byte, 1);
    }
    return number >= INT8_MIN    ? put_number(out, 0xD0, (uint64_t)number, 1)
        : number >= INT16_MIN ? put_number(out, 0xD1, (uint64_t)number, 2)
        : number >= INT32_MIN ? put_number(out, 0xD2, (uint64_t)number, 4)
                              : put_number(out, 0xD3, (uint64_t)number, 8);
}

static bool put_int(Out *out, const Member *member, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0 || number < member->least) { /* of numbers beyond int64 there are few */
        return false;
    }
    if (number < 0) {
        return put_negative(out, number);
    }
    return (unsigned long long)number <= member->greatest && put_unsigned(out, (uint64_t)number);
}

static bool put_float(Out *out, PyObject *value)
{
    double number = PyFloat_AS_DOUBLE(value);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return put_number(out, 0xCB, bits, 8);
}

static bool put_text(Out *out, PyObject *value)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    unsigned char head = (unsigned char)(0xA0 | size);
    bool done = size < 32       ? put(out, &head, 1)
        : size <= UINT8_MAX  ? put_number(out, 0xD9, (uint64_t)size, 1)
                             : put_number(out, 0xDA, (uint64_t)size, 2);
    return done && put(out, text, size);
}

static bool put_bytes(Out *out, PyObject *value)
{
    Py_ssize_t size = PyBytes_GET_SIZE(value);
    bool done = size <= UINT8_MAX ? put_number(out, 0xC4, (uint64_t)size, 1)
                                  : put_number(out, 0xC5, (uint64_t)size, 2);
    return done && put(out, PyBytes_AS_STRING(value), size);
}

static bool put_member(Out *out, const Member *member, PyObject *value)
{
    if (value == NULL || Py_TYPE(value) != member->type) {
        return false;
    }
    if (member->type == &PyLong_Type) {
        return put_int(out, member, value);
    }
    if (member->type == &PyBool_Type) {
        unsigned char byte = value == Py_True ? 0xC3 : 0xC2;
        return put(out, &byte, 1);
    }
    if (member->type == &PyFloat_Type) {
        return put_float(out, value);
    }
    return member->type == &PyUnicode_Type ? put_text(out, value) : put_bytes(out, value);
}

/* Answer the bytes of a flat struct; NULL without an exception: it is not usual (W). */
static PyObject *write_flat(CheckedEncoder *self, PyObject *value)
{
    unsigned char bytes[LONGEST_FLAT];
    Out out = {.to = bytes, .left = sizeof bytes};
    unsigned char head = (unsigned char)(0x90 | self->count);
    if (self->count == 0 || (PyObject *)Py_TYPE(value) != self->type || !put(&out, &head, 1)) {
        return NULL;
    }
    for (int i = 0; i < self->count; i++) {
        const Member *member = &self->members[i];
        if (!put_member(&out, member, *(PyObject **)((char *)value + member->at))) {
            return NULL;
        }
    }
    return PyBytes_FromStringAndSize((char *)bytes, out.to - bytes);
}

/* encode(value) */
static PyObject *encode(PyObject *op, PyObject *value)
{
    CheckedEncoder *self = (CheckedEncoder *)op;
    PyObject *body = write_flat(self, value);
    if (body != NULL || PyErr_Occurred()) {
        return body;
    }
    body = PyObject_CallOneArg(self->encode, value);
    PyObject *copy = body ? PyObject_CallOneArg(self->decode, body) : NULL;
    if (copy == NULL) {
        Py_CLEAR(body);
    }
    Py_XDECREF(copy);
    return body;
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"encode", encode, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: whoever holds the method breaks the cycle. */
KEEPER(checked, CheckedEncoder, methods)

/* Note a member of a flat struct; -1 on error. */
static int note(CheckedEncoder *self, PyObject *told)
{
    static PyTypeObject *const types[] = {&PyLong_Type, &PyBool_Type, &PyFloat_Type,
                                          &PyUnicode_Type, &PyBytes_Type};
    Member *member = &self->members[self->count];
    PyObject *name, *type;
    if (!PyTuple_Check(told)) {
        PyErr_Format(PyExc_TypeError, "%R is no member", told);
        return -1;
    }
    if (!PyArg_ParseTuple(told, "OO!LK:member", &name, &PyType_Type, &type, &member->least,
                          &member->greatest)) {
        return -1;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (type == (PyObject *)types[i]) {
            member->type = types[i];
        }
    }
    PyObject *found = PyObject_GetAttr(self->type, name);
    if (found != NULL && Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        PyMemberDef *slot = ((PyMemberDescrObject *)found)->d_member;
        member->at = slot->type == T_OBJECT_EX ? slot->offset : 0;
    }
    Py_XDECREF(found);
    if (member->at == 0 || member->type == NULL) {
        PyErr_Format(PyExc_TypeError, "%R of %R is no flat member", name, self->type);
        return -1;
    }
    self->count++;
    return 0;
}

/* checked_encoder(type, members, encode, decode): what does as the last two. */
static PyObject *checked_encoder(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *type_, *members, *encode, *decode, *method = NULL;
    if (!PyArg_ParseTuple(args, "OO!OO:checked_encoder", &type_, &PyTuple_Type, &members,
                          &encode, &decode)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->checked;
    CheckedEncoder *self = (CheckedEncoder *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->type = Py_NewRef(type_);
    self->encode = Py_NewRef(encode);
    self->decode = Py_NewRef(decode);
    Py_ssize_t count = PyTuple_GET_SIZE(members);
    int done = count <= MOST_MEMBERS ? 0 : -1;
    if (done < 0) {
        PyErr_Format(PyExc_TypeError, "%zd members exceed %d", count, MOST_MEMBERS);
    }
    for (Py_ssize_t i = 0; done == 0 && i < count; i++) {
        done = note(self, PyTuple_GET_ITEM(members, i));
    }
    if (done == 0) {
        method = PyObject_GetAttrString((PyObject *)self, "encode");
    }
    Py_DECREF(self);
    return method;
}

PyMethodDef checked_functions[] = {
    {"checked_encoder", checked_encoder, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
