/* PacketSocket: packets and descriptors in and out of a SEQPACKET socket that somebody else owns.
 *
 * The rules are those of ipcrt/objects/_scm.py. In addition:
 *
 * A. A descriptor that recvmsg made is in `arrived` until a list holds its number; every path
 *    between closes it. Only then does the caller own it.
 * B. The interpreter's packet buffer is good from recvmsg until the next call that may run Python
 *    code: another thread, or a finalizer, may receive then. Making a bytes object runs none;
 *    making a list or a tuple may (it may collect garbage). So the bytes are copied first.
 * C. A call never blocks, so it keeps the GIL. Closing what a peer sent may block (a file system
 *    may flush), so that gives it up. So does a patient receive, which sleeps; other threads run
 *    meanwhile, so it receives into a buffer of the socket's own.
 * D. `fd` is -1 once detached; the kernel answers EBADF then, so a stale method harms nobody. It
 *    is read anew after whatever may run Python code. */

#include "native.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

#define MAX_SENT_FDS 253 /* the kernel's SCM_MAX_FD: one more is EINVAL */

static State *state_of(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self)); /* the type has no subclasses */
}

/* Raise what `errno` number `code` means; `doing` is the caller's reference, or NULL on error. */
static PyObject *raise_errno(State *state, int code, PyObject *doing)
{
    PyObject *text = NULL, *cause = NULL, *error = NULL;
    if (doing != NULL) {
        text = PyUnicode_DecodeLocale(strerror(code), "surrogateescape");
    }
    if (text != NULL) {
        cause = PyObject_CallFunction(PyExc_OSError, "iO", code, text);
    }
    if (cause != NULL) {
        error = PyObject_CallFunctionObjArgs(state->from_oserror, cause, doing, NULL);
    }
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
    Py_XDECREF(cause);
    Py_XDECREF(text);
    Py_XDECREF(doing);
    return NULL;
}

/* ---- sending */

/* Copy the numbers in `sequence` to `fds`; answer how many, or -1 with an exception set. */
static Py_ssize_t copy_fds(State *state, PyObject *sequence, int *fds)
{
    PyObject *fast = PySequence_Fast(sequence, "descriptors must be a sequence");
    if (fast == NULL) {
        return -1;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast);
    if (count > MAX_SENT_FDS) {
        raise_errno(state, EINVAL, PyUnicode_FromFormat("send %zd handles", count));
        count = -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *number = PySequence_Fast_GET_ITEM(fast, i);
        if (!PyLong_Check(number)) { /* converting anything else may run code, and change `fast` */
            PyErr_SetString(PyExc_TypeError, "descriptors must be integers");
            count = -1;
            break;
        }
        long fd = PyLong_AsLong(number);
        if (fd != (int)fd) {
            PyErr_SetString(PyExc_OverflowError, "a descriptor's number is too large");
        }
        if (PyErr_Occurred()) {
            count = -1;
            break;
        }
        fds[i] = (int)fd;
    }
    Py_DECREF(fast);
    return count;
}

/* Send a packet and the descriptors, if any; answers as sendmsg. */
ssize_t send_packet(int fd, const void *data, size_t size, const int *fds, size_t count)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (count == 0) {
        return send(fd, data, size, flags);
    }
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(MAX_SENT_FDS * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_LEN(count * sizeof(int)),
    };
    control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
    return sendmsg(fd, &message, flags);
}

static PyObject *try_send(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    PacketSocket *self = (PacketSocket *)op;
    State *state = state_of(op);
    int fds[MAX_SENT_FDS];
    Py_ssize_t count = 0;
    Py_buffer data;
    if (nargs < 1 || nargs > 2) {
        return PyErr_Format(PyExc_TypeError, "try_send takes data and fds, not %zd", nargs);
    }
    if (nargs == 2) {
        count = copy_fds(state, args[1], fds);
        if (count < 0) {
            return NULL;
        }
    }
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *answer = NULL;
    for (;;) {
        if (send_packet(self->fd, data.buf, (size_t)data.len, fds, (size_t)count) >= 0) {
            answer = Py_NewRef(Py_True);
            break;
        }
        int code = errno;
        if (code == EAGAIN) {
            answer = Py_NewRef(Py_False);
            break;
        }
        if (code == EPIPE || code == ECONNRESET) {
            PyErr_SetString(state->PeerClosed, "the peer is gone");
            break;
        }
        if (code != EINTR) {
            const char *doing = "send %zd bytes and %zd handles";
            raise_errno(state, code, PyUnicode_FromFormat(doing, data.len, count));
            break;
        }
        if (PyErr_CheckSignals() < 0) {
            break;
        }
    }
    PyBuffer_Release(&data);
    return answer;
}

/* ---- receiving */

void close_arrived(Arrived *arrived)
{
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < arrived->count; i++) {
        close(arrived->fds[i]);
    }
    Py_END_ALLOW_THREADS
    arrived->count = 0;
}

/* Take every descriptor out of the control data, whatever message type it came in. */
static void collect(struct msghdr *message, Arrived *arrived)
{
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET
            || (head->cmsg_type != SCM_RIGHTS && head->cmsg_type != SCM_PIDFD)) {
            continue;
        }
        arrived->pidfd |= head->cmsg_type == SCM_PIDFD;
        size_t whole = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < whole; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
            if (fd >= 0) {
                arrived->fds[arrived->count++] = fd;
            }
        }
    }
}

/* Raise why a packet is not whole, or answer true when it is. The descriptors stay open. */
static bool is_whole(State *state, ssize_t size, int flags, const Arrived *arrived)
{
    PyObject *kind = state->RemoteProtocolError;
    int count = arrived->count;
    if (size == 0 && count == 0) {
        PyErr_SetString(state->PeerClosed, "the peer is gone");
    }
    else if (flags & MSG_CTRUNC) {
        const char *text = "control data truncated: %d descriptors arrived, more were sent";
        PyErr_Format(kind, text, count);
    }
    else if (flags & MSG_TRUNC) {
        PyErr_Format(kind, "packet exceeds %d bytes", MAX_PACKET_BYTES);
    }
    else if (size == 0) {
        PyErr_Format(kind, "packet without bytes, with %d descriptors", count);
    }
    else if (arrived->pidfd) {
        PyErr_SetString(kind, "unasked-for SCM_PIDFD");
    }
    else if (count > MAX_FDS) {
        PyErr_Format(kind, "%d descriptors in a packet exceed %d", count, MAX_FDS);
    }
    else {
        return true;
    }
    return false;
}

/* Answer a list of the numbers, which then belong to the caller; on error they stay here. */
PyObject *list_fds(Arrived *arrived)
{
    PyObject *list = PyList_New(arrived->count);
    for (int i = 0; list != NULL && i < arrived->count; i++) {
        PyObject *number = PyLong_FromLong(arrived->fds[i]);
        if (number == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, number);
    }
    return list;
}

/* Receive a packet into a buffer (rules B and C). Answers its size, and its descriptors, which the
 * caller owns (rule A); or 0: none is queued; or -1, with an exception set. */
ssize_t receive_packet(State *state, PacketSocket *from, bool patient, Arrived *arrived,
                       const char **packet)
{
    if (patient && from->own == NULL) {
        from->own = PyMem_Malloc(MAX_PACKET_BYTES);
        if (from->own == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    char *buffer = patient ? from->own : state->packet;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = MAX_PACKET_BYTES};
    struct msghdr message;
    ssize_t size;
    arrived->count = 0;
    arrived->pidfd = false;
    *packet = buffer;
    for (;;) {
        message = (struct msghdr){
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes,
        };
        if (patient) {
            Py_BEGIN_ALLOW_THREADS
            size = recvmsg(from->fd, &message, MSG_CMSG_CLOEXEC);
            Py_END_ALLOW_THREADS
        }
        else {
            size = recvmsg(from->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        }
        if (size >= 0) {
            break;
        }
        int code = errno;
        if (code == EAGAIN) {
            return 0;
        }
        if (code == ECONNRESET) { /* rule 4 */
            continue;
        }
        if (code != EINTR) {
            raise_errno(state, code, PyUnicode_FromString("receive a packet"));
            return -1;
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    collect(&message, arrived);
    if (!is_whole(state, size, message.msg_flags, arrived)) {
        close_arrived(arrived);
        return -1;
    }
    return size;
}

static PyObject *receive(PyObject *op, Py_ssize_t nargs, bool patient)
{
    State *state = state_of(op);
    Arrived arrived;
    const char *packet;
    if (nargs > 1) {
        return PyErr_Format(PyExc_TypeError, "a receive takes a buffer, not %zd", nargs);
    }
    ssize_t size = receive_packet(state, (PacketSocket *)op, patient, &arrived, &packet);
    if (size < 0) {
        return NULL;
    }
    if (size == 0) {
        Py_RETURN_NONE;
    }
    PyObject *data = PyBytes_FromStringAndSize(packet, size); /* rule B */
    PyObject *list = data ? list_fds(&arrived) : NULL;
    PyObject *answer = list ? PyTuple_Pack(2, data, list) : NULL;
    Py_XDECREF(data);
    Py_XDECREF(list);
    if (answer == NULL) {
        close_arrived(&arrived); /* rule A */
    }
    return answer;
}

static PyObject *try_receive(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    (void)args; /* a ReceiveBuffer, for the pure twin */
    return receive(op, nargs, false);
}

static PyObject *wait_receive(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    (void)args;
    return receive(op, nargs, true);
}

/* ---- the type */

static PyObject *detach(PyObject *op, PyObject *unused)
{
    PacketSocket *self = (PacketSocket *)op;
    int fd = self->fd;
    (void)unused;
    self->fd = -1;
    return PyLong_FromLong(fd);
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    int fd;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0) {
        PyErr_SetString(PyExc_TypeError, "PacketSocket takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "i:PacketSocket", &fd)) {
        return NULL;
    }
    PacketSocket *self = (PacketSocket *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->fd = fd;
    }
    return (PyObject *)self;
}

static void destroy(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyMem_Free(((PacketSocket *)op)->own);
    type->tp_free(op);
    Py_DECREF(type); /* an instance of a heap type holds it */
}

static PyMethodDef methods[] = {
    {"try_send", (PyCFunction)(void (*)(void))try_send, METH_FASTCALL, NULL},
    {"try_receive", (PyCFunction)(void (*)(void))try_receive, METH_FASTCALL, NULL},
    {"wait_receive", (PyCFunction)(void (*)(void))wait_receive, METH_FASTCALL, NULL},
    {"detach", detach, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_new, create},
    {Py_tp_dealloc, destroy},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec packet_socket_spec = {
    .name = "ipcrt._speedups._native.PacketSocket",
    .basicsize = sizeof(PacketSocket),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = type_slots,
};
