/*
 * visitext.c - a C extension whose types hold objects in every way that a tp_traverse is written
 * for, complete and not. For test_visits.py, which compiles it in several ways.
 *
 * Each type takes any number of objects, one for each place that it has, in order.
 */
#include <Python.h>

#include <stdlib.h>

struct block {
	size_t tag;
	PyObject *one, *two;
};

struct holder {
	PyObject_HEAD PyObject *first, *second, *third;
	PyObject *array[3];
	struct block *block;
	PyObject **items; /* n of them */
	Py_ssize_t n;
	int which;
	PyObject **kept; /* by inside */
};

enum { PLACES = 10 };

static int holder_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct holder *h = (struct holder *)self;
	PyObject **place[PLACES] = {&h->first,    &h->second,   &h->third,
				    &h->array[0], &h->array[1], &h->array[2]};
	Py_ssize_t n = PyTuple_GET_SIZE(args);

	(void)kwargs;
	h->block = calloc(1, sizeof(*h->block));
	h->items = calloc(2, sizeof(*h->items));
	if (!h->block || !h->items || n > PLACES)
		abort();
	place[6] = &h->block->one;
	place[7] = &h->block->two;
	place[8] = &h->items[0];
	place[9] = &h->items[1];
	h->n = n - 8;
	h->which = 1;
	for (Py_ssize_t i = 0; i < n; i++) {
		*place[i] = PyTuple_GET_ITEM(args, i);
		Py_INCREF(*place[i]);
	}
	return 0;
}

/* The items are the array within; those that there were, nobody visits. */
static int inside_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct holder *h = (struct holder *)self;

	holder_init(self, args, kwargs);
	h->kept = h->items;
	h->items = h->array;
	h->n = 3;
	return 0;
}

/* Never called: the process dies first. */
static void holder_dealloc(PyObject *self)
{
	(void)self;
	abort();
}

#define SELF struct holder *h = (struct holder *)self

static int complete(PyObject *self, visitproc visit, void *arg)
{
	SELF;

	Py_VISIT(h->first);
	Py_VISIT(h->second);
	Py_VISIT(h->third);
	for (int i = 0; i < 3; i++)
		Py_VISIT(h->array[i]);
	if (h->block) {
		Py_VISIT(h->block->one);
		Py_VISIT(h->block->two);
	}
	for (Py_ssize_t i = 0; i < h->n; i++)
		Py_VISIT(h->items[i]);
	return 0;
}

/* second, array[2] and block->two are left out, though two of them are read. */
static int partial(PyObject *self, visitproc visit, void *arg)
{
	SELF;

	Py_VISIT(h->first);
	if (h->second)
		Py_VISIT(h->third);
	for (int i = 0; i < 2; i++)
		Py_VISIT(h->array[i]);
	if (h->block && h->block->two != h->second)
		Py_VISIT(h->block->one);
	for (Py_ssize_t i = 0; i < h->n; i++)
		Py_VISIT(h->items[i]);
	return 0;
}

static int none(PyObject *self, visitproc visit, void *arg)
{
	(void)self;
	(void)visit;
	(void)arg;
	return 0;
}

/* The places that a number in the object names. */
static int switching(PyObject *self, visitproc visit, void *arg)
{
	SELF;

	switch (h->which) {
	case 0:
		Py_VISIT(h->second);
		break;
	case 1:
		Py_VISIT(h->first);
		Py_VISIT(h->second);
		break;
	case 2:
		Py_VISIT(h->array[2]);
		break;
	case 3:
		Py_VISIT(h->array[1]);
		Py_VISIT(h->second);
		break;
	case 4:
		Py_VISIT(h->second);
		Py_VISIT(h->array[0]);
		break;
	case 5:
		return 1;
	}
	return 0;
}

__attribute__((noinline)) static int visit_block(struct block *b, visitproc visit, void *arg)
{
	if (!b)
		return 0;
	Py_VISIT(b->two);
	return 0;
}

__attribute__((noinline)) static int visit_one(PyObject *object, void *arg, visitproc visit)
{
	Py_VISIT(object);
	return 0;
}

static int helping(PyObject *self, visitproc visit, void *arg)
{
	SELF;
	int result = visit_one(h->third, arg, visit);

	return result ? result : visit_block(h->block, visit, arg);
}

static int inside(PyObject *self, visitproc visit, void *arg)
{
	SELF;

	for (Py_ssize_t i = 0; i < h->n; i++)
		Py_VISIT(h->items[i]);
	return 0;
}

static PyTypeObject complete_type;

/* What complete() visits, through its type. */
static int chaining(PyObject *self, visitproc visit, void *arg)
{
	return complete_type.tp_traverse(self, visit, arg);
}

#define TYPE(name, flags, init, traverse)                                       \
	static PyTypeObject name##_type = {                                     \
		PyVarObject_HEAD_INIT(NULL, 0).tp_name = "visitext." #name,     \
		.tp_basicsize = sizeof(struct holder),                          \
		.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | (flags), \
		.tp_new = PyType_GenericNew,                                    \
		.tp_init = init,                                                \
		.tp_dealloc = holder_dealloc,                                   \
		.tp_traverse = traverse,                                        \
	};

TYPE(complete, Py_TPFLAGS_HAVE_GC, holder_init, complete)
TYPE(partial, Py_TPFLAGS_HAVE_GC, holder_init, partial)
TYPE(none, Py_TPFLAGS_HAVE_GC, holder_init, none)
TYPE(switching, Py_TPFLAGS_HAVE_GC, holder_init, switching)
TYPE(helping, Py_TPFLAGS_HAVE_GC, holder_init, helping)
TYPE(chaining, Py_TPFLAGS_HAVE_GC, holder_init, chaining)
TYPE(inside, Py_TPFLAGS_HAVE_GC, inside_init, inside)
TYPE(blind, 0, holder_init, NULL)

static struct {
	const char *name;
	PyTypeObject *type;
} types[] = {
	{"complete", &complete_type},   {"partial", &partial_type}, {"none", &none_type},
	{"switching", &switching_type}, {"helping", &helping_type}, {"chaining", &chaining_type},
	{"inside", &inside_type},       {"blind", &blind_type},
};

static int fill(PyObject *module)
{
	for (size_t i = 0; module && i < sizeof(types) / sizeof(types[0]); i++) {
		if (PyType_Ready(types[i].type))
			return -1;
		Py_INCREF(types[i].type);
		PyModule_AddObject(module, types[i].name, (PyObject *)types[i].type);
	}
	return module ? 0 : -1;
}

#if PY_MAJOR_VERSION >= 3

/* ---- a type with a class of its own, and a module with a state ---- */

static int spec_traverse(PyObject *self, visitproc visit, void *arg)
{
	SELF;

#if PY_VERSION_HEX >= 0x03090000
	Py_VISIT(Py_TYPE(self));
#endif
	Py_VISIT(h->third);
	return 0;
}

/* As many do: its class is left out. */
static int classless_traverse(PyObject *self, visitproc visit, void *arg)
{
	SELF;

	Py_VISIT(h->third);
	return 0;
}

#define SPEC(it)                                                                        \
	static PyType_Slot it##_slots[] = {                                             \
		{Py_tp_traverse, it##_traverse},                                        \
		{Py_tp_init, holder_init},                                              \
		{Py_tp_dealloc, holder_dealloc},                                        \
		{0, NULL},                                                              \
	};                                                                              \
	static PyType_Spec it##_spec = {                                                \
		.name = "visitext." #it,                                                \
		.basicsize = sizeof(struct holder),                                     \
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, \
		.slots = it##_slots,                                                    \
	};

SPEC(spec)
SPEC(classless)

struct state {
	PyObject *seen, *unseen;
	struct block *block;
};

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct state *s = PyModule_GetState(module);

	Py_VISIT(s->seen);
	return 0;
}

/* keep(seen, unseen): in the module's state */
static PyObject *keep(PyObject *module, PyObject *args)
{
	struct state *s = PyModule_GetState(module);

	if (!PyArg_ParseTuple(args, "OO", &s->seen, &s->unseen))
		return NULL;
	Py_INCREF(s->seen);
	Py_INCREF(s->unseen);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"keep", keep, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,  .m_name = "visitext",          .m_size = sizeof(struct state),
	.m_methods = functions, .m_traverse = module_traverse,
};

PyMODINIT_FUNC PyInit_visitext(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (fill(module) || PyModule_AddObject(module, "spec", PyType_FromSpec(&spec_spec)) ||
	    PyModule_AddObject(module, "classless", PyType_FromSpec(&classless_spec)))
		return NULL;
	return module;
}
#else
PyMODINIT_FUNC initvisitext(void)
{
	fill(Py_InitModule("visitext", NULL));
}
#endif
