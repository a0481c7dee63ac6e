/* Posting: one packet on its way out of a connection, where that is usual.
 *
 * The pure twin is Outbox.post in ipcrt/bindings/outbox.py; its rules are that file's.
 *
 * P. What is in the way before anything has happened is left to `post`: no room, an error of the
 *    socket, a long message while others share a packet, one with handles while others wait. */

#include "native.h"

#include <time.h>

/* Tell whom a slot of the outbox names, if anybody; -1 on error. */
static int tell(State *state, PyObject *outbox, int name)
{
    PyObject *told = peek(state, outbox, name);
    if (told == NULL || told == Py_None) {
        return 0;
    }
    Py_INCREF(told);
    PyObject *answer = PyObject_CallNoArgs(told);
    Py_DECREF(told);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Call the outbox's own method; -1 on error. */
static int call(State *state, PyObject *outbox, int name)
{
    PyObject *answer = PyObject_CallMethodNoArgs(outbox, state->names[name]);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Answer what time.monotonic would. */
double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Have a packet be the first that waits for company; 1, or -1 on error. */
static int wait_for_company(State *state, PyObject *outbox, PyObject *packet)
{
    PyObject *since = PyFloat_FromDouble(monotonic());
    PyObject *shared = since ? PyList_New(1) : NULL;
    if (shared != NULL) {
        PyList_SET_ITEM(shared, 0, Py_NewRef(packet));
        poke(state, outbox, SHARED, shared);
        poke(state, outbox, SINCE, since);
    }
    Py_XDECREF(since);
    Py_XDECREF(shared);
    return shared ? 1 : -1;
}

/* Have a packet wait for company, as Outbox._share; answers as `post_packet`. */
static int share(State *state, PyObject *outbox, PyObject *packet)
{
    PyObject *shared = peek(state, outbox, SHARED);
    PyObject *since = peek(state, outbox, SINCE);
    if (PyBytes_GET_SIZE(packet) > MAX_SHARED_BYTES || shared == NULL) {
        return 0;
    }
    if (shared == Py_None) {
        return wait_for_company(state, outbox, packet);
    }
    if (!PyList_CheckExact(shared) || since == NULL || !PyFloat_CheckExact(since)) {
        return 0;
    }
    bool late = monotonic() - PyFloat_AS_DOUBLE(since) > 1e-6 * LONGEST_US;
    if (PyList_Append(shared, packet) < 0) {
        return -1;
    }
    if (PyList_GET_SIZE(shared) < MAX_SHARING && !late) {
        return 1;
    }
    return call(state, outbox, LEAVE_TOGETHER) < 0 ? -1 : 1;
}

/* Do what is to be done when a packet has left alone: 1, or -1 on error. */
static int has_left(State *state, PyObject *outbox, bool sharing, bool in_company)
{
    if (!in_company) {
        return tell(state, outbox, ON_ALONE) < 0 ? -1 : 1;
    }
    if (!sharing && peek(state, outbox, SOON) != Py_None
        && call(state, outbox, BEGIN_TO_SHARE) < 0) {
        return -1;
    }
    return 1;
}

/* Post a packet of bytes, as Outbox.post: 1 where it has left, or is about to; 0 where nothing has
 * happened (P); -1 on error, and then it may have left. */
int post_packet(State *state, PyObject *outbox, PacketSocket *packets, PyObject *packet,
                bool in_company)
{
    if (peek(state, outbox, CLOGGED) != Py_False) {
        return 0;
    }
    if (peek(state, outbox, SHARING) != Py_False) {
        return share(state, outbox, packet);
    }
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    size_t size = (size_t)PyBytes_GET_SIZE(packet);
    if (send(packets->fd, PyBytes_AS_STRING(packet), size, flags) < 0) {
        return 0;
    }
    if (add_to_slot(state, outbox, SENT, 1) < 0) {
        return -1;
    }
    return has_left(state, outbox, false, in_company);
}

/* Post a packet with handles, which are closed once it has left; answers as `post_packet`. */
int post_handles(State *state, PyObject *outbox, PacketSocket *packets, PyObject *packet,
                 const Handles *handles, bool in_company)
{
    int fds[MAX_HANDLES];
    bool sharing = peek(state, outbox, SHARING) != Py_False;
    if (peek(state, outbox, CLOGGED) != Py_False
        || (sharing && peek(state, outbox, SHARED) != Py_None)
        || !may_leave(state, handles, fds)) {
        return 0;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(packet);
    if (send_packet(packets->fd, PyBytes_AS_STRING(packet), size, fds, (size_t)handles->count) < 0) {
        return 0;
    }
    close_sent(state, handles, fds);
    if (add_to_slot(state, outbox, SENT, 1) < 0) {
        return -1;
    }
    return has_left(state, outbox, sharing, in_company);
}
