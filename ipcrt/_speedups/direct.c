/* Direct: a struct whose handles are members of its own, there and back.
 *
 * The pure twins are Direct._encode and _decode in ipcrt/bindings/direct.py; its rules are that
 * file's, too: whatever is not as a good sender writes it is left to them, and untouched until then.
 *
 * V. Nothing is changed before all that may fail is done: all handles are looked at, and the value
 *    that has them is there. Then they become what they are, without any call.
 * W. What msgspec, or a check, has against a value or a body is the pure twin's to tell. Anything
 *    else that is raised meanwhile, as by a signal's handler, is passed on. */

#include "native.h"

#include <structmember.h>
#include <string.h>

#define MAX_FIELDS 64
#define MARK_BYTES 3
#define NIL 0xC0

static const unsigned char mark[2] = {0xD4, 0x01}; /* a handle; behind it its index, one byte */

/* How the object of a place comes to be, as in direct.py. */
enum {
    AS_IT_IS, /* any handle will do */
    BECOMES,  /* a handle of another class, and nothing more */
    IS_MADE,  /* in another way */
    IS_END,   /* which owns a channel */
};

typedef struct {
    Py_ssize_t at;    /* which member */
    PyObject *wanted; /* its class */
    int how;
    long kind;       /* of object; zero: any */
    long bits;       /* rights that the class can have */
    long asked;      /* rights that are asked for; -1: none in particular */
    PyObject *kept;  /* those that are left on the way, or None */
    bool optional;
} Place;

typedef struct {
    PyObject_HEAD
    PyObject *type;
    PyObject *rest; /* the type without handles */
    PyObject *write_rest;
    PyObject *read_rest;
    PyObject *check;   /* of the rest, or None */
    PyObject *head;    /* bytes before the handles where there is nothing else, or None */
    PyObject *indices; /* tuple: what msgspec makes of each handle */
    PyObject *absent;  /* and of none */
    PyObject *pure_encode;
    PyObject *pure_decode;
    Py_ssize_t field_count;
    Py_ssize_t place_count;
    bool is_for_pure; /* what comes has an object that is made elsewhere, always */
    Py_ssize_t fields[MAX_FIELDS];      /* where the members of `type` lie */
    Py_ssize_t rest_fields[MAX_FIELDS]; /* and those of `rest` */
    Place places[MAX_FIELDS];
} Direct;

#define MEMBERS(each) \
    each(type) each(rest) each(write_rest) each(read_rest) each(check) each(head) each(indices) \
    each(absent) each(pure_encode) each(pure_decode)

static PyObject *member_at(PyObject *object, Py_ssize_t where)
{
    return *(PyObject **)((char *)object + where);
}

/* Forget what msgspec has raised (W); true where nothing is raised any more. */
static bool forget(void)
{
    PyObject *bad[] = {PyExc_ValueError, PyExc_TypeError, PyExc_OverflowError,
                       PyExc_RecursionError};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(bad); i++) {
        if (PyErr_ExceptionMatches(bad[i])) {
            PyErr_Clear();
            return true;
        }
    }
    return false;
}

/* Answer the rest of a body, checked; NULL as in rule W, or forgotten. */
static PyObject *read_rest(Direct *self, PyObject *body)
{
    PyObject *rest = PyObject_CallOneArg(self->read_rest, body);
    if (rest != NULL && self->check != Py_None) {
        PyObject *answer = PyObject_CallOneArg(self->check, rest);
        if (answer == NULL) {
            Py_CLEAR(rest);
        }
        Py_XDECREF(answer);
    }
    if (rest != NULL && !Py_IS_TYPE(rest, (PyTypeObject *)self->rest)) {
        Py_CLEAR(rest);
    }
    else if (rest == NULL) {
        forget();
    }
    return rest;
}

static long bits_of(State *state, PyObject *handle)
{
    PyObject *bits = peek(state, handle, BITS);
    return bits != NULL && PyLong_Check(bits) ? PyLong_AsLong(bits) : 0;
}

/* ---- out */

/* Answer the body of a value that is nothing but handles; `present` says which are there. */
static PyObject *write_bare(Direct *self, const bool *present, int count)
{
    Py_ssize_t head = PyBytes_GET_SIZE(self->head);
    Py_ssize_t size = head + count * MARK_BYTES + (self->place_count - count);
    PyObject *body = PyBytes_FromStringAndSize(NULL, size);
    if (body == NULL) {
        return NULL;
    }
    unsigned char *to = (unsigned char *)PyBytes_AS_STRING(body);
    unsigned char index = 0;
    memcpy(to, PyBytes_AS_STRING(self->head), (size_t)head);
    to += head;
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        if (present[i]) {
            memcpy(to, mark, sizeof mark);
            to[2] = index++;
            to += MARK_BYTES;
        }
        else {
            *to++ = NIL;
        }
    }
    return body;
}

/* Answer the body of any other value. */
static PyObject *write_all(Direct *self, PyObject *value, const bool *present)
{
    PyObject *members[MAX_FIELDS];
    Py_ssize_t index = 0;
    for (Py_ssize_t i = 0; i < self->field_count; i++) {
        members[i] = member_at(value, self->fields[i]);
    }
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        members[self->places[i].at] = present[i] ? PyTuple_GET_ITEM(self->indices, index++)
                                                 : self->absent;
    }
    for (Py_ssize_t i = 0; i < self->field_count; i++) {
        if (members[i] == NULL) {
            return NULL;
        }
    }
    PyObject *rest = PyObject_Vectorcall(self->rest, members, (size_t)self->field_count, NULL);
    PyObject *body = rest ? PyObject_CallOneArg(self->write_rest, rest) : NULL;
    Py_XDECREF(rest);
    if (body == NULL) {
        forget();
        return NULL;
    }
    PyObject *copy = PyBytes_CheckExact(body) ? read_rest(self, body) : NULL;
    if (copy == NULL) {
        Py_CLEAR(body);
    }
    Py_XDECREF(copy);
    return body;
}

/* Have the handles keep what is left to them on the way; -1 where that fails, and why is forgotten
 * where it is the pure twin's to tell. */
static int reduce(Direct *self, State *state, PyObject *value, const bool *present)
{
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        if (present[i] && self->places[i].kept != Py_None) {
            PyObject *handle = member_at(value, self->fields[self->places[i].at]);
            PyObject *answer = PyObject_CallMethod(handle, "restrict", "O", self->places[i].kept);
            Py_XDECREF(answer);
            if (answer == NULL) {
                if (PyErr_ExceptionMatches(state->IpcError)) {
                    PyErr_Clear();
                }
                return -1;
            }
        }
    }
    return 0;
}

/* Answer a value's body, and its handles, to be dropped; as Direct._encode. NULL without an
 * exception: that is to be asked. */
PyObject *encode_directly(State *state, PyObject *op, PyObject *value, Handles *handles)
{
    Direct *self = (Direct *)op;
    bool present[MAX_FIELDS];
    bool reduces = false;
    handles->count = 0;
    if (!Py_IS_TYPE(value, (PyTypeObject *)self->type)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        Place *place = &self->places[i];
        PyObject *member = member_at(value, self->fields[place->at]);
        present[i] = member != NULL && PyObject_TypeCheck(member, (PyTypeObject *)place->wanted);
        if (!present[i] ? member != Py_None || !place->optional
                        : place->how == IS_END
                    || (place->asked >= 0 && place->asked & ~bits_of(state, member))) {
            handles->count = 0;
            return NULL;
        }
        if (!present[i]) {
            continue;
        }
        reduces |= place->kept != Py_None;
        handles->each[handles->count++] = member;
    }
    for (int i = 0; i < handles->count; i++) {
        Py_INCREF(handles->each[i]);
    }
    PyObject *body = self->head != Py_None ? write_bare(self, present, handles->count)
                                           : write_all(self, value, present);
    if (body != NULL && reduces && reduce(self, state, value, present) < 0) {
        Py_CLEAR(body);
    }
    if (body == NULL) {
        drop_handles(handles);
    }
    return body;
}

/* encode(value), as Direct._encode. */
static PyObject *encode(PyObject *op, PyObject *value)
{
    State *state = PyType_GetModuleState(Py_TYPE(op));
    Handles handles;
    PyObject *body = encode_directly(state, op, value, &handles);
    if (body == NULL) {
        return PyErr_Occurred() ? NULL
                                : PyObject_CallOneArg(((Direct *)op)->pure_encode, value);
    }
    PyObject *list = PyList_New(handles.count);
    for (int i = 0; list != NULL && i < handles.count; i++) {
        PyList_SET_ITEM(list, i, Py_NewRef(handles.each[i]));
    }
    PyObject *answer = list ? PyTuple_Pack(2, body, list) : NULL;
    Py_XDECREF(list);
    Py_DECREF(body);
    drop_handles(&handles);
    return answer;
}

/* ---- in */

/* Find which handles are in a body that is nothing but those; false where it is not. */
static bool read_bare(Direct *self, PyObject *body, bool *present)
{
    if (!PyBytes_CheckExact(body)) {
        return false;
    }
    const unsigned char *from = (const unsigned char *)PyBytes_AS_STRING(body);
    Py_ssize_t left = PyBytes_GET_SIZE(body) - PyBytes_GET_SIZE(self->head);
    size_t head = (size_t)PyBytes_GET_SIZE(self->head);
    unsigned char index = 0;
    if (left < 0 || memcmp(from, PyBytes_AS_STRING(self->head), head) != 0) {
        return false;
    }
    from += head;
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        present[i] = left >= MARK_BYTES && memcmp(from, mark, sizeof mark) == 0
            && from[2] == index;
        if (present[i]) {
            index++;
        }
        else if (!self->places[i].optional || left < 1 || *from != NIL) {
            return false;
        }
        from += present[i] ? MARK_BYTES : 1;
        left -= present[i] ? MARK_BYTES : 1;
    }
    return left == 0;
}

/* Find which handles are in any other body, and its other members, which the rest that is answered
 * holds; NULL where it is not as it should be. */
static PyObject *read_all(Direct *self, PyObject *body, bool *present, PyObject **members)
{
    PyObject *rest = read_rest(self, body);
    Py_ssize_t index = 0;
    for (Py_ssize_t i = 0; rest != NULL && i < self->field_count; i++) {
        members[i] = member_at(rest, self->rest_fields[i]);
        if (members[i] == NULL) {
            Py_CLEAR(rest);
        }
    }
    for (Py_ssize_t i = 0; rest != NULL && i < self->place_count; i++) {
        PyObject *member = members[self->places[i].at];
        PyObject *expected = PyTuple_GET_ITEM(self->indices, index);
        int same = PyObject_RichCompareBool(member, expected, Py_EQ);
        present[i] = same > 0;
        index += present[i];
        if (same == 0 && self->places[i].optional) {
            same = PyObject_RichCompareBool(member, self->absent, Py_EQ);
        }
        if (same <= 0) {
            if (same < 0) {
                forget();
            }
            Py_CLEAR(rest);
        }
    }
    return rest;
}

/* Look at a handle that came for a place: answer the rights that it will have, or -1: see V. */
static long look_at(State *state, const Place *place, PyObject *handle)
{
    if (!Py_IS_TYPE(handle, (PyTypeObject *)state->handle_type)) {
        return -1;
    }
    int fd = number_of(state, handle);
    if (fd < 0 || place->how > BECOMES) {
        return -1;
    }
    long bits = bits_of(state, handle) & place->bits;
    if (place->asked >= 0) {
        if (place->asked & ~bits) {
            return -1;
        }
        bits &= place->asked;
    }
    return place->kind == 0 || is_surely(fd, place->kind) ? bits : -1;
}

/* Make the value of its members, and have the handles become what they are (V). */
static PyObject *make_value(Direct *self, State *state, PyObject *const *handles,
                            const bool *present, PyObject **members)
{
    PyObject *bits[MAX_FIELDS];
    PyObject *value = NULL;
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        const Place *place = &self->places[i];
        if (!present[i]) {
            members[place->at] = Py_None;
            continue;
        }
        members[place->at] = handles[count];
        long held = look_at(state, place, handles[count]);
        bits[count] = held >= 0 ? PyLong_FromLong(held) : NULL;
        if (bits[count] == NULL) {
            goto out;
        }
        count++;
    }
    value = PyObject_Vectorcall(self->type, members, (size_t)self->field_count, NULL);
    if (value == NULL) {
        forget();
        goto out;
    }
    Py_ssize_t next = 0;
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        if (!present[i]) {
            continue;
        }
        PyObject *handle = handles[next];
        poke(state, handle, BITS, bits[next++]);
        if (self->places[i].how == BECOMES) { /* as object.__class__ does */
            PyTypeObject *before = Py_TYPE(handle);
            Py_SET_TYPE(handle, (PyTypeObject *)Py_NewRef(self->places[i].wanted));
            Py_DECREF(before);
        }
    }
out:
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_DECREF(bits[i]);
    }
    return value;
}

/* Answer the value in a body, which owns the handles then; as Direct._decode. NULL without an
 * exception: that is to be asked, and nothing has happened. */
PyObject *decode_directly(State *state, PyObject *op, PyObject *body, PyObject *handles)
{
    Direct *self = (Direct *)op;
    bool present[MAX_FIELDS];
    PyObject *members[MAX_FIELDS];
    PyObject *rest = NULL, *value = NULL;
    if ((!PyList_CheckExact(handles) && !PyTuple_CheckExact(handles))
        || state->handle_type == NULL || self->is_for_pure) {
        return NULL;
    }
    if (self->head != Py_None) {
        if (!read_bare(self, body, present)) {
            return NULL;
        }
    }
    else {
        rest = read_all(self, body, present, members);
        if (rest == NULL) {
            return NULL;
        }
    }
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        count += present[i];
    }
    if (count == PySequence_Fast_GET_SIZE(handles)) {
        PyObject *held[MAX_HANDLES]; /* whatever happens to the list meanwhile */
        for (Py_ssize_t i = 0; i < count; i++) {
            held[i] = Py_NewRef(PySequence_Fast_GET_ITEM(handles, i));
        }
        value = make_value(self, state, held, present, members);
        for (Py_ssize_t i = 0; i < count; i++) {
            Py_DECREF(held[i]);
        }
    }
    Py_XDECREF(rest);
    return value;
}

/* decode(body, handles), as Direct._decode. */
static PyObject *decode(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs == 2) {
        State *state = PyType_GetModuleState(Py_TYPE(op));
        PyObject *value = decode_directly(state, op, args[0], args[1]);
        if (value != NULL || PyErr_Occurred()) {
            return value;
        }
    }
    return PyObject_Vectorcall(((Direct *)op)->pure_decode, args, (size_t)nargs, NULL);
}

/* Answer whose method a function is, borrowed; NULL: it is another's. */
PyObject *direct_of(State *state, PyObject *function)
{
    PyObject *owner = PyCFunction_Check(function) ? PyCFunction_GET_SELF(function) : NULL;
    return owner && Py_IS_TYPE(owner, (PyTypeObject *)state->direct) ? owner : NULL;
}

/* ---- the type, and its maker */

static int visit(PyObject *op, visitproc visit, void *arg)
{
    Direct *self = (Direct *)op;
    Py_VISIT(Py_TYPE(op)); /* an instance of a heap type holds it */
    MEMBERS(VISIT)
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        Py_VISIT(self->places[i].wanted);
        Py_VISIT(self->places[i].kept);
    }
    return 0; /* none of them is ever cleared: the pure Direct breaks the cycle */
}

static void destroy(PyObject *op)
{
    Direct *self = (Direct *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    MEMBERS(DROP)
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        Py_DECREF(self->places[i].wanted);
        Py_DECREF(self->places[i].kept);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_O, NULL},
    {"decode", (PyCFunction)(void (*)(void))decode, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_traverse, visit},
    {Py_tp_dealloc, destroy},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec direct_spec = {
    .name = "ipcrt._speedups._native.Direct",
    .basicsize = sizeof(Direct),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
        | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = type_slots,
};

/* Note where a struct's members lie; -1 with an exception set where one is no slot. */
static int find_fields(PyObject *type, PyObject *names, Py_ssize_t *fields)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *found = PyObject_GetAttr(type, PyTuple_GET_ITEM(names, i));
        if (found == NULL) {
            return -1;
        }
        fields[i] = 0;
        if (Py_IS_TYPE(found, &PyMemberDescr_Type)) {
            PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
            fields[i] = member->type == T_OBJECT_EX ? member->offset : 0;
        }
        Py_DECREF(found);
        if (fields[i] == 0) {
            PyErr_Format(PyExc_TypeError, "%R of %R is no slot", PyTuple_GET_ITEM(names, i), type);
            return -1;
        }
    }
    return 0;
}

/* Take the places; -1 on error. */
static int take_places(Direct *self, PyObject *places)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(places); i++) {
        Place *place = &self->places[i];
        PyObject *wanted, *kept;
        int optional;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(places, i), "nO!illlOp", &place->at, &PyType_Type,
                              &wanted, &place->how, &place->kind, &place->bits, &place->asked,
                              &kept, &optional)) {
            return -1;
        }
        place->wanted = Py_NewRef(wanted);
        place->kept = Py_NewRef(kept);
        place->optional = optional;
        self->is_for_pure |= place->how > BECOMES && !optional;
        self->place_count = i + 1;
        if (place->at < 0 || place->at >= self->field_count) {
            PyErr_SetString(PyExc_ValueError, "a place is no member");
            return -1;
        }
    }
    return 0;
}

/* direct((encode, decode), type, names, rest, write_rest, read_rest, check, head, indices, absent,
 * places): twins of the two; or they themselves, where the struct is too large. */
static PyObject *direct(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure_encode, *pure_decode, *type, *names, *rest, *write, *read, *check, *head;
    PyObject *indices, *absent, *places;
    if (!PyArg_ParseTuple(args, "(OO)O!O!O!OOOOO!OO!:direct", &pure_encode, &pure_decode,
                          &PyType_Type, &type, &PyTuple_Type, &names, &PyType_Type, &rest, &write,
                          &read, &check, &head, &PyTuple_Type, &indices, &absent, &PyTuple_Type,
                          &places)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(places);
    bool is_bare = PyBytes_CheckExact(head) && count == PyTuple_GET_SIZE(names);
    if (PyTuple_GET_SIZE(names) > MAX_FIELDS || count > MAX_HANDLES
        || PyTuple_GET_SIZE(indices) <= count || (head != Py_None && !is_bare)) {
        return Py_NewRef(PyTuple_GET_ITEM(args, 0));
    }
    PyTypeObject *kind = (PyTypeObject *)state->direct;
    Direct *self = (Direct *)kind->tp_alloc(kind, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->type = Py_NewRef(type);
    self->rest = Py_NewRef(rest);
    self->write_rest = Py_NewRef(write);
    self->read_rest = Py_NewRef(read);
    self->check = Py_NewRef(check);
    self->head = Py_NewRef(head);
    self->indices = Py_NewRef(indices);
    self->absent = Py_NewRef(absent);
    self->pure_encode = Py_NewRef(pure_encode);
    self->pure_decode = Py_NewRef(pure_decode);
    self->field_count = PyTuple_GET_SIZE(names);
    PyObject *twins = NULL;
    if (find_fields(type, names, self->fields) == 0
        && find_fields(rest, names, self->rest_fields) == 0 && take_places(self, places) == 0) {
        PyObject *encoder = PyObject_GetAttrString((PyObject *)self, "encode");
        PyObject *decoder = PyObject_GetAttrString((PyObject *)self, "decode");
        twins = encoder && decoder ? PyTuple_Pack(2, encoder, decoder) : NULL;
        Py_XDECREF(encoder);
        Py_XDECREF(decoder);
    }
    Py_DECREF(self);
    return twins;
}

PyMethodDef direct_functions[] = {
    {"direct", direct, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
