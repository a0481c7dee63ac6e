/* What the parts of the extension share. */

#ifndef IPCRT_NATIVE_H
#define IPCRT_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <sys/socket.h>

#define REVISION 10 /* as in chosen.py, which tells what it is for */

/* As in ipcrt/objects/_scm.py and ipcrt/wire/limits.py; tests/_speedups compares them. */
#define MAX_PACKET_BYTES 65536
#define MAX_HANDLES 64
#define MAX_FDS (MAX_HANDLES + 1)

/* As in ipcrt/bindings/outbox.py and connection.py; compared likewise. */
#define MAX_SHARING 12
#define MAX_SHARED_BYTES 2048
#define LONGEST_US 500
#define MESSAGES_PER_TURN 64

/* Names of attributes and methods, in Python. Slots of one class stand together. */
enum {
    HELD_BACK, /* slots of a Handle */
    FD,
    BITS,
    WATCH,
    ASKED,
    DEFAULT_BITS, /* of a Handle */
    FORGETS_MORE,
    NOTE_READ, /* of a Channel */
    LAST, /* slots of a ServerBinding */
    IN_FLIGHT,
    STEP,
    CONNECTION, /* of a ServerBinding and a Client */
    OUTBOX,
    SHORTCUTS, /* of a ServerBinding */
    FINISH,
    ANSWERED,
    FAILED,
    GOES_ON,
    POST,
    BRAKE,
    ERROR, /* slots of a Connection */
    BUSY,
    PENDING,
    READING,
    ARMED,
    HELD,
    IN_BURSTS,
    SLEEP,
    RECEIVED,
    ON_MESSAGE,
    GIVE_UP, /* of a Connection */
    NOT_READ,
    ARM,
    TAKE_IN_AGAIN,
    SHARING, /* slots of an Outbox */
    SHARED,
    SINCE,
    CLOGGED,
    SENT,
    ON_ALONE,
    SOON,
    BEGIN_TO_SHARE, /* of an Outbox */
    LEAVE_TOGETHER,
    CALLS, /* slots of a Client */
    TXID,
    DEADLINES, /* of a Client */
    CREATE_WAITER,
    WAKE,
    TABLE,
    PLANS,   /* of a ProtocolTable */
    TIMEOUT, /* slots of a Deadlines */
    ENDS,
    LATEST,
    CLOCK, /* of a Deadlines */
    SLOT,
    METHOD_OF_CALL, /* slots of a Call */
    WAITER,
    DEADLINE,
    REPLIED,
    BODY,
    HANDLES,
    DONE, /* of a Waiter */
    SET_RESULT,
    ORDINAL, /* of a Method */
    SPARE,   /* slot of a Stepper */
    READY,   /* slots of a spare task */
    TASK,
    CONTEXT,
    BASE,
    WAITS, /* of a Stepper */
    CLOSE,
    PORT_CLOSED, /* slots of a BlockingPort */
    PORT_THREAD,
    PORT_GENERATION,
    PORT_NAPPERS,
    PORT_EARLIEST,
    PORT_LOOKED,
    PORT_BACKOFF,
    PORT_TURNS,
    FINISH_WAIT, /* of a BlockingPort */
    FIND_NAPPERS,
    TURN,
    SLEEP_ON,
    PACKETS, /* slots of a Mailbox */
    RUNG,
    FORKS_NUMBER,  /* slot of what counts forks */
    NAP,           /* of a DirectReader */
    GIVE_UP_CALL,  /* of a Client */
    GIVE_UP_SINCE,
    ASYNCIO_EVENTS, /* modules */
    TRIO_LOWLEVEL,
    GET_RUNNING_LOOP, /* of the first of them */
    CALLBACKS, /* of a Future */
    REMOVE,
    NAME_COUNT,
};

/* What is taken from ipcrt.errors. */
#define FOUND(each) \
    each(IpcError) each(PeerClosed) each(RemoteProtocolError) each(BadState) each(from_oserror)

/* The types that are made here; each has a spec of that name. */
#define TYPES(each) \
    each(packet_socket) each(messenger) each(dispatcher) each(caller) each(intake) each(stepping) \
    each(blocking_waiter) each(ways) each(blocking_call) each(waker) each(checked) each(direct)

#define MEMBER(name) PyObject *name;

/* One for each interpreter, so that interpreters share nothing. It owns what it points to. */
typedef struct {
    FOUND(MEMBER)                /* each what ipcrt.errors calls so */
    TYPES(MEMBER)                /* each made by its spec */
    PyObject *handle_type;       /* the type Handle, once it is known; else NULL */
    PyObject *all_bits;          /* the rights of a new one */
    PyObject *closed;            /* -1 */
    PyObject *names[NAME_COUNT];     /* strings */
    Py_ssize_t at[NAME_COUNT];       /* where slots lie, once found; slots.c */
    char *packet;                    /* MAX_PACKET_BYTES; packets.c says who may look at it */
} State;

typedef struct {
    PyObject_HEAD
    int fd; /* borrowed; -1: detached */
    char *own; /* MAX_PACKET_BYTES for who sleeps in a receive, or NULL */
} PacketSocket;

/* Descriptors that came with a packet, and whether one of them is a pidfd. */
typedef struct {
    int fds[CMSG_SPACE(MAX_FDS * sizeof(int)) / sizeof(int)]; /* no more fit the control data */
    int count;
    bool pidfd;
} Arrived;

/* What a message's handles are while it is made. */
typedef struct {
    PyObject *each[MAX_HANDLES]; /* held until `drop_handles` */
    int count;
} Handles;

/* packets.c */
extern PyType_Spec packet_socket_spec;
ssize_t receive_packet(State *state, PacketSocket *from, bool patient, Arrived *arrived,
                       const char **packet);
PyObject *list_fds(Arrived *arrived);
void close_arrived(Arrived *arrived);
ssize_t send_packet(int fd, const void *data, size_t size, const int *fds, size_t count);

/* messages.c */
extern PyType_Spec messenger_spec;
PyObject *read_packet(PyObject *messenger, bool patient);

/* outbox.c */
int post_packet(State *state, PyObject *outbox, PacketSocket *packets, PyObject *packet,
                bool in_company);
int post_handles(State *state, PyObject *outbox, PacketSocket *packets, PyObject *packet,
                 const Handles *handles, bool in_company);
double monotonic(void);

/* intake.c */
extern PyType_Spec intake_spec;

/* module.c */
PyObject *take_exception(void);
void raise_later(PyObject *error);

/* What a type does with each of its members, which a list of its own names. */
#define VISIT(member) Py_VISIT(self->member);
#define DROP(member) Py_XDECREF(self->member);

/* The type NAME_spec, whose instances are a Type with references, MEMBERS; it has these methods. Who
 * makes one is C alone. An instance of a heap type holds its type. */
#define KEEPER(NAME, Type, methods)                                                   \
    static int visit_##NAME(PyObject *op, visitproc visit, void *arg)                 \
    {                                                                                 \
        Type *self = (Type *)op;                                                      \
        Py_VISIT(Py_TYPE(op));                                                        \
        MEMBERS(VISIT)                                                                \
        return 0;                                                                     \
    }                                                                                 \
                                                                                      \
    static void destroy_##NAME(PyObject *op)                                          \
    {                                                                                 \
        Type *self = (Type *)op;                                                      \
        PyTypeObject *type = Py_TYPE(op);                                             \
        PyObject_GC_UnTrack(op);                                                      \
        MEMBERS(DROP)                                                                 \
        type->tp_free(op);                                                            \
        Py_DECREF(type);                                                              \
    }                                                                                 \
                                                                                      \
    static PyType_Slot slots_of_##NAME[] = {                                          \
        {Py_tp_traverse, visit_##NAME},                                               \
        {Py_tp_dealloc, destroy_##NAME},                                              \
        {Py_tp_methods, methods},                                                     \
        {0, NULL},                                                                    \
    };                                                                                \
                                                                                      \
    PyType_Spec NAME##_spec = {                                                       \
        .name = "ipcrt._speedups._native." #Type,                                     \
        .basicsize = sizeof(Type),                                                    \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE   \
            | Py_TPFLAGS_DISALLOW_INSTANTIATION,                                      \
        .slots = slots_of_##NAME,                                                     \
    };

/* slots.c */
int find_slots(State *state, PyObject *type, int first, int last);
long add_to_slot(State *state, PyObject *object, int name, long change);

/* Answer what is in a slot, borrowed; NULL: nothing. */
static inline PyObject *peek(State *state, PyObject *object, int name)
{
    return *(PyObject **)((char *)object + state->at[name]);
}

static inline void poke(State *state, PyObject *object, int name, PyObject *value)
{
    PyObject **slot = (PyObject **)((char *)object + state->at[name]);
    PyObject *old = *slot;
    *slot = Py_NewRef(value);
    Py_XDECREF(old);
}

/* handles.c */
PyObject *make_handles(State *state, Arrived *arrived);
int number_of(State *state, PyObject *handle);
bool may_leave(State *state, const Handles *handles, int *fds);
void close_sent(State *state, const Handles *handles, const int *fds);
bool is_surely(int fd, long kind);

/* direct.c */
extern PyType_Spec direct_spec;

void drop_handles(Handles *handles);
PyObject *direct_of(State *state, PyObject *function);
PyObject *encode_directly(State *state, PyObject *direct, PyObject *value, Handles *handles);
PyObject *decode_directly(State *state, PyObject *direct, PyObject *body, PyObject *handles);

/* caller.c */
extern PyType_Spec caller_spec;

/* stepping.c */
extern PyType_Spec stepping_spec;
PySendResult step_coroutine(State *state, PyObject *step, PyObject *coroutine, PyObject **found);

/* prompt.c */
extern PyType_Spec waker_spec;

/* checked.c */
extern PyType_Spec checked_spec;

/* dispatch.c */
extern PyType_Spec dispatcher_spec;

/* waiting.c */
extern PyType_Spec blocking_waiter_spec;
extern PyType_Spec ways_spec;
int is_waiter_done(State *state, PyObject *waiter);
int settle_waiter(State *state, PyObject *waiter);
PyObject *ways_of(State *state, PyObject *finish);
int may_wait(PyObject *ways);
PyObject *wait_for(PyObject *ways, PyObject *waiter, PyObject *reader);

/* blocking.c */
extern PyType_Spec blocking_call_spec;

/* What `twin` finds: functions whose self is a tuple of the pure twin and the module. */
extern PyMethodDef frame_functions[];
extern PyMethodDef handle_functions[];
extern PyMethodDef direct_functions[];
extern PyMethodDef message_functions[];
extern PyMethodDef intake_functions[];
extern PyMethodDef dispatch_functions[];
extern PyMethodDef caller_functions[];
extern PyMethodDef stepping_functions[];
extern PyMethodDef waiting_functions[];
extern PyMethodDef blocking_functions[];
extern PyMethodDef prompt_functions[];
extern PyMethodDef checked_functions[];

#endif
