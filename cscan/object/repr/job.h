/*
 * job.h - one repr under way, as the repr_*.c files share it; private to object/.
 *
 * The printers answer false, and have written nothing, when what they read is not what the kind of
 * the type promises; then the plain form <type at 0x...> stands in.
 */
#ifndef PL_REPR_JOB_H
#define PL_REPR_JOB_H

#include "object/repr/repr.h"
#include "object/repr/repr_out.h"

#define PL_REPR_MAX_DEPTH 16

struct pl_repr_job {
	const struct pl_objects *o;
	const struct pl_layout *l;
	struct pl_view *v;
	struct pl_repr_limits lim;
	struct pl_out out;
	pl_addr above[PL_REPR_MAX_DEPTH]; /* containers that are being printed */
	unsigned n_above;
	unsigned n_nested; /* values that are being printed */
};

/* One object and its type. */
struct pl_repr_obj {
	pl_addr addr;
	const struct pl_type *t;
};

/* A word of the object's fixed part; false when this version or this type does not have it. */
static inline bool pl_repr_word(const struct pl_repr_job *r, const struct pl_repr_obj *x,
				int32_t offset, uint64_t *ret)
{
	return offset >= 0 && offset + 8 <= x->t->basicsize &&
	       pl_read64(r->v, x->addr + (uint64_t)offset, ret);
}

/* The repr of the object at addr; level is how many containers deep it may go. */
void pl_repr_value(struct pl_repr_job *r, pl_addr addr, unsigned level);
/* The characters of a str without quotes, cut at the limit; nothing when it is unreadable. */
void pl_repr_bare(struct pl_repr_job *r, pl_addr str);
/* A type's name as Python says it in a repr: without the builtins module. */
const char *pl_repr_type_name(const struct pl_repr_job *r, const struct pl_type *t);
/* __name__ of a type. */
const char *pl_repr_short_name(const struct pl_type *t);
/* The same, or where this version prints subclasses under the builtin's name, that name. */
const char *pl_repr_class_name(const struct pl_repr_job *r, const struct pl_type *t,
			       const char *builtin);
/* tp_name as a C repr prints it: a class statement's is its __name__ alone. */
void pl_repr_put_tp_name(struct pl_repr_job *r, const struct pl_type *t);

/* ---- repr_scalar.c: values without references ---- */
typedef bool pl_repr_fn(struct pl_repr_job *r, const struct pl_repr_obj *x);
pl_repr_fn pl_repr_int, pl_repr_bool, pl_repr_float, pl_repr_complex, pl_repr_str, pl_repr_bytes,
	pl_repr_bytearray, pl_repr_decimal, pl_repr_array;
/* repr() of a float; dot0 says whether whole numbers get ".0" (not inside a complex). */
enum { PL_REPR_DOUBLE = 48 }; /* room for a float */
void pl_repr_double(char buf[PL_REPR_DOUBLE], double d, bool dot0);

/* ---- repr_container.c ---- */
typedef bool pl_repr_deep_fn(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level);
pl_repr_deep_fn pl_repr_list, pl_repr_tuple, pl_repr_dict, pl_repr_set, pl_repr_deque,
	pl_repr_defaultdict, pl_repr_named_tuple, pl_repr_ordereddict, pl_repr_range;
/*
 * Step into a container: false, with mark ("[...]") written, when it is too deep or inside itself;
 * otherwise pl_repr_leave() must follow.
 */
bool pl_repr_enter(struct pl_repr_job *r, pl_addr addr, unsigned level, const char *mark);
void pl_repr_leave(struct pl_repr_job *r);
/* n objects from the pointers at first, as "a, b, ...". */
void pl_repr_items(struct pl_repr_job *r, pl_addr first, uint64_t n, unsigned level);

/* ---- repr_object.c: everything that prints as <...> or Name(...) ---- */
pl_repr_deep_fn pl_repr_instance, pl_repr_instance27, pl_repr_enum, pl_repr_exception,
	pl_repr_slice, pl_repr_partial, pl_repr_method, pl_repr_mappingproxy, pl_repr_date,
	pl_repr_datetime, pl_repr_time, pl_repr_timedelta, pl_repr_timezone;
pl_repr_fn pl_repr_type, pl_repr_class27, pl_repr_module, pl_repr_function, pl_repr_cfunction,
	pl_repr_code, pl_repr_frame, pl_repr_generator, pl_repr_cell, pl_repr_weakref,
	pl_repr_element;

#endif
