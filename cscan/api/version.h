/*
 * version.h - pyleak's own version, in one place: the Makefile reads it from here.
 */
#ifndef PL_VERSION_H
#define PL_VERSION_H

#define PL_VERSION "0.1.0"

#endif
