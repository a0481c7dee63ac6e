/* Caller: a call from its request to its result, on the client's side, where all of it is usual.
 *
 * The pure twins are Client._begin, _result and _message in ipcrt/bindings/client.py. A method that
 * can be usual has a plan, made by ipcrt/bindings/caller.py; that table fills as methods are first
 * called.
 *
 * J. Until the request has left nothing has happened that is not undone: whatever is in the way
 *    before then, and any fault of the request, is left to `begin`, which starts anew.
 * K. A reply is left to `message`, or to `result`, before anything of it has been taken in; that a
 *    call has left its deadline's slot is told twice without harm.
 * L. Every call may run any code, of a finalizer at least. So the client's state is read from its
 *    slots when it is needed, last right before the send, and what is used across a call is
 *    held. */

#include "native.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define HEADER_BYTES 16
#define MAX_TXID INT32_MAX

/* A plan is a tuple of these, in this order. */
enum {
    HEAD,   /* the request's header with txid and length zero */
    ENCODE, /* request to bytes, raising where it is none, or a method of a Direct; None: it is
               `()`, which has no bytes */
    DECODE, /* bytes to response, or as ENCODE; None: there is nothing behind PREFIX */
    PREFIX, /* what stands before those bytes in a success */
    PLAN_LENGTH,
};

typedef struct {
    PyObject_HEAD
    PacketSocket *packets;
    PyObject *client;
    PyObject *connection;
    PyObject *outbox;
    PyObject *deadlines;
    PyObject *clock; /* NULL: time.monotonic */
    PyObject *create_waiter;
    PyObject *wake;
    PyObject *plans; /* dict: method to plan, or None */
    PyObject *plan_for;
    PyObject *call_type;
    PyObject *begin; /* these three are pure */
    PyObject *result;
    PyObject *message;
} Caller;

#define MEMBERS(each) \
    each(packets) each(client) each(connection) each(outbox) each(deadlines) each(clock) \
    each(create_waiter) each(wake) each(plans) each(plan_for) each(call_type) each(begin) each(result) \
    each(message)

static PyObject *item(PyObject *plan, int which)
{
    return PyTuple_GET_ITEM(plan, which);
}

static bool is_plan(PyObject *object)
{
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == PLAN_LENGTH
        && PyBytes_CheckExact(item(object, HEAD))
        && PyBytes_GET_SIZE(item(object, HEAD)) == HEADER_BYTES
        && PyBytes_CheckExact(item(object, PREFIX));
}

/* Answer a method's plan, which is the caller's; NULL without an exception: it has none. */
static PyObject *find_plan(Caller *self, PyObject *method)
{
    PyObject *plan = Py_XNewRef(PyDict_GetItemWithError(self->plans, method));
    if (plan == NULL && !PyErr_Occurred()) {
        plan = PyObject_CallOneArg(self->plan_for, method);
        if (plan != NULL && PyDict_SetItem(self->plans, method, plan) < 0) {
            Py_CLEAR(plan);
        }
    }
    if (plan != NULL && !is_plan(plan)) {
        Py_CLEAR(plan);
    }
    return plan;
}

/* True where a request may leave now, or soon. */
static bool is_free(Caller *self, State *state)
{
    return peek(state, self->connection, ERROR) == Py_None
        && peek(state, self->outbox, CLOGGED) == Py_False;
}

/* ---- begin */

/* Answer a request's packet without its txid, and its handles, to be dropped; NULL without an
 * exception: it is not usual (J). */
static PyObject *encode_request(State *state, PyObject *plan, PyObject *request, Handles *handles)
{
    PyObject *packet = NULL, *body = NULL;
    PyObject *direct = direct_of(state, item(plan, ENCODE));
    handles->count = 0;
    if (direct != NULL) {
        body = encode_directly(state, direct, request, handles);
        if (body == NULL) {
            return NULL;
        }
    }
    else if (item(plan, ENCODE) != Py_None) {
        body = PyObject_CallOneArg(item(plan, ENCODE), request);
    }
    else if (request == Py_None) {
        body = PyBytes_FromStringAndSize(NULL, 0);
    }
    if (body != NULL && PyBytes_CheckExact(body)
        && PyBytes_GET_SIZE(body) <= MAX_PACKET_BYTES - HEADER_BYTES) {
        packet = PyBytes_FromStringAndSize(NULL, HEADER_BYTES + PyBytes_GET_SIZE(body));
    }
    if (packet != NULL) {
        char *to = PyBytes_AS_STRING(packet);
        uint16_t length_le = htole16((uint16_t)PyBytes_GET_SIZE(body));
        memcpy(to, PyBytes_AS_STRING(item(plan, HEAD)), HEADER_BYTES);
        memcpy(to + 4, &length_le, sizeof length_le);
        to[6] = (char)handles->count;
        memcpy(to + HEADER_BYTES, PyBytes_AS_STRING(body), (size_t)PyBytes_GET_SIZE(body));
    }
    if (packet == NULL) {
        drop_handles(handles);
    }
    Py_XDECREF(body);
    PyErr_Clear();
    return packet;
}

/* Answer what the deadlines' clock says, or -1 with an exception set. */
static double look_at_clock(Caller *self)
{
    if (self->clock == NULL) {
        return monotonic();
    }
    PyObject *now = PyObject_CallNoArgs(self->clock);
    double seconds = now ? PyFloat_AsDouble(now) : -1;
    Py_XDECREF(now);
    return seconds;
}

/* True where a slot of the deadlines holds a float, which is in `*number` then. */
static bool get_float(Caller *self, State *state, int name, double *number)
{
    PyObject *value = peek(state, self->deadlines, name);
    if (value == NULL || !PyFloat_CheckExact(value)) {
        return false;
    }
    *number = PyFloat_AS_DOUBLE(value);
    return true;
}

/* Answer the slot for a timeout, which is the caller's; as `Deadlines.slot`, whose first case is
 * done here. */
static PyObject *find_slot(Caller *self, State *state, PyObject *timeout)
{
    double last, ends;
    if (PyFloat_CheckExact(timeout) && get_float(self, state, TIMEOUT, &last)
        && last == PyFloat_AS_DOUBLE(timeout)) {
        double now = look_at_clock(self);
        if (now == -1 && PyErr_Occurred()) {
            return NULL;
        }
        bool lasts = get_float(self, state, ENDS, &ends) && now < ends;
        PyObject *latest = peek(state, self->deadlines, LATEST);
        if (lasts && latest != NULL) {
            return Py_NewRef(latest);
        }
    }
    return PyObject_CallMethodOneArg(self->deadlines, state->names[SLOT], timeout);
}

/* Take a key out of a dict, where it is in, or set its value; keeps an exception that is set. */
static void change(PyObject *dict, PyObject *key, PyObject *value)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (PyDict_CheckExact(dict)
        && (value ? PyDict_SetItem(dict, key, value) : PyDict_DelItem(dict, key)) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, error, traceback);
}

static void take_out(PyObject *dict, PyObject *key)
{
    change(dict, key, NULL);
}

/* Make a call and have it wait for its deadline; `*slot` is the caller's. */
static PyObject *make_call(Caller *self, State *state, PyObject *const *args, PyObject *txid,
                           PyObject **slot)
{
    PyObject *waiter = PyObject_CallNoArgs(self->create_waiter);
    if (waiter == NULL) {
        return NULL;
    }
    PyObject *parts[] = {args[0], txid, waiter, args[2]};
    PyObject *call = PyObject_Vectorcall(self->call_type, parts, 4, NULL);
    Py_DECREF(waiter);
    if (call == NULL || args[2] == Py_None) {
        return call;
    }
    *slot = find_slot(self, state, args[2]);
    if (*slot == NULL || PyObject_SetItem(*slot, call, Py_None) < 0) {
        Py_CLEAR(call);
    }
    else {
        poke(state, call, DEADLINE, *slot);
    }
    return call;
}

/* Send a request: 1 where it has left, 0 where not, and then nothing has happened; -1 on error. */
static int send_request(Caller *self, State *state, PyObject *packet, const Handles *handles,
                        PyObject *call, PyObject *txid)
{
    PyObject *calls = peek(state, self->client, CALLS);
    if (calls == NULL || !PyDict_CheckExact(calls) || !is_free(self, state)) {
        return 0;
    }
    Py_INCREF(calls);
    bool alone = PyDict_GET_SIZE(calls) == 0;
    int done = alone ? 0 : PyDict_Contains(calls, txid);
    if (done == 0) {
        PyObject *sent = Py_XNewRef(peek(state, self->outbox, SENT));
        done = PyDict_SetItem(calls, txid, call);
        if (done == 0) {
            done = handles->count
                ? post_handles(state, self->outbox, self->packets, packet, handles, !alone)
                : post_packet(state, self->outbox, self->packets, packet, !alone);
        }
        if (done != 0) {
            poke(state, self->client, TXID, txid); /* it may have left even where that failed */
        }
        if (done < 0 && peek(state, self->outbox, SENT) != sent) {
            change(calls, txid, Py_None); /* a call that is given up: its reply will come */
        }
        else if (done <= 0) {
            take_out(calls, txid);
        }
        Py_XDECREF(sent);
    }
    else if (done > 0) {
        done = 0; /* that txid is in use */
    }
    Py_DECREF(calls);
    return done;
}

/* Start a call; NULL without an exception: it is not usual, and nothing has happened (J). */
static PyObject *start(Caller *self, State *state, PyObject *plan, PyObject *const *args)
{
    Handles handles;
    PyObject *packet = encode_request(state, plan, args[1], &handles);
    if (packet == NULL) {
        return NULL;
    }
    PyObject *call = NULL, *slot = NULL, *txid = NULL;
    PyObject *before = peek(state, self->client, TXID);
    long last = before && PyLong_CheckExact(before) ? PyLong_AsLong(before) : MAX_TXID;
    if (0 <= last && last < MAX_TXID) {
        uint32_t txid_le = htole32((uint32_t)(last + 1));
        memcpy(PyBytes_AS_STRING(packet), &txid_le, sizeof txid_le);
        txid = PyLong_FromLong(last + 1);
    }
    if (txid != NULL) {
        call = make_call(self, state, args, txid, &slot);
    }
    if (call != NULL && send_request(self, state, packet, &handles, call, txid) <= 0) {
        if (slot != NULL) {
            take_out(slot, call);
        }
        Py_CLEAR(call);
    }
    drop_handles(&handles);
    Py_XDECREF(slot);
    Py_XDECREF(txid);
    Py_DECREF(packet);
    return call;
}

/* begin(method, request, timeout), as Client._begin. */
static PyObject *begin(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    Caller *self = (Caller *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    if (nargs == 3 && names == NULL) {
        PyObject *plan = is_free(self, state) ? find_plan(self, args[0]) : NULL;
        PyObject *call = plan ? start(self, state, plan, args) : NULL;
        Py_XDECREF(plan);
        if (call != NULL || PyErr_Occurred()) {
            return call;
        }
    }
    return PyObject_Vectorcall(self->begin, args, (size_t)nargs, names);
}

/* ---- the reply */

/* Take a reply in: 1 where it is done, 0 where it is not usual (K), -1 on error. */
static int take_in(Caller *self, State *state, PyObject *calls, PyObject *call,
                   PyObject *const *args)
{
    PyObject *waiter = Py_XNewRef(peek(state, call, WAITER));
    PyObject *method = Py_XNewRef(peek(state, call, METHOD_OF_CALL));
    PyObject *ordinal = waiter && method ? PyObject_GetAttr(method, state->names[ORDINAL]) : NULL;
    int usual = ordinal ? PyObject_RichCompareBool(ordinal, args[1], Py_EQ) : -1;
    if (usual > 0) {
        int done = is_waiter_done(state, waiter);
        usual = done < 0 ? -1 : !done;
    }
    if (usual > 0) {
        usual = PyDict_DelItem(calls, args[0]);
        if (usual == 0) {
            poke(state, call, REPLIED, Py_True);
            poke(state, call, BODY, args[3]);
            poke(state, call, HANDLES, args[4]);
            if (self->wake == Py_None) {
                usual = settle_waiter(state, waiter) < 0 ? -1 : 1;
            }
            else {
                PyObject *answer = PyObject_CallOneArg(self->wake, waiter);
                usual = answer ? 1 : -1;
                Py_XDECREF(answer);
            }
        }
    }
    Py_XDECREF(ordinal);
    Py_XDECREF(method);
    Py_XDECREF(waiter);
    return usual;
}

/* message(txid, ordinal, flags, body, handles), as Client._message. */
static PyObject *message(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    Caller *self = (Caller *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    int done = 0;
    if (nargs == 5 && (PyTuple_CheckExact(args[4]) || PyList_CheckExact(args[4]))) {
        PyObject *calls = Py_XNewRef(peek(state, self->client, CALLS));
        PyObject *call = NULL;
        if (calls != NULL && PyDict_CheckExact(calls)) {
            call = Py_XNewRef(PyDict_GetItemWithError(calls, args[0]));
        }
        if (call != NULL && Py_IS_TYPE(call, (PyTypeObject *)self->call_type)) {
            done = take_in(self, state, calls, call, args);
        }
        else if (PyErr_Occurred()) {
            done = -1;
        }
        Py_XDECREF(call);
        Py_XDECREF(calls);
    }
    if (done == 0) {
        return PyObject_Vectorcall(self->message, args, (size_t)nargs, NULL);
    }
    return done < 0 ? NULL : Py_NewRef(Py_None);
}

/* Answer the response in a body; NULL without an exception: it is not usual (K). */
static PyObject *read_response(State *state, PyObject *plan, PyObject *body, PyObject *handles)
{
    PyObject *direct = direct_of(state, item(plan, DECODE));
    PyObject *prefix = item(plan, PREFIX), *response = NULL;
    Py_ssize_t before = PyBytes_GET_SIZE(prefix), size;
    if (!PyBytes_CheckExact(body) || (size = PyBytes_GET_SIZE(body)) < before
        || memcmp(PyBytes_AS_STRING(body), PyBytes_AS_STRING(prefix), (size_t)before) != 0
        || (direct == NULL && PySequence_Fast_GET_SIZE(handles) != 0)) {
        return NULL;
    }
    if (item(plan, DECODE) == Py_None) {
        return size == before ? Py_NewRef(Py_None) : NULL;
    }
    PyObject *rest = before ? PyBytes_FromStringAndSize(PyBytes_AS_STRING(body) + before,
                                                        size - before)
                            : Py_NewRef(body);
    if (rest != NULL && direct != NULL) {
        response = decode_directly(state, direct, rest, handles);
        Py_DECREF(rest);
        return response;
    }
    if (rest != NULL) {
        response = PyObject_CallOneArg(item(plan, DECODE), rest);
        Py_DECREF(rest);
    }
    PyErr_Clear();
    return response;
}

/* Answer the response of a call, or NULL as `read_response` does. */
static PyObject *take_response(Caller *self, State *state, PyObject *call)
{
    if (!Py_IS_TYPE(call, (PyTypeObject *)self->call_type)) {
        return NULL;
    }
    PyObject *method = Py_XNewRef(peek(state, call, METHOD_OF_CALL));
    PyObject *plan = method ? find_plan(self, method) : NULL;
    Py_XDECREF(method);
    PyObject *handles = peek(state, call, HANDLES);
    PyObject *body = peek(state, call, BODY), *response = NULL;
    if (plan != NULL && body != NULL && handles != NULL
        && (PyTuple_CheckExact(handles) || PyList_CheckExact(handles))) {
        PyObject *deadline = peek(state, call, DEADLINE);
        Py_INCREF(body);
        Py_INCREF(handles);
        if (deadline != NULL && deadline != Py_None) {
            take_out(deadline, call);
        }
        response = read_response(state, plan, body, handles);
        Py_DECREF(handles);
        Py_DECREF(body);
    }
    Py_XDECREF(plan);
    return response;
}

/* result(call), as Client._result. */
static PyObject *result(PyObject *op, PyObject *call)
{
    Caller *self = (Caller *)op;
    PyObject *response = take_response(self, PyType_GetModuleState(Py_TYPE(op)), call);
    if (response == NULL && !PyErr_Occurred()) {
        return PyObject_CallOneArg(self->result, call);
    }
    return response;
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"begin", (PyCFunction)(void (*)(void))begin, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"result", result, METH_O, NULL},
    {"message", (PyCFunction)(void (*)(void))message, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the client and its connection break the cycle. */
KEEPER(caller, Caller, methods)

/* Find the deadlines' clock; -1 on error. */
static int find_clock(Caller *self, State *state)
{
    PyObject *time = PyImport_ImportModule("time");
    PyObject *usual = time ? PyObject_GetAttrString(time, "monotonic") : NULL;
    self->clock = usual ? PyObject_GetAttr(self->deadlines, state->names[CLOCK]) : NULL;
    int found = self->clock ? 0 : -1;
    if (self->clock == usual) {
        Py_CLEAR(self->clock);
    }
    Py_XDECREF(usual);
    Py_XDECREF(time);
    return found;
}

/* Find what a new caller uses of its client; -1 on error. */
static int look_up(Caller *self, State *state)
{
    PyObject *table = PyObject_GetAttr(self->client, state->names[TABLE]);
    if (table == NULL) {
        return -1;
    }
    self->plans = PyObject_GetAttr(table, state->names[PLANS]);
    Py_DECREF(table);
    self->connection = PyObject_GetAttr(self->client, state->names[CONNECTION]);
    self->outbox = PyObject_GetAttr(self->client, state->names[OUTBOX]);
    self->deadlines = PyObject_GetAttr(self->client, state->names[DEADLINES]);
    self->create_waiter = PyObject_GetAttr(self->client, state->names[CREATE_WAITER]);
    self->wake = PyObject_GetAttr(self->client, state->names[WAKE]);
    if (!self->plans || !self->connection || !self->outbox || !self->deadlines
        || !self->create_waiter || !self->wake) {
        return -1;
    }
    if (!PyDict_CheckExact(self->plans)) {
        PyErr_SetString(PyExc_TypeError, "plans are a dict");
        return -1;
    }
    if (find_clock(self, state) < 0
        || find_slots(state, (PyObject *)Py_TYPE(self->connection), ERROR, ERROR) < 0
        || find_slots(state, (PyObject *)Py_TYPE(self->outbox), SHARING, SOON) < 0
        || find_slots(state, (PyObject *)Py_TYPE(self->client), CALLS, TXID) < 0
        || find_slots(state, (PyObject *)Py_TYPE(self->deadlines), TIMEOUT, LATEST) < 0) {
        return -1;
    }
    return find_slots(state, self->call_type, METHOD_OF_CALL, HANDLES);
}

/* caller((begin, result, message), client, packets, plan_for, Call): twins of the first three. */
static PyObject *caller(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure_begin, *pure_result, *pure_message, *client, *packets, *plan_for;
    PyObject *call_type;
    if (!PyArg_ParseTuple(args, "(OOO)OO!OO!:caller", &pure_begin, &pure_result, &pure_message,
                          &client, state->packet_socket, &packets, &plan_for, &PyType_Type,
                          &call_type)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->caller;
    Caller *self = (Caller *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->packets = (PacketSocket *)Py_NewRef(packets);
    self->client = Py_NewRef(client);
    self->plan_for = Py_NewRef(plan_for);
    self->call_type = Py_NewRef(call_type);
    self->begin = Py_NewRef(pure_begin);
    self->result = Py_NewRef(pure_result);
    self->message = Py_NewRef(pure_message);
    PyObject *found[3] = {NULL, NULL, NULL}, *twins = NULL;
    if (look_up(self, state) == 0) {
        found[0] = PyObject_GetAttrString((PyObject *)self, "begin");
        found[1] = PyObject_GetAttrString((PyObject *)self, "result");
        found[2] = PyObject_GetAttrString((PyObject *)self, "message");
        if (found[0] && found[1] && found[2]) {
            twins = PyTuple_Pack(3, found[0], found[1], found[2]);
        }
    }
    for (int i = 0; i < 3; i++) {
        Py_XDECREF(found[i]);
    }
    Py_DECREF(self);
    return twins;
}

PyMethodDef caller_functions[] = {
    {"caller", caller, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
