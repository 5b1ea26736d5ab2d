/*
 * dwarf_source.c - offsets from the debug information of the very binary.
 *
 * Knows in which units of CPython (and in which of its extension modules) each struct is defined,
 * so that few of them need reading; image/ knows DWARF.
 */
#include "layout/internal.h"

#include <stdio.h>

/* Units that together define every struct of fields.def, in all versions. */
static const char *const core_units[] = {
	"Modules/gcmodule.c",
	"Python/gc.c",
	"Objects/typeobject.c",
	"Objects/dictobject.c",
	"Objects/odictobject.c",
	"Objects/setobject.c",
	"Objects/obmalloc.c",
	"Objects/descrobject.c",
	"Objects/genobject.c",
	"Objects/frameobject.c",
	"Objects/exceptions.c",
	"Objects/funcobject.c",
	"Objects/bytearrayobject.c",
	"Objects/classobject.c",
	"Objects/complexobject.c",
	"Objects/floatobject.c",
	"Objects/unicodeobject.c",
	"Objects/weakrefobject.c",
	"Objects/codeobject.c",
	"Objects/moduleobject.c",
	"Objects/methodobject.c",
	"Objects/sliceobject.c",
	"Objects/rangeobject.c",
	"Objects/enumobject.c",
	"Objects/iterobject.c",
	"Objects/memoryobject.c",
	"Objects/picklebufobject.c",
	"Objects/genericaliasobject.c",
	"Objects/unionobject.c",
	"Objects/typevarobject.c",
	"Objects/templateobject.c",
	"Objects/interpolationobject.c",
	"Objects/sentinelobject.c",
	"Objects/lazyimportobject.c",
	"Objects/stringobject.c",
	"Objects/intobject.c",
	"Objects/fileobject.c",
	"Objects/bufferobject.c",
	"Python/bltinmodule.c",
	"Python/traceback.c",
	"Python/context.c",
	"Python/hamt.c",
	"Python/ceval_gil.c",
	"Python/ceval.c",
	"Python/pystate.c",
	"Objects/capsule.c",
	NULL,
};

/*
 * Structs of modules that some builds link in and others load from lib-dynload. A module that is
 * linked in exports PyInit_array (Python 2: initarray).
 */
enum { MOST_STRUCTS = 26, MOST_UNITS = 5 }; /* of one module; a NULL ends the units */

static const struct extension {
	const char *name, *name2; /* the module, and what Python 2 calls it where that differs */
	const char *structs[MOST_STRUCTS];
	const char *units[MOST_UNITS];
} extensions[] = {
	{"array", NULL, {"arrayobject", "arraydescr", "arrayiterobject"}, {"arraymodule.c"}},
	{"_collections",
	 NULL,
	 {"dequeobject", "BLOCK|block", "defdictobject", "dequeiterobject", "_tuplegetterobject"},
	 {"_collectionsmodule.c"}},
	{"_datetime",
	 "datetime",
	 {"PyDateTime_DateTime", "PyDateTime_Date", "PyDateTime_Time", "PyDateTime_Delta",
	  "PyDateTime_TimeZone"},
	 {"datetimemodule.c"}},
	{"_zoneinfo", NULL, {"PyZoneInfo_ZoneInfo", "_ttinfo"}, {"_zoneinfo.c"}},
	{"_functools",
	 NULL,
	 {"partialobject", "keyobject", "lru_cache_object", "lru_list_elem"},
	 {"_functoolsmodule.c"}},
	{"_operator",
	 "operator",
	 {"itemgetterobject", "attrgetterobject", "methodcallerobject"},
	 {"_operator.c", "operator.c"}},
	{"itertools",
	 NULL,
	 {"productobject",
	  "combinationsobject",
	  "cwrobject",
	  "permutationsobject",
	  "teeobject",
	  "teedataobject",
	  "groupbyobject",
	  "_grouperobject",
	  "cycleobject",
	  "dropwhileobject",
	  "takewhileobject",
	  "isliceobject",
	  "starmapobject",
	  "chainobject",
	  "accumulateobject",
	  "compressobject",
	  "filterfalseobject|ifilterfalseobject",
	  "countobject",
	  "repeatobject",
	  "ziplongestobject|iziplongestobject",
	  "pairwiseobject",
	  "batchedobject",
	  "izipobject",
	  "imapobject",
	  "ifilterobject"},
	 {"itertoolsmodule.c"}},
	{"_struct", NULL, {"PyStructObject", "_formatcode", "unpackiterobject"}, {"_struct.c"}},
	{"_io",
	 NULL,
	 {"bytesio", "bytesiobuf", "stringio", "buffered", "rwpair", "textio", "nldecoder_object"},
	 {"bytesio.c", "stringio.c", "bufferedio.c", "textio.c"}},
	{"_pickle",
	 "cPickle",
	 {"PicklerObject", "PyMemoTable", "UnpicklerObject", "Pdata", "PicklerMemoProxyObject",
	  "UnpicklerMemoProxyObject", "Picklerobject", "Unpicklerobject"},
	 {"_pickle.c", "cPickle.c"}},
	{"_decimal",
	 NULL,
	 {"PyDecObject", "PyDecContextObject", "PyDecContextManagerObject"},
	 {"_decimal.c"}},
	{"_elementtree",
	 NULL,
	 {"ElementObject", "ElementObjectExtra", "ElementIterObject",
	  "ParentLocator|ParentLocator_", "TreeBuilderObject", "XMLParserObject"},
	 {"_elementtree.c"}},
	{"pyexpat", NULL, {"xmlparseobject"}, {"pyexpat.c"}},
	{"_ctypes",
	 NULL,
	 {"StgDictObject", "StgInfo", "tagCDataObject", "PyCFuncPtrObject", "CFieldObject",
	  "tagPyCArgObject", "CThunkObject", "DictRemoverObject"},
	 {"_ctypes.c"}},
	{"_queue", NULL, {"simplequeueobject"}, {"_queuemodule.c"}},
	{"_thread", "thread", {"localobject", "localdummyobject"}, {"threadmodule.c"}},
	{"_asyncio",
	 NULL,
	 {"FutureObj", "TaskObj", "futureiterobject", "TaskStepMethWrapper",
	  "TaskWakeupMethWrapper", "PyRunningLoopHolder", "asyncio_state"},
	 {"_asynciomodule.c"}},
	{"_sre",
	 NULL,
	 {"PatternObject", "MatchObject", "ScannerObject", "TemplateObject"},
	 {"_sre.c", "sre.c"}},
	{"_csv", NULL, {"DialectObj", "ReaderObj", "WriterObj", "_csvstate"}, {"_csv.c"}},
	{"readline", NULL, {"readlinestate"}, {"readline.c"}},
	{"_json",
	 NULL,
	 {"_PyScannerObject|PyScannerObject", "_PyEncoderObject|PyEncoderObject"},
	 {"_json.c"}},
	{"zlib", NULL, {"compobject", "ZlibDecompressor"}, {"zlibmodule.c"}},
	{"_bz2", NULL, {"BZ2Decompressor"}, {"_bz2module.c"}},
	{"_lzma", NULL, {"Decompressor"}, {"_lzmamodule.c"}},
	{"_ssl", NULL, {"PySSLContext", "PySSLSocket", "PySSLSession"}, {"_ssl.c"}},
	{"select", NULL, {"pollObject"}, {"selectmodule.c"}},
	{"posix", NULL, {"DirEntry", "ScandirIterator"}, {"posixmodule.c"}},
	{"_abc", NULL, {"_abc_data"}, {"_abc.c"}},
	{"_sqlite3",
	 NULL,
	 {"pysqlite_Connection", "callback_context", "pysqlite_Cursor", "pysqlite_Row",
	  "pysqlite_Statement", "pysqlite_Blob", "pysqlite_Cache", "pysqlite_Node",
	  "pysqlite_state"},
	 {"connection.c", "cursor.c", "row.c", "blob.c"}},
	{"parser", NULL, {"PyST_Object"}, {"parsermodule.c"}},
	{"_lsprof", NULL, {"ProfilerObject", "_ProfilerEntry"}, {"_lsprof.c"}},
	{"_multibytecodec",
	 NULL,
	 {"MultibyteCodecObject", "MultibyteStatefulCodecContext",
	  "MultibyteStatefulEncoderContext", "MultibyteStreamReaderObject",
	  "MultibyteStreamWriterObject"},
	 {"multibytecodec.c"}},
	{"_zstd",
	 NULL,
	 {"ZstdCompressor", "ZstdDecompressor", "ZstdDict"},
	 {"compressor.c", "decompressor.c", "zstddict.c"}},
	{"unicodedata", NULL, {"SegmentObject", "GraphemeBreakIterator"}, {"unicodedata.c"}},
};
#define UNITS (PL_ARRAY_LEN(core_units) + (MOST_UNITS - 1) * PL_ARRAY_LEN(extensions))

/* Index into extensions of the struct of a field, -1 when it is the core's. */
static int extension_of(const char *strct)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(extensions); i++)
		for (size_t j = 0; j < PL_ARRAY_LEN(extensions[i].structs); j++)
			if (extensions[i].structs[j] && !strcmp(extensions[i].structs[j], strct))
				return (int)i;
	return -1;
}

/* Questions to one module, and the fields that they are about. */
struct batch {
	PL_VEC(struct pl_member_query) queries;
	PL_VEC(uint16_t) fields;
};

static void ask(struct batch *b, unsigned field)
{
	pl_vec_push(&b->queries, (struct pl_member_query){
					 .strct = pl_layout_rows[field].strct,
					 .member = pl_layout_rows[field].member,
				 });
	pl_vec_push(&b->fields, (uint16_t)field);
}

static bool fits(const struct pl_member_query *q)
{
	return q->found && q->offset >= 0 && q->offset <= INT32_MAX && q->size <= UINT32_MAX;
}

/* Put the answers into the layout; true when there was at least one. */
static bool answer(struct pl_image *im, int module, const char *const *units, struct batch *b,
		   struct pl_layout *l)
{
	bool any = false;

	if (b->queries.n &&
	    pl_image_dwarf_members(im, module, units, b->queries.at, b->queries.n)) {
		for (size_t i = 0; i < b->queries.n; i++) {
			const struct pl_member_query *q = &b->queries.at[i];

			if (fits(q))
				pl_layout_set(l, b->fields.at[i], (int32_t)q->offset,
					      (uint32_t)q->size, PL_FROM_DWARF);
			else if (q->has_struct)
				pl_layout_set(l, b->fields.at[i], PL_NONE, 0, PL_FROM_DWARF);
			any |= q->found;
		}
	}
	pl_vec_free(&b->queries);
	pl_vec_free(&b->fields);
	return any;
}

static bool linked_in(struct pl_image *im, int module, const char *prefix, const char *name)
{
	struct pl_symbol s;
	char symbol[64];

	snprintf(symbol, sizeof(symbol), "%s%s", prefix, name);
	return pl_image_symbol(im, module, symbol, &s);
}

/* The module that defines extension e: the interpreter itself, one from lib-dynload, or -1. */
static int module_of(struct pl_image *im, const struct pl_found *found, const struct extension *e)
{
	bool python2 = found->hexversion >> 24 == 2;
	const char *name = python2 && e->name2 ? e->name2 : e->name;

	if (linked_in(im, found->module, python2 ? "init" : "PyInit_", name))
		return found->module;
	return pl_layout_extension(im, name);
}

bool pl_layout_from_dwarf(struct pl_image *im, const struct pl_found *found, struct pl_layout *l)
{
	const char *units[UNITS];
	size_t n_units = PL_ARRAY_LEN(core_units) - 1;
	int where[PL_ARRAY_LEN(extensions)];
	struct batch core = {0}, outside[PL_ARRAY_LEN(extensions)] = {0};
	bool any;

	if (found->module < 0)
		return false;
	memcpy(units, core_units, n_units * sizeof(*units));
	for (size_t i = 0; i < PL_ARRAY_LEN(extensions); i++) {
		where[i] = module_of(im, found, &extensions[i]);
		for (size_t u = 0; where[i] == found->module && extensions[i].units[u]; u++)
			units[n_units++] = extensions[i].units[u];
	}
	units[n_units] = NULL;
	for (unsigned i = 0; i < PL_N_FIELDS; i++) {
		int e = extension_of(pl_layout_rows[i].strct);

		if (e < 0 || where[e] == found->module)
			ask(&core, i);
		else if (where[e] >= 0)
			ask(&outside[e], i);
	}
	any = answer(im, found->module, units, &core, l);
	for (size_t i = 0; i < PL_ARRAY_LEN(extensions); i++)
		any |= answer(im, where[i], extensions[i].units, &outside[i], l);
	return any;
}
