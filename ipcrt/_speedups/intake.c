/* Intake: from the socket to who takes a connection's messages, where packets are usual.
 *
 * The pure twins are Connection._readable, _nap and _handle_some in ipcrt/bindings/connection.py.
 *
 * M. A packet is dealt with here where it is one message without MORE, and nothing else is under
 *    way. Any other is handed to `readable` with what it holds, as if that had found it.
 * N. While a packet is read and handled the connection is busy, and on every path it ends so.
 * Q. What a signal's handler raises while a message is taken in must not lose the message: it is
 *    taken in again, and then only that is raised. What ends the program is raised at once, and
 *    ends nothing here: raised later it could hit a task that another message wakes. Any other
 *    error would end the connection here; so that is raised later.
 * O. Every call may run any code: of a handler, of a finalizer, of a signal's handler. So the
 *    connection's state is read from its slots when it is needed, and what is used across a call
 *    is held. */

#include "native.h"

#define MESSAGE_LENGTH 5 /* txid, ordinal, flags, body, handles */
#define MORE 0x01

typedef struct {
    PyObject_HEAD
    PyObject *connection;
    PyObject *messenger;
    PyObject *readable; /* these three are pure */
    PyObject *nap;
    PyObject *handle_some;
    Py_ssize_t max_body_bytes;
} Intake;

#define MEMBERS(each) each(connection) each(messenger) each(readable) each(nap) each(handle_some)

/* True where a slot of the connection holds this very object. */
static bool holds(Intake *self, State *state, int name, PyObject *what)
{
    return peek(state, self->connection, name) == what;
}

/* Answer whose method a way to read is, borrowed; NULL: it reads in another way. */
static PyObject *messenger_of(State *state, PyObject *read)
{
    PyObject *owner = read && PyCFunction_Check(read) ? PyCFunction_GET_SELF(read) : NULL;
    return owner && Py_IS_TYPE(owner, (PyTypeObject *)state->messenger) ? owner : NULL;
}

/* True where messages wait to be handled, or may. */
static bool is_pending(Intake *self, State *state)
{
    PyObject *pending = peek(state, self->connection, PENDING);
    return pending == NULL || !PyList_CheckExact(pending) || PyList_GET_SIZE(pending) != 0;
}

/* True where a packet may be read and handled now. */
static bool is_idle(Intake *self, State *state)
{
    return holds(self, state, BUSY, Py_False) && !is_pending(self, state);
}

/* True for a message that is not too long. */
static bool is_fitting(Intake *self, PyObject *message)
{
    if (!PyTuple_CheckExact(message) || PyTuple_GET_SIZE(message) != MESSAGE_LENGTH) {
        return false;
    }
    PyObject *body = PyTuple_GET_ITEM(message, 3);
    return PyBytes_CheckExact(body) && PyBytes_GET_SIZE(body) <= self->max_body_bytes;
}

/* True for what is dealt with here (M). */
static bool is_usual(Intake *self, State *state, PyObject *found)
{
    return holds(self, state, IN_BURSTS, Py_False) && is_fitting(self, found)
        && !(PyLong_AsLong(PyTuple_GET_ITEM(found, 2)) & MORE);
}

/* Do as rule Q says with the exception that is set; -1 where there is one still. */
static int take_in_again(Intake *self, State *state, PyObject *message)
{
    PyObject *error = take_exception();
    PyObject *again = error ? PyObject_CallMethodObjArgs(self->connection,
                                                         state->names[TAKE_IN_AGAIN], error,
                                                         message, NULL)
                            : NULL;
    bool later = again == Py_True && PyErr_GivenExceptionMatches(error, PyExc_Exception);
    int done = later ? 0 : -1;
    if (later) {
        raise_later(Py_NewRef(error));
    }
    else if (again != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(again);
    Py_XDECREF(error);
    return done;
}

/* Hand a message, which is held here, to who takes it; -1 on error. */
static int tell(Intake *self, State *state, PyObject *message)
{
    PyObject *on_message = Py_XNewRef(peek(state, self->connection, ON_MESSAGE));
    PyObject *answer = NULL;
    if (on_message != NULL) {
        PyObject *const *parts = ((PyTupleObject *)message)->ob_item;
        answer = PyObject_Vectorcall(on_message, parts, MESSAGE_LENGTH, NULL);
        Py_DECREF(on_message);
    }
    else {
        PyErr_SetString(PyExc_AttributeError, "on_message");
    }
    Py_XDECREF(answer);
    return answer ? 0 : take_in_again(self, state, message);
}

/* Be busy no more; `done` is -1 where an exception is set. Answers -1 likewise. */
static int end(Intake *self, State *state, int done)
{
    PyObject *answer = NULL;
    if (done < 0 && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *error = take_exception();
        answer = error ? PyObject_CallMethodOneArg(self->connection, state->names[GIVE_UP], error)
                       : NULL;
        Py_XDECREF(error);
        done = answer ? 0 : -1;
        Py_XDECREF(answer);
    }
    poke(state, self->connection, BUSY, Py_False);
    PyObject *reading = peek(state, self->connection, READING);
    if (!holds(self, state, ARMED, reading) || is_pending(self, state)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        answer = PyObject_CallMethodNoArgs(self->connection, state->names[ARM]);
        if (answer == NULL) {
            done = -1;
            Py_XDECREF(type);
            Py_XDECREF(error);
            Py_XDECREF(traceback);
        }
        else {
            PyErr_Restore(type, error, traceback);
        }
        Py_XDECREF(answer);
    }
    return done;
}

/* Handle a usual message, which is stolen, while the connection is busy; -1 on error. */
static int handle(Intake *self, State *state, PyObject *message)
{
    int done = add_to_slot(state, self->connection, RECEIVED, 1) < 0 ? -1 : 0;
    if (done == 0) {
        done = tell(self, state, message);
    }
    Py_DECREF(message);
    return done;
}

/* readable(), as Connection._readable. */
static PyObject *readable(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Intake *self = (Intake *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    if (nargs != 0 || !is_idle(self, state) || !holds(self, state, IN_BURSTS, Py_False)) {
        return PyObject_Vectorcall(self->readable, args, (size_t)nargs, NULL);
    }
    poke(state, self->connection, BUSY, Py_True);
    PyObject *found = read_packet(self->messenger, false);
    int done = found ? 0 : -1;
    if (found == Py_None) {
        Py_DECREF(found);
    }
    else if (found != NULL && is_usual(self, state, found)) {
        done = handle(self, state, found);
    }
    else if (found != NULL) {
        poke(state, self->connection, BUSY, Py_False);
        PyObject *answer = PyObject_CallOneArg(self->readable, found);
        Py_DECREF(found);
        return answer;
    }
    return end(self, state, done) < 0 ? NULL : Py_NewRef(Py_None);
}

/* nap(), as Connection._nap. */
static PyObject *nap(PyObject *op, PyObject *unused)
{
    Intake *self = (Intake *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    (void)unused;
    PyObject *messenger = messenger_of(state, peek(state, self->connection, SLEEP)); /* borrowed */
    if (messenger == NULL) { /* the first time */
        return PyObject_CallNoArgs(self->nap);
    }
    if (!is_idle(self, state) || !holds(self, state, ARMED, Py_True)) {
        return Py_NewRef(Py_False);
    }
    Py_INCREF(messenger);
    PyObject *found = read_packet(messenger, true);
    Py_DECREF(messenger);
    if (found == NULL) {
        PyObject *error = PyErr_ExceptionMatches(PyExc_Exception) ? take_exception() : NULL;
        PyObject *ended = error ? PyObject_CallMethodOneArg(self->connection,
                                                            state->names[NOT_READ], error)
                                : NULL;
        Py_XDECREF(error);
        return ended;
    }
    if (found == Py_None) {
        Py_DECREF(found);
        return Py_NewRef(Py_False);
    }
    if (!is_idle(self, state) || !is_usual(self, state, found)) {
        PyObject *answer = PyObject_CallOneArg(self->readable, found);
        Py_DECREF(found);
        Py_XDECREF(answer);
        return answer ? Py_NewRef(Py_True) : NULL;
    }
    poke(state, self->connection, BUSY, Py_True);
    int done = handle(self, state, found);
    return end(self, state, done) < 0 ? NULL : Py_NewRef(Py_True);
}

/* handle_some(), as Connection._handle_some. */
static PyObject *handle_some(PyObject *op, PyObject *unused)
{
    Intake *self = (Intake *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    (void)unused;
    for (int i = 0; i < MESSAGES_PER_TURN && is_pending(self, state); i++) {
        PyObject *pending = peek(state, self->connection, PENDING);
        if (!holds(self, state, READING, Py_True) || !holds(self, state, HELD, Py_False)) {
            break;
        }
        Py_ssize_t last = pending && PyList_CheckExact(pending) ? PyList_GET_SIZE(pending) - 1 : -1;
        PyObject *message = last >= 0 ? Py_NewRef(PyList_GET_ITEM(pending, last)) : NULL;
        if (message == NULL || !is_fitting(self, message)) {
            Py_XDECREF(message);
            return PyObject_CallNoArgs(self->handle_some);
        }
        int done = PyList_SetSlice(pending, last, last + 1, NULL);
        if (done == 0) {
            done = tell(self, state, message);
        }
        Py_DECREF(message);
        if (done < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"readable", (PyCFunction)(void (*)(void))readable, METH_FASTCALL, NULL},
    {"nap", nap, METH_NOARGS, NULL},
    {"handle_some", handle_some, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the connection breaks the cycle. */
KEEPER(intake, Intake, methods)

/* intake((readable, nap, handle_some), connection, read, max_body_bytes): twins of the three. */
static PyObject *intake(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure_readable, *pure_nap, *pure_handle_some, *connection, *read;
    Py_ssize_t max_body_bytes;
    if (!PyArg_ParseTuple(args, "(OOO)OOn:intake", &pure_readable, &pure_nap, &pure_handle_some,
                          &connection, &read, &max_body_bytes)) {
        return NULL;
    }
    PyObject *messenger = messenger_of(state, read);
    if (messenger == NULL) {
        return Py_NewRef(PyTuple_GET_ITEM(args, 0));
    }
    PyTypeObject *type = (PyTypeObject *)state->intake;
    Intake *self = (Intake *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->connection = Py_NewRef(connection);
    self->messenger = Py_NewRef(messenger);
    self->readable = Py_NewRef(pure_readable);
    self->nap = Py_NewRef(pure_nap);
    self->handle_some = Py_NewRef(pure_handle_some);
    self->max_body_bytes = max_body_bytes;
    PyObject *twins = NULL;
    if (find_slots(state, (PyObject *)Py_TYPE(connection), BUSY, ON_MESSAGE) == 0) {
        PyObject *found[3] = {
            PyObject_GetAttrString((PyObject *)self, "readable"),
            PyObject_GetAttrString((PyObject *)self, "nap"),
            PyObject_GetAttrString((PyObject *)self, "handle_some"),
        };
        if (found[0] && found[1] && found[2]) {
            twins = PyTuple_Pack(3, found[0], found[1], found[2]);
        }
        for (int i = 0; i < 3; i++) {
            Py_XDECREF(found[i]);
        }
    }
    Py_DECREF(self);
    return twins;
}

PyMethodDef intake_functions[] = {
    {"intake", intake, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
