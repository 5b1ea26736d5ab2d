/*
 * deathext.c - a C extension with the mistakes that kill a Python process: see
 * cores/programs/deaths.py.
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- Record: whoever reads one that is freed follows a pointer made of what free memory holds
 * ---- */

struct detail {
	long padding[3];
	long reads;
};

struct record {
	PyObject_HEAD struct detail *detail;
	long reads;
	struct detail own;
};

static struct record *remembered; /* borrowed: the mistake */

static PyObject *record_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct record *r = (struct record *)type->tp_alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (r)
		r->detail = &r->own;
	return (PyObject *)r;
}

static void record_dealloc(PyObject *self)
{
	struct record *r = (struct record *)self;

	/* As an allocator for debugging fills what is freed. Volatile: these are dead stores. */
	for (size_t i = 0; i < sizeof(*r) - offsetof(struct record, detail); i++)
		((volatile unsigned char *)&r->detail)[i] = 0xdb;
	Py_TYPE(self)->tp_free(self);
}

static PyTypeObject record_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "deathext.Record",
	.tp_basicsize = sizeof(struct record),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = record_new,
	.tp_dealloc = record_dealloc,
};

static __attribute__((noinline)) long record_read(struct record *r)
{
	r->reads += r->detail->reads;
	return r->reads;
}

static PyObject *remember(PyObject *self, PyObject *object)
{
	(void)self;
	remembered = (struct record *)object;
	Py_RETURN_NONE;
}

static PyObject *read_remembered(PyObject *self, PyObject *none)
{
	(void)self;
	(void)none;
	return PyLong_FromLong(record_read(remembered));
}

/* read(list of one Record) */
static PyObject *read_first(PyObject *self, PyObject *list)
{
	(void)self;
	return PyLong_FromLong(record_read((struct record *)PyList_GET_ITEM(list, 0)));
}

/* drop(object): one reference too many; freed by the time that the caller's own is gone */
static PyObject *drop(PyObject *self, PyObject *object)
{
	(void)self;
	Py_DECREF(object);
	Py_RETURN_NONE;
}

/* ---- Broken: its tp_traverse visits what is no object ---- */

struct broken {
	PyObject_HEAD PyObject *held;
};

static PyObject *broken_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct broken *b = (struct broken *)type->tp_alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (b)
		b->held = (PyObject *)0x123456789ab0;
	return (PyObject *)b;
}

static int broken_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((struct broken *)self)->held);
	return 0;
}

static PyTypeObject broken_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "deathext.Broken",
	.tp_basicsize = sizeof(struct broken),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = broken_new,
	.tp_traverse = broken_traverse,
};

/* ---- the rest ---- */

static struct detail *volatile no_detail;

static PyObject *null_member(PyObject *self, PyObject *none)
{
	(void)self;
	(void)none;
	return PyLong_FromLong(no_detail->reads);
}

/* overrun(address, byte, count): memset(3) by someone who is wrong about how much there is */
static PyObject *overrun(PyObject *self, PyObject *args)
{
	unsigned long address, count;
	int byte;

	(void)self;
	if (!PyArg_ParseTuple(args, "kik", &address, &byte, &count))
		return NULL;
	memset((void *)address, byte, count);
	Py_RETURN_NONE;
}

/* ---- memory that is not there ---- */

/* write_unchecked(size) */
static PyObject *write_unchecked(PyObject *self, PyObject *args)
{
	volatile char *block;
	unsigned long size;

	(void)self;
	if (!PyArg_ParseTuple(args, "k", &size))
		return NULL;
	block = malloc(size);
	block[0] = 1;
	free((void *)block);
	Py_RETURN_NONE;
}

/* use_bytes(size): the bytes object may be NULL, and a MemoryError pends then */
static PyObject *use_bytes(PyObject *self, PyObject *args)
{
	PyObject *bytes;
	unsigned long size;

	(void)self;
	if (!PyArg_ParseTuple(args, "k", &size))
		return NULL;
	bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
	Py_INCREF(bytes);
	return bytes;
}

static PyObject *give_up(PyObject *self, PyObject *none)
{
	(void)self;
	(void)none;
	Py_FatalError("deathext: out of memory");
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"null_member", null_member, METH_NOARGS, NULL},
	{"remember", remember, METH_O, NULL},
	{"read_remembered", read_remembered, METH_NOARGS, NULL},
	{"read", read_first, METH_O, NULL},
	{"drop", drop, METH_O, NULL},
	{"overrun", overrun, METH_VARARGS, NULL},
	{"write_unchecked", write_unchecked, METH_VARARGS, NULL},
	{"use_bytes", use_bytes, METH_VARARGS, NULL},
	{"give_up", give_up, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
	if (!module || PyType_Ready(&record_type) || PyType_Ready(&broken_type))
		return -1;
	Py_INCREF(&record_type);
	Py_INCREF(&broken_type);
	PyModule_AddObject(module, "Record", (PyObject *)&record_type);
	PyModule_AddObject(module, "Broken", (PyObject *)&broken_type);
	return 0;
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "deathext",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_deathext(void)
{
	PyObject *module = PyModule_Create(&definition);

	return fill(module) ? NULL : module;
}
#else
PyMODINIT_FUNC initdeathext(void)
{
	fill(Py_InitModule("deathext", functions));
}
#endif
