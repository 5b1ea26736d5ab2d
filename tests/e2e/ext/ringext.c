/*
 * ringext.c - a C extension whose types tell the collector all, a part, or nothing of what they
 * hold, and whose functions take references and tracking away from it. For test_cycles.py.
 *
 * Every instance has the attributes `first` and `second`; the types are alike but for what they do
 * with them:
 *   Complete   visits both
 *   Partial    leaves `second` out of tp_traverse
 *   NoGC       has no Py_TPFLAGS_HAVE_GC
 *   Finalized  as Complete, with a tp_finalize (Python 3)
 *   Legacy     as Complete, with a tp_del, which Python 3.4 and newer call a legacy finalizer
 *   Heap       as Complete, but made by PyType_FromSpec: it holds its type, and visits it from 3.9
 *              on (Python 3)
 *   Forgetful  as Heap, but never visits its type (Python 3)
 *
 * Python 2.7 and 3.6 or newer.
 */
#include <Python.h>

#include <stddef.h>
#include <structmember.h>

struct holder {
	PyObject_HEAD PyObject *first;
	PyObject *second;
};

static PyMemberDef members[] = {
	{"first", T_OBJECT_EX, offsetof(struct holder, first), 0, NULL},
	{"second", T_OBJECT_EX, offsetof(struct holder, second), 0, NULL},
	{NULL, 0, 0, 0, NULL},
};

static int visit_both(PyObject *self, visitproc visit, void *arg)
{
	struct holder *h = (struct holder *)self;

	Py_VISIT(h->first);
	Py_VISIT(h->second);
	return 0;
}

static int visit_first(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((struct holder *)self)->first);
	return 0;
}

static int holder_clear(PyObject *self)
{
	struct holder *h = (struct holder *)self;

	Py_CLEAR(h->first);
	Py_CLEAR(h->second);
	return 0;
}

static void holder_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	if (PyType_IS_GC(type))
		PyObject_GC_UnTrack(self);
	holder_clear(self);
	type->tp_free(self);
	if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE))
		Py_DECREF(type);
}

#define STATIC_TYPE(c_name, python_name, gc_flag, traverse)                      \
	static PyTypeObject c_name = {                                           \
		PyVarObject_HEAD_INIT(NULL, 0).tp_name = "ringext." python_name, \
		.tp_basicsize = sizeof(struct holder),                           \
		.tp_flags = Py_TPFLAGS_DEFAULT | (gc_flag),                      \
		.tp_new = PyType_GenericNew,                                     \
		.tp_dealloc = holder_dealloc,                                    \
		.tp_traverse = traverse,                                         \
		.tp_clear = (gc_flag) ? holder_clear : NULL,                     \
		.tp_members = members,                                           \
	}

STATIC_TYPE(complete_type, "Complete", Py_TPFLAGS_HAVE_GC, visit_both);
STATIC_TYPE(partial_type, "Partial", Py_TPFLAGS_HAVE_GC, visit_first);
STATIC_TYPE(no_gc_type, "NoGC", 0, NULL);
STATIC_TYPE(legacy_type, "Legacy", Py_TPFLAGS_HAVE_GC, visit_both);

static void do_nothing(PyObject *self)
{
	(void)self;
}

#if PY_MAJOR_VERSION >= 3
STATIC_TYPE(finalized_type, "Finalized", Py_TPFLAGS_HAVE_GC, visit_both);

static int visit_all(PyObject *self, visitproc visit, void *arg)
{
#if PY_VERSION_HEX >= 0x03090000
	Py_VISIT(Py_TYPE(self));
#endif
	return visit_both(self, visit, arg);
}

static PyType_Slot heap_slots[] = {
	{Py_tp_dealloc, holder_dealloc}, {Py_tp_traverse, visit_all},
	{Py_tp_clear, holder_clear},     {Py_tp_members, members},
	{Py_tp_new, PyType_GenericNew},  {0, NULL},
};
static PyType_Slot forgetful_slots[] = {
	{Py_tp_dealloc, holder_dealloc}, {Py_tp_traverse, visit_both},
	{Py_tp_clear, holder_clear},     {Py_tp_members, members},
	{Py_tp_new, PyType_GenericNew},  {0, NULL},
};
static PyType_Spec heap_spec = {
	"ringext.Heap", sizeof(struct holder), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	heap_slots,
};
static PyType_Spec forgetful_spec = {
	"ringext.Forgetful", sizeof(struct holder), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	forgetful_slots,
};
#endif

/* ---- functions ---- */

/* take(object): a reference that no word tells of */
static PyObject *take(PyObject *self, PyObject *object)
{
	(void)self;
	Py_INCREF(object);
	Py_RETURN_NONE;
}

/* untrack(object): the collector no longer knows it */
static PyObject *untrack(PyObject *self, PyObject *object)
{
	(void)self;
	PyObject_GC_UnTrack(object);
	Py_RETURN_NONE;
}

/* make_type("Heap" or "Forgetful") -> a new one, which can die with its instances */
#if PY_MAJOR_VERSION >= 3
static PyObject *make_type(PyObject *self, PyObject *name)
{
	const char *text = PyUnicode_AsUTF8(name);

	(void)self;
	if (!text)
		return NULL;
	return PyType_FromSpec(text[0] == 'H' ? &heap_spec : &forgetful_spec);
}
#endif

static PyMethodDef functions[] = {
	{"take", take, METH_O, NULL},
	{"untrack", untrack, METH_O, NULL},
#if PY_MAJOR_VERSION >= 3
	{"make_type", make_type, METH_O, NULL},
#endif
	{NULL, NULL, 0, NULL},
};

static int add(PyObject *module, const char *name, PyTypeObject *type)
{
	if (PyType_Ready(type))
		return -1;
	Py_INCREF(type);
	return PyModule_AddObject(module, name, (PyObject *)type);
}

static int fill(PyObject *module)
{
	legacy_type.tp_del = do_nothing;
	if (!module || add(module, "Complete", &complete_type) ||
	    add(module, "Partial", &partial_type) || add(module, "NoGC", &no_gc_type) ||
	    add(module, "Legacy", &legacy_type))
		return -1;
#if PY_MAJOR_VERSION >= 3
	finalized_type.tp_finalize = do_nothing;
	finalized_type.tp_flags |= Py_TPFLAGS_HAVE_FINALIZE;
	return add(module, "Finalized", &finalized_type);
#else
	return 0;
#endif
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "ringext",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit_ringext(void)
{
	PyObject *module = PyModule_Create(&definition);

	return fill(module) ? NULL : module;
}
#else
PyMODINIT_FUNC initringext(void)
{
	fill(Py_InitModule("ringext", functions));
}
#endif
