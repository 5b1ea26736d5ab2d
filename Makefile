# pyleak: build, test, install. `make help` lists the targets.
#
#   DEVELOPER=1                   warnings are errors
#   SANITIZE=address,undefined    a build of its own under build/address-undefined
#   PREFIX= DESTDIR=              for install and uninstall

# For the targets that build on their way: as many compilers as there are processors.
JOBS := -j$(shell nproc 2>/dev/null || echo 1)

CC ?= cc
AR ?= ar
PKG_CONFIG ?= pkg-config
# The one that setup.sh gives pytest to; another python3 may come first on the PATH.
PYTHON ?= /usr/bin/python3
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man

VERSION := $(shell sed -n 's/^\#define PL_VERSION "\(.*\)"/\1/p' cscan/api/version.h)
SOVERSION := 0
PACKAGES := libdw libelf libarchive

comma := ,
B := build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes $(if $(DEVELOPER),-Werror)
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CPPFLAGS = -Icscan -D_GNU_SOURCE $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -pthread $(SAN)
ALL_LDFLAGS = $(CFLAGS) -pthread $(SAN) $(LDFLAGS)
# Recursive on purpose: asked only when something is built, after `make setup` had its chance.
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PKG_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES))
# The tests read JSON with a library that is not ours, which wrote none of it.
TEST_LIBS = $(shell $(PKG_CONFIG) --libs cmocka jansson)

LIB_SOURCES := $(sort $(wildcard $(foreach room,base machine image layout heap object graph session analysis report api,\
	cscan/$(room)/*.c cscan/$(room)/*/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$B/obj/%.o)
CLI_SOURCES := $(filter-out cscan/cli/man.c,$(sort $(wildcard cscan/cli/*.c)))
CLI_OBJECTS := $(CLI_SOURCES:%.c=$B/obj/%.o)
TEST_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
TEST_SUPPORT := $(sort $(filter-out $(TEST_SOURCES),$(wildcard tests/unit/*.c)))
TESTS := $(TEST_SOURCES:tests/unit/%.c=$B/tests/%)

STATIC := $B/lib/libpyleak.a
SHARED := $B/lib/libpyleak.so
PROGRAM := $B/bin/pyleak
MAN := $B/man/pyleak.1

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo check test test-full unit unit-build e2e bench fuzz replay lint format layout install uninstall clean help \
	setup-build setup-demo setup-test force

all: $(SHARED) $(PROGRAM) $(MAN)

help:
	@echo 'make               build/bin/pyleak, build/lib/libpyleak.so and the man page'
	@echo 'make demo          install what is missing, build, let a Python leak and die, show who leaks'
	@echo 'make check         lint, unit tests, three interpreters: minutes, for every commit'
	@echo 'make test          install what is missing, then one interpreter of each version, damaged cores'
	@echo 'make test-full     everything on every interpreter, races, ten thousand damaged cores: hours'
	@echo 'make unit e2e      the parts of these'
	@echo 'make lint          format, rooms and Python of the sources (LINT=more: cppcheck, clang-tidy too)'
	@echo 'make format        clang-format -i'
	@echo 'make bench fuzz    speed and memory; random bytes (FUZZ_SECONDS=60 for each target)'
	@echo 'make replay        the inputs that fuzzing found, once more'
	@echo 'make layout PY=... add the layout table of an interpreter'
	@echo 'make install uninstall PREFIX=/usr/local DESTDIR='
	@echo 'DEVELOPER=1: warnings are errors; SANITIZE=address,undefined: a build of its own'

# ---- compiling ----

# Objects are made again when the flags change, not only when the sources do.
$B/flags: force
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@

$B/obj/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(STATIC): $(LIB_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJECTS) cscan/api/pyleak.map
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libpyleak.so.$(SOVERSION) \
		-Wl,--version-script=cscan/api/pyleak.map $(if $(SAN),,-Wl,-z,defs) \
		-o $@ $(LIB_OBJECTS) $(PKG_LIBS)

# The program holds the library: it needs no path to it at run time.
$(PROGRAM): $(CLI_OBJECTS) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$B/obj/mkman: $B/obj/cscan/cli/man.o $B/obj/cscan/cli/words.o $(STATIC)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(MAN): $B/obj/mkman
	@mkdir -p $(@D)
	$B/obj/mkman > $@

# ---- tests ----

# An archive, so that a test gets what it asks for: some put functions of their own in place of the
# library's, which what they do not need must not drag in.
$B/lib/libtests.a: $(TEST_SUPPORT:%.c=$B/obj/%.o)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$B/tests/%: $B/obj/tests/unit/%.o $B/lib/libtests.a $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(TEST_LIBS)

unit-build: $(TESTS)

unit: $(TESTS)
	@failed=; for t in $^; do echo "== $$t"; $$t || failed="$$failed $$t"; done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed" >&2; exit 1; fi; \
	echo "all $(words $(TESTS)) unit test programs passed"

# A core is made once, whoever needs it first, so tests may run side by side, those of an interpreter
# in one process.
PYTEST_FLAGS ?= -q -rs -n $(shell nproc 2>/dev/null || echo 1) --dist loadgroup
# What pytest runs; make test narrows it for the sanitizers.
E2E ?= tests

e2e: all $B/bin/gen_layout $B/fuzz/mutate
	PYLEAK_BUILD=$(abspath $B) $(PYTHON) -m pytest -p no:cacheprovider $(PYTEST_FLAGS) $(E2E)

# The objects are built first: who calls whom is read off them.
lint: $(LIB_OBJECTS) $(CLI_OBJECTS)
	@sh scripts/lint.sh $B/obj/cscan $(LIB_OBJECTS) $(CLI_OBJECTS)

format:
	clang-format -i $$(sh scripts/lint.sh --formatted)

# The tiers. Each part is a make of its own: what setup installs must be seen by what follows.
# PYLEAK_MATRIX narrows all of them; which tests an interpreter runs, due() in tests/e2e/conftest.py says.
CHECKED := system,system+stripped,sid-3.14
ASAN := SANITIZE=address,undefined

# For every commit, within minutes.
check: export PYLEAK_MATRIX := $(or $(PYLEAK_MATRIX),$(CHECKED))
check: setup-test
	$(PYTHON) scripts/interpreters.py fetch
	$(MAKE) $(JOBS) all
	$(MAKE) lint
	$(MAKE) $(JOBS) unit-build $(ASAN)
	$(MAKE) unit $(ASAN)
	PYLEAK_MUTATIONS=100 $(MAKE) e2e

# What continuous integration runs.
test: setup-test
	$(PYTHON) scripts/interpreters.py fetch
	$(MAKE) $(JOBS) all
	$(MAKE) lint
	$(MAKE) $(JOBS) all unit-build $(ASAN)
	$(MAKE) unit $(ASAN)
	$(MAKE) replay $(ASAN)
	$(MAKE) e2e $(ASAN) E2E='tests/synth tests/e2e/test_mutations.py'
	PYLEAK_MATRIX=$(or $(PYLEAK_MATRIX),system) $(MAKE) e2e $(ASAN) E2E=tests/e2e/test_damage.py
	PYLEAK_MUTATIONS=100 $(MAKE) e2e

# The rest, and all of it on every interpreter.
test-full: export PYLEAK_FULL := 1
test-full:
	$(MAKE) test
	$(MAKE) $(JOBS) unit-build
	$(MAKE) unit
	$(MAKE) $(JOBS) all SANITIZE=thread
	$(MAKE) e2e SANITIZE=thread E2E=tests/e2e/test_races.py
	PYLEAK_MUTATIONS=10000 PYLEAK_MUTATIONS_FROM=1000 $(MAKE) e2e $(ASAN)

bench: all
	PYLEAK_BUILD=$(abspath $B) $(PYTHON) tests/bench/bench.py

# ---- fuzzing: see tests/fuzz/base.h ----

FUZZ_SECONDS ?= 60
FUZZ_SAN := fuzzer-no-link,address,undefined
FUZZ_B := build/$(subst $(comma),-,$(FUZZ_SAN))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SUPPORT := base runs sound
FUZZ_SOURCES := $(wildcard tests/fuzz/*.c)
# Cores made here, with seeds for them in the corpus. Only a shell that needs them makes them.
FUZZ_BASES = PYLEAK_FUZZ_BASES="$$($(PYTHON) tests/fuzz/bases.py $1)"

$B/fuzz/mutate: $B/obj/tests/fuzz/mutate.o $(FUZZ_SUPPORT:%=$B/obj/tests/fuzz/%.o) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(TEST_LIBS)

$B/fuzz/replay_%: $B/obj/tests/fuzz/%.o $B/obj/tests/fuzz/replay.o \
		$(FUZZ_SUPPORT:%=$B/obj/tests/fuzz/%.o) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(TEST_LIBS)

# What fuzzing found and learnt, once more; needs no clang.
replay: $(FUZZERS:%=$B/fuzz/replay_%)
	@export $(call FUZZ_BASES); for f in $(FUZZERS); do \
		echo "== $$f"; $B/fuzz/replay_$$f tests/fuzz/corpus/$$f 2> $B/fuzz/$$f.log || \
			{ tail -n 40 $B/fuzz/$$f.log >&2; exit 1; }; \
		tail -n 1 $B/fuzz/$$f.log; \
	done

fuzz:
	@command -v clang >/dev/null || \
		{ echo 'make fuzz: clang with libFuzzer is missing: apt-get install clang' >&2; exit 1; }
	$(MAKE) CC=clang SANITIZE=$(FUZZ_SAN) $(FUZZ_B)/lib/libpyleak.a \
		$(FUZZERS:%=$(FUZZ_B)/obj/tests/fuzz/%.o) $(FUZZ_SUPPORT:%=$(FUZZ_B)/obj/tests/fuzz/%.o)
	@set -e; export $(call FUZZ_BASES,--more); for f in $(FUZZERS); do \
		mkdir -p $(FUZZ_B)/corpus/$$f; \
		clang -fsanitize=fuzzer,address,undefined -pthread -o $(FUZZ_B)/$$f \
			$(FUZZ_B)/obj/tests/fuzz/$$f.o $(FUZZ_SUPPORT:%=$(FUZZ_B)/obj/tests/fuzz/%.o) \
			$(FUZZ_B)/lib/libpyleak.a $(PKG_LIBS) $(TEST_LIBS); \
		$(FUZZ_B)/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=60 -rss_limit_mb=3072 \
			-artifact_prefix=$(FUZZ_B)/ $(FUZZ_B)/corpus/$$f tests/fuzz/corpus/$$f; \
	done

# ---- set-up, demo, tables ----

setup-build setup-demo setup-test: setup-%:
	@sh scripts/setup.sh $*

demo: setup-demo
	@echo "building ..." && $(MAKE) -s $(JOBS) all
	@PYTHON='$(PYTHON)' sh scripts/demo.sh

layout: $B/bin/gen_layout
	@test -n "$(PY)" || { echo 'usage: make layout PY=/path/to/python' >&2; exit 2; }
	$(PYTHON) scripts/gen_layout.py $(PY)

$B/bin/gen_layout: $B/obj/scripts/gen_layout.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# ---- installing ----

GDB_DIR := $(DATADIR)/pyleak
GDB_FILES := $(shell find gdbext/pyleak_gdb -name '*.py' 2>/dev/null | sort)

install: all
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)' \
		'$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(GDB_DIR)'
	install -m 755 $(PROGRAM) '$(DESTDIR)$(BINDIR)/pyleak'
	install -m 644 $(SHARED) '$(DESTDIR)$(LIBDIR)/libpyleak.so.$(VERSION)'
	ln -sf libpyleak.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/libpyleak.so.$(SOVERSION)'
	ln -sf libpyleak.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/libpyleak.so'
	install -m 644 cscan/include/pyleak.h '$(DESTDIR)$(INCLUDEDIR)/pyleak.h'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@PACKAGES@|$(PACKAGES)|' cscan/api/pyleak.pc.in \
		> '$(DESTDIR)$(LIBDIR)/pkgconfig/pyleak.pc'
	install -m 644 $(MAN) '$(DESTDIR)$(MANDIR)/man1/pyleak.1'
	install -m 644 pyleak.gdb '$(DESTDIR)$(GDB_DIR)/pyleak.gdb'
	install -m 644 cscan/report/triage.schema.json '$(DESTDIR)$(GDB_DIR)/triage.schema.json'
	for f in $(GDB_FILES:gdbext/%=%); do \
		install -D -m 644 gdbext/$$f '$(DESTDIR)$(GDB_DIR)'/$$f || exit 1; \
	done

uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/pyleak' '$(DESTDIR)$(LIBDIR)/libpyleak.so' \
		'$(DESTDIR)$(LIBDIR)/libpyleak.so.$(SOVERSION)' \
		'$(DESTDIR)$(LIBDIR)/libpyleak.so.$(VERSION)' \
		'$(DESTDIR)$(LIBDIR)/pkgconfig/pyleak.pc' '$(DESTDIR)$(INCLUDEDIR)/pyleak.h' \
		'$(DESTDIR)$(MANDIR)/man1/pyleak.1'
	rm -rf '$(DESTDIR)$(GDB_DIR)'

clean:
	rm -rf build

-include $(LIB_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $B/obj/cscan/cli/man.d \
	$(TEST_SOURCES:%.c=$B/obj/%.d) $(TEST_SUPPORT:%.c=$B/obj/%.d) $(FUZZ_SOURCES:%.c=$B/obj/%.d) \
	$B/obj/scripts/gen_layout.d
