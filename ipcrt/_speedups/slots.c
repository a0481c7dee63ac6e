/* Slots: what `__slots__` of Python classes hold, read and written where it lies.
 *
 * S. A slot lies in the same place in all instances of its class and its subclasses. Who uses one
 *    has had `find_slots` look at that object's type, or is told by its type. */

#include "native.h"

#include <structmember.h>

/* Note where a type's instances keep a slot; -1 on error, as where they have none. */
static int find_slot(State *state, PyObject *type, int name)
{
    PyObject *found = PyObject_GetAttr(type, state->names[name]);
    Py_ssize_t at = 0;
    if (found == NULL) {
        return -1;
    }
    if (Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        at = member->type == T_OBJECT_EX ? member->offset : 0;
    }
    Py_DECREF(found);
    if (at == 0 || (state->at[name] != 0 && state->at[name] != at)) {
        PyErr_Format(PyExc_TypeError, "%R of %R is no slot", state->names[name], type);
        return -1;
    }
    state->at[name] = at;
    return 0;
}

/* Note where a type's instances keep the slots `first` to `last` of the names; -1 on error. */
int find_slots(State *state, PyObject *type, int first, int last)
{
    int found = 0;
    for (int name = first; name <= last && found == 0; name++) {
        found = find_slot(state, type, name);
    }
    return found;
}

/* Add to a number in a slot; answer the sum, or -1 with an exception set. No such number is
 * negative. */
long add_to_slot(State *state, PyObject *object, int name, long change)
{
    PyObject *value = peek(state, object, name);
    long number = -1;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "a slot is empty");
    }
    else {
        number = PyLong_AsLong(value);
    }
    if (number < 0) {
        return -1;
    }
    value = PyLong_FromLong(number + change);
    if (value == NULL) {
        return -1;
    }
    poke(state, object, name, value);
    Py_DECREF(value);
    return number + change;
}
