/* image_fake.c - see image_fake.h. */
#include "image_fake.h"

#include <elf.h>

#include "image/internal.h"

struct pl_image *image_fake_new(const struct pl_thread *thread, const struct pl_module *module)
{
	struct pl_image *im = pl_calloc(1, sizeof(*im));

	im->machine = pl_machine_find(EM_X86_64);
	pl_vec_push(&im->threads, *thread);
	pl_vec_push(&im->modules, *module);
	return im;
}

void image_fake_free(struct pl_image *im)
{
	pl_vec_free(&im->threads);
	pl_vec_free(&im->modules);
	free(im);
}
