/*
 * leakrefsext.c - a C extension that takes references and does not give them back: with no word of
 * memory left that tells of them, or kept in malloc'd structs. For test_refcounts.py.
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

enum { LITTER = 8192 }; /* words: less than malloc would map by themselves */

/* Not static, and so in the symbol table whatever was stripped. */
struct node *leakrefs_kept;

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
	*node = (struct node){leakrefs_kept, 0x5ec, object};
	leakrefs_kept = node;
	return PyLong_FromVoidPtr(&node->held);
}

static __attribute__((noinline)) void litter_stack(PyObject *object)
{
	PyObject *volatile words[LITTER];

	for (size_t i = 0; i < LITTER; i++)
		words[i] = object;
}

/*
 * litter(object): words that hold its address where nobody reads any more: freed memory and dead
 * frames of the C stack. The first half of what is freed stays clean, for it is handed out again
 * first, to owners who may never clear it and then do hold the words.
 */
static PyObject *litter(PyObject *self, PyObject *object)
{
	PyObject *volatile *freed = malloc(LITTER * sizeof(*freed));
	void *behind = malloc(1);

	(void)self;
	if (!freed || !behind)
		return PyErr_NoMemory();
	for (size_t i = LITTER / 2; i < LITTER; i++)
		freed[i] = object;
	free((void *)freed);
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
	.m_name = "leakrefsext",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_leakrefsext(void)
{
	return PyModule_Create(&definition);
}
#else
PyMODINIT_FUNC initleakrefsext(void)
{
	Py_InitModule("leakrefsext", functions);
}
#endif
