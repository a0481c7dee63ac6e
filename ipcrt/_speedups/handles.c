/* Handles: the objects that own descriptors, made of what has come, and looked at in place.
 *
 * The pure twins are `own` in ipcrt/objects/handle.py and `check_kind` in ipcrt/objects/kind.py.
 *
 * T. A descriptor belongs to `arrived` until all handles of its packet are there; then, at once, to
 *    them. A handle that was made too early owns nothing when it is dropped. One that is sent is
 *    its handle's until the kernel has taken a copy, and then nobody's, and closed.
 * U. A kind is told here only where one look at the kernel's own word says yes; whoever is told no
 *    asks the pure twin, which also says what is wrong. */

#include "native.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TRANSFER 0x02 /* as in ipcrt/objects/rights.py */
#define MAX_LINK 64

/* As in ipcrt/objects/kind.py; compared by tests/_speedups. */
#define OBJ_TYPE_VMO 3
#define OBJ_TYPE_EVENT 5

/* ---- making them */

/* Make a handle that owns nothing yet. */
static PyObject *new_handle(State *state)
{
    PyTypeObject *type = (PyTypeObject *)state->handle_type;
    PyObject *handle = type->tp_alloc(type, 0);
    if (handle != NULL) {
        poke(state, handle, FD, state->closed);
        poke(state, handle, BITS, state->all_bits);
        poke(state, handle, WATCH, Py_None);
        poke(state, handle, HELD_BACK, Py_False);
        poke(state, handle, ASKED, Py_None);
    }
    return handle;
}

/* Answer a list of handles that own what has arrived (T); on error it stays there. */
PyObject *make_handles(State *state, Arrived *arrived)
{
    PyObject *list = PyList_New(arrived->count);
    for (int i = 0; list != NULL && i < arrived->count; i++) {
        PyObject *handle = new_handle(state);
        PyObject *number = handle ? PyLong_FromLong(arrived->fds[i]) : NULL;
        if (number != NULL) {
            PyList_SET_ITEM(list, i, handle);
            poke(state, handle, FD, number);
            Py_DECREF(number);
            continue;
        }
        Py_XDECREF(handle);
        for (int made = 0; made < i; made++) {
            poke(state, PyList_GET_ITEM(list, made), FD, state->closed);
        }
        Py_CLEAR(list);
    }
    if (list != NULL) {
        arrived->count = 0;
    }
    return list;
}

/* Answer the number that a handle owns and may be asked about here, or -1. */
int number_of(State *state, PyObject *handle)
{
    PyObject *number = peek(state, handle, FD);
    if (number == NULL || !PyLong_CheckExact(number)) {
        return -1;
    }
    int overflow;
    long fd = PyLong_AsLongAndOverflow(number, &overflow);
    return fd < 0 || fd != (int)fd ? -1 : (int)fd;
}

/* ---- letting them go */

void drop_handles(Handles *handles)
{
    for (int i = 0; i < handles->count; i++) {
        Py_DECREF(handles->each[i]);
    }
    handles->count = 0;
}

/* Note the numbers of handles that a message may carry off; false where one may not, or where
 * somebody else has to be told: the pure twins say so, and tell. */
bool may_leave(State *state, const Handles *handles, int *fds)
{
    for (int i = 0; i < handles->count; i++) {
        PyObject *handle = handles->each[i];
        PyObject *bits = peek(state, handle, BITS);
        fds[i] = number_of(state, handle);
        if (fds[i] < 0 || peek(state, handle, WATCH) != Py_None || bits == NULL
            || !PyLong_Check(bits) || !(PyLong_AsLong(bits) & TRANSFER)) {
            return false;
        }
        for (int before = 0; before < i; before++) {
            if (fds[before] == fds[i]) {
                return false;
            }
        }
        PyObject *more = PyObject_GetAttr((PyObject *)Py_TYPE(handle), state->names[FORGETS_MORE]);
        Py_XDECREF(more); /* the class holds it */
        if (more != Py_False) {
            PyErr_Clear();
            return false;
        }
    }
    return true;
}

/* Close what a message has carried off: the handles own nothing any more. */
void close_sent(State *state, const Handles *handles, const int *fds)
{
    for (int i = 0; i < handles->count; i++) {
        poke(state, handles->each[i], FD, state->closed);
    }
    Py_BEGIN_ALLOW_THREADS /* as in rule C */
    for (int i = 0; i < handles->count; i++) {
        close(fds[i]);
    }
    Py_END_ALLOW_THREADS
}

/* ---- for whoever has numbers */

/* own(fds): as the pure one, which `pure_and_module` holds. */
static PyObject *own(PyObject *pure_and_module, PyObject *fds)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    Arrived arrived = {.count = 0};
    bool usual = PyList_CheckExact(fds) && PyList_GET_SIZE(fds) <= MAX_FDS;
    for (Py_ssize_t i = 0; usual && i < PyList_GET_SIZE(fds); i++) {
        PyObject *number = PyList_GET_ITEM(fds, i);
        int overflow;
        long fd = PyLong_CheckExact(number) ? PyLong_AsLongAndOverflow(number, &overflow) : -1;
        usual = fd >= 0 && fd == (int)fd;
        arrived.fds[arrived.count++] = (int)fd;
    }
    if (!usual) {
        return PyObject_CallOneArg(PyTuple_GET_ITEM(pure_and_module, 0), fds);
    }
    PyObject *handles = make_handles(state, &arrived);
    if (handles != NULL) {
        PyList_SetSlice(fds, 0, PyList_GET_SIZE(fds), NULL); /* to empty a list cannot fail */
    }
    return handles;
}

static PyMethodDef own_function = {"own", own, METH_O, NULL};

/* own(pure, Handle): answers the twin of `pure`. */
static PyObject *choose_own(PyObject *pure_and_module, PyObject *args)
{
    PyObject *module = PyTuple_GET_ITEM(pure_and_module, 1);
    State *state = PyModule_GetState(module);
    PyObject *pure, *type;
    if (!PyArg_ParseTuple(args, "OO!:own", &pure, &PyType_Type, &type)
        || find_slots(state, type, HELD_BACK, ASKED) < 0) {
        return NULL;
    }
    PyObject *bits = PyObject_GetAttr(type, state->names[DEFAULT_BITS]);
    PyObject *self = bits ? PyTuple_Pack(2, pure, module) : NULL;
    PyObject *function = self ? PyCFunction_New(&own_function, self) : NULL;
    if (function != NULL) {
        Py_XSETREF(state->all_bits, Py_NewRef(bits));
        Py_XSETREF(state->handle_type, Py_NewRef(type));
    }
    Py_XDECREF(bits);
    Py_XDECREF(self);
    return function;
}

/* ---- what they are */

/* True where a descriptor is an eventfd: the kernel's name for it, which no file can have. */
static bool is_event(int fd)
{
    static const char expected[] = "anon_inode:[eventfd]";
    char path[32], link[MAX_LINK];
    PyOS_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, link, sizeof link);
    return length == sizeof expected - 1 && memcmp(link, expected, sizeof expected - 1) == 0;
}

/* True where a descriptor is surely of a kind (U). */
bool is_surely(int fd, long kind)
{
    switch (kind) {
    case OBJ_TYPE_EVENT:
        return is_event(fd);
    case OBJ_TYPE_VMO: /* only memfds and shmem files answer */
        return fcntl(fd, F_GET_SEALS) >= 0;
    default:
        return false;
    }
}

/* check_kind(fd, expected) */
static PyObject *check_kind(PyObject *pure_and_module, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs == 2 && PyLong_CheckExact(args[0]) && PyLong_Check(args[1])) {
        int overflow;
        long fd = PyLong_AsLongAndOverflow(args[0], &overflow);
        if (fd >= 0 && fd == (int)fd && is_surely((int)fd, PyLong_AsLong(args[1]))) {
            Py_RETURN_NONE;
        }
        PyErr_Clear();
    }
    return PyObject_Vectorcall(PyTuple_GET_ITEM(pure_and_module, 0), args, (size_t)nargs, NULL);
}

PyMethodDef handle_functions[] = {
    {"own", choose_own, METH_VARARGS, NULL},
    {"check_kind", (PyCFunction)(void (*)(void))check_kind, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
