/* What the parts of the extension share. */

#ifndef IPCRT_NATIVE_H
#define IPCRT_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* As in ipcrt/objects/_scm.py and ipcrt/wire/limits.py; tests/_speedups compares them. */
#define MAX_PACKET_BYTES 65536
#define MAX_HANDLES 64
#define MAX_FDS (MAX_HANDLES + 1)

/* One for each interpreter, so that interpreters share nothing. It owns what it points to. */
typedef struct {
    PyObject *peer_closed;           /* ipcrt.errors.PeerClosed */
    PyObject *remote_protocol_error; /* ipcrt.errors.RemoteProtocolError */
    PyObject *from_oserror;          /* ipcrt.errors.from_oserror */
    PyObject *packet_socket;         /* the type PacketSocket */
    char *packet;                    /* MAX_PACKET_BYTES; packets.c says who may look at it */
} State;

extern PyType_Spec packet_socket_spec;
extern PyMethodDef frame_functions[]; /* each has its pure twin for `self` */

#endif
