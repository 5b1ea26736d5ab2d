/*
 * secrets.h - what looks like a secret in a text, masked.
 *
 * A guess by shape: well-known prefixes of keys and tokens, JSON web tokens, credentials in a URL,
 * long runs that look random, card numbers, and whatever follows a name such as "password". It
 * errs on the side of masking. It knows nothing of Python but the quotes and brackets that a repr
 * and a path put around a value.
 */
#ifndef PL_SECRETS_H
#define PL_SECRETS_H

#include "base/base.h"

/*
 * Overwrite each secret in the NUL-terminated text with asterisks, in place and never longer than
 * it was; true when there was one.
 */
bool pl_secret_mask(char *text);

#endif
