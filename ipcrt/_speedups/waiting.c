/* Waiting: how a plain thread waits on its port, where it may nap.
 *
 * The pure twins are BlockingPort._finish and _dispatch in ipcrt/port/blocking.py, whose rules hold
 * here, and BlockingWaiter in ipcrt/port/blocking_waiter.py.
 *
 * T. What is not usual is left to the twin before anything has happened: a deadline of the wait's
 *    own, a scope, a port that spins, another kind of waiter.
 * U. While a wait goes on its key is in `going`, and on every path it is taken out: each step is one
 *    operation of a dict of objects that compare by identity, which runs no Python code.
 * V. A signal that came while no Python code ran is handled before each nap.
 * W. A nap runs any code: of handlers, of other threads. So the port's state is read from its slots
 *    when it is needed, and what is used across a call is held. */

#include "native.h"

#include <math.h>

#define PATIENCE_S 0.01 /* as in ipcrt/objects/channel.py; tests/_speedups compares them */
#define FAR_S (2 * PATIENCE_S)

/* ---- the waiter */

typedef struct {
    PyObject_HEAD
    bool done;
    PyObject *result; /* or NULL: None */
    PyObject *error;
} BlockingWaiter;

static PyObject *new_waiter(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) != 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0)) {
        PyErr_SetString(PyExc_TypeError, "a waiter takes no arguments");
        return NULL;
    }
    return type->tp_alloc(type, 0);
}

static int visit_waiter(PyObject *op, visitproc visit, void *arg)
{
    BlockingWaiter *self = (BlockingWaiter *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->result);
    Py_VISIT(self->error);
    return 0;
}

static int clear_waiter(PyObject *op)
{
    BlockingWaiter *self = (BlockingWaiter *)op;
    Py_CLEAR(self->result);
    Py_CLEAR(self->error);
    return 0;
}

static void destroy_waiter(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    clear_waiter(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *set_result(PyObject *op, PyObject *result)
{
    BlockingWaiter *self = (BlockingWaiter *)op;
    self->done = true;
    Py_XSETREF(self->result, Py_NewRef(result));
    Py_RETURN_NONE;
}

static PyObject *set_exception(PyObject *op, PyObject *error)
{
    BlockingWaiter *self = (BlockingWaiter *)op;
    if (!PyExceptionInstance_Check(error)) {
        return PyErr_Format(PyExc_TypeError, "%R is no exception", error);
    }
    self->done = true;
    Py_XSETREF(self->error, Py_NewRef(error));
    Py_RETURN_NONE;
}

static PyObject *is_done(PyObject *op, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((BlockingWaiter *)op)->done);
}

static PyObject *result_of(PyObject *op, PyObject *unused)
{
    BlockingWaiter *self = (BlockingWaiter *)op;
    (void)unused;
    if (self->error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(self->error), self->error);
        return NULL;
    }
    return Py_NewRef(self->result ? self->result : Py_None);
}

static PyObject *abandon(PyObject *op, PyObject *unused)
{
    (void)unused;
    ((BlockingWaiter *)op)->done = true;
    Py_RETURN_NONE;
}

static PyObject *refuse_to_await(PyObject *op)
{
    State *state = PyType_GetModuleState(Py_TYPE(op));
    PyErr_SetString(state->BadState, "a plain thread cannot await; use run_until");
    return NULL;
}

/* True for a waiter of any kind that is done; -1 on error. */
int is_waiter_done(State *state, PyObject *waiter)
{
    if (Py_IS_TYPE(waiter, (PyTypeObject *)state->blocking_waiter)) {
        return ((BlockingWaiter *)waiter)->done;
    }
    PyObject *done = PyObject_CallMethodNoArgs(waiter, state->names[DONE]);
    int found = done ? PyObject_IsTrue(done) : -1;
    Py_XDECREF(done);
    return found;
}

/* Wake a waiter of any kind with None; -1 on error. */
int settle_waiter(State *state, PyObject *waiter)
{
    if (Py_IS_TYPE(waiter, (PyTypeObject *)state->blocking_waiter)) {
        ((BlockingWaiter *)waiter)->done = true;
        return 0;
    }
    PyObject *answer = PyObject_CallMethodOneArg(waiter, state->names[SET_RESULT], Py_None);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static PyMethodDef waiter_methods[] = {
    {"set_result", set_result, METH_O, NULL},
    {"set_exception", set_exception, METH_O, NULL},
    {"done", is_done, METH_NOARGS, NULL},
    {"result", result_of, METH_NOARGS, NULL},
    {"abandon", abandon, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot waiter_slots[] = {
    {Py_tp_new, new_waiter},
    {Py_tp_traverse, visit_waiter},
    {Py_tp_clear, clear_waiter},
    {Py_tp_dealloc, destroy_waiter},
    {Py_tp_methods, waiter_methods},
    {Py_am_await, refuse_to_await},
    {0, NULL},
};

PyType_Spec blocking_waiter_spec = {
    .name = "ipcrt._speedups._native.BlockingWaiter",
    .basicsize = sizeof(BlockingWaiter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = waiter_slots,
};

/* ---- the ways through a port */

typedef struct {
    PyObject_HEAD
    PyObject *port;
    PyObject *going;   /* dict */
    PyObject *mailbox;
    PyObject *forks;
    PyObject *scope;   /* context variable */
    PyObject *interrupted;
    PyObject *loop_runs_here;
    PyObject *finish; /* these two are pure */
    PyObject *dispatch;
    PyObject *spare; /* a key for `going`, or NULL */
} Ways;

#define MEMBERS(each) \
    each(port) each(going) each(mailbox) each(forks) each(scope) each(interrupted) \
    each(loop_runs_here) each(finish) each(dispatch) each(spare)

static State *state_of(Ways *self)
{
    return PyType_GetModuleState(Py_TYPE((PyObject *)self));
}

/* Answer the ways that a port's `finish` belongs to, borrowed; NULL: it is pure. */
PyObject *ways_of(State *state, PyObject *finish)
{
    PyObject *owner = PyCFunction_Check(finish) ? PyCFunction_GET_SELF(finish) : NULL;
    return owner && Py_IS_TYPE(owner, (PyTypeObject *)state->ways) ? owner : NULL;
}

/* True where an event loop runs in this thread; -1 on error. As ipcrt/port/loop_here.py, whose
 * usual case is done here: no other loop than asyncio's is loaded. */
static int loop_runs(Ways *self, State *state)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *events = PyDict_GetItemWithError(modules, state->names[ASYNCIO_EVENTS]);
    PyObject *trio = PyDict_GetItemWithError(modules, state->names[TRIO_LOWLEVEL]);
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *running = NULL;
    if (trio == NULL) {
        if (events == NULL) {
            return 0;
        }
        running = PyObject_GetAttr(events, state->names[GET_RUNNING_LOOP]);
        if (running == NULL) {
            PyErr_Clear(); /* it is being loaded */
        }
    }
    PyObject *answer = PyObject_CallNoArgs(running ? running : self->loop_runs_here);
    int runs = -1;
    if (answer != NULL) {
        runs = running ? answer != Py_None : PyObject_IsTrue(answer);
        Py_DECREF(answer);
    }
    Py_XDECREF(running);
    return runs;
}

/* True where this thread may wait on the port, as BlockingPort.check_blocking; -1 on error. */
int may_wait(PyObject *op)
{
    Ways *self = (Ways *)op;
    State *state = state_of(self);
    PyObject *thread = peek(state, self->port, PORT_THREAD);
    if (peek(state, self->port, PORT_CLOSED) != Py_False || thread == NULL
        || !PyLong_CheckExact(thread)
        || PyLong_AsUnsignedLongMask(thread) != PyThread_get_thread_ident()) {
        return 0;
    }
    PyObject *made = peek(state, self->port, PORT_GENERATION);
    PyObject *now = peek(state, self->forks, FORKS_NUMBER);
    if (made == NULL || now == NULL) {
        return 0;
    }
    int same = made == now ? 1 : PyObject_RichCompareBool(made, now, Py_EQ);
    int runs = same > 0 ? loop_runs(self, state) : 0;
    return same < 0 || runs < 0 ? -1 : same && !runs;
}

/* True where a slot of the port holds a float, which is in `*number` then. */
static bool get_float(Ways *self, State *state, int name, double *number)
{
    PyObject *value = peek(state, self->port, name);
    if (value == NULL || !PyFloat_CheckExact(value)) {
        return false;
    }
    *number = PyFloat_AS_DOUBLE(value);
    return true;
}

/* True where nobody else has anything to tell (rules 2 and 3 of the twin). */
static bool is_quiet(Ways *self, State *state, bool alone, double now)
{
    PyObject *packets = peek(state, self->mailbox, PACKETS);
    double looked;
    return peek(state, self->mailbox, RUNG) == Py_False && packets != NULL
        && PyObject_Size(packets) == 0
        && (alone || (get_float(self, state, PORT_LOOKED, &looked) && now - looked <= PATIENCE_S));
}

/* Answer whom to nap in, who is the caller's, as the twin's _serve_without_poller finds him; None:
 * nobody; NULL on error. `reader` reads what is waited for, or NULL: whatever comes. */
static PyObject *find_napper(Ways *self, State *state, PyObject *reader, double now)
{
    PyObject *nappers = Py_XNewRef(peek(state, self->port, PORT_NAPPERS));
    if (nappers == NULL || nappers == Py_None) {
        Py_XDECREF(nappers);
        nappers = PyObject_CallMethodNoArgs(self->port, state->names[FIND_NAPPERS]);
        if (nappers == NULL) {
            return NULL;
        }
    }
    if (!PyTuple_Check(nappers) || PyTuple_GET_SIZE(nappers) != 3) {
        PyErr_Format(PyExc_TypeError, "no Nappers: %R", nappers);
        Py_DECREF(nappers);
        return NULL;
    }
    PyObject *napper = PyTuple_GET_ITEM(nappers, 0);
    int found = 1;
    if (reader != NULL && reader != Py_None && reader != napper) {
        napper = reader;
        found = PySequence_Contains(PyTuple_GET_ITEM(nappers, 1), reader);
    }
    if (found > 0 && !is_quiet(self, state, PyTuple_GET_ITEM(nappers, 2) == Py_True, now)) {
        found = 0;
    }
    PyObject *answer = found < 0 ? NULL : Py_NewRef(found ? napper : Py_None);
    Py_DECREF(nappers);
    return answer;
}

/* Nap for news, where that may be; 1 where something was served, 0 where not, -1 on error. */
static int nap(Ways *self, State *state, PyObject *reader, double now)
{
    PyObject *napper = find_napper(self, state, reader, now);
    int served = napper ? 0 : -1;
    if (napper != NULL && napper != Py_None) {
        PyObject *answer = NULL;
        if (PyErr_CheckSignals() == 0 && add_to_slot(state, self->port, PORT_TURNS, 1) >= 0) {
            answer = PyObject_CallMethodNoArgs(napper, state->names[NAP]);
        }
        served = answer ? PyObject_IsTrue(answer) : -1;
        Py_XDECREF(answer);
    }
    Py_XDECREF(napper);
    return served;
}

/* Serve the port once: by a nap, else as the twin does. -1 on error. */
static int serve(Ways *self, State *state, PyObject *reader)
{
    double now = monotonic(), earliest;
    if (get_float(self, state, PORT_EARLIEST, &earliest) && now + FAR_S < earliest) {
        int served = nap(self, state, reader, now);
        if (served != 0) {
            return served < 0 ? -1 : 0;
        }
    }
    PyObject *begun = PyFloat_FromDouble(now);
    PyObject *answer = begun ? PyObject_CallMethodOneArg(self->port, state->names[TURN], begun)
                             : NULL;
    Py_XDECREF(begun);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Answer a key that is in no dict, which is the caller's. */
static PyObject *take_key(Ways *self)
{
    PyObject *key = self->spare;
    self->spare = NULL;
    return key ? key : PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
}

/* Keep a key for the next wait, if nobody else has it. */
static void keep_key(Ways *self, PyObject *key)
{
    if (self->spare == NULL && Py_REFCNT(key) == 1) {
        self->spare = key;
    }
    else {
        Py_DECREF(key);
    }
}

/* Take a key out of `going`, whether or not an exception is set; false: somebody else has (U). */
static bool take_key_out(Ways *self, PyObject *key)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    bool found = PyDict_DelItem(self->going, key) == 0;
    PyErr_Restore(type, error, traceback); /* in place of a KeyError */
    return found;
}

/* Serve the port until a waiter of ours, which is not done yet, is (U); 1 where the port is closed,
 * which the twin tells; -1 on error. */
static int wait_whole(Ways *self, State *state, BlockingWaiter *waiter, PyObject *reader)
{
    PyObject *key = take_key(self);
    if (key == NULL) {
        return -1;
    }
    if (PyDict_SetItem(self->going, key, Py_None) < 0) {
        Py_DECREF(key);
        return -1;
    }
    int done;
    do {
        done = peek(state, self->port, PORT_CLOSED) == Py_False ? serve(self, state, reader) : 1;
    } while (done == 0 && !waiter->done && PyDict_Contains(self->going, key) > 0);
    if (!take_key_out(self, key) && done >= 0) {
        PyObject *error = PyObject_CallNoArgs(self->interrupted);
        if (error != NULL) {
            PyErr_SetObject((PyObject *)Py_TYPE(error), error);
            Py_DECREF(error);
        }
        done = -1;
    }
    keep_key(self, key);
    return done;
}

/* True for what is waited for here (T). */
static bool is_usual_wait(Ways *self, State *state, PyObject *waiter)
{
    PyObject *scope = NULL;
    if (!Py_IS_TYPE(waiter, (PyTypeObject *)state->blocking_waiter)
        || peek(state, self->port, PORT_BACKOFF) != Py_None
        || PyContextVar_Get(self->scope, NULL, &scope) < 0) {
        PyErr_Clear();
        return false;
    }
    Py_XDECREF(scope);
    return scope == Py_None;
}

/* Wait for a waiter, and answer its result, as BlockingPort._finish(waiter, None, reader). */
PyObject *wait_for(PyObject *op, PyObject *waiter, PyObject *reader)
{
    Ways *self = (Ways *)op;
    State *state = state_of(self);
    int done = 1;
    if (is_usual_wait(self, state, waiter)) {
        BlockingWaiter *mine = (BlockingWaiter *)waiter;
        done = mine->done ? 0 : wait_whole(self, state, mine, reader);
        if (done == 0) {
            return result_of(waiter, NULL);
        }
        if (done < 0) {
            mine->done = true; /* abandoned */
            return NULL;
        }
    }
    PyObject *args[] = {waiter, Py_None, reader};
    return PyObject_Vectorcall(self->finish, args, 3, NULL);
}

/* finish(waiter, timeout, reader), as BlockingPort._finish. */
static PyObject *finish(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (names == NULL && 1 <= nargs && nargs <= 3 && (nargs < 2 || args[1] == Py_None)) {
        return wait_for(op, args[0], nargs == 3 ? args[2] : Py_None);
    }
    return PyObject_Vectorcall(((Ways *)op)->finish, args, (size_t)nargs, names);
}

/* True for a number of seconds that leaves time for a nap. */
static bool is_long(PyObject *timeout)
{
    double seconds = 0;
    if (PyFloat_CheckExact(timeout)) {
        seconds = PyFloat_AS_DOUBLE(timeout);
    }
    else if (PyLong_CheckExact(timeout)) {
        int overflow;
        seconds = (double)PyLong_AsLongAndOverflow(timeout, &overflow);
        return overflow == 0 && (seconds < 0 || seconds > FAR_S);
    }
    return seconds < 0 || seconds > FAR_S;
}

/* dispatch(timeout), as BlockingPort._dispatch. */
static PyObject *dispatch(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    Ways *self = (Ways *)op;
    State *state = state_of(self);
    int usual = names == NULL && nargs == 1 && is_long(args[0])
        && peek(state, self->port, PORT_BACKOFF) == Py_None;
    if (usual) {
        usual = may_wait(op);
    }
    if (usual <= 0) {
        return usual < 0 ? NULL
                         : PyObject_Vectorcall(self->dispatch, args, (size_t)nargs, names);
    }
    double now = monotonic();
    int served = nap(self, state, NULL, now);
    if (served != 0) {
        return served < 0 ? NULL : Py_NewRef(Py_None);
    }
    PyObject *begun = PyFloat_FromDouble(now);
    PyObject *answer = begun ? PyObject_CallMethodObjArgs(self->port, state->names[SLEEP_ON],
                                                          args[0], begun, NULL)
                             : NULL;
    Py_XDECREF(begun);
    return answer;
}

/* ---- the type, and its maker */

static PyMethodDef ways_methods[] = {
    {"finish", (PyCFunction)(void (*)(void))finish, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"dispatch", (PyCFunction)(void (*)(void))dispatch, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the port breaks the cycle. */
KEEPER(ways, Ways, ways_methods)

/* ways((finish, dispatch), port, surroundings): twins of the first two. */
static PyObject *ways(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure_finish, *pure_dispatch, *port, *going, *mailbox, *forks, *scope, *interrupted;
    PyObject *loop_runs_here;
    if (!PyArg_ParseTuple(args, "(OO)O(O!OOO!OO):ways", &pure_finish, &pure_dispatch, &port,
                          &PyDict_Type, &going, &mailbox, &forks, &PyContextVar_Type, &scope,
                          &interrupted, &loop_runs_here)) {
        return NULL;
    }
    if (find_slots(state, (PyObject *)Py_TYPE(port), PORT_CLOSED, PORT_TURNS) < 0
        || find_slots(state, (PyObject *)Py_TYPE(mailbox), PACKETS, RUNG) < 0
        || find_slots(state, (PyObject *)Py_TYPE(forks), FORKS_NUMBER, FORKS_NUMBER) < 0) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->ways;
    Ways *self = (Ways *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->port = Py_NewRef(port);
    self->going = Py_NewRef(going);
    self->mailbox = Py_NewRef(mailbox);
    self->forks = Py_NewRef(forks);
    self->scope = Py_NewRef(scope);
    self->interrupted = Py_NewRef(interrupted);
    self->loop_runs_here = Py_NewRef(loop_runs_here);
    self->finish = Py_NewRef(pure_finish);
    self->dispatch = Py_NewRef(pure_dispatch);
    PyObject *found[2] = {
        PyObject_GetAttrString((PyObject *)self, "finish"),
        PyObject_GetAttrString((PyObject *)self, "dispatch"),
    };
    PyObject *twins = found[0] && found[1] ? PyTuple_Pack(2, found[0], found[1]) : NULL;
    Py_XDECREF(found[0]);
    Py_XDECREF(found[1]);
    Py_DECREF(self);
    return twins;
}

PyMethodDef waiting_functions[] = {
    {"ways", ways, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
