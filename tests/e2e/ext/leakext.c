/*
 * leakext.c - a C extension that hides references where no Python tool looks: static data, malloc'd
 * structs, a C stack; and in instances of types with and without tp_traverse. For test_native.py.
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stdlib.h>

struct secret {
	size_t tag; /* no pointer */
	PyObject *held;
};

/* Not static, and so in the symbol table whatever was stripped. */
PyObject *leakext_kept;
struct secret *leakext_secret;

static PyObject *keep(PyObject *self, PyObject *object)
{
	(void)self;
	Py_INCREF(object);
	leakext_kept = object;
	Py_RETURN_NONE;
}

static struct secret *secret_new(PyObject *object)
{
	struct secret *s = malloc(sizeof(*s));

	if (!s)
		abort();
	s->tag = 0x5ec;
	s->held = object;
	Py_INCREF(object);
	return s;
}

/* hide(object) -> address of the struct that holds it */
static PyObject *hide(PyObject *self, PyObject *object)
{
	(void)self;
	leakext_secret = secret_new(object);
	return PyLong_FromVoidPtr(leakext_secret);
}

/* hold(type, function): call function with the address of a new object that only this frame has */
static PyObject *hold(PyObject *self, PyObject *args)
{
	PyObject *type, *function, *result;
	PyObject *volatile held;

	(void)self;
	if (!PyArg_ParseTuple(args, "OO", &type, &function))
		return NULL;
	held = PyObject_CallObject(type, NULL);
	if (!held)
		return NULL;
	result = PyObject_CallFunction(function, "N", PyLong_FromVoidPtr(held));
	Py_DECREF(held);
	return result;
}

/* ---- instances ---- */

struct box {
	PyObject_HEAD PyObject *direct;
	struct secret *secret;
};

static int box_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct box *b = (struct box *)self;
	PyObject *direct, *secret;

	(void)kwargs;
	if (!PyArg_ParseTuple(args, "OO", &direct, &secret))
		return -1;
	Py_INCREF(direct);
	b->direct = direct;
	b->secret = secret_new(secret);
	return 0;
}

static int box_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct box *b = (struct box *)self;

	Py_VISIT(b->direct);
	if (b->secret)
		Py_VISIT(b->secret->held);
	return 0;
}

static void box_drop(struct box *b)
{
	Py_CLEAR(b->direct);
	if (b->secret)
		Py_CLEAR(b->secret->held);
	free(b->secret);
	b->secret = NULL;
}

static int box_clear(PyObject *self)
{
	box_drop((struct box *)self);
	return 0;
}

static void box_dealloc(PyObject *self)
{
	if (PyType_IS_GC(Py_TYPE(self)))
		PyObject_GC_UnTrack(self);
	box_drop((struct box *)self);
	Py_TYPE(self)->tp_free(self);
}

static PyTypeObject blind_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "leakext.Blind",
	.tp_basicsize = sizeof(struct box),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = PyType_GenericNew,
	.tp_init = box_init,
	.tp_dealloc = box_dealloc,
};
static PyTypeObject open_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "leakext.Open",
	.tp_basicsize = sizeof(struct box),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = PyType_GenericNew,
	.tp_init = box_init,
	.tp_dealloc = box_dealloc,
	.tp_traverse = box_traverse,
	.tp_clear = box_clear,
};

/* ---- the module ---- */

static PyMethodDef functions[] = {
	{"keep", keep, METH_O, NULL},
	{"hide", hide, METH_O, NULL},
	{"hold", hold, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
	if (!module || PyType_Ready(&blind_type) || PyType_Ready(&open_type))
		return -1;
	Py_INCREF(&blind_type);
	Py_INCREF(&open_type);
	PyModule_AddObject(module, "Blind", (PyObject *)&blind_type);
	PyModule_AddObject(module, "Open", (PyObject *)&open_type);
	return 0;
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "leakext",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_leakext(void)
{
	PyObject *module = PyModule_Create(&definition);

	return fill(module) ? NULL : module;
}
#else
PyMODINIT_FUNC initleakext(void)
{
	fill(Py_InitModule("leakext", functions));
}
#endif
