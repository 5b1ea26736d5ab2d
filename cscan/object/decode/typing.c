/*
 * typing.c - what annotations and templates are made of: generic aliases, unions, type variables,
 * t-strings. Facts: Objects/genericaliasobject.c, unionobject.c, typevarobject.c, templateobject.c,
 * interpolationobject.c, sentinelobject.c, lazyimportobject.c. All of it is C from 3.9, 3.10, 3.12,
 * 3.14 and 3.15 on, and Python before.
 */
#include "object/decode/decode.h"

void pl_decode_alias(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.alias_origin, ".__origin__", true);
	pl_put_member(d, d->l->f.alias_args, ".__args__", true);
	pl_put_member(d, d->l->f.alias_parameters, ".__parameters__", true);
}

void pl_decode_aliasiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.aliasiter_obj, "<alias>", true);
}

void pl_decode_union(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.union_args, ".__args__", true);
	pl_put_member(d, d->l->f.union_hashable, "<hashable args>", true);
	pl_put_member(d, d->l->f.union_unhashable, "<unhashable args>", true);
	pl_put_member(d, d->l->f.union_parameters, ".__parameters__", true);
}

void pl_decode_typevar(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->typevar_name, ".__name__", true);
	pl_put_member(d, f->typevar_bound, ".__bound__", true);
	pl_put_member(d, f->typevar_evaluate_bound, ".evaluate_bound", true);
	pl_put_member(d, f->typevar_constraints, ".__constraints__", true);
	pl_put_member(d, f->typevar_evaluate_constraints, ".evaluate_constraints", true);
	pl_put_member(d, f->typevar_default, ".__default__", true);
	pl_put_member(d, f->typevar_evaluate_default, ".evaluate_default", true);
}

void pl_decode_typevartuple(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->typevartuple_name, ".__name__", true);
	pl_put_member(d, f->typevartuple_bound, ".__bound__", true);
	pl_put_member(d, f->typevartuple_default, ".__default__", true);
	pl_put_member(d, f->typevartuple_evaluate_default, ".evaluate_default", true);
}

void pl_decode_paramspec(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->paramspec_name, ".__name__", true);
	pl_put_member(d, f->paramspec_bound, ".__bound__", true);
	pl_put_member(d, f->paramspec_default, ".__default__", true);
	pl_put_member(d, f->paramspec_evaluate_default, ".evaluate_default", true);
}

void pl_decode_paramspecattr(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.paramspecattr_origin, ".__origin__", true);
}

void pl_decode_typealias(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->typealias_name, ".__name__", true);
	pl_put_member(d, f->typealias_qualname, ".__qualname__", true);
	pl_put_member(d, f->typealias_params, ".__type_params__", true);
	pl_put_member(d, f->typealias_compute, ".evaluate_value", true);
	pl_put_member(d, f->typealias_value, ".__value__", true);
	pl_put_member(d, f->typealias_module, ".__module__", true);
}

void pl_decode_constevaluator(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.constevaluator_value, "<value>", true);
}

void pl_decode_template(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.template_strings, ".strings", true);
	pl_put_member(d, d->l->f.template_interpolations, ".interpolations", true);
}

void pl_decode_templateiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.templateiter_strings, "<strings>", true);
	pl_put_member(d, d->l->f.templateiter_interpolations, "<interpolations>", true);
}

void pl_decode_interpolation(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->interpolation_value, ".value", true);
	pl_put_member(d, f->interpolation_expression, ".expression", true);
	pl_put_member(d, f->interpolation_conversion, ".conversion", true);
	pl_put_member(d, f->interpolation_format, ".format_spec", true);
}

void pl_decode_sentinel(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sentinel_name, ".__name__", true);
	pl_put_member(d, d->l->f.sentinel_module, ".__module__", true);
	pl_put_member(d, d->l->f.sentinel_repr, "<repr>", true);
}

void pl_decode_lazyimport(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->lazyimport_builtins, "<builtins>", true);
	pl_put_member(d, f->lazyimport_from, "<from>", true);
	pl_put_member(d, f->lazyimport_attr, "<attribute>", true);
	pl_put_member(d, f->lazyimport_code, "<code>", true);
}
