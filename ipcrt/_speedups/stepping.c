/* Stepping: a coroutine's first step, under the name and in the context of the spare task.
 *
 * The pure twin is Stepper._step in ipcrt/port/stepping.py. What a coroutine that waits goes on
 * with is Python's (`Stepper._waits`), and so is what is done where no task stands by.
 *
 * T. Whatever was entered, the task or its context, is left again on every path.
 * U. The step runs any code, which may dismiss the spare task: it is held until the end. */

#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *stepper;
    PyObject *spare_type;
    PyObject *loop;
    PyObject *enter; /* asyncio's own: (loop, task) */
    PyObject *leave;
    PyObject *pure;
} Stepping;

#define MEMBERS(each) each(stepper) each(spare_type) each(loop) each(enter) each(leave) each(pure)

/* Answer the spare task, which is the caller's; NULL: none stands by. */
static PyObject *find_spare(Stepping *self, State *state)
{
    PyObject *spare = peek(state, self->stepper, SPARE);
    bool stands_by = spare && Py_IS_TYPE(spare, (PyTypeObject *)self->spare_type)
        && peek(state, spare, READY) == Py_True && peek(state, spare, TASK)
        && peek(state, spare, CONTEXT) && peek(state, spare, BASE);
    return stands_by ? Py_NewRef(spare) : NULL;
}

/* Call asyncio's `enter` or `leave`; -1 on error. */
static int switch_to(Stepping *self, PyObject *change, PyObject *task)
{
    PyObject *args[] = {self->loop, task};
    PyObject *answer = PyObject_Vectorcall(change, args, 2, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Keep an exception that was fetched, unless another has come since; answers `sent` or an error. */
static PySendResult restore(PySendResult sent, PyObject *type, PyObject *error,
                            PyObject *traceback, PyObject **found)
{
    if (!PyErr_Occurred()) {
        PyErr_Restore(type, error, traceback);
        return sent;
    }
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    Py_CLEAR(*found);
    return PYGEN_ERROR;
}

/* Send None, as the loop would, in the spare task's context and in its name (T). */
static PySendResult send_none(Stepping *self, State *state, PyObject *spare, PyObject *coroutine,
                              PyObject **found)
{
    PyObject *context = peek(state, spare, CONTEXT);
    PyObject *type = NULL, *error = NULL, *traceback = NULL;
    PySendResult sent = PYGEN_ERROR;
    if (PyContext_Enter(context) == 0) {
        sent = PyIter_Send(coroutine, Py_None, found);
        PyErr_Fetch(&type, &error, &traceback);
        (void)PyContext_Exit(context);
        sent = restore(sent, type, error, traceback, found);
    }
    PyErr_Fetch(&type, &error, &traceback);
    (void)switch_to(self, self->leave, peek(state, spare, TASK));
    return restore(sent, type, error, traceback, found);
}

/* Dismiss the spare task where what has ended has changed its context (rule 1 of the twin). */
static PySendResult look_after(Stepping *self, State *state, PyObject *spare, PySendResult sent,
                               PyObject **found)
{
    PyObject *type, *error, *traceback, *answer;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *context = peek(state, spare, CONTEXT), *base = peek(state, spare, BASE);
    if (PyObject_RichCompareBool(context, base, Py_NE) > 0) {
        answer = PyObject_CallMethodNoArgs(self->stepper, state->names[CLOSE]);
        Py_XDECREF(answer);
    }
    return restore(sent, type, error, traceback, found);
}

/* Step in C, where a task stands by and none runs; PYGEN_NEXT with NULL: not now. */
static PySendResult step_here(Stepping *self, State *state, PyObject *coroutine, PyObject **found)
{
    PyObject *spare = find_spare(self, state);
    *found = NULL;
    if (spare == NULL) {
        return PYGEN_NEXT;
    }
    PySendResult sent = PYGEN_NEXT;
    if (switch_to(self, self->enter, peek(state, spare, TASK)) == 0) {
        sent = send_none(self, state, spare, coroutine, found);
        if (sent != PYGEN_NEXT) {
            sent = look_after(self, state, spare, sent, found);
        }
        else {
            PyObject *args[] = {self->stepper, spare, coroutine, *found};
            PyObject *rest = PyObject_VectorcallMethod(state->names[WAITS], args, 4, NULL);
            Py_DECREF(*found);
            *found = rest;
            sent = rest ? PYGEN_NEXT : PYGEN_ERROR;
        }
    }
    else if (PyErr_ExceptionMatches(PyExc_RuntimeError)) { /* a task runs */
        PyErr_Clear();
        *found = Py_NewRef(Py_None);
    }
    else {
        sent = PYGEN_ERROR;
    }
    Py_DECREF(spare);
    return sent;
}

/* Take the value out of the StopIteration that is set. */
static PyObject *take_value(void)
{
    PyObject *end = take_exception();
    PyObject *value = end ? PyObject_GetAttrString(end, "value") : NULL;
    Py_XDECREF(end);
    return value;
}

/* Run a coroutine until its first wait, as `step` says, whose contract is Stepper.step's. Answers
 * in `*found`, which is the caller's: PYGEN_RETURN: the value that it has ended with. PYGEN_NEXT:
 * what is left of it, or None: not now. */
PySendResult step_coroutine(State *state, PyObject *step, PyObject *coroutine, PyObject **found)
{
    PyObject *owner = PyCFunction_Check(step) ? PyCFunction_GET_SELF(step) : NULL;
    Py_INCREF(step);
    PySendResult sent = PYGEN_NEXT;
    *found = NULL;
    if (owner != NULL && Py_IS_TYPE(owner, (PyTypeObject *)state->stepping)) {
        sent = step_here((Stepping *)owner, state, coroutine, found);
    }
    if (sent == PYGEN_NEXT && *found == NULL) {
        *found = PyObject_CallOneArg(step, coroutine);
        sent = *found ? PYGEN_NEXT : PYGEN_ERROR;
        if (*found == NULL && PyErr_ExceptionMatches(PyExc_StopIteration)) {
            *found = take_value();
            sent = *found ? PYGEN_RETURN : PYGEN_ERROR;
        }
    }
    Py_DECREF(step);
    return sent;
}

/* step(coroutine), as Stepper._step. */
static PyObject *step(PyObject *op, PyObject *coroutine)
{
    Stepping *self = (Stepping *)op;
    PyObject *found;
    PySendResult sent = step_here(self, PyType_GetModuleState(Py_TYPE(op)), coroutine, &found);
    if (sent == PYGEN_RETURN) {
        PyObject *end = PyObject_CallOneArg(PyExc_StopIteration, found); /* also of a tuple */
        if (end != NULL) {
            PyErr_SetObject(PyExc_StopIteration, end);
            Py_DECREF(end);
        }
        Py_CLEAR(found);
    }
    else if (sent == PYGEN_NEXT && found == NULL) {
        return PyObject_CallOneArg(self->pure, coroutine);
    }
    return found;
}

/* ---- the type, and its maker */

static PyMethodDef methods[] = {
    {"step", step, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* None of its members is ever cleared: the stepper breaks the cycle. */
KEEPER(stepping, Stepping, methods)

/* stepping(step, stepper, Spare, loop, (enter_task, leave_task)): a twin of the first. */
static PyObject *stepping(PyObject *pure_and_module, PyObject *args)
{
    State *state = PyModule_GetState(PyTuple_GET_ITEM(pure_and_module, 1));
    PyObject *pure, *stepper, *spare_type, *loop, *enter, *leave, *method = NULL;
    if (!PyArg_ParseTuple(args, "OOO!O(OO):stepping", &pure, &stepper, &PyType_Type, &spare_type,
                          &loop, &enter, &leave)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)state->stepping;
    Stepping *self = (Stepping *)type->tp_alloc(type, 0); /* zeroed, and tracked already */
    if (self == NULL) {
        return NULL;
    }
    self->stepper = Py_NewRef(stepper);
    self->spare_type = Py_NewRef(spare_type);
    self->loop = Py_NewRef(loop);
    self->enter = Py_NewRef(enter);
    self->leave = Py_NewRef(leave);
    self->pure = Py_NewRef(pure);
    if (find_slots(state, (PyObject *)Py_TYPE(stepper), SPARE, SPARE) == 0
        && find_slots(state, spare_type, READY, BASE) == 0) {
        method = PyObject_GetAttrString((PyObject *)self, "step");
    }
    Py_DECREF(self);
    return method;
}

PyMethodDef stepping_functions[] = {
    {"stepping", stepping, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
