/*
 * leakrefs.c - a C extension that takes references and does not give them back: with no word of
 * memory left that tells of them, or kept in malloc'd structs. For test_refcounts.py, by the name
 * of _leakrefs.
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stdlib.h>

struct node {
	struct node *next;
	size_t tag; /* no pointer */
	PyObject *held;
};

/* Not static, and so in the symbol table whatever was stripped. */
struct node *leakrefs_nodes;

/* forget(object, count): so many references that nobody gives back */
static PyObject *forget(PyObject *self, PyObject *args)
{
	PyObject *object;
	int count;

	(void)self;
	if (!PyArg_ParseTuple(args, "Oi", &object, &count))
		return NULL;
	while (count--)
		Py_INCREF(object);
	Py_RETURN_NONE;
}

/* keep(object) -> address of the word, in a malloc'd struct, that holds a reference to it */
static PyObject *keep(PyObject *self, PyObject *object)
{
	struct node *node = malloc(sizeof(*node));

	(void)self;
	if (!node)
		return PyErr_NoMemory();
	Py_INCREF(object);
	*node = (struct node){leakrefs_nodes, 0x5ec, object};
	leakrefs_nodes = node;
	return PyLong_FromVoidPtr(&node->held);
}

static __attribute__((noinline)) void litter_stack(PyObject *object)
{
	PyObject *volatile words[16384];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		words[i] = object;
}

/* litter(object): words that hold its address where nobody reads any more: freed memory, dead
 * frames of the C stack */
static PyObject *litter(PyObject *self, PyObject *object)
{
	PyObject **freed[8];

	(void)self;
	for (size_t i = 0; i < 8; i++) {
		freed[i] = malloc(32 * sizeof(PyObject *) << i);
		if (!freed[i])
			return PyErr_NoMemory();
		for (size_t k = 0; k < (size_t)32 << i; k++)
			((PyObject *volatile *)freed[i])[k] = object;
	}
	for (size_t i = 0; i < 8; i++)
		free(freed[i]);
	litter_stack(object);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"forget", forget, METH_VARARGS, NULL},
	{"keep", keep, METH_O, NULL},
	{"litter", litter, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "_leakrefs",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit__leakrefs(void)
{
	return PyModule_Create(&definition);
}
#else
PyMODINIT_FUNC init_leakrefs(void)
{
	Py_InitModule("_leakrefs", functions);
}
#endif
