/*
 * image_fake.h - an image without a core: one thread and one file, for tests that say themselves
 * what is in its memory.
 */
#ifndef TEST_IMAGE_FAKE_H
#define TEST_IMAGE_FAKE_H

#include "image/image.h"

struct pl_image *image_fake_new(const struct pl_thread *thread, const struct pl_module *module);
void image_fake_free(struct pl_image *im);

#endif
