/*
 * Words of C memory that hold an object: which are found, which are known or dead, and their names.
 */
#include "heap/glibc.h"
#include "object/native/native.h"

#include "object_ids.h"
#include "test_object_heap.h"

#define STACKS UINT64_C(0x7f0000000000) /* two threads' in one mapping */
#define MAIN UINT64_C(0x7ffe00000000)   /* the main thread's */
#define OTHER UINT64_C(0x7f2000000000)  /* memory of no known use */
#define CHUNKS UINT64_C(0x7f1000000000) /* mmapped chunks, each a page */
#define N_CHUNKS 3
#define STACK_BYTES 0x3000
#define FIRST 4242 /* LWPs: the main thread, then the two */

static struct heap h;
static struct pl_heap *heap;
static struct pl_ctx ctx;
static uint8_t stacks[2 * STACK_BYTES], main_stack[0x2000], other[0x1000];
static uint8_t chunks[N_CHUNKS * 0x1000];
static pl_addr held, list, owner;
static struct pl_native_hit hits[16];
static size_t n_hits, most_hits = 16;

static void put(uint8_t *memory, uint64_t offset, uint64_t word)
{
	memcpy(memory + offset, &word, sizeof(word));
}

static pl_addr chunk(unsigned i)
{
	return CHUNKS + i * 0x1000 + 16;
}

/* An object to look for; a list whose items are chunk 1; an object that points to chunk 2. */
static void make(void)
{
	memset(stacks, 0, sizeof(stacks));
	memset(main_stack, 0, sizeof(main_stack));
	memset(other, 0, sizeof(other));
	memset(chunks, 0, sizeof(chunks));
	for (unsigned i = 0; i < N_CHUNKS; i++)
		put(chunks, i * 0x1000 + 8, 0x1000 | PL_CHUNK_MMAPPED);
	heap_init(&h, "3.11.7-pyenv");
	held = heap_object(&h, h.object_type, 64);
	list = heap_object(&h, h.list_type, 64);
	w64(&h, list + (uint64_t)h.l.f.list_items, chunk(1));
	owner = heap_object(&h, heap_builtin(&h, "Box", 0, 64, 0), 64);
	w64(&h, owner + 24, chunk(2));
}

static void open_all(uint64_t main_ip)
{
	const pl_addr objects[] = {held, list, owner};
	struct pl_err err;

	build_init(&h.b);
	build_thread(&h.b, FIRST, 6, main_ip, MAIN + 0x1000, OTHER + 0x740);
	build_thread(&h.b, FIRST + 1, 0, 0, STACKS + 0x1800, STACKS + STACK_BYTES - 0x900);
	build_thread(&h.b, FIRST + 2, 0, 0, STACKS + STACK_BYTES + 0x1800,
		     STACKS + 2 * STACK_BYTES - 0x900);
	build_load(&h.b, STACKS, stacks, sizeof(stacks), DEFAULT, DEFAULT, PF_R | PF_W);
	build_load(&h.b, CHUNKS, chunks, sizeof(chunks), DEFAULT, DEFAULT, PF_R | PF_W);
	build_load(&h.b, OTHER, other, sizeof(other), DEFAULT, DEFAULT, PF_R | PF_W);
	build_load(&h.b, MAIN, main_stack, sizeof(main_stack), DEFAULT, DEFAULT, PF_R | PF_W);
	heap_open_begun(&h);
	object_ids_init(&h.objects, objects, PL_ARRAY_LEN(objects));
	h.objects.size = pl_calloc(PL_ARRAY_LEN(objects), sizeof(*h.objects.size));
	for (size_t i = 0; i < PL_ARRAY_LEN(objects); i++)
		h.objects.size[i] = 64;
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_heap_new(h.o.im, &h.l, &ctx, &heap, &err), 0);
	assert_int_equal(heap->regions.n, 0); /* chunks are no proof of a malloc */
	pl_heap_index_free(heap);
	for (unsigned i = 0; i < N_CHUNKS; i++)
		pl_vec_push(&heap->regions, (struct pl_region){.lo = chunk(i) - 16,
							       .hi = chunk(i) - 16 + 0x1000,
							       .kind = PL_REGION_MMAPPED,
							       .max_live = 1});
	pl_heap_index_new(heap);
	h.objects.heap = heap;
}

static bool take(void *arg, const struct pl_native_hit *hit)
{
	(void)arg;
	assert_true(n_hits < most_hits);
	hits[n_hits++] = *hit;
	return n_hits < most_hits;
}

static void look_in(enum pl_native_place first, enum pl_native_place last, const pl_id *owners,
		    size_t n_owners)
{
	struct pl_native_words *words;
	struct pl_addrset targets;
	struct pl_err err;

	pl_addrset_init(&targets);
	pl_addrset_add(&targets, held);
	assert_int_equal(
		pl_native_words_new(&h.objects, &targets, owners, n_owners, &ctx, &words, &err), 0);
	n_hits = 0;
	assert_int_equal(pl_native_words_each(words, first, last, take, NULL, &err), 0);
	pl_native_words_free(words);
	pl_addrset_fini(&targets);
	for (size_t i = 0; i < n_hits; i++)
		assert_int_equal(hits[i].target, held);
}

static void look(const pl_id *owners, size_t n_owners)
{
	look_in(PL_NATIVE_FILE, PL_NATIVE_REGISTER, owners, n_owners);
}

static void close_all(void)
{
	pl_heap_free(heap);
	pl_ctx_fini(&ctx);
	free(h.objects.size);
	object_ids_fini(&h.objects);
	heap_close(&h);
}

static void assert_hit(size_t i, enum pl_native_place place, pl_addr at, uint32_t lwp)
{
	assert_true(i < n_hits);
	assert_int_equal(hits[i].place, place);
	assert_int_equal(hits[i].at, at);
	assert_int_equal(hits[i].lwp, lwp);
}

static void assert_names(size_t i, const char *name, const char *general)
{
	char buf[128];

	pl_native_name(&h.objects, &hits[i], buf, sizeof(buf));
	assert_string_equal(buf, name);
	pl_native_general_name(&h.objects, &hits[i], buf, sizeof(buf));
	assert_string_equal(buf, general);
}

static void stacks_that_share_a_mapping(void **state)
{
	const uint64_t second = STACK_BYTES;

	(void)state;
	make();
	put(stacks, 0x1000, held);          /* below the first one's stack pointer */
	put(stacks, 0x1800 - 128, held);    /* in its red zone */
	put(stacks, second - 8, held);      /* at its end, behind the thread pointer */
	put(stacks, second + 8, held);      /* at the far end of the second one */
	put(stacks, second + 0x1778, held); /* the last dead word of it */
	put(stacks, 2 * second - 8, held);  /* at its end */
	put(main_stack, 0x0800, held);      /* dead */
	put(main_stack, 0x2000 - 8, held);  /* no thread pointer ends it */
	open_all(0);
	look(NULL, 0);
	assert_int_equal(n_hits, 4);
	assert_hit(0, PL_NATIVE_STACK, MAIN + 0x2000 - 8, FIRST);
	assert_hit(1, PL_NATIVE_STACK, STACKS + 0x1800 - 128, FIRST + 1);
	assert_hit(2, PL_NATIVE_STACK, STACKS + second - 8, FIRST + 1);
	assert_hit(3, PL_NATIVE_STACK, STACKS + 2 * second - 8, FIRST + 2);
	assert_names(1, "<stack of thread 4243 0x7f0000001780>", "<stack of thread 4243 *>");
	close_all();
}

static void registers_by_their_names(void **state)
{
	(void)state;
	make();
	open_all(held);
	look(NULL, 0);
	assert_int_equal(n_hits, 1);
	assert_hit(0, PL_NATIVE_REGISTER, 16, FIRST);
	assert_names(0, "<register rip of thread 4242>", "<register rip of thread 4242>");
	assert_string_equal(pl_image_register(h.o.im, 5), "rbx");
	assert_string_equal(pl_image_register(h.o.im, 3), "r12");
	assert_string_equal(pl_image_register(h.o.im, 26), "gs");
	assert_string_equal(pl_image_register(h.o.im, 27), "?");
	close_all();
}

static void blocks_and_other_memory(void **state)
{
	(void)state;
	make();
	put(chunks, 16 + 0x18, held);
	put(other, 0x48, held);
	put(other, 0x55, held); /* not aligned */
	open_all(0);
	look(NULL, 0);
	assert_int_equal(n_hits, 2);
	assert_hit(0, PL_NATIVE_BLOCK, chunk(0) + 0x18, 0);
	assert_hit(1, PL_NATIVE_MAPPING, OTHER + 0x48, 0);
	assert_names(0, "<malloc block 0x7f1000000010+0x18>", "<malloc block *+0x18>");
	assert_names(1, "<mapping 0x7f2000000000+0x48>", "<mapping *>");
	close_all();
}

static void what_objects_account_for(void **state)
{
	const pl_id owners[] = {2};

	(void)state;
	make();
	w64(&h, owner + 32, held);          /* of an object */
	put(chunks, 0x1000 + 16 + 8, held); /* stale, in the list's items */
	put(chunks, 0x2000 + 16 + 8, held); /* in the block of the object that points there */
	open_all(0);
	look(NULL, 0);
	assert_int_equal(n_hits, 1);
	assert_hit(0, PL_NATIVE_BLOCK, chunk(2) + 8, 0);
	look(owners, PL_ARRAY_LEN(owners));
	assert_int_equal(n_hits, 0);
	close_all();
}

static void places_are_told_one_by_one(void **state)
{
	(void)state;
	make();
	put(chunks, 16 + 0x18, held);
	put(chunks, 16 + 0x28, held);
	put(other, 0x48, held);
	put(stacks, STACK_BYTES - 8, held);
	open_all(held);
	look_in(PL_NATIVE_BLOCK, PL_NATIVE_BLOCK, NULL, 0);
	assert_int_equal(n_hits, 2);
	assert_hit(1, PL_NATIVE_BLOCK, chunk(0) + 0x28, 0);
	look_in(PL_NATIVE_MAPPING, PL_NATIVE_STACK, NULL, 0);
	assert_int_equal(n_hits, 2);
	assert_hit(0, PL_NATIVE_MAPPING, OTHER + 0x48, 0);
	assert_hit(1, PL_NATIVE_STACK, STACKS + STACK_BYTES - 8, FIRST + 1);
	look_in(PL_NATIVE_REGISTER, PL_NATIVE_REGISTER, NULL, 0);
	assert_int_equal(n_hits, 1);
	for (most_hits = 1; most_hits < 5; most_hits++) {
		look(NULL, 0); /* who is told says when it is enough */
		assert_int_equal(n_hits, most_hits);
	}
	most_hits = PL_ARRAY_LEN(hits);
	close_all();
}

static void names_of_arrays(void **state)
{
	char buf[64];

	(void)state;
	make();
	put(chunks, 16 + 0x38, held);
	open_all(0);
	look(NULL, 0);
	assert_int_equal(n_hits, 1);
	pl_native_array_name(&hits[0], 8, buf, sizeof(buf));
	assert_string_equal(buf, "<malloc block *+8*n>");
	pl_native_array_name(&hits[0], 24, buf, sizeof(buf));
	assert_string_equal(buf, "<malloc block *+0x8+24*n>");
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_that_share_a_mapping),
		cmocka_unit_test(registers_by_their_names),
		cmocka_unit_test(blocks_and_other_memory),
		cmocka_unit_test(what_objects_account_for),
		cmocka_unit_test(places_are_told_one_by_one),
		cmocka_unit_test(names_of_arrays),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
