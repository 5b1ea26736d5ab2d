/*
 * function.c - functions, methods, descriptors and cells (Objects/funcobject.c, classobject.c,
 * methodobject.c, descrobject.c, cellobject.c). Their dicts are tp_dictoffset's.
 */
#include "object/decode/decode.h"

#include "object/frames/lines.h"
#include "object/frames/threads.h"
#include "object/value/value.h"

#define MAX_CLOSURE 0x10000 /* what PL_CLOSURE() has room for */

/*
 * What the variables are that a function closes over: the cells in its __closure__ hold them, in
 * the order of co_freevars, which are the last of the code's variables.
 */
static void put_closure(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr closure = pl_word(d, f->func_closure), code = pl_word(d, f->func_code), cells;
	uint64_t n, n_locals, cell, value;

	if (!closure || !pl_tuple_items(d->l, d->v, closure, &cells, &n))
		return;
	n_locals = pl_code_n_locals(d->l, d->v, code);
	for (uint64_t i = 0; n <= n_locals && i < PL_MIN(n, (uint64_t)MAX_CLOSURE); i++) {
		pl_addr name = pl_code_local_name(d->l, d->v, code, (uint32_t)(n_locals - n + i));

		if (pl_read64(d->v, cells + 8 * i, &cell) && cell &&
		    pl_read64(d->v, cell + (uint64_t)f->cell_ref, &value))
			pl_put(d, value, PL_EDGE_BORROWED, PL_L_CLOSURE, PL_CLOSURE(i, name),
			       false);
	}
}

void pl_decode_function(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->func_code, ".__code__", true);
	pl_put_member(d, f->func_globals, ".__globals__", true);
	pl_put_member(d, f->func_builtins, ".__builtins__", true);
	pl_put_member(d, f->func_name, ".__name__", true);
	pl_put_member(d, f->func_qualname, ".__qualname__", true);
	pl_put_member(d, f->func_module, ".__module__", true);
	pl_put_member(d, f->func_doc, ".__doc__", true);
	pl_put_member(d, f->func_defaults, ".__defaults__", true);
	pl_put_member(d, f->func_kwdefaults, ".__kwdefaults__", true);
	pl_put_member(d, f->func_closure, ".__closure__", true);
	pl_put_member(d, f->func_annotations, ".__annotations__", true);
	pl_put_member(d, f->func_annotate, ".__annotate__", true);
	pl_put_member(d, f->func_typeparams, ".__type_params__", true);
	put_closure(d);
}

/* A bound method; 2.7's may be unbound, then im_class alone says whose it is. */
void pl_decode_method(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.method_func, ".__func__", true);
	pl_put_member(d, d->l->f.method_self, ".__self__", true);
	pl_put_member(d, d->l->f.method_class27, ".im_class", true);
}

/* builtin_method, the only subclass, has the class that defines it behind the rest (3.9 on). */
void pl_decode_cfunction(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cfunction_self, ".__self__", true);
	pl_put_member(d, d->l->f.cfunction_module, ".__module__", true);
	pl_put_member(d, d->l->f.cmethod_class, "<defining class>", true);
}

void pl_decode_staticmethod(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.staticmethod_callable, ".__func__", true);
}

void pl_decode_classmethod(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.classmethod_callable, ".__func__", true);
}

void pl_decode_property(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.property_get, ".fget", true);
	pl_put_member(d, d->l->f.property_set, ".fset", true);
	pl_put_member(d, d->l->f.property_del, ".fdel", true);
	pl_put_member(d, d->l->f.property_doc, ".__doc__", true);
	pl_put_member(d, d->l->f.property_name, ".__name__", true);
}

void pl_decode_cell(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cell_ref, ".cell_contents", true);
}

/* Methods, members, getters and slots of static types: all begin with a PyDescrObject. */
void pl_decode_descriptor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.descr_type, ".__objclass__", true);
	pl_put_member(d, d->l->f.descr_name, ".__name__", false);
	pl_put_member(d, d->l->f.descr_qualname, ".__qualname__", false);
}

void pl_decode_method_wrapper(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.wrapper_descr, "<descriptor>", true);
	pl_put_member(d, d->l->f.wrapper_self, ".__self__", true);
}
