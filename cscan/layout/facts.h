/*
 * facts.h - numbers of CPython that are the same in every version and build, so that no table has
 * them, and a bound that all chains of classes share.
 */
#ifndef PL_LAYOUT_FACTS_H
#define PL_LAYOUT_FACTS_H

/*
 * Classes that are followed from one to its tp_base. No program has so many above each other; it
 * ends the chain that damage closed to a circle.
 */
enum { PL_MAX_BASES = 64 };

/* PyMemberDef.type (Include/structmember.h): the two that are pointers to an object. Where such a
 * word is NULL the first reads as None, and of the second there is no such attribute. */
enum { PL_MEMBER_OBJECT = 6, PL_MEMBER_OBJECT_EX = 16 };

/*
 * The debug hooks (PYTHONMALLOC=debug; Objects/obmalloc.c, _PyMem_DebugRawAlloc): bytes in front of
 * and at least behind what a block's owner asked for. The last bytes of those in front, so many,
 * are the domain's letter and seven that are forbidden.
 */
enum { PL_HOOK_PREFIX = 16, PL_HOOK_SUFFIX = 8, PL_HOOK_DOMAIN = 8 };

#endif
