/* Blocking call: from its request to its result, for the thread that waits for it.
 *
 * The pure twin is BlockingCaller.call in ipcrt/bindings/blocking_call.py.
 *
 * X. A call that this thread may not wait for here, or now, is left to the twin before it begins.
 * Y. Whatever is raised once it has begun, the client is told that it was given up. */

#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *client;
    PyObject *connection;
    PyObject *begin; /* these two are the client's */
    PyObject *result;
    PyObject *ways; /* of the port */
    PyObject *call_type;
    PyObject *call; /* pure */
} BlockingCall;

#define MEMBERS(each) \
    each(client) each(connection) each(begin) each(result) each(ways) each(call_type) each(call)

/* Tell the client that a call was given up, or whatever was begun after `before`; keeps the
 * exception that is set (Y). */
static void give_up(BlockingCall *self, State *state, PyObject *call, PyObject *before)
{
    PyObject *error = take_exception();
    PyObject *answer = NULL;
    if (error != NULL) {
        answer = call ? PyObject_CallMethodOneArg(self->client, state->names[GIVE_UP_CALL], call)
                      : PyObject_CallMethodOneArg(self->client, state->names[GIVE_UP_SINCE],
                                                  before);
    }
    if (answer != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(answer);
    Py_XDECREF(error);
}

/* Wait for a call that has begun, and answer its result. */
static PyObject *finish(BlockingCall *self, State *state, PyObject *call)
{
    PyObject *waiter = Py_XNewRef(peek(state, call, WAITER));
    PyObject *nothing = waiter ? wait_for(self->ways, waiter, self->connection) : NULL;
    PyObject *result = nothing ? PyObject_CallOneArg(self->result, call) : NULL;
    Py_XDECREF(nothing);
    Py_XDECREF(waiter);
    return result;
}

/* call(method, request, timeout), as BlockingCaller.call. */
static PyObject *call(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    BlockingCall *self = (BlockingCall *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    int usual = nargs == 3 ? may_wait(self->ways) : 0;
    if (usual < 0) {
        return NULL;
    }
    PyObject *before = peek(state, self->client, TXID);
    if (!usual || peek(state, self->connection, BUSY) != Py_False || before == NULL) {
        return PyObject_Vectorcall(self->call, args, (size_t)nargs, NULL);
    }
    Py_INCREF(before);
    PyObject *result = NULL;
    PyObject *begun = PyObject_Vectorcall(self->begin, args, 3, NULL);
    if (begun != NULL && !Py_IS_TYPE(begun, (PyTypeObject *)self->call_type)) {
        PyErr_Format(PyExc_TypeError, "no Call: %R", begun);
        Py_CLEAR(begun);
    }
    if (begun != NULL) {
        result = finish(self, state, begun);
    }
    if (result == NULL) {
        give_up(self, state, begun, before);
    }
    Py_XDECREF(begun);
    Py_DECREF(before);
    return result;
}

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the client and its connection break the cycle. */
KEEPER(blocking_call, BlockingCall, methods)

/* Find what a new one uses of its client; -1 on error. */
static int look_up(BlockingCall *self, State *state)
{
    self->connection = PyObject_GetAttr(self->client, state->names[CONNECTION]);
    self->begin = PyObject_GetAttrString(self->client, "begin");
    self->result = PyObject_GetAttrString(self->client, "result");
    if (!self->connection || !self->begin || !self->result
        || find_slots(state, (PyObject *)Py_TYPE(self->client), TXID, TXID) < 0
        || find_slots(state, (PyObject *)Py_TYPE(self->connection), BUSY, BUSY) < 0) {
        return -1;
    }
    return find_slots(state, self->call_type, WAITER, WAITER);
}

/* blocking_call(call, client, port, Call): a twin of the first. */
static PyObject *blocking_call(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure, *client, *port, *call_type;
    if (!PyArg_ParseTuple(args, "OOOO!:blocking_call", &pure, &client, &port, &PyType_Type,
                          &call_type)) {
        return NULL;
    }
    PyObject *waits = PyObject_GetAttr(port, state->names[FINISH_WAIT]);
    PyObject *ways = waits ? ways_of(state, waits) : NULL;
    if (ways == NULL) {
        Py_XDECREF(waits);
        return waits ? Py_NewRef(pure) : NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->blocking_call;
    BlockingCall *self = (BlockingCall *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    PyObject *twin = NULL;
    if (self != NULL) {
        self->client = Py_NewRef(client);
        self->ways = Py_NewRef(ways);
        self->call_type = Py_NewRef(call_type);
        self->call = Py_NewRef(pure);
        if (look_up(self, state) == 0) {
            twin = PyObject_GetAttrString((PyObject *)self, "call");
        }
        Py_DECREF(self);
    }
    Py_DECREF(waits);
    return twin;
}

PyMethodDef blocking_functions[] = {
    {"blocking_call", blocking_call, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
