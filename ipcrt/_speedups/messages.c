/* Messenger: whole messages to and from one channel, where they are the usual ones.
 *
 * E. What is usual is decided by length and header alone; everything else is handed to `unusual`:
 *    a sender's sends the message from the beginning; a reader's takes the packet apart (R). A
 *    packet of several messages is usual where each of them is, and has no handles.
 * R. Descriptors that a reader has taken over it has taken out of their list. So what is left there
 *    after an error is closed here; and where a signal's handler has raised before anything was
 *    taken over, it is tried again, and only then that is raised.
 * F. No usual packet can be taken for a spill record, whose eighth byte is no flags byte of ours. */

#include "native.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 16
#define USUAL_BITS 0xFC /* version, reserved bits and SPILLED */
#define VERSION_1 0x20

typedef struct {
    PyObject_HEAD
    PacketSocket *packets;
    PyObject *channel; /* a reader's; it may wait to be told that something was read */
    PyObject *unusual;
} Messenger;

#define MEMBERS(each) each(packets) each(channel) each(unusual)

/* ---- sending */

static PyObject *send_message(PyObject *op, PyObject *data)
{
    Messenger *self = (Messenger *)op;
    if (PyBytes_CheckExact(data) && PyBytes_GET_SIZE(data) >= HEADER_BYTES
        && PyBytes_GET_SIZE(data) <= MAX_PACKET_BYTES
        && ((unsigned char)PyBytes_AS_STRING(data)[7] & USUAL_BITS) == VERSION_1) {
        const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        size_t size = (size_t)PyBytes_GET_SIZE(data);
        if (send(self->packets->fd, PyBytes_AS_STRING(data), size, flags) >= 0) {
            Py_RETURN_TRUE;
        }
        if (errno == EAGAIN) {
            Py_RETURN_FALSE;
        }
    }
    return PyObject_CallOneArg(self->unusual, data);
}

/* ---- receiving */

/* Answer the size of the first message of a packet where it needs no second look: not spilled, not
 * an epitaph, and with so many handles; zero where it does. */
static ssize_t usual_size(const unsigned char *packet, ssize_t size, int handles)
{
    uint16_t length;
    uint64_t ordinal;
    if (size < HEADER_BYTES) {
        return 0;
    }
    memcpy(&length, packet + 4, sizeof length);
    memcpy(&ordinal, packet + 8, sizeof ordinal);
    ordinal = le64toh(ordinal);
    ssize_t whole = le16toh(length) + HEADER_BYTES;
    bool usual = whole <= size && packet[6] == handles && (packet[7] & USUAL_BITS) == VERSION_1
        && 0 < ordinal && ordinal <= INT64_MAX;
    return usual ? whole : 0;
}

/* True where a packet is messages that need no second look. */
static bool is_usual(const unsigned char *packet, ssize_t size)
{
    ssize_t whole;
    for (; size > 0; packet += whole, size -= whole) {
        whole = usual_size(packet, size, 0);
        if (whole == 0) {
            return false;
        }
    }
    return true;
}

/* Answer (txid, ordinal, flags, body, handles) of a usual message, which may be in the buffer. It
 * has what has arrived, if anything; on error that stays where it is. */
static PyObject *one_message(State *state, const unsigned char *packet, ssize_t size,
                             Arrived *arrived)
{
    uint32_t txid;
    uint64_t ordinal;
    memcpy(&txid, packet, sizeof txid);
    memcpy(&ordinal, packet + 8, sizeof ordinal);
    int flags = packet[7];
    PyObject *body = PyBytes_FromStringAndSize((const char *)packet + HEADER_BYTES,
                                               size - HEADER_BYTES);
    /* From here on the buffer may be somebody else's (rule B). */
    PyObject *message = body ? PyTuple_New(5) : NULL;
    if (message == NULL) {
        Py_XDECREF(body);
        return NULL;
    }
    PyTuple_SET_ITEM(message, 0, PyLong_FromUnsignedLong(le32toh(txid)));
    PyTuple_SET_ITEM(message, 1, PyLong_FromUnsignedLongLong(le64toh(ordinal)));
    PyTuple_SET_ITEM(message, 2, PyLong_FromLong(flags));
    PyTuple_SET_ITEM(message, 3, body);
    if (!PyTuple_GET_ITEM(message, 0) || !PyTuple_GET_ITEM(message, 1)
        || !PyTuple_GET_ITEM(message, 2)) {
        Py_DECREF(message);
        return NULL;
    }
    PyObject *handles = arrived->count ? make_handles(state, arrived) : PyTuple_New(0);
    if (handles == NULL) {
        Py_DECREF(message);
        return NULL;
    }
    PyTuple_SET_ITEM(message, 4, handles);
    return message;
}

/* Answer what is in a usual packet, which may be in the buffer: a message, or a list of several. */
static PyObject *all_messages(State *state, const char *packet, ssize_t size)
{
    Arrived none = {.count = 0};
    if (usual_size((const unsigned char *)packet, size, 0) == size) {
        return one_message(state, (const unsigned char *)packet, size, &none);
    }
    PyObject *copy = PyBytes_FromStringAndSize(packet, size); /* rule B */
    PyObject *list = copy ? PyList_New(0) : NULL;
    for (ssize_t start = 0; list != NULL && start < size;) {
        const unsigned char *from = (const unsigned char *)PyBytes_AS_STRING(copy) + start;
        ssize_t whole = usual_size(from, size - start, 0);
        PyObject *message = one_message(state, from, whole, &none);
        if (message == NULL || PyList_Append(list, message) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(message);
        start += whole;
    }
    Py_XDECREF(copy);
    return list;
}

/* Tell the channel that a read took something out, where it waits for that; -1 on error. */
static int note_read(State *state, PyObject *channel)
{
    if (peek(state, channel, HELD_BACK) == Py_False) {
        return 0;
    }
    PyObject *answer = PyObject_CallMethodNoArgs(channel, state->names[NOTE_READ]);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Answer what is in the oldest packet, as Reader.read. */
static void close_list(PyObject *list)
{
    PyObject *error = take_exception();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        close((int)PyLong_AsLong(PyList_GET_ITEM(list, i)));
    }
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
}

/* Have an unusual packet taken apart (R). */
static PyObject *take_apart(State *state, PyObject *unusual, PyObject *data, PyObject *list)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    PyObject *answer = PyObject_CallFunctionObjArgs(unusual, data, list, NULL);
    if (answer == NULL && !PyErr_ExceptionMatches(state->IpcError)
        && PyList_GET_SIZE(list) == count) {
        PyObject *error = take_exception();
        answer = PyObject_CallFunctionObjArgs(unusual, data, list, NULL);
        if (answer != NULL) {
            raise_later(error);
        }
        else {
            Py_DECREF(error);
        }
    }
    if (answer == NULL) {
        close_list(list);
    }
    return answer;
}

/* True where handles can be made of what has arrived, and nobody waits to be told (R). */
static bool has_usual_handles(Messenger *self, State *state, const Arrived *arrived)
{
    return arrived->count <= MAX_HANDLES && state->handle_type != NULL
        && peek(state, self->channel, HELD_BACK) == Py_False;
}

PyObject *read_packet(PyObject *op, bool patient)
{
    Messenger *self = (Messenger *)op;
    State *state = PyType_GetModuleState(Py_TYPE(op));
    Arrived arrived;
    const char *packet;
    ssize_t size = receive_packet(state, self->packets, patient, &arrived, &packet);
    if (size < 0) {
        return NULL;
    }
    if (size == 0) {
        Py_RETURN_NONE;
    }
    if (arrived.count == 0 && is_usual((const unsigned char *)packet, size)) {
        PyObject *found = all_messages(state, packet, size);
        if (found != NULL && note_read(state, self->channel) < 0) {
            Py_CLEAR(found);
        }
        return found;
    }
    if (arrived.count > 0 && has_usual_handles(self, state, &arrived)
        && usual_size((const unsigned char *)packet, size, arrived.count) == size) {
        PyObject *found = one_message(state, (const unsigned char *)packet, size, &arrived);
        if (found == NULL) {
            close_arrived(&arrived); /* rule A */
        }
        return found;
    }
    PyObject *data = PyBytes_FromStringAndSize(packet, size); /* rule B */
    PyObject *list = data ? list_fds(&arrived) : NULL;
    PyObject *answer = NULL;
    if (list == NULL) {
        close_arrived(&arrived); /* rule A */
    }
    else {
        answer = take_apart(state, self->unusual, data, list); /* rules E and R */
    }
    Py_XDECREF(data);
    Py_XDECREF(list);
    return answer;
}

static PyObject *read_message(PyObject *op, PyObject *unused)
{
    (void)unused;
    return read_packet(op, false);
}

static PyObject *wait_message(PyObject *op, PyObject *unused)
{
    (void)unused;
    return read_packet(op, true);
}

/* ---- the type, and its makers */

static PyMethodDef methods[] = {
    {"send", send_message, METH_O, NULL},
    {"read", read_message, METH_NOARGS, NULL},
    {"wait", wait_message, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: whoever holds the methods breaks the cycle. */
KEEPER(messenger, Messenger, methods)

/* Answer the method `name` of a new messenger, which owns a reference to each of the others. */
static PyObject *make(PyObject *pure_and_module, PyObject *packets, PyObject *channel,
                      PyObject *unusual, const char *name)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    if (!Py_IS_TYPE(packets, (PyTypeObject *)state->packet_socket)) {
        return PyErr_Format(PyExc_TypeError, "not a PacketSocket: %R", packets);
    }
    if (channel != NULL
        && find_slots(state, (PyObject *)Py_TYPE(channel), HELD_BACK, HELD_BACK) < 0) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->messenger;
    Messenger *self = (Messenger *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->packets = (PacketSocket *)Py_NewRef(packets);
    self->channel = Py_XNewRef(channel);
    self->unusual = Py_NewRef(unusual);
    PyObject *method = PyObject_GetAttrString((PyObject *)self, name);
    Py_DECREF(self);
    return method;
}

/* sender(packets, try_send) */
static PyObject *sender(PyObject *self, PyObject *args)
{
    PyObject *packets, *try_send;
    if (!PyArg_ParseTuple(args, "OO:sender", &packets, &try_send)) {
        return NULL;
    }
    return make(self, packets, NULL, try_send, "send");
}

static PyObject *make_reader(PyObject *self, PyObject *args, const char *name)
{
    PyObject *pure, *packets, *channel;
    if (!PyArg_ParseTuple(args, "OOO:reader", &pure, &packets, &channel)) {
        return NULL;
    }
    PyObject *unusual = PyObject_GetAttrString(pure, "take_apart");
    PyObject *method = unusual ? make(self, packets, channel, unusual, name) : NULL;
    Py_XDECREF(unusual);
    return method;
}

/* reader(reader, packets, channel) */
static PyObject *reader(PyObject *self, PyObject *args)
{
    return make_reader(self, args, "read");
}

/* patient_reader(reader, packets, channel) */
static PyObject *patient_reader(PyObject *self, PyObject *args)
{
    return make_reader(self, args, "wait");
}

PyMethodDef message_functions[] = {
    {"sender", sender, METH_VARARGS, NULL},
    {"reader", reader, METH_VARARGS, NULL},
    {"patient_reader", patient_reader, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
