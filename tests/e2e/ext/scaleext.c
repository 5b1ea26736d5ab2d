/*
 * scaleext.c - a C extension whose type keeps what it has in malloc'd buffers, as most written by
 * hand do. For cores/programs/scale.py, which makes many of them.
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stdlib.h>
#include <string.h>

enum { LABEL = 24, SLOTS = 4 };

/* Not tracked by the collector, which so never sees what it holds. */
struct buffered {
	PyObject_HEAD char *label;
	void **slots; /* [1] holds a reference */
};

static PyObject *buffered_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct buffered *b;
	PyObject *owned;

	(void)kwargs;
	if (!PyArg_ParseTuple(args, "O", &owned))
		return NULL;
	b = (struct buffered *)type->tp_alloc(type, 0);
	if (!b)
		return NULL;
	b->label = calloc(1, LABEL);
	b->slots = calloc(SLOTS, sizeof(*b->slots));
	if (!b->label || !b->slots) {
		Py_DECREF(b);
		return PyErr_NoMemory();
	}
	strcpy(b->label, "of a buffered one");
	Py_INCREF(owned);
	b->slots[1] = owned;
	return (PyObject *)b;
}

static void buffered_dealloc(PyObject *self)
{
	struct buffered *b = (struct buffered *)self;

	if (b->slots)
		Py_XDECREF((PyObject *)b->slots[1]);
	free(b->slots);
	free(b->label);
	Py_TYPE(self)->tp_free(self);
}

static PyTypeObject buffered_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "scaleext.Buffered",
	.tp_basicsize = sizeof(struct buffered),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = buffered_new,
	.tp_dealloc = buffered_dealloc,
};

static PyObject *add_to(PyObject *module)
{
	if (!module || PyType_Ready(&buffered_type))
		return NULL;
	Py_INCREF(&buffered_type);
	PyModule_AddObject(module, "Buffered", (PyObject *)&buffered_type);
	return module;
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "scaleext",
	.m_size = -1,
};

PyMODINIT_FUNC PyInit_scaleext(void)
{
	return add_to(PyModule_Create(&definition));
}
#else
static PyMethodDef functions[] = {{NULL, NULL, 0, NULL}};

PyMODINIT_FUNC initscaleext(void)
{
	add_to(Py_InitModule("scaleext", functions));
}
#endif
