/* The module: its state, and the way from a pure function to its C twin.
 *
 * Supported: CPython 3.11 to 3.13 with the GIL, and any number of interpreters. Free-threaded
 * builds stay with pure Python (setup.py): the packet buffer relies on the GIL. */

#include "native.h"

#include <string.h>

static const char *const names[NAME_COUNT] = {
    [HELD_BACK] = "_held_back",
    [FD] = "_fd",
    [BITS] = "_bits",
    [WATCH] = "_watch",
    [ASKED] = "asked",
    [DEFAULT_BITS] = "_default_bits",
    [FORGETS_MORE] = "_forgets_more",
    [NOTE_READ] = "_note_read",
    [LAST] = "_last",
    [IN_FLIGHT] = "_in_flight",
    [CONNECTION] = "_connection",
    [OUTBOX] = "_outbox",
    [SHORTCUTS] = "_shortcuts",
    [STEP] = "_step",
    [FINISH] = "_finish",
    [ANSWERED] = "_answered",
    [FAILED] = "_failed",
    [GOES_ON] = "_goes_on",
    [POST] = "_post_reply",
    [BRAKE] = "_brake",
    [ERROR] = "error",
    [BUSY] = "_busy",
    [PENDING] = "_pending",
    [READING] = "_reading",
    [ARMED] = "_armed",
    [HELD] = "_held",
    [IN_BURSTS] = "_in_bursts",
    [SLEEP] = "_sleep",
    [RECEIVED] = "received",
    [ON_MESSAGE] = "on_message",
    [GIVE_UP] = "_give_up",
    [NOT_READ] = "_not_read",
    [ARM] = "_arm",
    [TAKE_IN_AGAIN] = "_take_in_again",
    [SHARING] = "_sharing",
    [SHARED] = "_shared",
    [SINCE] = "_since",
    [CLOGGED] = "clogged",
    [SENT] = "sent",
    [ON_ALONE] = "on_alone",
    [SOON] = "_soon",
    [BEGIN_TO_SHARE] = "_begin_to_share",
    [LEAVE_TOGETHER] = "_leave_together",
    [CALLS] = "_calls",
    [TXID] = "_txid",
    [DEADLINES] = "_deadlines",
    [CREATE_WAITER] = "_create_waiter",
    [WAKE] = "_wake",
    [TABLE] = "_table",
    [PLANS] = "plans",
    [CLOCK] = "_clock",
    [TIMEOUT] = "_timeout",
    [ENDS] = "_ends",
    [LATEST] = "_latest",
    [SLOT] = "slot",
    [METHOD_OF_CALL] = "method",
    [WAITER] = "waiter",
    [DEADLINE] = "deadline",
    [REPLIED] = "replied",
    [BODY] = "body",
    [HANDLES] = "handles",
    [DONE] = "done",
    [SET_RESULT] = "set_result",
    [ORDINAL] = "ordinal",
    [SPARE] = "_spare",
    [READY] = "ready",
    [TASK] = "task",
    [CONTEXT] = "context",
    [BASE] = "base",
    [WAITS] = "_waits",
    [CLOSE] = "close",
    [PORT_CLOSED] = "_closed",
    [PORT_THREAD] = "_thread",
    [PORT_GENERATION] = "_generation",
    [PORT_NAPPERS] = "nappers",
    [PORT_EARLIEST] = "_earliest",
    [PORT_LOOKED] = "_looked",
    [PORT_BACKOFF] = "_backoff",
    [PORT_TURNS] = "_turns",
    [FINISH_WAIT] = "finish",
    [FIND_NAPPERS] = "_find_nappers",
    [TURN] = "_turn",
    [SLEEP_ON] = "_sleep",
    [PACKETS] = "packets",
    [RUNG] = "rung",
    [FORKS_NUMBER] = "number",
    [NAP] = "nap",
    [GIVE_UP_CALL] = "give_up",
    [GIVE_UP_SINCE] = "give_up_since",
    [ASYNCIO_EVENTS] = "asyncio.events",
    [TRIO_LOWLEVEL] = "trio.lowlevel",
    [GET_RUNNING_LOOP] = "_get_running_loop",
    [CALLBACKS] = "_callbacks",
    [REMOVE] = "remove_done_callback",
};

/* Take the exception that is set, with its traceback. */
PyObject *take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

static int raise_now(void *error)
{
    PyErr_SetObject((PyObject *)Py_TYPE((PyObject *)error), error);
    Py_DECREF(error);
    return -1;
}

/* Have the main thread raise `error`, which is stolen, once it is back in the interpreter: a
 * signal's handler has raised it where that would have lost something. */
void raise_later(PyObject *error)
{
    if (Py_AddPendingCall(raise_now, error) < 0) { /* 32 wait already */
        Py_DECREF(error);
    }
}

static PyObject *twin(PyObject *module, PyObject *args)
{
    PyMethodDef *const tables[] = {frame_functions, handle_functions, direct_functions,
                                   message_functions, intake_functions,
                                   dispatch_functions, caller_functions, stepping_functions,
                                   waiting_functions, blocking_functions, prompt_functions,
                                   checked_functions};
    const char *name;
    PyObject *pure;
    if (!PyArg_ParseTuple(args, "sO:twin", &name, &pure)) {
        return NULL;
    }
    if (strcmp(name, "PacketSocket") == 0) {
        State *state = PyModule_GetState(module);
        return Py_NewRef(state->packet_socket);
    }
    if (strcmp(name, "waiter") == 0) {
        State *state = PyModule_GetState(module);
        return Py_NewRef(state->blocking_waiter);
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(tables); i++) {
        for (PyMethodDef *function = tables[i]; function->ml_name != NULL; function++) {
            if (strcmp(name, function->ml_name) == 0) {
                PyObject *self = PyTuple_Pack(2, pure, module);
                PyObject *found = self ? PyCFunction_New(function, self) : NULL;
                Py_XDECREF(self);
                return found;
            }
        }
    }
    return PyErr_Format(PyExc_LookupError, "nothing is called %s in C", name);
}

static int start(PyObject *module)
{
    State *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("ipcrt.errors");
    if (errors == NULL) {
        return -1;
    }
#define FIND(name) state->name = PyObject_GetAttrString(errors, #name);
    FOUND(FIND)
    Py_DECREF(errors);
#define IS_THERE(name) && state->name
    if (!(true FOUND(IS_THERE))) {
        return -1;
    }
#define CREATE(type) state->type = PyType_FromModuleAndSpec(module, &type##_spec, NULL);
    TYPES(CREATE)
    state->closed = PyLong_FromLong(-1);
    if (!(state->closed TYPES(IS_THERE))) {
        return -1;
    }
    for (int i = 0; i < NAME_COUNT; i++) {
        state->names[i] = PyUnicode_InternFromString(names[i]);
        if (state->names[i] == NULL) {
            return -1;
        }
    }
    state->packet = PyMem_Malloc(MAX_PACKET_BYTES);
    if (state->packet == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyModule_AddIntMacro(module, REVISION) < 0
        || PyModule_AddIntMacro(module, MAX_PACKET_BYTES) < 0
        || PyModule_AddIntMacro(module, MAX_SHARING) < 0
        || PyModule_AddIntMacro(module, MAX_SHARED_BYTES) < 0
        || PyModule_AddIntMacro(module, LONGEST_US) < 0
        || PyModule_AddIntMacro(module, MESSAGES_PER_TURN) < 0) {
        return -1;
    }
    return PyModule_AddIntMacro(module, MAX_FDS);
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
#define VISIT_MEMBER(name) Py_VISIT(state->name);
    FOUND(VISIT_MEMBER)
    TYPES(VISIT_MEMBER)
    Py_VISIT(state->handle_type);
    return 0;
}

static int clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
#define CLEAR_MEMBER(name) Py_CLEAR(state->name);
    FOUND(CLEAR_MEMBER)
    TYPES(CLEAR_MEMBER)
    Py_CLEAR(state->handle_type);
    Py_CLEAR(state->all_bits);
    Py_CLEAR(state->closed);
    for (int i = 0; i < NAME_COUNT; i++) {
        Py_CLEAR(state->names[i]);
    }
    return 0;
}

static void release(void *module)
{
    State *state = PyModule_GetState(module);
    clear(module);
    PyMem_Free(state->packet);
    state->packet = NULL;
}

static PyMethodDef functions[] = {
    {"twin", twin, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, start},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
