/* Prompt: a task that waits is woken at once, not in the event loop's next turn.
 *
 * The pure twin, and what holds for both, is in ipcrt/port/prompt.py. */

#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *loop;
    PyObject *running; /* loop to the task that runs there */
    PyObject *future;  /* asyncio.Future */
    PyObject *none;    /* the arguments that make one */
    PyObject *named;
} Waker;

#define MEMBERS(each) each(loop) each(running) each(future) each(none) each(named)

/* create(): a new Future of the loop. */
static PyObject *create(PyObject *op, PyObject *unused)
{
    Waker *self = (Waker *)op;
    (void)unused;
    return PyObject_Call(self->future, self->none, self->named);
}

/* Answer a Future's only callback with its context, a tuple which is the caller's; NULL without an
 * exception: there is none, or there are several, or a task runs. */
static PyObject *only_callback(Waker *self, State *state, PyObject *waiter)
{
    PyObject *task = PyDict_GetItemWithError(self->running, self->loop);
    if (task != NULL || PyErr_Occurred()) {
        return NULL;
    }
    PyObject *callbacks = PyObject_GetAttr(waiter, state->names[CALLBACKS]), *only = NULL;
    if (callbacks != NULL && PyList_CheckExact(callbacks) && PyList_GET_SIZE(callbacks) == 1) {
        PyObject *first = PyList_GET_ITEM(callbacks, 0);
        bool usual = PyTuple_CheckExact(first) && PyTuple_GET_SIZE(first) == 2
            && PyContext_CheckExact(PyTuple_GET_ITEM(first, 1));
        only = usual ? Py_NewRef(first) : NULL;
    }
    Py_XDECREF(callbacks);
    return only;
}

/* Take the callback out, set the result, and run the callback, all in its context; -1 on error. */
static int run(State *state, PyObject *waiter, PyObject *callback, PyObject *context)
{
    if (PyContext_Enter(context) < 0) { /* it is in use here */
        PyErr_Clear();
        return settle_waiter(state, waiter);
    }
    PyObject *removed = PyObject_CallMethodOneArg(waiter, state->names[REMOVE], callback);
    PyObject *answer = removed && settle_waiter(state, waiter) == 0
        ? PyObject_CallOneArg(callback, waiter)
        : NULL;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    (void)PyContext_Exit(context);
    PyErr_Restore(type, error, traceback);
    Py_XDECREF(removed);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* wake(waiter), as _Prompt.wake. */
static PyObject *wake(PyObject *op, PyObject *waiter)
{
    State *state = PyType_GetModuleState(Py_TYPE(op));
    PyObject *only = only_callback((Waker *)op, state, waiter);
    int done = -1;
    if (only != NULL) {
        done = run(state, waiter, PyTuple_GET_ITEM(only, 0), PyTuple_GET_ITEM(only, 1));
        Py_DECREF(only);
    }
    else if (!PyErr_Occurred()) {
        done = settle_waiter(state, waiter);
    }
    return done < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"create", create, METH_NOARGS, NULL},
    {"wake", wake, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the port breaks the cycle. */
KEEPER(waker, Waker, methods)

/* waker(loop, running, Future): what makes a waiter, and what wakes who waits. */
static PyObject *waker(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *loop, *running, *future;
    if (!PyArg_ParseTuple(args, "OO!O!:waker", &loop, &PyDict_Type, &running, &PyType_Type,
                          &future)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->waker;
    Waker *self = (Waker *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->loop = Py_NewRef(loop);
    self->running = Py_NewRef(running);
    self->future = Py_NewRef(future);
    self->none = PyTuple_New(0);
    self->named = PyDict_New();
    PyObject *found[2] = {NULL, NULL}, *both = NULL;
    if (self->none && self->named && PyDict_SetItemString(self->named, "loop", loop) == 0) {
        found[0] = PyObject_GetAttrString((PyObject *)self, "create");
        found[1] = PyObject_GetAttrString((PyObject *)self, "wake");
        both = found[0] && found[1] ? PyTuple_Pack(2, found[0], found[1]) : NULL;
    }
    Py_XDECREF(found[0]);
    Py_XDECREF(found[1]);
    Py_DECREF(self);
    return both;
}

PyMethodDef prompt_functions[] = {
    {"waker", waker, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
