/* Dispatcher: a request from its body to its reply, where all of it is usual.
 *
 * The pure twin is ServerBinding._message in ipcrt/bindings/server.py, called `pure` here. A method
 * that can be usual has an entry in `shortcuts`, made by ipcrt/bindings/shortcut.py; that table
 * fills as methods are first called.
 *
 * G. Until the handler is called nothing has happened that `pure` would not do again: whatever is
 *    in the way before then, and any fault of the request, is left to it.
 * H. Once the handler has been called, what it answered or raised goes to the binding's own
 *    `_finish`, `_answered`, `_goes_on` or `_failed`, unless it is usual all the way. A reply that
 *    finds no room is posted by the binding.
 * I. Every call may run any code: of a handler, or of a finalizer. So the binding's state is read
 *    from its slots when it is needed, and what is used across a call is held. */

#include "native.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define HEADER_BYTES 16

/* A shortcut is a tuple of these, in this order. */
enum {
    DECODE,    /* body to request, or a method of a Direct; None: the body must be empty, and the
                  handler takes nothing */
    ARGUMENTS, /* request to a tuple of arguments */
    HANDLER,
    IS_CALL,
    METHOD,
    ANSWER, /* the exact type of a usual answer */
    ENCODE, /* answer to bytes, raising where it is none, or a method of a Direct; None: there is
               nothing to encode */
    HEAD,   /* the reply's header with txid and length zero, and what stands before those bytes */
    SHORTCUT_LENGTH,
};

typedef struct {
    PyObject_HEAD
    PacketSocket *packets;
    PyObject *binding;
    PyObject *connection;
    PyObject *outbox;
    PyObject *shortcuts; /* dict: ordinal to shortcut */
    PyObject *pure;
} Dispatcher;

#define MEMBERS(each) \
    each(packets) each(binding) each(connection) each(outbox) each(shortcuts) each(pure)

static PyObject *item(PyObject *shortcut, int which)
{
    return PyTuple_GET_ITEM(shortcut, which);
}

static bool is_shortcut(PyObject *object)
{
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == SHORTCUT_LENGTH
        && PyBytes_CheckExact(item(object, HEAD));
}

/* Answer the bytes of an answer, as Codec.encode does, and the handles, to be dropped; NULL, perhaps
 * with an exception set, where it is none. */
static PyObject *encode_answer(State *state, PyObject *shortcut, PyObject *answer,
                               Handles *handles)
{
    PyObject *direct = direct_of(state, item(shortcut, ENCODE));
    handles->count = 0;
    if (direct != NULL) {
        PyObject *bytes = encode_directly(state, direct, answer, handles);
        PyObject *error = bytes == NULL && PyErr_Occurred() ? take_exception() : NULL;
        if (error != NULL) { /* a signal's handler has raised it */
            raise_later(error);
        }
        return bytes;
    }
    if (item(shortcut, ENCODE) == Py_None) {
        return PyBytes_FromStringAndSize(NULL, 0);
    }
    return PyObject_CallOneArg(item(shortcut, ENCODE), answer);
}

/* Answer the reply's packet, and the handles, to be dropped; or NULL without an exception where the
 * answer is not usual (H). */
static PyObject *encode_reply(State *state, PyObject *shortcut, PyObject *answer, PyObject *txid,
                              Handles *handles)
{
    PyObject *head = item(shortcut, HEAD), *reply = NULL;
    PyObject *body = encode_answer(state, shortcut, answer, handles);
    Py_ssize_t head_bytes = PyBytes_GET_SIZE(head);
    if (body != NULL && PyBytes_CheckExact(body)
        && PyBytes_GET_SIZE(body) <= MAX_PACKET_BYTES - head_bytes) {
        reply = PyBytes_FromStringAndSize(NULL, head_bytes + PyBytes_GET_SIZE(body));
    }
    if (reply != NULL) {
        size_t body_bytes = (size_t)PyBytes_GET_SIZE(body);
        char *to = PyBytes_AS_STRING(reply);
        uint32_t txid_le = htole32((uint32_t)PyLong_AsUnsignedLong(txid));
        uint16_t length_le = htole16((uint16_t)(PyBytes_GET_SIZE(reply) - HEADER_BYTES));
        memcpy(to, PyBytes_AS_STRING(head), (size_t)head_bytes);
        memcpy(to, &txid_le, sizeof txid_le);
        memcpy(to + 4, &length_le, sizeof length_le);
        to[6] = (char)handles->count;
        memcpy(to + head_bytes, PyBytes_AS_STRING(body), body_bytes);
    }
    if (reply == NULL) {
        drop_handles(handles);
    }
    Py_XDECREF(body);
    PyErr_Clear();
    return reply;
}

/* Call the binding's method for what is not usual; `last` is stolen. */
static PyObject *hand_over(Dispatcher *self, PyObject *name, PyObject *shortcut, PyObject *txid,
                           PyObject *what, PyObject *last)
{
    PyObject *method = item(shortcut, METHOD);
    PyObject *answer = NULL;
    if (last != NULL) {
        PyObject *args[] = {self->binding, method, txid, what, last};
        answer = PyObject_VectorcallMethod(name, args, 5, NULL);
        Py_DECREF(last);
    }
    return answer;
}

/* Send a reply, or have it posted; `in_flight` are the other calls. They are no more than before
 * this one, so that only a queue that is full keeps the binding from reading on. */
static PyObject *send_reply(Dispatcher *self, State *state, PyObject *shortcut, PyObject *txid,
                            PyObject *reply, long in_flight)
{
    int done = post_packet(state, self->outbox, self->packets, reply, in_flight > 0);
    if (done < 0) {
        return NULL;
    }
    if (done == 0) {
        PyObject *in_company = PyBool_FromLong(in_flight);
        return hand_over(self, state->names[POST], shortcut, txid, reply, in_company);
    }
    if (peek(state, self->outbox, CLOGGED) != Py_False) {
        return PyObject_CallMethodNoArgs(self->binding, state->names[BRAKE]);
    }
    return Py_NewRef(Py_None);
}

/* Send a reply with handles; Py_None where it is left, NULL with an exception, or without one where
 * nothing has happened. */
static PyObject *send_handles(Dispatcher *self, State *state, PyObject *reply,
                              const Handles *handles, long in_flight)
{
    int done = post_handles(state, self->outbox, self->packets, reply, handles, in_flight > 0);
    if (done <= 0) {
        return NULL;
    }
    if (peek(state, self->outbox, CLOGGED) != Py_False) {
        return PyObject_CallMethodNoArgs(self->binding, state->names[BRAKE]);
    }
    return Py_NewRef(Py_None);
}

/* Do what is left once the handler has answered; `answer` is NULL where it raised, and `otherwise`
 * takes one that is not usual (H). */
static PyObject *finish(Dispatcher *self, State *state, PyObject *shortcut, PyObject *txid,
                        PyObject *request, PyObject *answer, int otherwise)
{
    if (answer == NULL) {
        return hand_over(self, state->names[FAILED], shortcut, txid, request, take_exception());
    }
    PyObject *reply = NULL;
    Handles handles = {.count = 0};
    bool is_call = item(shortcut, IS_CALL) == Py_True;
    bool usual = (PyObject *)Py_TYPE(answer) == item(shortcut, ANSWER);
    if (usual && is_call) {
        bool open = peek(state, self->connection, ERROR) == Py_None;
        reply = open ? encode_reply(state, shortcut, answer, txid, &handles) : NULL;
        usual = reply != NULL;
    }
    else if (usual) { /* its handler may have filled the queue with events: then read no more */
        usual = peek(state, self->outbox, CLOGGED) == Py_False;
    }
    if (!usual) {
        PyObject *held = Py_NewRef(answer);
        return hand_over(self, state->names[otherwise], shortcut, txid, request, held);
    }
    long in_flight = add_to_slot(state, self->binding, IN_FLIGHT, -1);
    PyObject *done = NULL;
    if (in_flight >= 0 && handles.count) {
        done = send_handles(self, state, reply, &handles, in_flight);
        if (done == NULL && !PyErr_Occurred()
            && add_to_slot(state, self->binding, IN_FLIGHT, 1) >= 0) {
            PyObject *held = Py_NewRef(answer);
            done = hand_over(self, state->names[otherwise], shortcut, txid, request, held);
        }
    }
    else if (in_flight >= 0) {
        done = is_call ? send_reply(self, state, shortcut, txid, reply, in_flight)
                       : Py_NewRef(Py_None);
    }
    drop_handles(&handles);
    Py_XDECREF(reply);
    return done;
}

/* Run a handler's coroutine until it ends, or waits; see ServerBinding._run. */
static PyObject *run(Dispatcher *self, State *state, PyObject *shortcut, PyObject *txid,
                     PyObject *request, PyObject *coroutine)
{
    PyObject *step = peek(state, self->binding, STEP);
    if (step == NULL || step == Py_None || peek(state, self->binding, LAST) != Py_None) {
        return finish(self, state, shortcut, txid, request, coroutine, FINISH);
    }
    PyObject *found, *done;
    if (step_coroutine(state, step, coroutine, &found) == PYGEN_NEXT) {
        PyObject *parts = PyTuple_Pack(2, coroutine, found);
        done = hand_over(self, state->names[GOES_ON], shortcut, txid, request, parts);
    }
    else {
        done = finish(self, state, shortcut, txid, request, found, ANSWERED);
    }
    Py_XDECREF(found);
    return done;
}

/* Take a request apart: answer its arguments, and the request in `*request`; both are the
 * caller's. NULL without an exception: it is not usual (G). */
static PyObject *read_request(State *state, PyObject *shortcut, PyObject *body, PyObject *handles,
                              PyObject **request)
{
    PyObject *direct = direct_of(state, item(shortcut, DECODE));
    if (direct != NULL) {
        *request = decode_directly(state, direct, body, handles);
        PyObject *several = *request ? PyObject_CallOneArg(item(shortcut, ARGUMENTS), *request)
                                     : NULL;
        if (several != NULL && !PyTuple_CheckExact(several)) {
            PyErr_SetString(PyExc_TypeError, "arguments are a tuple");
            Py_CLEAR(several);
        }
        return several;
    }
    if (PySequence_Fast_GET_SIZE(handles) != 0) {
        return NULL;
    }
    if (item(shortcut, DECODE) == Py_None) {
        *request = Py_NewRef(Py_None);
        if (PyBytes_CheckExact(body) && PyBytes_GET_SIZE(body) == 0) {
            return PyTuple_New(0);
        }
        return NULL;
    }
    *request = PyObject_CallOneArg(item(shortcut, DECODE), body);
    PyObject *arguments = *request ? PyObject_CallOneArg(item(shortcut, ARGUMENTS), *request)
                                   : NULL;
    if (arguments != NULL && !PyTuple_CheckExact(arguments)) {
        Py_CLEAR(arguments);
    }
    PyErr_Clear();
    return arguments;
}

/* message(txid, ordinal, flags, body, handles), as ServerBinding._message. */
static PyObject *message(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Dispatcher *self = (Dispatcher *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    PyObject *done = NULL;
    if (nargs != 5 || !PyLong_CheckExact(args[0])
        || !(PyTuple_CheckExact(args[4]) || PyList_CheckExact(args[4]))) {
        return PyObject_Vectorcall(self->pure, args, (size_t)nargs, NULL);
    }
    PyObject *shortcut = PyDict_GetItemWithError(self->shortcuts, args[1]); /* borrowed */
    bool alone = peek(state, self->binding, LAST) == Py_None;
    if (shortcut == NULL && PyErr_Occurred()) {
        return NULL;
    }
    bool is_call = PyObject_IsTrue(args[0]);
    if (shortcut == NULL || !alone || !is_shortcut(shortcut)
        || (item(shortcut, IS_CALL) == Py_True) != is_call) {
        return PyObject_Vectorcall(self->pure, args, 5, NULL);
    }
    Py_INCREF(shortcut); /* rule I */
    PyObject *request = NULL;
    PyObject *arguments = read_request(state, shortcut, args[3], args[4], &request);
    if (arguments == NULL) {
        done = PyErr_Occurred() ? NULL : PyObject_Vectorcall(self->pure, args, 5, NULL);
    }
    else if (add_to_slot(state, self->binding, IN_FLIGHT, 1) >= 0) {
        PyObject *const *each = ((PyTupleObject *)arguments)->ob_item;
        size_t count = (size_t)PyTuple_GET_SIZE(arguments);
        PyObject *answer = PyObject_Vectorcall(item(shortcut, HANDLER), each, count, NULL);
        done = answer != NULL && PyCoro_CheckExact(answer)
            ? run(self, state, shortcut, args[0], request, answer)
            : finish(self, state, shortcut, args[0], request, answer, FINISH);
        Py_XDECREF(answer);
    }
    Py_XDECREF(arguments);
    Py_XDECREF(request);
    Py_DECREF(shortcut);
    return done;
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"message", (PyCFunction)(void (*)(void))message, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the binding and its connection break the cycle. */
KEEPER(dispatcher, Dispatcher, methods)

/* dispatcher(on_message, binding, packets): what takes the binding's messages. */
static PyObject *dispatcher(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure, *binding, *packets, *method = NULL;
    if (!PyArg_ParseTuple(args, "OOO!:dispatcher", &pure, &binding, state->packet_socket,
                          &packets)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->dispatcher;
    Dispatcher *self = (Dispatcher *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->packets = (PacketSocket *)Py_NewRef(packets);
    self->binding = Py_NewRef(binding);
    self->pure = Py_NewRef(pure);
    self->connection = PyObject_GetAttr(binding, state->names[CONNECTION]);
    self->outbox = PyObject_GetAttr(binding, state->names[OUTBOX]);
    self->shortcuts = PyObject_GetAttr(binding, state->names[SHORTCUTS]);
    if (self->shortcuts != NULL && !PyDict_CheckExact(self->shortcuts)) {
        PyErr_SetString(PyExc_TypeError, "shortcuts are a dict");
    }
    else if (self->connection != NULL && self->outbox != NULL && self->shortcuts != NULL
             && find_slots(state, (PyObject *)Py_TYPE(binding), LAST, STEP) == 0
             && find_slots(state, (PyObject *)Py_TYPE(self->connection), ERROR, ERROR) == 0
             && find_slots(state, (PyObject *)Py_TYPE(self->outbox), SHARING, SOON) == 0) {
        method = PyObject_GetAttrString((PyObject *)self, "message");
    }
    Py_DECREF(self);
    return method;
}

PyMethodDef dispatch_functions[] = {
    {"dispatcher", dispatcher, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
