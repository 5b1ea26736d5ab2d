/*
 * handle.c - the session of a handle: put in place of another, and dropped.
 */
#include "api/handle.h"

static void drop_session(struct pyleak *p, struct pl_session *next)
{
	struct pl_session *old;

	pthread_mutex_lock(&p->lock);
	old = p->session;
	p->session = next;
	pthread_mutex_unlock(&p->lock);
	pl_session_free(old);
	free(p->type_names);
	p->type_names = NULL;
	p->n_type_names = 0;
}

void pl_handle_renew(struct pyleak *p)
{
	struct pl_image_options image = {
		.core = p->core,
		.exe = p->exe,
		.sysroot = p->sysroot,
		.debug_dir = p->debug_dir,
		.max_unpacked = p->max_unpacked,
	};

	drop_session(p, p->core ? pl_session_new(&image, p->threads) : NULL);
}

void pl_handle_drop(struct pyleak *p)
{
	drop_session(p, NULL);
}
