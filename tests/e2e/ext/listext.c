/*
 * listext.c - C types that keep more than one block says: an array that is long, and a list of
 * nodes. For cores/programs/longc.py.
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stdlib.h>

struct node {
	struct node *next;
	PyObject *item;
	void *rest[4];
};

/* Not tracked by the collector, which so never sees what it holds. */
struct keeper {
	PyObject_HEAD PyObject **array;
	struct node *head;
	size_t n;
};

/* keep(n, items): the array has room for n. */
static PyObject *keep_in_array(PyObject *self, PyObject *args)
{
	struct keeper *k = (struct keeper *)self;
	PyObject *items;
	Py_ssize_t n;

	if (!PyArg_ParseTuple(args, "nO!", &n, &PyList_Type, &items))
		return NULL;
	k->array = calloc((size_t)n, sizeof(*k->array));
	if (!k->array)
		return PyErr_NoMemory();
	k->n = (size_t)n;
	for (Py_ssize_t i = 0; i < n && i < PyList_GET_SIZE(items); i++) {
		k->array[i] = PyList_GET_ITEM(items, i);
		Py_INCREF(k->array[i]);
	}
	Py_RETURN_NONE;
}

static PyObject *keep_in_node(PyObject *self, PyObject *item)
{
	struct keeper *k = (struct keeper *)self;
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return PyErr_NoMemory();
	Py_INCREF(item);
	node->item = item;
	node->next = k->head;
	k->head = node;
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"array", keep_in_array, METH_VARARGS, NULL},
	{"node", keep_in_node, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

/* Never freed: the program dies. */
static PyTypeObject keeper_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "listext.Keeper",
	.tp_basicsize = sizeof(struct keeper),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = PyType_GenericNew,
	.tp_methods = methods,
};

static PyObject *add_to(PyObject *module)
{
	if (!module || PyType_Ready(&keeper_type))
		return NULL;
	Py_INCREF(&keeper_type);
	PyModule_AddObject(module, "Keeper", (PyObject *)&keeper_type);
	return module;
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "listext",
	.m_size = -1,
};

PyMODINIT_FUNC PyInit_listext(void)
{
	return add_to(PyModule_Create(&definition));
}
#else
static PyMethodDef functions[] = {{NULL, NULL, 0, NULL}};

PyMODINIT_FUNC initlistext(void)
{
	add_to(Py_InitModule("listext", functions));
}
#endif
